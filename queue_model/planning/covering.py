"""Covers requirements with columns at the least cost: a set-covering integer programme, solved by HiGHS.

A column is anything that covers some requirements each time it is used: a shift with its breaks, a week of five days.
If the requirements cannot all be met, three steps follow. The first minimises the total shortfall (elastic variables).
The second spreads it, because two people missing in one place are worse than one in each of two. The third minimises
the cost. So the price of a missing person never has to be guessed.
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

GAP = 1e-6  # an optimum with a smaller gap counts as proven
SPREAD_GAP = 0.02  # relative gap that is accepted when a shortfall is spread
TIME_LIMIT = 60.0  # s
OPTIMAL, STOPPED, INFEASIBLE = 0, 1, 2  # status codes of scipy.optimize.milp


class NoSolution(ModelError):
    """The solver found no solution."""


class Infeasible(NoSolution):
    """No solution satisfies the constraints."""


@dataclass(frozen=True, eq=False)
class Solution:
    """A solution of HiGHS: its values, its cost and a lower bound of all costs."""

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
    result = milp(
        cost,
        integrality=np.broadcast_to(np.asarray(integral), cost.shape),
        bounds=Bounds(np.broadcast_to(lower, cost.shape), np.broadcast_to(upper, cost.shape)),
        constraints=[LinearConstraint(matrix, low, high) for matrix, low, high in rules if matrix.shape[0]],
        options={"mip_rel_gap": gap, "time_limit": seconds},
    )
    if result.status == INFEASIBLE:
        raise Infeasible("no solution satisfies all constraints")
    if result.x is None:
        remedy = "allow more time with --seconds" if result.status == STOPPED else "look for contradictory rules"
        raise NoSolution(f"the solver found no solution ({result.message.strip()}); {remedy}")
    bound = result.mip_dual_bound if result.mip_dual_bound is not None else result.fun
    return Solution(np.asarray(result.x), float(result.fun), float(bound))


@dataclass(frozen=True, eq=False)
class Cover:
    """How often each column is used, the cost, and where the cover falls short."""

    use: Counts  # [columns]
    cost: float
    bound: float  # no solution with this shortfall costs less
    gap: float
    short: Floats  # [requirements]; all 0 if they are met

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
    """The cheapest use of columns that covers the requirements, or has the least shortfall.

    `columns`: what one use of each covers, [requirements, columns]. `rules`: further constraints on the use, as
    (matrix, low, high). `weights`: the penalty for one missing unit, by requirement. Raises Infeasible if the rules
    contradict each other.
    """
    need = np.asarray(required, dtype=np.float64)
    matrix = sparse.csr_array(columns)
    price = np.asarray(cost, dtype=np.float64)
    if matrix.shape != (len(need), len(price)):
        raise ModelError(f"columns: {matrix.shape} for {len(need)} requirements and {len(price)} costs")
    short = np.zeros(len(need))
    try:
        solution = solve(price, [(matrix, need, np.inf), *rules], upper, gap=gap, seconds=seconds)
    except Infeasible:
        short = _least_shortfall(need, matrix, price, upper, rules, weights, seconds)
        solution = solve(price, [(matrix, need - short, np.inf), *rules], upper, gap=gap, seconds=seconds)
    return Cover(np.rint(solution.values).astype(np.int64), solution.cost, solution.bound, solution.gap, short)


def _least_shortfall(
    need: Floats,
    matrix: Any,
    price: Floats,
    upper: ArrayLike,
    rules: Sequence[Rule],
    weights: ArrayLike,
    seconds: float,
) -> Floats:
    """The shortfall of each requirement: least in total, then spread as evenly as that allows."""
    weight = np.broadcast_to(np.asarray(weights, dtype=np.float64), need.shape)
    elastic = _Elastic(need, matrix, upper, rules, seconds)
    short = elastic.shortfall(weight[:, None])
    levels = math.ceil(short.max())
    if levels < 2:
        return short
    total = float(short @ weight)
    # The second unit missing from a requirement costs double, the third three times as much.
    rising = weight[:, None] * np.arange(1, levels + 1)
    try:
        spread = elastic.shortfall(rising, most=(weight, total), gap=SPREAD_GAP)
    except NoSolution:  # in the time allowed; the first solution has the same total
        return short
    return spread if spread @ weight <= total + GAP else short


class _Elastic:
    """The programme in which requirements may be missed at a price."""

    def __init__(self, need: Floats, matrix: Any, upper: ArrayLike, rules: Sequence[Rule], seconds: float) -> None:
        self.need, self.matrix, self.upper, self.rules, self.seconds = need, matrix, upper, rules, seconds

    def shortfall(self, prices: Floats, most: tuple[Floats, float] | None = None, gap: float = 0.0) -> Floats:
        """The cheapest shortfall. `prices` [requirements, levels]: of the first missing unit, the second and so on,
        ascending; the last level takes the rest. `most`: weights of the shortfall, and the maximum of the weighted sum.
        """
        size, levels = prices.shape
        columns = self.matrix.shape[1]
        missing = sparse.hstack([sparse.eye_array(size)] * levels, format="csr")
        rules = [
            (sparse.hstack((self.matrix, missing), format="csr"), self.need, np.inf),
            *((_widened(each, size * levels), low, high) for each, low, high in self.rules),
        ]
        if most is not None:
            weights = np.concatenate((np.zeros(columns), np.tile(most[0], levels)))
            rules.append((sparse.csr_array(weights[None, :]), -np.inf, most[1]))
        last = np.maximum(0.0, self.need - (levels - 1))
        upper = np.concatenate((np.broadcast_to(self.upper, columns), np.ones(size * (levels - 1)), last))
        cost = np.concatenate((np.zeros(columns), prices.T.ravel()))
        kinds = np.concatenate((np.ones(columns), np.zeros(size * levels)))
        solution = solve(cost, rules, upper, integral=kinds, gap=gap, seconds=self.seconds)
        covered = self.matrix @ np.rint(solution.values[:columns])
        return np.asarray(np.maximum(0.0, self.need - covered))


def _widened(matrix: Any, by: int) -> Any:
    """The matrix with `by` columns of zeros appended."""
    rows = sparse.csr_array(matrix)
    return sparse.hstack((rows, sparse.csr_array((rows.shape[0], by))), format="csr")
