"""The fewest operator-hours in blocks of a day that meet targets for the whole day, exact by the forward equations.

Each of a few blocks (two shifts, three thirds of the day) has one number of operators. The search tries every
combination, the cheapest first, so the result is a proven optimum. Most combinations need no equations of their own:
more operators in other blocks never make the callers of a block worse off, so the losses of a block with all others at
their maximum are a lower bound. A combination whose lower bounds already miss a target is skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from queue_model.errors import ModelError
from queue_model.theory.transient import Day, transient


@dataclass(frozen=True)
class BlockStaffing:
    """The operators of each block, with the resulting cost and measures of the day."""

    operators: tuple[int, ...]
    cost: float  # operator-hours
    service_level: float
    abandonment: float


@dataclass(frozen=True)
class BlockProblem:
    """`calls`: expected in each slot; `blocks`: slots in each block; `fewest`, `most`: operators of each block."""

    calls: Sequence[float]
    aht: float  # s
    patience: float | None  # s
    blocks: Sequence[int]
    fewest: Sequence[int]
    most: Sequence[int]
    service_level: float
    abandonment: float = 1.0
    within: float = 20.0  # s
    slot: float = 1800.0  # s

    def day(self, operators: Sequence[int]) -> Day:
        duty = [count for count, length in zip(operators, self.blocks, strict=True) for _ in range(length)]
        return transient(self.calls, duty, self.aht, self.patience, slot=self.slot, within=self.within)

    def cost(self, operators: Sequence[int]) -> float:
        """Operator-hours."""
        return sum(n * length for n, length in zip(operators, self.blocks, strict=True)) * self.slot / 3600


def cheapest_staffing(problem: BlockProblem) -> list[BlockStaffing]:
    """All combinations that meet the targets at the least cost, by descending service level. Raises ModelError."""
    if sum(problem.blocks) != len(problem.calls):
        raise ModelError(
            f"blocks: {sum(problem.blocks)} slots in all, but calls has {len(problem.calls)}; make them equal"
        )
    bounds = _LowerBounds(problem)
    ranges = (range(low, high + 1) for low, high in zip(problem.fewest, problem.most, strict=True))
    found: list[BlockStaffing] = []
    for operators in sorted(product(*ranges), key=lambda each: (problem.cost(each), each)):
        cost = problem.cost(operators)
        if found and cost > found[0].cost:
            break
        if bounds.allow(operators):
            whole = problem.day(operators).whole
            if whole.service_level >= problem.service_level and whole.abandoned <= problem.abandonment:
                found.append(BlockStaffing(operators, cost, whole.service_level, whole.abandoned))
    if not found:
        raise ModelError(f"most: not even {list(problem.most)} operators meet the targets; allow more or ask for less")
    return sorted(found, key=lambda each: -each.service_level)


class _LowerBounds:
    """By block and number of operators: callers answered in time and lost while all other blocks have the maximum."""

    def __init__(self, problem: BlockProblem) -> None:
        self._problem = problem
        self._bounds: dict[tuple[int, int], tuple[float, float]] = {}
        self._calls = sum(problem.calls)

    def allow(self, operators: Sequence[int]) -> bool:
        problem = self._problem
        both = [self._block(block, count) for block, count in enumerate(operators)]
        in_time, lost = sum(each[0] for each in both), sum(each[1] for each in both)
        rounding = 1e-9 * self._calls
        enough = in_time >= problem.service_level * self._calls - rounding
        return enough and lost <= problem.abandonment * self._calls + rounding

    def _block(self, block: int, count: int) -> tuple[float, float]:
        if (block, count) not in self._bounds:
            problem = self._problem
            operators = [count if each == block else most for each, most in enumerate(problem.most)]
            start = sum(problem.blocks[:block])
            slots = [each for each in problem.day(operators).slots[start : start + problem.blocks[block]] if each.calls]
            in_time = sum(each.calls * each.service_level for each in slots)
            self._bounds[block, count] = in_time, sum(each.calls * each.abandoned for each in slots)
        return self._bounds[block, count]
