"""Covering requirements with columns at the least cost: a set-covering integer programme, solved by HiGHS.

A column is anything that covers some requirements when it is used once: a shift with its breaks, a week of five days.
When the requirements cannot all be met, the shortfall itself is made smallest first (elastic variables); then, among
all answers that fall short no more, it is spread, for two missing in one place are worse than one in each of two; and
then comes the cost. So the price of a missing person never has to be guessed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from queue_model.errors import ModelError

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Rule = tuple[Any, ArrayLike, ArrayLike]  # matrix, low, high: low <= matrix x <= high

GAP = 1e-6  # below which an optimum counts as proven
SPREAD_GAP = 0.02  # how evenly a shortfall is spread: near enough to the best
TIME_LIMIT = 60.0  # s
OPTIMAL, STOPPED, INFEASIBLE = 0, 1, 2  # of scipy.optimize.milp


class NoSolution(ModelError):
    """The solver found nothing that keeps to the rules."""


class Infeasible(NoSolution):
    """There is nothing that keeps to the rules."""


@dataclass(frozen=True, eq=False)
class Solution:
    """What HiGHS found: values, cost, and the bound that no answer can be below."""

    values: Floats
    cost: float
    bound: float

    @property
    def gap(self) -> float:
        """(cost - bound) / cost; 0 when proven optimal."""
        return max(0.0, self.cost - self.bound) / max(abs(self.cost), 1e-9) if self.cost - self.bound > GAP else 0.0


def solve(
    cost: ArrayLike,
    rules: Sequence[Rule],
    upper: ArrayLike = np.inf,
    *,
    integral: ArrayLike = 1,
    lower: ArrayLike = 0,
    gap: float = 0.0,
    seconds: float = TIME_LIMIT,
) -> Solution:
    """Minimise cost x, subject to low <= matrix x <= high for each of the rules. Raises Infeasible, NoSolution."""
    cost = np.asarray(cost, dtype=np.float64)
    found = milp(
        cost,
        integrality=np.broadcast_to(np.asarray(integral), cost.shape),
        bounds=Bounds(np.broadcast_to(lower, cost.shape), np.broadcast_to(upper, cost.shape)),
        constraints=[LinearConstraint(matrix, low, high) for matrix, low, high in rules if matrix.shape[0]],
        options={"mip_rel_gap": gap, "time_limit": seconds},
    )
    if found.status == INFEASIBLE:
        raise Infeasible("no answer keeps to all the rules")
    if found.x is None:
        remedy = "give it longer with --seconds" if found.status == STOPPED else "look for contradictory rules"
        raise NoSolution(f"the solver found no answer ({found.message.strip()}); {remedy}")
    bound = found.mip_dual_bound if found.mip_dual_bound is not None else found.fun
    return Solution(np.asarray(found.x), float(found.fun), float(bound))


@dataclass(frozen=True, eq=False)
class Cover:
    """How often each column is used, what it costs, and where it falls short."""

    use: Counts  # [columns]
    cost: float
    bound: float  # no answer with so little shortfall costs less
    gap: float
    short: Floats  # [requirements]; all 0 when they are met

    @property
    def met(self) -> bool:
        return not self.short.any()


def cover(
    required: ArrayLike,
    columns: Any,
    cost: ArrayLike,
    *,
    upper: ArrayLike = np.inf,
    rules: Sequence[Rule] = (),
    weights: ArrayLike = 1.0,
    gap: float = 0.0,
    seconds: float = TIME_LIMIT,
) -> Cover:
    """The cheapest use of columns that covers what is required, or falls short of it by the least.

    `columns`: what each covers when used once, [requirements, columns]. `rules`: further constraints on the use, as
    (matrix, low, high). `weights`: how bad it is to be one short, by requirement. Raises Infeasible when the rules
    themselves contradict each other.
    """
    wanted = np.asarray(required, dtype=np.float64)
    matrix = sparse.csr_array(columns)
    price = np.asarray(cost, dtype=np.float64)
    if matrix.shape != (len(wanted), len(price)):
        raise ModelError(f"columns: {matrix.shape} for {len(wanted)} requirements and {len(price)} costs")
    short = np.zeros(len(wanted))
    try:
        found = solve(price, [(matrix, wanted, np.inf), *rules], upper, gap=gap, seconds=seconds)
    except Infeasible:
        short = _least_short(wanted, matrix, price, upper, rules, weights, seconds)
        found = solve(price, [(matrix, wanted - short, np.inf), *rules], upper, gap=gap, seconds=seconds)
    return Cover(np.rint(found.values).astype(np.int64), found.cost, found.bound, found.gap, short)


def _least_short(
    wanted: Floats,
    matrix: Any,
    price: Floats,
    upper: ArrayLike,
    rules: Sequence[Rule],
    weights: ArrayLike,
    seconds: float,
) -> Floats:
    """By how much each requirement falls short when the whole shortfall is least, and spread as far as that allows."""
    weight = np.broadcast_to(np.asarray(weights, dtype=np.float64), wanted.shape)
    elastic = _Elastic(wanted, matrix, upper, rules, seconds)
    short = elastic.short(weight[:, None])
    levels = math.ceil(short.max())
    if levels < 2:
        return short
    total = float(short @ weight)
    # The second one missing from a place counts double, the third threefold.
    dearer = weight[:, None] * np.arange(1, levels + 1)
    try:
        spread = elastic.short(dearer, most=(weight, total), gap=SPREAD_GAP)
    except NoSolution:  # in the time given; the first answer is as short
        return short
    return spread if spread @ weight <= total + GAP else short


class _Elastic:
    """Requirements that may be fallen short of, at a price."""

    def __init__(self, wanted: Floats, matrix: Any, upper: ArrayLike, rules: Sequence[Rule], seconds: float) -> None:
        self.wanted, self.matrix, self.upper, self.rules, self.seconds = wanted, matrix, upper, rules, seconds

    def short(self, prices: Floats, most: tuple[Floats, float] | None = None, gap: float = 0.0) -> Floats:
        """The shortfall of the least price. `prices` [requirements, levels]: of the first one missing, the second and
        so on, rising; the last level takes all the rest. `most`: weights of the shortfall, and what it may be in all.
        """
        size, levels = prices.shape
        columns = self.matrix.shape[1]
        missing = sparse.hstack([sparse.eye_array(size)] * levels, format="csr")
        rules = [
            (sparse.hstack((self.matrix, missing), format="csr"), self.wanted, np.inf),
            *((_widened(each, size * levels), low, high) for each, low, high in self.rules),
        ]
        if most is not None:
            weights = np.concatenate((np.zeros(columns), np.tile(most[0], levels)))
            rules.append((sparse.csr_array(weights[None, :]), -np.inf, most[1]))
        last = np.maximum(0.0, self.wanted - (levels - 1))
        upper = np.concatenate((np.broadcast_to(self.upper, columns), np.ones(size * (levels - 1)), last))
        cost = np.concatenate((np.zeros(columns), prices.T.ravel()))
        kinds = np.concatenate((np.ones(columns), np.zeros(size * levels)))
        found = solve(cost, rules, upper, integral=kinds, gap=gap, seconds=self.seconds)
        covered = self.matrix @ np.rint(found.values[:columns])
        return np.asarray(np.maximum(0.0, self.wanted - covered))


def _widened(matrix: Any, by: int) -> Any:
    """With columns of zeros behind."""
    rows = sparse.csr_array(matrix)
    return sparse.hstack((rows, sparse.csr_array((rows.shape[0], by))), format="csr")
