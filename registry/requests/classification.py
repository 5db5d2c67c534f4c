"""Classification: what a request was about, who asked, how it ended, which level answered. A judgement of a person.

The intake knows only facts: which topic the caller chose in the menu, and that an operator answered. So the request of
an answered call is closed as `unclassified` until somebody classifies it. Topic and audience can be corrected at any
time; outcome and level once a request is closed, because until then the actions on it decide them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, update

from common.command_line import Refusal
from registry import text_input
from registry.db import schema
from registry.requests import history
from registry.requests.actions import Conflict, conflict
from registry.requests.clocks import Rules
from registry.requests.deadlines import add_remark
from registry.requests.notes import add_note
from registry.requests.opening import check_topics
from registry.requests.request import Request, check_outcome, get_request
from registry.requests.transitions import LEVELS
from registry.texts import translate

clock = schema.sla_clock


class Classification(NamedTuple):
    """What is set; None keeps what the request has."""

    topic: str | None = None
    audience: str | None = None
    outcome: str | None = None
    level: int | None = None


def classify(
    connection: Connection,
    rules: Rules,
    which: str,
    actor: str,
    now: float,
    given: Classification,
    *,
    expected_version: int | None = None,
    note: str | None = None,
) -> Request:
    """Set what is given, as one event of the history; return the request as it is afterwards.

    Raises `Refusal` for a value that is not valid or does not fit the state, `Conflict` when somebody else was faster.
    """
    text_input.check_actor(actor)
    request = get_request(connection, which)
    latest = history.last_event(connection, request.request_id, request.version)
    if expected_version is not None and expected_version != request.version:
        raise conflict(request, latest, rules)
    _check(connection, rules, request, given, actor)
    current = Classification(request.topic_code, request.audience, request.outcome, request.level)
    pairs = zip(Classification._fields, given, current, strict=True)
    changes: dict[str, Any] = {name: new for name, new, old in pairs if new is not None and new != old}
    at = max(now, latest.at)
    if changes:
        after = add_remark(connection, request, "classify", actor, at, changes, level=given.level)
        if after is None:
            raise _changed_meanwhile(connection, rules, request)
        topic, audience = given.topic or request.topic_code, given.audience or request.audience
        this_one = schema.request.c.request_id == request.request_id
        connection.execute(update(schema.request).where(this_one).values(topic_code=topic, audience=audience))
        if "outcome" in changes:
            _correct_clocks(connection, after)
        request = after._replace(topic_code=topic, audience=audience)
    if note is not None:
        add_note(connection, request.request_id, note, actor, at)
    return request


def _check(connection: Connection, rules: Rules, request: Request, given: Classification, actor: str) -> None:
    if all(value is None for value in given):
        raise Refusal(translate("classify: nothing to set; give --topic, --audience, --outcome or --level"))
    if given.topic is not None:
        check_topics(connection, {text_input.check_code(given.topic, "topic")})
    if given.audience is not None:
        text_input.check_choice(given.audience, schema.AUDIENCES, "audience")
    if given.outcome is not None:
        check_outcome(given.outcome, actor)
        if request.state != "closed":
            raise Refusal(
                translate(
                    "outcome: {protocol} is {state}; `registry close` ends it with an outcome",
                    protocol=request.protocol,
                    state=request.state,
                )
            )
        if request.outcome == "duplicate":
            raise Refusal(
                translate(
                    "outcome: {protocol} is a duplicate; classify the request that it was merged into",
                    protocol=request.protocol,
                )
            )
    if given.level is not None:
        levels = LEVELS if rules.third_level else LEVELS[:2]
        text_input.check_choice(str(given.level), [str(level) for level in levels], "level")
        if request.state != "closed":
            raise Refusal(
                translate(
                    "level: {protocol} is {state}; `registry escalate` and `return` move it",
                    protocol=request.protocol,
                    state=request.state,
                )
            )


def _changed_meanwhile(connection: Connection, rules: Rules, request: Request) -> Conflict:
    current = get_request(connection, request.request_id)
    return conflict(current, history.last_event(connection, current.request_id, current.version), rules)


def _correct_clocks(connection: Connection, request: Request) -> None:
    """A clock that closing stopped counts as answered or not, as the outcome now says."""
    reason = "answered" if request.outcome in history.ANSWERING else "closed"
    ended_by_closing = (clock.c.stopped_at == request.closed_at) & clock.c.stop_reason.in_(("answered", "closed"))
    this_one = (clock.c.request_id == request.request_id) & ended_by_closing
    connection.execute(update(clock).where(this_one).values(stop_reason=reason))
