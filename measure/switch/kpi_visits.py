"""Stored visits as records of `charter.kpi`, so that the live service and the model share every formula."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from sqlalchemy import Connection, select

from charter import kpi
from registry.db.schema import queue_visit

VISIT = queue_visit.c
# Stored fates that the KPI formulas do not distinguish; not `waiting`, nor `joined`, the half of another visit.
FATES: dict[str, kpi.Fate] = {
    **{fate: fate for fate in kpi.FATES},
    "talking": "answered",  # the length is not known yet
    "withdrawn": "empty",  # the service removed the caller from the queue and sent them to the voicemail
}


def kpi_visit(
    entered: float, fate: str, wait: float | None, talk: float | None, topic: str, over_before: float = -math.inf
) -> kpi.Visit | None:
    """One visit, or None for a caller who is still waiting. Wrap-up is None: the queue_log does not contain it.

    A caller who has waited since before `over_before` has left, and the end is unknown. An unknown wait is NaN; the
    visit counts as offered.
    """
    known: kpi.Fate | None = FATES.get(fate)
    if fate == "waiting" and entered < over_before:
        known = "unknown"
    return None if known is None else kpi.Visit(entered, known, math.nan if wait is None else wait, talk, None, topic)


def visits(
    connection: Connection,
    start: float,
    until: float,
    queue: str,
    calls: Collection[str] | None = None,
) -> Iterator[kpi.Visit]:
    """The visits at a queue that began in [start, until) in service hours, the only ones that KPIs count.

    Of the calls with these UNIQUEIDs only, if given.
    """
    query = (
        select(VISIT.entered_at, VISIT.fate, VISIT.wait_s, VISIT.talk_s, VISIT.topic_code)
        .where(VISIT.queue == queue, VISIT.entered_at >= start, VISIT.entered_at < until, VISIT.in_service == 1)
        .order_by(VISIT.entered_at, VISIT.unique_id, VISIT.visit_no)
    )
    if calls is not None:
        query = query.where(VISIT.unique_id.in_(calls))
    for entered, fate, wait, talk, topic in connection.execute(query):
        visit = kpi_visit(entered, fate, wait, talk, topic)
        if visit is not None:
            yield visit
