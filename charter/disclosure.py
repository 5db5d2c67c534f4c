"""Disclosure control: which counts of a published table are hidden, so that no small group can be picked out of it.

Rules for statistics made by public bodies (Regole deontologiche, art. 5; GU 14 January 2019): a count is shown from a
threshold on, three at least; here five unless told otherwise. Nought may be shown: it counts nobody. Hiding the small
counts (*primary*) is not enough, because margins give them back by subtraction; so others are hidden beside them
(*secondary*), until from all that is shown no hidden count can be narrowed down to less than a stated width.

Whoever attacks knows every shown count, every sum that holds between cells, and that a hidden count is at least one. A
hidden cell therefore never says whether it was hidden first or second. Here stands the arithmetic with one sum at a
time; what all sums together give away is found by `measure.month.audit`, by linear programming, before anything is
published.

A *cell* is known by what it counts: `(("of", "calls"), ("half-hour", "09:00"))`, dimensions that are not named taken
whole. So the total of one table and that of another are the same cell, and tables are linked by themselves: days with
their weeks and months, topics with topics by half-hour, this month's report with last month's.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Literal, NamedTuple

Cell = tuple[tuple[str, str], ...]
Why = Literal["primary", "secondary"]

LEAST = 3  # by law
USUAL = 5
WHOLE = ""  # the code of a dimension taken whole


class Rules(NamedTuple):
    """Counts below `threshold` are hidden; the interval in which a hidden one may lie is `protection` wide at least."""

    threshold: int
    protection: int


class Unprotected(Exception):
    """What was shown before, or must be shown, gives a hidden count away, and nothing is left to hide beside it."""

    def __init__(self, cell: Cell) -> None:
        super().__init__(said(cell))
        self.cell = cell


def rules(threshold: int = USUAL) -> Rules:
    """The rules with a threshold. ValueError below the three of the law."""
    if threshold < LEAST:
        raise ValueError(f"a threshold of {threshold} is below the {LEAST} of the law (Regole deontologiche, art. 5)")
    # A small count beside one ordinary count may then be anything from one to a count that would have been shown.
    return Rules(threshold, threshold - 1)


# --- tables ----------------------------------------------------------------------------------------------------------


class Dimension(NamedTuple):
    """One side of a table. `parts` says of what each whole is made: codes, which may be made of others in turn.

    Several wholes may share parts, as a week and a month share days. The code `WHOLE` is everything.
    """

    name: str
    parts: Mapping[str, Sequence[str]]

    def leaves(self, code: str) -> Iterator[str]:
        """The smallest parts that a code is made of: itself, when it has none."""
        for part in self.parts.get(code, ()):
            yield from self.leaves(part)
        if not self.parts.get(code):
            yield code

    def codes(self) -> list[str]:
        """Every code once, wholes before their parts."""
        return list(dict.fromkeys([*self.parts, *(part for each in self.parts.values() for part in each)]))


class Sum(NamedTuple):
    """A total and the cells that make it."""

    total: Cell
    parts: tuple[Cell, ...]


class Linked(NamedTuple):
    """Counts, and the sums that hold between them."""

    counts: Mapping[Cell, int]
    sums: Sequence[Sum]


def cell(of: str, **codes: str) -> Cell:
    """The cell that counts `of` under these codes."""
    return _cell({"of": of, **{name.replace("_", "-"): code for name, code in codes.items()}})


def _cell(codes: Mapping[str, str]) -> Cell:
    return tuple(sorted((name, code) for name, code in codes.items() if code != WHOLE))


def said(of: Cell) -> str:
    """`of=calls half-hour=09:00`, for messages and for keeping."""
    return " ".join(f"{name}={code}" for name, code in of)


def table(of: str, dimensions: Sequence[Dimension], counts: Mapping[Any, int]) -> Linked:
    """A table with all its margins. `counts` has its innermost cells, by tuples of codes; one left out counts 0."""
    leaves = {each.name: {code: tuple(each.leaves(code)) for code in each.codes()} for each in dimensions}
    found: dict[Cell, int] = {}
    sums: list[Sum] = []
    names = [each.name for each in dimensions]
    for codes in product(*(each.codes() for each in dimensions)):
        below = product(*(leaves[name][code] for name, code in zip(names, codes, strict=True)))
        here = dict(zip(names, codes, strict=True), of=of)
        found[_cell(here)] = sum(counts.get(leaf, 0) for leaf in below)
        for dimension, code in zip(dimensions, codes, strict=True):
            parts = dimension.parts.get(code)
            if parts:
                sums.append(Sum(_cell(here), tuple(_cell({**here, dimension.name: part}) for part in parts)))
    return Linked(found, sums)


def join(tables: Iterable[Linked]) -> Linked:
    """Tables as one, linked where they have cells in common. ValueError when they do not agree about one."""
    counts: dict[Cell, int] = {}
    sums: dict[Sum, None] = {}
    for each in tables:
        for key, count in each.counts.items():
            if counts.setdefault(key, count) != count:
                raise ValueError(f"two tables disagree about {said(key)}: {counts[key]} and {count}")
        sums.update(dict.fromkeys(each.sums))
    return Linked(counts, list(sums))


# --- hiding ----------------------------------------------------------------------------------------------------------


class Hiding:
    """The cells of linked tables that are hidden, and why. Grows only."""

    def __init__(self, linked: Linked, asked: Rules, shown: Collection[Cell] = (), hidden: Iterable[Cell] = ()) -> None:
        """`shown` and `hidden` were so in an earlier publication, and stay so. Raises `Unprotected`."""
        self.linked, self.rules, self.fixed = linked, asked, frozenset(shown)
        self.lines: dict[Cell, list[Sum]] = {each: [] for each in linked.counts}
        for line in linked.sums:
            for each in (line.total, *line.parts):
                self.lines[each].append(line)
        small = {key for key, count in linked.counts.items() if 0 < count < asked.threshold}
        if small & self.fixed:
            raise Unprotected(min(small & self.fixed))
        before = {key for key in hidden if linked.counts.get(key, 0) > 0}
        self.why: dict[Cell, Why] = {**dict.fromkeys(before, "secondary"), **dict.fromkeys(small, "primary")}
        self._close(linked.sums)

    def strengthen(self, weak: Iterable[Cell]) -> None:
        """Hide one more cell beside those which all sums together give away. Raises `Unprotected`.

        Not beside each of them: where one has been helped, its neighbours may have been as well.
        """
        helped: set[Cell] = set()
        refused: Cell | None = None
        for each in weak:
            near = {key for line in self.lines[each] for key in (line.total, *line.parts)}
            if helped & near:
                continue
            options = [key for line in self.lines[each] for key in self._options(line)]
            if not options:  # all lines through it are hidden: go on through the cells beside it
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
        """Hide until no sum by itself gives anything away."""
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
        """Whether this sum alone narrows a hidden count down too far."""
        parts = [key for key in line.parts if key in self.why]
        if line.total in self.why:
            return not parts
        room = sum(self.linked.counts[key] for key in parts) - len(parts)  # each is one at least
        return len(parts) == 1 or (len(parts) > 1 and room < self.rules.protection)

    def _options(self, line: Sum) -> list[Cell]:
        """What may be hidden: parts first, the total only when there is no part left. Nought hides nothing."""
        counts = self.linked.counts
        free = [key for key in line.parts if key not in self.why and key not in self.fixed and counts[key] > 0]
        if not free and line.total not in self.why and line.total not in self.fixed and counts[line.total] > 0:
            return [line.total]
        return free

    def _loss(self, key: Cell) -> tuple[int, int, Cell]:
        """What is lost by hiding it: how many more cells it would drag along, then how much it counts."""
        alone = sum(not any(each in self.why for each in (line.total, *line.parts)) for line in self.lines[key])
        return alone, self.linked.counts[key], key


class Shown(NamedTuple):
    """Counts as a reader may have them."""

    counts: Mapping[Cell, int]
    hidden: Collection[Cell] = frozenset()
    rules: Rules | None = None  # None: for inside, where nothing is hidden

    def number(self, key: Cell) -> float:
        """The count; NaN when it is hidden, so that whatever is computed from it is NaN as well. KeyError: unknown."""
        count = self.counts[key]
        return math.nan if key in self.hidden else count

    def rate_allowed(self, denominator: float) -> bool:
        """A share or a mean is shown when what it divides by may be shown."""
        return self.rules is None or denominator >= self.rules.threshold

    def percentile_allowed(self, count: float, percent: float) -> bool:
        """A percentile is shown when enough values lie on either side of it; else it is nearly one person's."""
        share = min(percent, 100 - percent) / 100
        return self.rules is None or count * share >= self.rules.threshold
