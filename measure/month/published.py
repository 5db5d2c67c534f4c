"""Earlier publications, and what may be published now.

Readers can subtract old editions from new ones. So every published cell is stored (`published_cell`): a hidden cell
stays hidden, a shown cell counts as known, and a shown count may not change by less than the threshold, because the
difference would be a small count. Published months of the trend are repeated unchanged, which reveals nothing new.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from charter import kpi
from charter.calendar import OpeningHours
from charter.disclosure import Cell, Hiding, Rules, Shown, Unprotected, cell_text
from common.command_line import Refusal
from measure.month import audit, cells
from measure.month.cells import Calls
from measure.month.data import TREND_MONTHS, Data, trend
from measure.month.period import Month
from measure.tables import published_cell
from registry.site import DAY

REPORT = "month"
Earlier = Mapping[Cell, int | None]  # None: hidden


class Edition(NamedTuple):
    """A month as the public may see it, and its new cells."""

    shown: Shown
    hiding: Hiding


def earlier(connection: Connection, month: Month) -> dict[Cell, int | None]:
    """Every published cell that this month's report could show or be linked with."""
    table = published_cell.c
    first, last = (month.later(n).code for n in (-TREND_MONTHS, TREND_MONTHS))
    near = select(table.period, table.row_key, table.n).where(
        table.report == REPORT, table.period >= first, table.period <= last
    )
    # The month's own edition comes last and takes precedence.
    rows = sorted(connection.execute(near), key=lambda row: row.period == month.code)
    return {_cell(row.row_key): row.n for row in rows}


def settled(data: Data, hours: OpeningHours) -> Data:
    """The month without the first-contact figure until it is known of all calls whether the caller called again."""
    known = data.month.span(hours).until + (kpi.WITHIN_DAYS + 1) * DAY
    return data if data.now >= known else data._replace(first_contact=kpi.ratio(data.first_contact.name, 0, 0))


def edition(data: Data, calls: Calls, hours: OpeningHours, rules: Rules, before: Earlier) -> Edition:
    """Hide cells as the rules require, and prove their protection. Raises `Refusal` if that is impossible, or if the
    month is not over."""
    until = data.month.span(hours).until
    if data.now < until:
        raise Refusal(f"{data.month.code}: not over yet, and its figures would change; use --audience internal")
    out = {month for key in before if dict(key)["of"] == "requests" for month in [dict(key)["when"]]}
    months = [each.code for each in trend(data.month)]
    new = [code for code in months if code == data.month.code or code not in out]
    linked = cells.everything(data, calls, hours, new)
    known = {key: count for key, count in before.items() if key in linked.counts}
    _check_changes(data.month, known, linked.counts, rules)
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
            f"{data.month.code}: not published: {cell_text(problem.cell)} could be calculated from counts that were "
            "published before; a higher --threshold hides more"
        ) from None
    _check_protection(hiding, shown)
    repeated = {key: count for key, count in before.items() if key not in linked.counts and _of_trend(key, months)}
    counts = {**linked.counts, **{key: count or 0 for key, count in repeated.items()}}
    hidden = {*shown.hidden, *(key for key, count in repeated.items() if count is None)}
    return Edition(Shown(counts, hidden, rules), hiding)


def show_all(data: Data, calls: Calls, hours: OpeningHours) -> Shown:
    """Every count, for internal reports."""
    return Shown(cells.everything(data, calls, hours, [each.code for each in trend(data.month)]).counts)


def record(connection: Connection, month: Month, edition: Edition) -> None:
    """Store the cells of an edition as published."""
    table = published_cell
    why = edition.hiding.why
    rows = [
        {
            "report": REPORT,
            "period": month.code,
            "row_key": json.dumps(key),
            "col_key": dict(key)["of"],
            "n": None if key in why else count,
            "suppressed": why.get(key),
        }
        for key, count in edition.hiding.linked.counts.items()
    ]
    connection.execute(delete(table).where(table.c.report == REPORT, table.c.period == month.code))
    connection.execute(insert(table), rows)


def _check_changes(month: Month, known: Earlier, counts: Mapping[Cell, int], rules: Rules) -> None:
    """Raises `Refusal` if a published count changed by less than the threshold."""
    small = [
        key
        for key, count in known.items()
        if (counts[key] == 0 if count is None else 0 < abs(counts[key] - count) < rules.threshold)
    ]
    if small:
        raise Refusal(
            f"{month.code}: not published: since an earlier edition {len(small)} counts changed by less than "
            f"{rules.threshold} (first: {cell_text(min(small))}), and the difference would reveal a small count; "
            "the published edition stays valid"
        )


def _check_protection(hiding: Hiding, shown: Shown) -> None:
    """A final check before anything is written: no small count is shown, and hidden counts are protected."""
    linked, rules = hiding.linked, hiding.rules
    small = [key for key, count in linked.counts.items() if 0 < count < rules.threshold and key not in shown.hidden]
    narrow = audit.narrow(linked, shown.hidden, rules)
    if small or narrow:
        raise Refusal(f"not published: the check before writing failed at {cell_text(min([*small, *narrow]))}")


def _of_trend(key: Cell, months: Collection[str]) -> bool:
    codes = dict(key)
    return codes["of"] == "requests" and codes.get("when") in months and set(codes) <= {"of", "when", "topic"}


def _cell(text: str) -> Cell:
    return tuple((name, code) for name, code in json.loads(text))
