"""Charts of a report as SVG, without a library. They stand inside a page and use its font.

Their own units are small, so that text stays readable on a telephone. Colour alone carries no meaning: marks also
differ in shape or place, and each chart has a table beside it. The colours are safe for readers who do not see red or
green.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pages.colours import DARK, GRID, INK, LIGHT, ORANGE, PALE, SOFT
from pages.svg import bar, picture, text

WIDTH, HEIGHT = 420, 262
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 14, 26
LONGEST_NAME = 56  # characters that fit on a line


@dataclass(frozen=True)
class Axis:
    """The vertical axis: its ends, its marks, and how a mark is written."""

    low: float
    high: float
    marks: Sequence[float]
    mark_label: Callable[[float], str]

    def y(self, value: float) -> float:
        inside = min(max(value, self.low), self.high)
        return HEIGHT - BOTTOM - (inside - self.low) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)


def axis(high: float, mark_label: Callable[[float], str], low: float = 0.0) -> Axis:
    """An axis with four to six round marks that reaches at least `high`."""
    span = max(high - low, 1e-9)
    power = 10.0 ** _exponent(span)
    step = next(step * power for step in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0) if span / (step * power) <= 5.001)
    count = max(1, -int(-(span - 1e-9 * span) // step))
    return Axis(low, low + count * step, [low + step * n for n in range(count + 1)], mark_label)


def _exponent(span: float) -> int:
    exponent = 0
    while span >= 10.0 ** (exponent + 1):
        exponent += 1
    while span < 10.0**exponent:
        exponent -= 1
    return exponent


def workload(
    title: str, labels: Sequence[str], staff: Sequence[float], calls: Sequence[float], other: Sequence[float],
    mark_label: Callable[[float], str],
) -> str:  # fmt: skip
    """People at work as a stepped line; stacked bars below it show how many are busy with calls and other work."""
    scale = axis(max([*staff, *(a + b for a, b in zip(calls, other, strict=True)), 1.0]), mark_label)
    step = _step(labels)
    lines = []
    for n, (mine, more) in enumerate(zip(calls, other, strict=True)):
        x, width = LEFT + step * n + step * 0.12, step * 0.76
        lines.append(bar(x, scale.y(mine), width, scale.y(0) - scale.y(mine), DARK))
        lines.append(bar(x, scale.y(mine + more), width, scale.y(mine) - scale.y(mine + more), LIGHT))
    path = " ".join(f"{LEFT + step * (n + side):.1f},{scale.y(v):.1f}" for n, v in enumerate(staff) for side in (0, 1))
    lines.append(f"<polyline points='{path}' fill='none' stroke='{ORANGE}' stroke-width='2.5'/>")
    return _picture(title, [*_frame(scale, labels), *lines])


def levels(
    title: str, labels: Sequence[str], values: Sequence[float | None], ends: Sequence[tuple[float, float] | None],
    goal: float | None, mark_label: Callable[[float], str],
) -> str:  # fmt: skip
    """A dot with its interval for each half-hour; the goal is a dashed line."""
    seen = [v for v in values if v is not None] + [each[0] for each in ends if each] + ([goal] if goal else [])
    lowest = min(seen, default=0.0)
    low = next(edge for edge in (0.9, 0.8, 0.6, 0.5, 0.0) if edge < lowest or edge == 0.0)
    scale, step = axis(1.0, mark_label, low), _step(labels)
    lines = []
    if goal is not None:
        y = f"{scale.y(goal):.1f}"
        lines.append(
            f"<path d='M{LEFT} {y}H{WIDTH - RIGHT}' stroke='{ORANGE}' stroke-width='2' stroke-dasharray='6 4'/>"
        )
    for n, (value, both) in enumerate(zip(values, ends, strict=True)):
        x = LEFT + step * (n + 0.5)
        if both is not None:
            a, b = scale.y(both[0]), scale.y(both[1])
            lines.append(
                f"<path d='M{x:.1f} {a:.1f}V{b:.1f}M{x - 4:.1f} {a:.1f}h8M{x - 4:.1f} {b:.1f}h8' stroke='{DARK}' "
                "stroke-width='1.6' fill='none'/>"
            )
        if value is not None:
            lines.append(f"<circle cx='{x:.1f}' cy='{scale.y(value):.1f}' r='4' fill='{DARK}'/>")
    return _picture(title, [*_frame(scale, labels), *lines])


def fan(
    title: str, labels: Sequence[str], quantiles: Sequence[Sequence[float] | None], mark_label: Callable[[float], str]
) -> str:
    """Five quantiles of each half-hour, in ascending order: two nested bands, and the median as a line.

    None leaves a gap.
    """
    scale, step = axis(max([*(row[-1] for row in quantiles if row), 1.0]), mark_label), _step(labels)
    lines = [line for run in _runs(quantiles) for line in _band(run, scale, step)]
    return _picture(title, [*_frame(scale, labels), *lines])


def _runs(quantiles: Sequence[Sequence[float] | None]) -> Iterator[list[tuple[int, Sequence[float]]]]:
    """The runs of values without a gap; each value with its position."""
    run: list[tuple[int, Sequence[float]]] = []
    for n, row in enumerate(quantiles):
        if row is not None:
            run.append((n, row))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _band(run: list[tuple[int, Sequence[float]]], scale: Axis, step: float) -> Iterator[str]:
    # A single position is drawn as wide as a bar; otherwise it would be invisible.
    wide = [(n + side, row) for n, row in run for side in ((0.3, 0.7) if len(run) == 1 else (0.5,))]

    def points(which: int, back: bool = False) -> str:
        return " ".join(
            f"{LEFT + step * n:.1f},{scale.y(row[which]):.1f}" for n, row in (reversed(wide) if back else wide)
        )

    for low, high, colour in ((0, 4, PALE), (1, 3, LIGHT)):
        yield f"<polygon points='{points(high)} {points(low, back=True)}' fill='{colour}'/>"
    yield f"<polyline points='{points(2)}' fill='none' stroke='{DARK}' stroke-width='2.5'/>"


def stacked(
    title: str, labels: Sequence[str], parts: Sequence[tuple[str, Sequence[float | None]]],
    mark_label: Callable[[float], str],
) -> str:  # fmt: skip
    """A bar for each label, stacked from coloured parts; a part that is None is left out."""
    heights = [sum(part[n] or 0.0 for _, part in parts) for n in range(len(labels))]
    scale, step = axis(max([*heights, 1.0]), mark_label), _step(labels)
    lines = []
    for n in range(len(labels)):
        below = 0.0
        for colour, part in parts:
            size = part[n] or 0.0
            top = scale.y(below + size)
            if size:
                lines.append(bar(LEFT + step * (n + 0.12), top, step * 0.76, scale.y(below) - top, colour))
            below += size
    return _picture(title, [*_frame(scale, labels), *lines])


def ranked(title: str, rows: Sequence[tuple[str, float | None, str]], whole: float | None = None) -> str:
    """A horizontal bar for each (name, value, value as text), from 0 to `whole` or to the largest value."""
    wide, high = WIDTH - 2 * RIGHT, 40
    most = whole or max([value for _, value, _ in rows if value] or [1.0])
    lines = []
    for n, (name, value, value_text) in enumerate(rows):
        y = high * n + 16
        lines.append(_text(RIGHT, y, name, "start", INK))
        lines.append(_text(WIDTH - RIGHT, y, value_text, "end", INK))
        lines.append(bar(RIGHT, y + 5, wide, 12, "#eef1f5"))
        lines.append(bar(RIGHT, y + 5, wide * (value or 0.0) / most, 12, DARK))
    return _picture(title, lines, high * len(rows) + 4)


def months(
    title: str, rows: Sequence[tuple[str, Sequence[float | None], str]], ends: tuple[str, str] = ("", "")
) -> str:
    """A row of small bars for each (name, monthly values, last value as text), each row on its own scale.

    `ends`: the first month and the last, written below the rows.
    """
    high, left, right = 62, RIGHT, 64
    step = (WIDTH - left - right) / max([1, *(len(values) for _, values, _ in rows)])
    lines = []
    for n, (name, values, last_text) in enumerate(rows):
        foot = high * (n + 1) - 6
        most = max([value for value in values if value] or [1.0])
        short = name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
        lines.append(_text(RIGHT, foot - 41, short, "start", INK))
        lines.append(f"<path d='M{left} {foot}H{WIDTH - right}' stroke='{GRID}'/>")
        for place, value in enumerate(values):
            tall = (value or 0.0) / most * 34
            colour = DARK if place == len(values) - 1 else LIGHT
            lines.append(bar(left + step * (place + 0.12), foot - tall, step * 0.76, tall, colour))
        lines.append(_text(WIDTH - RIGHT, foot - 8, last_text, "end", INK))
    below = high * len(rows) + 10
    lines.append(_text(left, below, ends[0], "start", SOFT))
    lines.append(_text(WIDTH - right, below, ends[1], "end", SOFT))
    return _picture(title, lines, below + 8)


@dataclass(frozen=True)
class PromiseBar:
    """One promise or target: its value, interval and bound on an axis from 0 to 1, and a caption."""

    name: str
    value: float | None
    ends: tuple[float, float] | None
    bound: float
    colour: str
    caption: str


def promises(title: str, rows: Sequence[PromiseBar]) -> str:
    """A bar with its interval for each row, and a mark at its bound."""
    wide, high = WIDTH - 2 * RIGHT, 58
    lines = []
    for n, row in enumerate(rows):
        y = high * n + 22
        lines.append(_text(RIGHT, y - 5, row.name, "start", INK, 13))
        lines.append(bar(RIGHT, y + 2, wide, 18, "#eef1f5"))
        if row.value is not None:
            lines.append(bar(RIGHT, y + 2, wide * row.value, 18, row.colour))
        if row.ends is not None:
            a, b = (RIGHT + wide * each for each in row.ends)
            lines.append(f"<path d='M{a:.1f} {y + 11}H{b:.1f}' stroke='#111' stroke-width='3'/>")
        x = RIGHT + wide * row.bound
        lines.append(f"<path d='M{x:.1f} {y - 1}v24' stroke='{ORANGE}' stroke-width='3'/>")
        lines.append(_text(RIGHT, y + 33, row.caption, "start", SOFT, 11))
    return _picture(title, lines, high * len(rows) + 4)


def _frame(scale: Axis, labels: Sequence[str]) -> Iterator[str]:
    """The grid lines, and the hours below."""
    for mark in scale.marks:
        y = scale.y(mark)
        yield f"<path d='M{LEFT} {y:.1f}H{WIDTH - RIGHT}' stroke='{SOFT if mark == scale.low else GRID}'/>"
        yield _text(LEFT - 6, y + 4, scale.mark_label(mark), "end", SOFT)
    step = _step(labels)
    every = max(1, -(-len(labels) // 9))
    for n in range(0, len(labels), every):
        short = labels[n].removesuffix(":00").lstrip("0") or "0"
        yield _text(LEFT + step * n, HEIGHT - 8, short, "middle", SOFT)
        yield f"<path d='M{LEFT + step * n:.1f} {HEIGHT - BOTTOM}v4' stroke='{SOFT}'/>"


def _step(labels: Sequence[str]) -> float:
    return (WIDTH - LEFT - RIGHT) / max(1, len(labels))


def _picture(title: str, lines: Sequence[str], height: int = HEIGHT) -> str:
    return picture(title, WIDTH, height, lines)


def _text(x: float, y: float, content: str, anchor: str, fill: str, size: int = 12) -> str:
    return text(x, y, content, anchor, fill, f"font-size='{size}'")
