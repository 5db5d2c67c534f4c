"""Weeks of single operators, for a site with an agreement that allows to look at them (art. 4 L. 300/1970).

Near-real-time figures of a worker are monitoring that nobody can authorise (INL, circular 4/2017). So there are whole
weeks only, from Monday to Sunday, that are over and began under the agreement; weeks of few calls are left out, so that
no single call is seen. Operators stand in the order of their codes, never of their figures.

Who answered is in no table of visits: it is read here, from the lines that they were made of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import Connection, select

from charter import kpi
from charter.calendar import OpeningHours
from charter.promises import end_of_day
from ivr.switch_logs.visits import visits_of
from measure.month.period import ONE_DAY, Month, Span
from measure.switch import tables
from measure.switch.lines import Kept
from measure.switch.visits import kpi_visit
from registry.db.schema import queue_visit

LEAST = 20  # calls of an operator in a week; of fewer nothing is shown
PSEUDONYM = re.compile(r"op[0-9]{1,6}", re.ASCII)  # whatever else a log has as a member could be a name

VISIT = queue_visit.c


class Row(NamedTuple):
    """An operator's week. `handling`: of the calls whose length is known; no value when these are too few."""

    operator: str
    answered: int
    handling: kpi.Figure


class Week(NamedTuple):
    """`state`: why nothing is shown of it: it is not over, or began before the agreement was signed."""

    first: date
    last: date
    state: Literal["shown", "open", "before"]
    rows: tuple[Row, ...] = ()
    few: int = 0  # operators that are left out: with fewer calls than `LEAST`
    unknown: int = 0  # answered calls of which no pseudonym is known

    @property
    def code(self) -> str:
        """As ISO 8601 has it: 2026-W41."""
        year, week, _ = self.first.isocalendar()
        return f"{year}-W{week:02}"


def weeks(connection: Connection, month: Month, hours: OpeningHours, signed: date, now: float) -> Iterator[Week]:
    """The weeks of a month: those whose Thursday lies in it, as ISO 8601 gives weeks to years; each is in one month."""
    for thursday in (day for day in month.days if day.weekday() == 3):
        first, last = thursday - timedelta(days=3), thursday + timedelta(days=3)
        span = Span(end_of_day(first - ONE_DAY, hours), end_of_day(last, hours))
        if span.until > now:
            yield Week(first, last, "open")
        elif first < signed:
            yield Week(first, last, "before")
        else:
            yield _shown(Week(first, last, "shown"), by_operator(connection, span))


def by_operator(connection: Connection, span: Span) -> dict[str, list[kpi.Visit]]:
    """The answered visits of a span, in service hours, by pseudonym; "" for those of which none is known."""
    columns = (VISIT.unique_id, VISIT.visit_no, VISIT.entered_at, VISIT.fate, VISIT.wait_s, VISIT.talk_s)
    within = (VISIT.entered_at >= span.start, VISIT.entered_at < span.until, VISIT.in_service == 1)
    taken = connection.execute(select(*columns).where(*within, VISIT.fate.in_(("answered", "talking")))).all()
    who = _answered_by(connection, {row.unique_id for row in taken})
    found: dict[str, list[kpi.Visit]] = {}
    for call, number, entered, fate, wait, talk in taken:
        visit = kpi_visit(entered, fate, wait, talk, "")
        if visit is not None:
            found.setdefault(who.get((call, number), ""), []).append(visit)
    return found


def _answered_by(connection: Connection, calls: set[str]) -> dict[tuple[str, int], str]:
    """The pseudonym by call and number of the stay; restarts of the switch end stays, and change neither."""
    events: dict[str, list[Kept]] = {}
    for line in tables.lines_of(connection, calls):
        events.setdefault(line.call, []).append(line)
    stays = (stay for each in events.values() for stay in visits_of(filter(None, (line.event() for line in each))))
    return {(stay.call, stay.number): stay.operator for stay in stays if PSEUDONYM.fullmatch(stay.operator)}


def _shown(week: Week, visits: dict[str, list[kpi.Visit]]) -> Week:
    unknown = len(visits.pop("", ()))
    rows = [_row(operator, each) for operator, each in sorted(visits.items()) if len(each) >= LEAST]
    return week._replace(rows=tuple(rows), few=len(visits) - len(rows), unknown=unknown)


def _row(operator: str, visits: list[kpi.Visit]) -> Row:
    handling = kpi.handling_time(visits)
    if handling.denominator < LEAST:
        handling = kpi.ratio(handling.name, 0, 0)
    return Row(operator, int(kpi.tally(visits).answered), handling)
