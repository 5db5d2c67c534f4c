"""The stored data of one month. Every query uses an index, so that its time does not grow with the history.

No contacts, notes or operators are read. Callers are the keyed hashes of `queue_visit`; they are only used to find
repeated calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select

from charter import kpi
from charter.promises import Backlog, Clock, Deferred, Promise, backlog
from common.languages import Language
from measure.month.period import Month, Span
from measure.switch.kpi_visits import kpi_visit
from measure.switch.service_queue import ServiceQueue
from registry.db import schema
from registry.requests.clocks import read_due
from registry.requests.request import UNCLASSIFIED
from registry.site import DAY

PROMISES = ("EMAIL", "SECOND_LEVEL", "CALLBACK")
TREND_MONTHS = 12
LATEST = 366 * DAY  # requests closed later than this after their due date are missing from earlier backlogs
SELF_SERVICE = "informed"  # the outcome of a request that the menu answered


class Request(NamedTuple):
    """A request and its result."""

    topic: str
    audience: str
    channel: str
    level: int
    outcome: str | None
    interactions: int


class Data(NamedTuple):
    """A month as it is known at `now`."""

    month: Month
    now: float
    at: float  # `now`, or the end of the month if that is earlier
    visits: list[kpi.Visit]  # in service hours
    outside: int  # visits outside them
    first_contact: kpi.Figure
    requests: list[Request]
    requests_by_month: dict[str, Counter[str]]  # month -> topic -> requests; `TREND_MONTHS`, this one last
    promises: dict[str, Promise]
    due: dict[str, list[Deferred]]  # promise -> requests that were due in the month, up to `at`
    late: dict[str, Backlog]  # promise -> requests overdue at `at`
    callbacks: Counter[str]  # messages by result: reached, ended, waiting
    responses: int
    answers: dict[str, Counter[int]]  # question -> value -> answers
    topics: dict[str, dict[Language, str]]  # code -> its name
    scales: Mapping[str, kpi.Scale]  # of the questions of the survey

    def scale(self, question: str) -> kpi.Scale:
        """The scale of a question; that of a removed question is the shipped one."""
        return self.scales.get(question, kpi.SCALE)


def read_month(
    connection: Connection,
    month: Month,
    queue: ServiceQueue,
    now: float,
    scales: Mapping[str, kpi.Scale] = MappingProxyType({}),
) -> Data:
    """Read the data of a month: the visits at one queue, and all requests.

    `scales`: those of the questions that differ from 1 to 5.
    """
    span = month.span(queue.hours)
    visits, outside, contacts = _visits(connection, span, queue, now)
    at = min(now, span.until)
    return Data(
        month,
        now,
        at,
        visits,
        outside,
        kpi.first_contact_observed(contacts, span.start, span.until, now),
        _requests(connection, span),
        {each.code: _requests_by_topic(connection, each.span(queue.hours)) for each in trend(month)},
        _promises(connection),
        {each: read_due(connection, each, span.start, at) for each in PROMISES},
        {each: _backlog(connection, each, at) for each in PROMISES},
        _callbacks(connection, span),
        *_survey(connection, month),
        _topics(connection),
        scales,
    )


def trend(month: Month) -> list[Month]:
    """The months of the trend, oldest first; `month` is the last."""
    return [month.later(-n) for n in reversed(range(TREND_MONTHS))]


def has_visits(connection: Connection, month: Month, queue: ServiceQueue) -> bool:
    """Whether the queue has visits in the month."""
    span, table = month.span(queue.hours), schema.queue_visit.c
    within = and_(table.entered_at >= span.start, table.entered_at < span.until, table.queue == queue.name)
    return connection.execute(select(table.unique_id).where(within).limit(1)).first() is not None


def count_other_queues(connection: Connection, month: Month, queue: ServiceQueue) -> dict[str, int]:
    """The month's visits at the other queues of the switch, by queue."""
    span, table = month.span(queue.hours), schema.queue_visit.c
    within = and_(table.entered_at >= span.start, table.entered_at < span.until, table.queue != queue.name)
    query = select(table.queue, func.count()).where(within).group_by(table.queue).order_by(table.queue)
    return {row[0]: row[1] for row in connection.execute(query)}


def _visits(
    connection: Connection, span: Span, queue: ServiceQueue, now: float
) -> tuple[list[kpi.Visit], int, list[kpi.Contact]]:
    """The month's visits in service hours, the number outside them, and contacts until some days after the month."""
    table = schema.queue_visit.c
    columns = (
        table.entered_at, table.fate, table.wait_s, table.talk_s, table.left_at, table.topic_code, table.in_service,
        table.caller_hash,
    )  # fmt: skip
    until = span.until + kpi.WITHIN_DAYS * DAY + DAY  # one more day for the length of a call
    within = (table.entered_at >= span.start, table.entered_at < until, table.queue == queue.name)
    rows = connection.execute(select(*columns).where(*within))
    over_before = queue.over_before(now)
    visits: list[kpi.Visit] = []
    contacts: list[kpi.Contact] = []
    outside = 0
    for entered, stored, wait, talk, left, topic, in_service, who in rows.all():
        visit = kpi_visit(entered, stored, wait, talk, topic, over_before)
        if visit is None:  # still waiting, or half of another visit
            continue
        if who is not None:
            end = left if left is not None else entered + (wait or 0.0) + (talk or 0.0)
            contacts.append(kpi.Contact(who, topic, entered, end, visit.fate == "answered"))
        if entered >= span.until:
            continue
        if in_service:
            visits.append(visit)
        else:
            outside += 1
    return visits, outside, contacts


def _requests(connection: Connection, span: Span) -> list[Request]:
    request, touch = schema.request.c, schema.interaction.c
    touches = select(func.count()).where(touch.request_id == request.request_id).scalar_subquery()
    columns = (request.topic_code, request.audience, request.channel, request.level, request.outcome, touches)
    rows = connection.execute(select(*columns).where(_opened(span)))
    return [Request(*row) for row in rows.all()]


def handled(requests: list[Request]) -> list[kpi.Handled]:
    """The requests that a person handled, as far as their outcome is known."""
    return [
        kpi.Handled(each.level, each.outcome == "resolved", each.interactions)
        for each in requests
        if each.outcome not in (SELF_SERVICE, "duplicate", UNCLASSIFIED)
    ]


def _requests_by_topic(connection: Connection, span: Span) -> Counter[str]:
    request = schema.request.c
    query = select(request.topic_code, func.count()).where(_opened(span)).group_by(request.topic_code)
    return _counter(connection, query)


def _counter(connection: Connection, query: Select[Any]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for value, count in connection.execute(query):
        counts[value] = count
    return counts


def _opened(span: Span) -> ColumnElement[bool]:
    opened = schema.request.c.opened_at
    return and_(opened >= span.start, opened < span.until)


def _promises(connection: Connection) -> dict[str, Promise]:
    promises: dict[str, Promise] = {}
    for row in connection.execute(select(schema.promise)):
        clock: Clock = row.clock
        promises[row.promise_code] = Promise(row.promise_code, row.amount, clock, row.share)
    return promises


def _backlog(connection: Connection, promise: str, at: float) -> Backlog:
    """The requests overdue at an instant, without those whose clock was paused before it was due."""
    clock = schema.sla_clock.c
    open_then = or_(clock.stopped_at.is_(None), clock.stopped_at > at)
    late = and_(clock.promise_code == promise, clock.due_at < at)
    recent = and_(late, clock.due_at >= at - LATEST, open_then)
    old = and_(late, clock.due_at < at - LATEST, clock.stopped_at.is_(None))
    running = or_(clock.paused_at.is_(None), clock.paused_at >= clock.due_at)
    requests = [
        Deferred(row.due_at)
        for which in (recent, old)
        for row in connection.execute(select(clock.due_at).where(which, running))
    ]
    return backlog(requests, at)


def _callbacks(connection: Connection, span: Span) -> Counter[str]:
    """The results of the messages left in the month."""
    request, item, attempt = schema.request, schema.callback, schema.callback_attempt
    reached = (
        select(attempt.c.request_id)
        .where(attempt.c.request_id == request.c.request_id, attempt.c.result == "reached")
        .exists()
    )
    result = case((reached, "reached"), (item.c.state == "done", "ended"), else_="waiting")
    both = request.join(item, item.c.request_id == request.c.request_id)
    query = select(result, func.count()).select_from(both).where(_opened(span)).group_by(result)
    return _counter(connection, query)


def _survey(connection: Connection, month: Month) -> tuple[int, dict[str, Counter[int]]]:
    response, answer = schema.survey_response, schema.survey_answer
    first, last = month.days[0].isoformat(), month.days[-1].isoformat()
    taken = and_(response.c.taken_on >= first, response.c.taken_on <= last)
    count = connection.execute(select(func.count()).select_from(response).where(taken)).scalar_one()
    both = response.join(answer, answer.c.response_id == response.c.response_id)
    query = (
        select(answer.c.question, answer.c.value, func.count())
        .select_from(both)
        .where(taken)
        .group_by(answer.c.question, answer.c.value)
    )
    answers: dict[str, Counter[int]] = {}
    for question, value, number in connection.execute(query):
        answers.setdefault(question, Counter())[value] = number
    return count, dict(sorted(answers.items()))


def _topics(connection: Connection) -> dict[str, dict[Language, str]]:
    topic = schema.topic.c
    rows = connection.execute(select(topic.topic_code, topic.label_it, topic.label_en))
    return {code: {"it": italian, "en": english} for code, italian, english in rows}
