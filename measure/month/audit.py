"""Proof that what a publication hides cannot be worked out from what it shows, by linear programming.

The hidden counts are unknowns; every sum between cells is an equation; a hidden count is at least one. The least and
the greatest value that an unknown can have (two linear programmes, HiGHS) are the interval to which an attacker who
knows everything shown can narrow it down. It must be `protection` wide at least.

Counts are whole, and an attacker knows it. A solution in whole numbers proves its end of the interval for whole
numbers, too; in tables with two sides all vertices are whole. Where one is not, the same is asked in whole numbers
(branch and bound), so that the interval is never taken for wider than it is.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from charter.disclosure import Cell, Hiding, Linked, Rules, Shown
from common.command_line import Refusal

FEW = 4  # unknowns still to be proved are asked one by one
NEAR = 1e-6  # whole numbers, as the solver gives them


class Interval(NamedTuple):
    """What a hidden count may be, as far as can be told from outside."""

    low: float
    high: float

    @property
    def width(self) -> float:
        return self.high - self.low


def protect(hiding: Hiding) -> Shown:
    """Hide further until the audit finds nothing that can be worked out. Raises `charter.disclosure.Unprotected`."""
    proved: set[Cell] = set()  # and stays so: whatever else is hidden, an attacker knows less
    while weak := narrow(hiding.linked, hiding.why, hiding.rules, proved):
        proved |= hiding.why.keys() - weak.keys()
        hiding.strengthen(weak)
    return Shown(hiding.linked.counts, frozenset(hiding.why), hiding.rules)


def narrow(
    linked: Linked, hidden: Collection[Cell], rules: Rules, proved: Collection[Cell] = ()
) -> dict[Cell, Interval]:
    """The hidden cells whose interval is not as wide as it must be; empty: it is proved of all."""
    found: dict[Cell, Interval] = {}
    for each in _systems(linked, hidden):
        found |= each.narrow(rules.protection, proved)
    return found


def intervals(linked: Linked, hidden: Collection[Cell]) -> dict[Cell, Interval]:
    """The interval of every hidden cell."""
    found: dict[Cell, Interval] = {}
    for each in _systems(linked, hidden):
        found |= each.narrow(math.inf, ())
    return found


class System:
    """Unknowns that depend on each other, and their equations `sum(sign * unknown) = right`."""

    def __init__(
        self, cells: list[Cell], equations: list[tuple[dict[int, int], int]], true: Mapping[Cell, int]
    ) -> None:
        sparse = _scipy().sparse
        self.cells = cells
        rows = [(n, place, sign) for n, (signs, _) in enumerate(equations) for place, sign in signs.items()]
        shape = (len(equations), len(cells))
        numbers, places, signs = zip(*rows, strict=True) if rows else ((), (), ())
        self.left = sparse.csr_array((signs, (numbers, places)), shape=shape, dtype=float)
        self.right = [float(right) for _, right in equations]
        # Every solution found shows what other unknowns can be as well; the truth is the first of them.
        self.least = [float(true[each]) for each in cells]
        self.most = list(self.least)

    def narrow(self, protection: float, proved: Collection[Cell]) -> dict[Cell, Interval]:
        """The cells whose interval is not `protection` wide; all of them, exactly, when that is infinite."""
        open_ = [place for place, each in enumerate(self.cells) if each not in proved]
        if math.isfinite(protection):
            self._survey(open_, protection)
        for place in open_:
            for sign in (1, -1):
                if not self._wide(place, protection):
                    self._reach(place, sign)
        narrow = (place for place in open_ if math.isinf(protection) or not self._wide(place, protection))
        return {self.cells[place]: Interval(self.least[place], self.most[place]) for place in narrow}

    def _wide(self, place: int, protection: float) -> bool:
        return self.most[place] - self.least[place] >= protection

    def _survey(self, open_: list[int], protection: float) -> None:
        """Solve in a few directions in which half of the unknowns grow and half shrink: most are proved by then."""
        for bit in range(len(self.cells).bit_length()):
            for sign in (1.0, -1.0):
                if sum(not self._wide(place, protection) for place in open_) < FEW:
                    return
                solved = self._solve([sign if place >> bit & 1 else -sign for place in range(len(self.cells))])
                if solved.status == 0 and not _broken(solved.x):
                    self._note(solved.x)

    def _reach(self, place: int, sign: int) -> None:
        """Find the least (sign 1) or greatest (-1) value of one unknown, and note what the others are then."""
        goal = [0.0] * len(self.cells)
        goal[place] = float(sign)
        solved = self._solve(goal)
        if solved.status == 3:  # it may be anything: from the truth on, along a ray of rational steps
            self.most[place] = math.inf
            return
        if solved.status == 0 and _broken(solved.x):
            optimize = _scipy().optimize
            whole = optimize.LinearConstraint(self.left, self.right, self.right)
            bounds = optimize.Bounds(1, math.inf)
            solved = optimize.milp(goal, constraints=whole, bounds=bounds, integrality=[1] * len(goal))
        if solved.status != 0:
            raise Refusal(f"the proof that nothing hidden can be worked out did not succeed: {solved.message}")
        self._note(solved.x)

    def _solve(self, goal: list[float]) -> Any:
        optimize = _scipy().optimize
        asked = {"A_eq": self.left, "b_eq": self.right, "bounds": (1, None), "method": "highs"}
        solved = optimize.linprog(goal, **asked)
        if solved.status == 4:  # without bound or without solution: which, is only known the long way
            solved = optimize.linprog(goal, **asked, options={"presolve": False})
        return solved

    def _note(self, solution: Any) -> None:
        for n, value in enumerate(solution.tolist()):
            self.least[n] = min(self.least[n], round(value))
            self.most[n] = max(self.most[n], round(value))


def _broken(solution: Any) -> bool:
    return any(abs(value - round(value)) > NEAR for value in solution.tolist())


def _systems(linked: Linked, hidden: Collection[Cell]) -> Iterator[System]:
    """The unknowns, those that share no equation apart."""
    group: dict[Cell, Cell] = {each: each for each in sorted(hidden)}

    def head(each: Cell) -> Cell:
        while group[each] != each:
            group[each] = each = group[group[each]]
        return each

    lines = []
    for line in linked.sums:
        unknown = [(key, sign) for key, sign in _signed(line) if key in group]
        if unknown:
            known = sum(sign * linked.counts[key] for key, sign in _signed(line) if key not in group)
            lines.append((unknown, -known))
            for key, _ in unknown[1:]:
                group[head(key)] = head(unknown[0][0])
    members: dict[Cell, list[Cell]] = {}
    for each in group:
        members.setdefault(head(each), []).append(each)
    equations: dict[Cell, list[Any]] = {each: [] for each in members}
    places = {each: n for cells in members.values() for n, each in enumerate(cells)}
    for unknown, right in lines:
        signs: dict[int, int] = {}
        for key, sign in unknown:
            signs[places[key]] = signs.get(places[key], 0) + sign
        equations[head(unknown[0][0])].append((signs, right))
    for first, cells in members.items():
        yield System(cells, equations[first], linked.counts)


def _signed(line: Any) -> list[tuple[Cell, int]]:
    return [(line.total, -1), *((part, 1) for part in line.parts)]


def _scipy() -> Any:
    """Only what is published needs it; it takes a third of a second to load."""
    try:
        import scipy.optimize
        import scipy.sparse
    except ImportError:
        raise Refusal(
            "figures for the public need SciPy, which proves that nothing hidden can be worked out; "
            "install numero-unico-lavoro[model]"
        ) from None
    return scipy
