"""Proof by linear programming that hidden counts cannot be calculated from published ones.

The hidden counts are unknowns; every sum between cells is an equation; a hidden count is at least one. The minimum and
maximum of an unknown (two linear programs, HiGHS) are the interval to which an attacker who knows everything shown can
narrow it down. The interval must be at least `protection` wide.

Counts are integers, and an attacker knows that. An integer solution proves its end of the interval for integers as
well; in two-dimensional tables all vertices are integers. Where a solution is not, the problem is solved again in
integers (branch and bound), so that the interval is never overestimated.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from charter.disclosure import Cell, Hiding, Linked, Rules, Shown
from common.command_line import Refusal

FEW = 4  # unproved unknowns, below which each is solved on its own
NEAR = 1e-6  # distance from an integer within the precision of the solver


class Interval(NamedTuple):
    """The values that a hidden count can have, as far as a reader can know."""

    low: float
    high: float

    @property
    def width(self) -> float:
        return self.high - self.low


def protect(hiding: Hiding) -> Shown:
    """Hide more cells until every hidden count is protected. Raises `charter.disclosure.Unprotected`."""
    proved: set[Cell] = set()  # hiding more cells never undoes a proof
    while weak := narrow(hiding.linked, hiding.why, hiding.rules, proved):
        proved |= hiding.why.keys() - weak.keys()
        hiding.strengthen(weak)
    return Shown(hiding.linked.counts, frozenset(hiding.why), hiding.rules)


def narrow(
    linked: Linked, hidden: Collection[Cell], rules: Rules, proved: Collection[Cell] = ()
) -> dict[Cell, Interval]:
    """The hidden cells whose interval is too narrow; empty if all are protected."""
    too_narrow: dict[Cell, Interval] = {}
    for system in _systems(linked, hidden):
        too_narrow |= system.narrow(rules.protection, proved)
    return too_narrow


def intervals(linked: Linked, hidden: Collection[Cell]) -> dict[Cell, Interval]:
    """The interval of every hidden cell."""
    all_intervals: dict[Cell, Interval] = {}
    for system in _systems(linked, hidden):
        all_intervals |= system.narrow(math.inf, ())
    return all_intervals


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
        # Every solution widens the intervals of other unknowns as well; the true counts are the first solution.
        self.minimum = [float(true[cell]) for cell in cells]
        self.maximum = list(self.minimum)

    def narrow(self, protection: float, proved: Collection[Cell]) -> dict[Cell, Interval]:
        """The cells whose interval is less than `protection` wide; if that is infinite, all exact intervals."""
        open_ = [place for place, each in enumerate(self.cells) if each not in proved]
        if math.isfinite(protection):
            self._survey(open_, protection)
        for place in open_:
            for sign in (1, -1):
                if not self._wide(place, protection):
                    self._reach(place, sign)
        narrow = (place for place in open_ if math.isinf(protection) or not self._wide(place, protection))
        return {self.cells[place]: Interval(self.minimum[place], self.maximum[place]) for place in narrow}

    def _wide(self, place: int, protection: float) -> bool:
        return self.maximum[place] - self.minimum[place] >= protection

    def _survey(self, open_: list[int], protection: float) -> None:
        """Solve in a few directions in which half of the unknowns grow and half shrink, which proves most of them."""
        for bit in range(len(self.cells).bit_length()):
            for sign in (1.0, -1.0):
                if sum(not self._wide(place, protection) for place in open_) < FEW:
                    return
                solved = self._solve([sign if place >> bit & 1 else -sign for place in range(len(self.cells))])
                if solved.status == 0 and not _fractional(solved.x):
                    self._note(solved.x)

    def _reach(self, place: int, sign: int) -> None:
        """Find the minimum (sign 1) or maximum (-1) of one unknown, and record the values of the others."""
        goal = [0.0] * len(self.cells)
        goal[place] = float(sign)
        solved = self._solve(goal)
        if solved.status == 3:  # unbounded: the true counts plus any multiple of a rational direction
            self.maximum[place] = math.inf
            return
        if solved.status == 0 and _fractional(solved.x):
            optimize = _scipy().optimize
            whole = optimize.LinearConstraint(self.left, self.right, self.right)
            bounds = optimize.Bounds(1, math.inf)
            solved = optimize.milp(goal, constraints=whole, bounds=bounds, integrality=[1] * len(goal))
        if solved.status != 0:
            raise Refusal(
                f"not published: the solver could not prove that hidden counts are protected: {solved.message}"
            )
        self._note(solved.x)

    def _solve(self, goal: list[float]) -> Any:
        optimize = _scipy().optimize
        problem = {"A_eq": self.left, "b_eq": self.right, "bounds": (1, None), "method": "highs"}
        solved = optimize.linprog(goal, **problem)
        if solved.status == 4:  # unbounded or infeasible; only a run without presolve tells which
            solved = optimize.linprog(goal, **problem, options={"presolve": False})
        return solved

    def _note(self, solution: Any) -> None:
        for n, value in enumerate(solution.tolist()):
            self.minimum[n] = min(self.minimum[n], round(value))
            self.maximum[n] = max(self.maximum[n], round(value))


def _fractional(solution: Any) -> bool:
    return any(abs(value - round(value)) > NEAR for value in solution.tolist())


def _systems(linked: Linked, hidden: Collection[Cell]) -> Iterator[System]:
    """The unknowns in independent systems, which share no equation."""
    group: dict[Cell, Cell] = {each: each for each in sorted(hidden)}

    def root(key: Cell) -> Cell:
        while group[key] != key:
            group[key] = key = group[group[key]]
        return key

    lines = []
    for line in linked.sums:
        unknown = [(key, sign) for key, sign in _signed(line) if key in group]
        if unknown:
            known = sum(sign * linked.counts[key] for key, sign in _signed(line) if key not in group)
            lines.append((unknown, -known))
            for key, _ in unknown[1:]:
                group[root(key)] = root(unknown[0][0])
    members: dict[Cell, list[Cell]] = {}
    for each in group:
        members.setdefault(root(each), []).append(each)
    equations: dict[Cell, list[Any]] = {each: [] for each in members}
    places = {each: n for cells in members.values() for n, each in enumerate(cells)}
    for unknown, right in lines:
        signs: dict[int, int] = {}
        for key, sign in unknown:
            signs[places[key]] = signs.get(places[key], 0) + sign
        equations[root(unknown[0][0])].append((signs, right))
    for first, cells in members.items():
        yield System(cells, equations[first], linked.counts)


def _signed(line: Any) -> list[tuple[Cell, int]]:
    return [(line.total, -1), *((part, 1) for part in line.parts)]


def _scipy() -> Any:
    """Imported on use: loading takes a third of a second, and only public reports need it."""
    try:
        import scipy.optimize
        import scipy.sparse
    except ImportError:
        raise Refusal(
            "public reports need SciPy, to prove that hidden counts are protected; install numero-unico-lavoro[model]"
        ) from None
    return scipy
