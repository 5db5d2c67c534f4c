"""Disclosure control: which counts of a published table are hidden, so that small groups cannot be identified.

The rules are those for statistics of public bodies (Regole deontologiche, art. 5; GU 14 January 2019): a count is shown
only from a threshold on, at least three; the default here is five. Zero may be shown, since it counts nobody. Hiding
small counts (*primary* suppression) is not enough, because they follow from the margins by subtraction. Therefore
others are hidden as well (*secondary* suppression), until no hidden count can be narrowed down to an interval below a
given width.

An attacker is assumed to know every shown count, every sum between cells, and that a hidden count is at least one. For
this reason primary and secondary cells look the same. This module checks one sum at a time; `measure.month.audit` finds
by linear programming what all sums together reveal, before anything is published.

A *cell* is identified by what it counts: `(("of", "calls"), ("half-hour", "09:00"))`; dimensions that are not named are
totals. The total of one table and that of another are therefore the same cell, which links tables without further
work: days with their weeks and months, topics with topics by half-hour, this month's report with last month's.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Literal, NamedTuple

Cell = tuple[tuple[str, str], ...]
Why = Literal["primary", "secondary"]

LEGAL_MINIMUM = 3
DEFAULT_THRESHOLD = 5
TOTAL = ""  # the code for all of a dimension


class Rules(NamedTuple):
    """Counts below `threshold` are hidden; the interval of a hidden count is at least `protection` wide."""

    threshold: int
    protection: int


class Unprotected(Exception):
    """Counts that are published or must be shown reveal a hidden count, and no further cell can be hidden."""

    def __init__(self, cell: Cell) -> None:
        super().__init__(cell_text(cell))
        self.cell = cell


def rules(threshold: int = DEFAULT_THRESHOLD) -> Rules:
    """The rules for a threshold. ValueError below the legal minimum."""
    if threshold < LEGAL_MINIMUM:
        raise ValueError(f"{threshold} is below the legal minimum of {LEGAL_MINIMUM} (Regole deontologiche, art. 5)")
    # With one ordinary count hidden beside it, a small count may be anything from one to a count that is shown.
    return Rules(threshold, threshold - 1)


# --- tables ----------------------------------------------------------------------------------------------------------


class Dimension(NamedTuple):
    """One dimension of a table. `parts` lists the codes of which each total consists; these may have parts in turn.

    Several totals may share parts, as a week and a month share days. The code `TOTAL` is the sum of everything.
    """

    name: str
    parts: Mapping[str, Sequence[str]]

    def leaves(self, code: str) -> Iterator[str]:
        """The smallest parts of a code; the code itself if it has none."""
        for part in self.parts.get(code, ()):
            yield from self.leaves(part)
        if not self.parts.get(code):
            yield code

    def codes(self) -> list[str]:
        """Every code once, totals before their parts."""
        return list(dict.fromkeys([*self.parts, *(part for each in self.parts.values() for part in each)]))


class Sum(NamedTuple):
    """A total and the cells that add up to it."""

    total: Cell
    parts: tuple[Cell, ...]


class Linked(NamedTuple):
    """Counts, and the sums between them."""

    counts: Mapping[Cell, int]
    sums: Sequence[Sum]


def cell(of: str, **codes: str) -> Cell:
    """The cell that counts `of` under these codes."""
    return _cell({"of": of, **{name.replace("_", "-"): code for name, code in codes.items()}})


def _cell(codes: Mapping[str, str]) -> Cell:
    return tuple(sorted((name, code) for name, code in codes.items() if code != TOTAL))


def cell_text(of: Cell) -> str:
    """`of=calls half-hour=09:00`, for messages."""
    return " ".join(f"{name}={code}" for name, code in of)


def table(of: str, dimensions: Sequence[Dimension], counts: Mapping[Any, int]) -> Linked:
    """A table with all its margins. `counts` has the innermost cells by tuples of codes; missing ones are 0."""
    leaves = {each.name: {code: tuple(each.leaves(code)) for code in each.codes()} for each in dimensions}
    all_counts: dict[Cell, int] = {}
    sums: list[Sum] = []
    names = [each.name for each in dimensions]
    for codes in product(*(each.codes() for each in dimensions)):
        below = product(*(leaves[name][code] for name, code in zip(names, codes, strict=True)))
        here = dict(zip(names, codes, strict=True), of=of)
        all_counts[_cell(here)] = sum(counts.get(leaf, 0) for leaf in below)
        for dimension, code in zip(dimensions, codes, strict=True):
            parts = dimension.parts.get(code)
            if parts:
                sums.append(Sum(_cell(here), tuple(_cell({**here, dimension.name: part}) for part in parts)))
    return Linked(all_counts, sums)


def join(tables: Iterable[Linked]) -> Linked:
    """Combine tables, linked by their common cells. ValueError if two tables have different counts for one."""
    counts: dict[Cell, int] = {}
    sums: dict[Sum, None] = {}
    for each in tables:
        for key, count in each.counts.items():
            if counts.setdefault(key, count) != count:
                raise ValueError(f"two tables disagree about {cell_text(key)}: {counts[key]} and {count}")
        sums.update(dict.fromkeys(each.sums))
    return Linked(counts, list(sums))


# --- hiding ----------------------------------------------------------------------------------------------------------


class Hiding:
    """The hidden cells of linked tables, and why they are hidden. Cells are only added."""

    def __init__(self, linked: Linked, rules: Rules, shown: Collection[Cell] = (), hidden: Iterable[Cell] = ()) -> None:
        """`shown` and `hidden` are cells of earlier publications, which stay as they are. Raises `Unprotected`."""
        self.linked, self.rules, self.fixed = linked, rules, frozenset(shown)
        self.lines: dict[Cell, list[Sum]] = {each: [] for each in linked.counts}
        for line in linked.sums:
            for each in (line.total, *line.parts):
                self.lines[each].append(line)
        small = {key for key, count in linked.counts.items() if 0 < count < rules.threshold}
        if small & self.fixed:
            raise Unprotected(min(small & self.fixed))
        before = {key for key in hidden if linked.counts.get(key, 0) > 0}
        self.why: dict[Cell, Why] = {**dict.fromkeys(before, "secondary"), **dict.fromkeys(small, "primary")}
        self._close(linked.sums)

    def strengthen(self, weak: Iterable[Cell]) -> None:
        """Hide further cells to protect those that all sums together reveal. Raises `Unprotected`.

        Not one for every weak cell: a cell that protects one may protect its neighbours as well.
        """
        helped: set[Cell] = set()
        refused: Cell | None = None
        for each in weak:
            near = {key for line in self.lines[each] for key in (line.total, *line.parts)}
            if helped & near:
                continue
            options = [key for line in self.lines[each] for key in self._options(line)]
            if not options:  # all cells in its sums are hidden: continue with their sums
                hidden = sorted(near & self.why.keys())
                options = [key for beside in hidden for line in self.lines[beside] for key in self._options(line)]
            if options:
                self._hide(min(options, key=self._loss))
                helped |= near
            else:
                refused = each
        if refused is not None and not helped:
            raise Unprotected(refused)

    def _hide(self, key: Cell) -> None:
        self.why[key] = "secondary"
        self._close(self.lines[key])

    def _close(self, lines: Iterable[Sum]) -> None:
        """Hide cells until no single sum reveals a hidden count."""
        pending = list(lines)
        while pending:
            line = pending.pop()
            if not self.exposed(line):
                continue
            options = self._options(line)
            if not options:
                raise Unprotected(next(key for key in (line.total, *line.parts) if key in self.why))
            chosen = min(options, key=self._loss)
            self.why[chosen] = "secondary"
            pending += [line, *self.lines[chosen]]

    def exposed(self, line: Sum) -> bool:
        """Whether this sum alone narrows a hidden count down too much."""
        parts = [key for key in line.parts if key in self.why]
        if line.total in self.why:
            return not parts
        room = sum(self.linked.counts[key] for key in parts) - len(parts)  # each is at least one
        return len(parts) == 1 or (len(parts) > 1 and room < self.rules.protection)

    def _options(self, line: Sum) -> list[Cell]:
        """The cells that can be hidden: parts, or the total if no part is left. Zeros would protect nothing."""
        counts = self.linked.counts
        free = [key for key in line.parts if key not in self.why and key not in self.fixed and counts[key] > 0]
        if not free and line.total not in self.why and line.total not in self.fixed and counts[line.total] > 0:
            return [line.total]
        return free

    def _loss(self, key: Cell) -> tuple[int, int, Cell]:
        """The cost of hiding a cell: how many further cells would have to be hidden, then its count."""
        alone = sum(not any(each in self.why for each in (line.total, *line.parts)) for line in self.lines[key])
        return alone, self.linked.counts[key], key


class Shown(NamedTuple):
    """Counts as they are shown to a reader."""

    counts: Mapping[Cell, int]
    hidden: Collection[Cell] = frozenset()
    rules: Rules | None = None  # None: an internal report, in which nothing is hidden

    def number(self, key: Cell) -> float:
        """The count; NaN if it is hidden, so that everything calculated from it is NaN as well. KeyError: unknown."""
        count = self.counts[key]
        return math.nan if key in self.hidden else count

    def rate_allowed(self, denominator: float) -> bool:
        """A share or mean is shown if its denominator may be shown."""
        return self.rules is None or denominator >= self.rules.threshold

    def percentile_allowed(self, count: float, percent: float) -> bool:
        """A percentile is shown if enough values lie on either side of it, so that it is not a single person's."""
        share = min(percent, 100 - percent) / 100
        return self.rules is None or count * share >= self.rules.threshold
