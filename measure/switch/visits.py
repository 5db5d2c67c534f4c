"""Visits as `charter.kpi` judges them: the same formulas for the live service as for the model."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sqlalchemy import Connection, select

from charter import kpi
from registry.db.schema import queue_visit

VISIT = queue_visit.c
# What Asterisk and the registry tell apart, and the measures do not.
FATES: dict[str, kpi.Fate] = {
    **{fate: fate for fate in kpi.FATES},
    "talking": "answered",  # for how long, nobody knows yet
    "withdrawn": "empty",  # the house took him out of the queue, and led him to the voicemail
}


def kpi_visit(entered: float, fate: str, wait: float | None, talk: float | None, topic: str) -> kpi.Visit | None:
    """One visit, or None for somebody who is still waiting. Wrap-up is not in the queue_log: None.

    How long a caller waited whom a start of the switch lost is not known: he counts as offered, his wait is NaN.
    """
    known = FATES.get(fate)
    if wait is None:
        wait = math.nan if known == "lost" else 0.0
    return None if known is None else kpi.Visit(entered, known, wait, talk, None, topic)


def visits(connection: Connection, start: float, until: float, queue: str | None = None) -> Iterator[kpi.Visit]:
    """The visits that began in [start, until), in service hours: those that the measures are of."""
    wanted = (
        select(VISIT.entered_at, VISIT.fate, VISIT.wait_s, VISIT.talk_s, VISIT.topic_code)
        .where(VISIT.entered_at >= start, VISIT.entered_at < until, VISIT.in_service == 1)
        .order_by(VISIT.entered_at, VISIT.unique_id, VISIT.visit_no)
    )
    if queue is not None:
        wanted = wanted.where(VISIT.queue == queue)
    for entered, fate, wait, talk, topic in connection.execute(wanted):
        found = kpi_visit(entered, fate, wait, talk, topic)
        if found is not None:
            yield found
