"""One stay that Asterisk logged under two channels, as after an attended transfer into the queue.

The operator's channel enters the queue; when the transfer is complete, the caller takes its place, and Asterisk logs
the rest under the caller's UNIQUEID. So one call has a beginning without an end, the other an end without a beginning.
The ended half becomes the visit, with the position of the begun one, and its caller if the number is not known
otherwise; the fate of the begun half is then `joined`: it is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, and_, func, select, update

from ivr.switch_logs.visits import Visit, joins
from registry.db.schema import queue_visit

VISIT = queue_visit.c


def join_halves(connection: Connection, visit: Visit, others: Iterable[Visit]) -> None:
    """Join the stored rows of a visit and of the first of the `others` that is its other half."""
    for other in others:
        if joins(visit, other):
            return _join(connection, visit, other)
        if joins(other, visit):
            return _join(connection, other, visit)
    return None


def _join(connection: Connection, begun: Visit, ended: Visit) -> None:
    row = connection.execute(select(VISIT.in_service, VISIT.caller_hash).where(_key(begun))).first()
    if row is None:
        return
    beginning = {
        "entered_at": begun.entered, "in_service": row.in_service, "position": begun.position,
        "caller_hash": func.coalesce(VISIT.caller_hash, row.caller_hash),
    }  # fmt: skip
    connection.execute(update(queue_visit).where(_key(ended)).values(**beginning))
    nothing = {"fate": "joined", "left_at": None, "wait_s": None, "talk_s": None, "ring_s": None}
    connection.execute(update(queue_visit).where(_key(begun)).values(**nothing))


def _key(visit: Visit) -> ColumnElement[bool]:
    return and_(VISIT.unique_id == visit.call, VISIT.visit_no == visit.number)
