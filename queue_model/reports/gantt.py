"""The rota of a week as a Gantt chart: a row per person, a bar per shift, breaks in a light colour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape

from pages.colours import DARK, GREEN, GRID, INK, LIGHT, ORANGE, PALE, PLUM, SOFT
from queue_model.planning.rota import Duty

LEFT, TOP, ROW, DAY, GAP = 44, 34, 17, 118, 6
INKS = (DARK, GREEN, ORANGE, PLUM, SOFT)  # colours of the kinds of shift, in this order


def colours(kinds: Sequence[str]) -> dict[str, str]:
    """A colour for each kind of shift."""
    return {kind: INKS[n % len(INKS)] for n, kind in enumerate(kinds)}


def week(
    title: str, people: Sequence[str], days: Sequence[date], heads: Sequence[str], duties: Sequence[Duty],
    fills: dict[str, str],
) -> str:  # fmt: skip
    """The duties of these days, with `heads` above the days. All days have the same hours."""
    first = min((duty.pattern.shift.start for duty in duties), default=0) // 60 * 60
    last = -(-max((duty.pattern.shift.end for duty in duties), default=24 * 60) // 60) * 60
    width, height = LEFT + (DAY + GAP) * len(days), TOP + ROW * len(people) + 6
    lines = [
        f"<svg viewBox='0 0 {width} {height}' role='img' font-size='11' style='min-width:{width * 0.8:.0f}px;"
        f"max-width:none'><title>{escape(title)}</title>"
    ]

    def x(day: date, minute: int) -> float:
        return LEFT + (DAY + GAP) * days.index(day) + (minute - first) / (last - first) * DAY

    for day, head in zip(days, heads, strict=True):
        lines.append(
            f"<rect x='{x(day, first):.1f}' y='{TOP}' width='{DAY}' height='{ROW * len(people)}' fill='{PALE}'/>"
        )
        lines.append(_text(x(day, first) + DAY / 2, 13, head, "middle", INK))
        for minute, anchor in ((first, "start"), (last, "end")):
            lines.append(_text(x(day, minute), 28, f"{minute // 60}", anchor, SOFT))
    for n, code in enumerate(people):
        y = TOP + ROW * n
        lines.append(_text(LEFT - 6, y + 13, code, "end", INK))
        lines.append(f"<path d='M0 {y + ROW}H{width}' stroke='{GRID}'/>")
    place = {code: TOP + ROW * n for n, code in enumerate(people)}
    for duty in duties:
        shift, top = duty.pattern.shift, place[duty.person] + 2.5
        spans = [(shift.start, shift.end, fills[shift.kind]), *((a, b, LIGHT) for a, b in duty.pattern.breaks)]
        for begin, end, fill in spans:
            wide = x(duty.day, end) - x(duty.day, begin)
            lines.append(f"<rect x='{x(duty.day, begin):.1f}' y='{top}' width='{wide:.1f}' height='12' fill='{fill}'/>")
    return "\n".join([*lines, "</svg>"])


def _text(x: float, y: float, text: str, anchor: str, fill: str) -> str:
    return f"<text x='{x:.1f}' y='{y}' text-anchor='{anchor}' fill='{fill}'>{escape(text)}</text>"
