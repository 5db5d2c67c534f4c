"""Fewest operator-hours in blocks of the day under a target for the whole day, exactly: by the forward equations.

A few blocks (two shifts, three thirds of the day) each have one number of operators; which numbers reach the service
level and the abandonment wanted at the least cost? Every combination is looked at, the cheapest first, so what is
found is proven; but most need no equations of their own. More operators in other blocks never hurt the callers of this
one, so what a block loses when all others are at their largest is the least it can lose, and a combination whose least
losses already miss the target is out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from queue_model.errors import ModelError
from queue_model.theory.transient import Day, transient


@dataclass(frozen=True)
class BlockStaffing:
    """Operators of each block, and what the day is like with them."""

    operators: tuple[int, ...]
    cost: float  # operator-hours
    service_level: float
    abandonment: float


@dataclass(frozen=True)
class BlockProblem:
    """`calls` expected in each slot; `blocks`: how many slots each lasts; `fewest`, `most`: operators of each block."""

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


def cheapest_staffing(asked: BlockProblem) -> list[BlockStaffing]:
    """All combinations that meet the targets at the least cost, the best service level first. Raises ModelError."""
    if sum(asked.blocks) != len(asked.calls):
        raise ModelError(f"blocks: {sum(asked.blocks)} slots in all, but calls has {len(asked.calls)}; make them equal")
    least = _Least(asked)
    ranges = (range(low, high + 1) for low, high in zip(asked.fewest, asked.most, strict=True))
    found: list[BlockStaffing] = []
    for operators in sorted(product(*ranges), key=lambda each: (asked.cost(each), each)):
        cost = asked.cost(operators)
        if found and cost > found[0].cost:
            break
        if least.possible(operators):
            whole = asked.day(operators).whole
            if whole.service_level >= asked.service_level and whole.abandoned <= asked.abandonment:
                found.append(BlockStaffing(operators, cost, whole.service_level, whole.abandoned))
    if not found:
        raise ModelError(f"most: not even {list(asked.most)} operators meet the targets; allow more or ask for less")
    return sorted(found, key=lambda each: -each.service_level)


class _Least:
    """Of each block and number: the callers answered in time and lost while all other blocks are at their largest."""

    def __init__(self, asked: BlockProblem) -> None:
        self._asked = asked
        self._known: dict[tuple[int, int], tuple[float, float]] = {}
        self._calls = sum(asked.calls)

    def possible(self, operators: Sequence[int]) -> bool:
        asked = self._asked
        both = [self._block(block, count) for block, count in enumerate(operators)]
        in_time, lost = sum(each[0] for each in both), sum(each[1] for each in both)
        rounding = 1e-9 * self._calls
        enough = in_time >= asked.service_level * self._calls - rounding
        return enough and lost <= asked.abandonment * self._calls + rounding

    def _block(self, block: int, count: int) -> tuple[float, float]:
        if (block, count) not in self._known:
            asked = self._asked
            operators = [count if each == block else most for each, most in enumerate(asked.most)]
            start = sum(asked.blocks[:block])
            slots = [each for each in asked.day(operators).slots[start : start + asked.blocks[block]] if each.calls]
            in_time = sum(each.calls * each.service_level for each in slots)
            self._known[block, count] = in_time, sum(each.calls * each.abandoned for each in slots)
        return self._known[block, count]


def staffing_at_cost(asked: BlockProblem, cost: float) -> Iterator[BlockStaffing]:
    """Every combination of exactly that cost, whether it meets the targets or not."""
    ranges = (range(low, high + 1) for low, high in zip(asked.fewest, asked.most, strict=True))
    for operators in product(*ranges):
        if abs(asked.cost(operators) - cost) < 1e-9:
            whole = asked.day(operators).whole
            yield BlockStaffing(operators, cost, whole.service_level, whole.abandoned)
