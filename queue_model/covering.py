"""Covering requirements with columns at the least cost: a set-covering integer programme, solved by HiGHS.

A column is anything that covers some requirements when it is used once: a shift with its breaks, a week of five days.
When the requirements cannot all be met, the shortfall itself is made smallest first (elastic variables), and then the
cost among all answers that fall short no more; so the price of a missing person never has to be guessed.
"""

from __future__ import annotations

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
TIME_LIMIT = 60.0  # s
OPTIMAL, STOPPED, INFEASIBLE = 0, 1, 2  # of scipy.optimize.milp


class NoAnswer(ModelError):
    """The solver found nothing that keeps to the rules."""


class Infeasible(NoAnswer):
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
    """Minimise cost x, subject to low <= matrix x <= high for each of the rules. Raises Infeasible, NoAnswer."""
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
        raise NoAnswer(f"the solver found no answer ({found.message.strip()}); {remedy}")
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
    """By how much each requirement falls short when the whole shortfall is least."""
    size = len(wanted)
    penalty = np.concatenate((np.zeros(len(price)), np.broadcast_to(np.asarray(weights, dtype=np.float64), size)))
    elastic = sparse.hstack((matrix, sparse.eye_array(size)), format="csr")
    widened = [
        (sparse.hstack((sparse.csr_array(each), sparse.csr_array((each.shape[0], size))), format="csr"), low, high)
        for each, low, high in rules
    ]
    most = np.concatenate((np.broadcast_to(upper, len(price)), wanted))
    kinds = np.concatenate((np.ones(len(price)), np.zeros(size)))
    found = solve(penalty, [(elastic, wanted, np.inf), *widened], most, integral=kinds, seconds=seconds)
    covered = matrix @ np.rint(found.values[: len(price)])
    return np.asarray(np.maximum(0.0, wanted - covered))
