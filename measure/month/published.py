"""What was published before, and what may be published now.

Whoever keeps old editions can subtract them from new ones. So every published cell is remembered (`published_cell`):
what was hidden once stays hidden, what was shown counts as known, and a count that was shown may not change by less
than the threshold: the difference would be a small count. Months of the trend that are out already are repeated word
for word, which tells nothing new.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from charter import kpi
from charter.calendar import OpeningHours
from charter.disclosure import Cell, Hiding, Rules, Shown, Unprotected, said
from common.command_line import Refusal
from measure.month import audit, cells
from measure.month.cells import Calls
from measure.month.data import DAY, TREND_MONTHS, Data, trend
from measure.month.period import Month
from registry.db import schema

REPORT = "month"
Earlier = Mapping[Cell, int | None]  # None: hidden


class Edition(NamedTuple):
    """A month as the public may see it, and what is new in it."""

    shown: Shown
    hiding: Hiding


def earlier(connection: Connection, month: Month) -> dict[Cell, int | None]:
    """Every cell that was published and that this month's report could show, or be linked with."""
    table = schema.published_cell.c
    first, last = (month.later(n).code for n in (-TREND_MONTHS, TREND_MONTHS))
    near = select(table.period, table.row_key, table.n).where(
        table.report == REPORT, table.period >= first, table.period <= last
    )
    # A month's own edition has the last word about it.
    rows = sorted(connection.execute(near), key=lambda row: row.period == month.code)
    return {_cell(row.row_key): row.n for row in rows}


def settled(data: Data, hours: OpeningHours) -> Data:
    """A month without what is not known of all its calls yet: whether their callers call again."""
    known = data.month.span(hours).until + (kpi.WITHIN_DAYS + 1) * DAY
    return data if data.now >= known else data._replace(first_contact=kpi.ratio(data.first_contact.name, 0, 0))


def edition(data: Data, calls: Calls, hours: OpeningHours, rules: Rules, before: Earlier) -> Edition:
    """Hide what must be hidden, and prove that it is. Raises `Refusal` when it cannot be, or the month is not over."""
    until = data.month.span(hours).until
    if data.now < until:
        raise Refusal(f"{data.month.code}: not over yet; what is published would change. --audience internal shows it")
    out = {month for key in before if dict(key)["of"] == "requests" for month in [dict(key)["when"]]}
    months = [each.code for each in trend(data.month)]
    new = [code for code in months if code == data.month.code or code not in out]
    linked = cells.everything(data, calls, hours, new)
    known = {key: count for key, count in before.items() if key in linked.counts}
    _unchanged(data.month, known, linked.counts, rules)
    try:
        hiding = Hiding(
            linked,
            rules,
            shown=[key for key, count in known.items() if count is not None],
            hidden=[key for key, count in known.items() if count is None],
        )
        shown = audit.protect(hiding)
    except Unprotected as problem:
        raise Refusal(
            f"{data.month.code}: not published: {said(problem.cell)} could be worked out, for what it follows from was "
            "published before; a higher --threshold hides more"
        ) from None
    _proved(hiding, shown)
    repeated = {key: count for key, count in before.items() if key not in linked.counts and _of_trend(key, months)}
    counts = {**linked.counts, **{key: count or 0 for key, count in repeated.items()}}
    hidden = {*shown.hidden, *(key for key, count in repeated.items() if count is None)}
    return Edition(Shown(counts, hidden, rules), hiding)


def inside(data: Data, calls: Calls, hours: OpeningHours) -> Shown:
    """Everything, for those who run the service."""
    return Shown(cells.everything(data, calls, hours, [each.code for each in trend(data.month)]).counts)


def keep(connection: Connection, month: Month, found: Edition) -> None:
    """Remember what is published now."""
    table = schema.published_cell
    why = found.hiding.why
    rows = [
        {
            "report": REPORT,
            "period": month.code,
            "row_key": json.dumps(key),
            "col_key": dict(key)["of"],
            "n": None if key in why else count,
            "suppressed": why.get(key),
        }
        for key, count in found.hiding.linked.counts.items()
    ]
    connection.execute(delete(table).where(table.c.report == REPORT, table.c.period == month.code))
    connection.execute(insert(table), rows)


def _unchanged(month: Month, known: Earlier, counts: Mapping[Cell, int], rules: Rules) -> None:
    small = [
        key
        for key, count in known.items()
        if (counts[key] == 0 if count is None else 0 < abs(counts[key] - count) < rules.threshold)
    ]
    if small:
        raise Refusal(
            f"{month.code}: not published: since an earlier edition {len(small)} counts changed by fewer than "
            f"{rules.threshold} (first: {said(min(small))}), and the difference would point at few people; "
            "the edition that is out stands"
        )


def _proved(hiding: Hiding, shown: Shown) -> None:
    """The last look before anything is written: no small count is shown, and nothing hidden can be worked out."""
    linked, rules = hiding.linked, hiding.rules
    small = [key for key, count in linked.counts.items() if 0 < count < rules.threshold and key not in shown.hidden]
    narrow = audit.narrow(linked, shown.hidden, rules)
    if small or narrow:
        raise Refusal(f"not published: the check before writing failed at {said(min([*small, *narrow]))}")


def _of_trend(key: Cell, months: Collection[str]) -> bool:
    codes = dict(key)
    return codes["of"] == "requests" and codes.get("when") in months and set(codes) <= {"of", "when", "topic"}


def _cell(text: str) -> Cell:
    return tuple((name, code) for name, code in json.loads(text))
