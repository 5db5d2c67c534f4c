"""Weekly figures of single operators, for sites with an agreement that allows them (art. 4 L. 300/1970).

Near-real-time figures of a worker are monitoring that cannot be authorised (INL, circular 4/2017). Therefore only
complete weeks are shown, from Monday to Sunday, that are over and began under the agreement. Operators with few calls
in a week are left out, so that no single call can be recognized. Operators are sorted by code, never by figures.

The table of visits does not contain who answered; that is read from the stored lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import Connection, select

from charter import kpi
from charter.promises import end_of_day
from ivr.switch_logs.visits import find_visits
from measure.month.period import ONE_DAY, Month, Span
from measure.switch import tables
from measure.switch.kpi_visits import kpi_visit
from measure.switch.queue_log_lines import StoredLine
from measure.switch.service_queue import ServiceQueue
from registry.db.schema import queue_visit

MIN_CALLS = 20  # of an operator in a week; below, nothing is shown
PSEUDONYM = re.compile(r"op[0-9]{1,6}", re.ASCII)  # any other member in a log could be a name

VISIT = queue_visit.c


class Row(NamedTuple):
    """An operator's week. `handling` is over the calls whose length is known, without a value if these are too few."""

    operator: str
    answered: int
    handling: kpi.Figure


class Week(NamedTuple):
    """One week. `state` is "open" if it is not over, "before" if it began before the agreement was signed."""

    first: date
    last: date
    state: Literal["shown", "open", "before"]
    rows: tuple[Row, ...] = ()
    few: int = 0  # operators left out because they have fewer than `MIN_CALLS` calls
    unknown: int = 0  # answered calls without a known pseudonym

    @property
    def code(self) -> str:
        """The ISO 8601 week: 2026-W41."""
        year, week, _ = self.first.isocalendar()
        return f"{year}-W{week:02}"


def operator_weeks(
    connection: Connection, month: Month, queue: ServiceQueue, signed: date, now: float
) -> Iterator[Week]:
    """The weeks whose Thursday is in the month; as with the years of ISO 8601, each week is in one month."""
    for thursday in (day for day in month.days if day.weekday() == 3):
        first, last = thursday - timedelta(days=3), thursday + timedelta(days=3)
        span = Span(end_of_day(first - ONE_DAY, queue.hours), end_of_day(last, queue.hours))
        if span.until > now:
            yield Week(first, last, "open")
        elif first < signed:
            yield Week(first, last, "before")
        else:
            yield _shown(Week(first, last, "shown"), by_operator(connection, span, queue.name))


def by_operator(connection: Connection, span: Span, queue: str) -> dict[str, list[kpi.Visit]]:
    """The answered visits at a queue, of a span in service hours, by pseudonym, or "" if it is not known."""
    columns = (VISIT.unique_id, VISIT.visit_no, VISIT.entered_at, VISIT.fate, VISIT.wait_s, VISIT.talk_s)
    within = (VISIT.entered_at >= span.start, VISIT.entered_at < span.until, VISIT.in_service == 1)
    taken = connection.execute(
        select(*columns).where(*within, VISIT.queue == queue, VISIT.fate.in_(("answered", "talking")))
    ).all()
    who = _answered_by(connection, {row.unique_id for row in taken})
    visits: dict[str, list[kpi.Visit]] = {}
    for call, number, entered, fate, wait, talk in taken:
        visit = kpi_visit(entered, fate, wait, talk, "")
        if visit is not None:
            visits.setdefault(who.get((call, number), ""), []).append(visit)
    return visits


def _answered_by(connection: Connection, calls: set[str]) -> dict[tuple[str, int], str]:
    """The pseudonym by call and visit number. Switch restarts are ignored: they change neither."""
    events: dict[str, list[StoredLine]] = {}
    for line in tables.lines_of(connection, calls):
        events.setdefault(line.call, []).append(line)
    stays = (stay for each in events.values() for stay in find_visits(filter(None, (line.event() for line in each))))
    return {(stay.call, stay.number): stay.operator for stay in stays if PSEUDONYM.fullmatch(stay.operator)}


def _shown(week: Week, visits: dict[str, list[kpi.Visit]]) -> Week:
    unknown = len(visits.pop("", ()))
    rows = [_row(operator, each) for operator, each in sorted(visits.items()) if len(each) >= MIN_CALLS]
    return week._replace(rows=tuple(rows), few=len(visits) - len(rows), unknown=unknown)


def _row(operator: str, visits: list[kpi.Visit]) -> Row:
    handling = kpi.handling_time(visits)
    if handling.denominator < MIN_CALLS:
        handling = kpi.ratio(handling.name, 0, 0)
    return Row(operator, int(kpi.tally(visits).answered), handling)
