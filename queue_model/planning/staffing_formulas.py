"""Staffing by formulas for each half-hour, to compare with the simulation.

Each formula treats a half-hour as if it lasted for ever (the pointwise stationary approximation). It assumes
exponential laws with the scenario's means, and calls only, in one queue. In Erlang C nobody gives up; in Erlang A
callers do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from queue_model.errors import ModelError
from queue_model.planning.staffing_trials import Goal, Trials
from queue_model.planning.weekly_half_hours import Counts
from queue_model.scenario.laws import mean
from queue_model.scenario.study import Study
from queue_model.theory.abandonment import erlang_a
from queue_model.theory.erlang import erlang_c
from queue_model.theory.square_root import agents_for_target
from queue_model.theory.steady import Steady

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FormulaStaffing:
    """The people needed by half-hour of the week, [cells]; -1 where a formula has no answer."""

    calls: Floats  # that reach the queue
    load: Floats  # erlangs
    aht: float  # s
    patience: float | None  # s; None: nobody gives up
    erlang_c: Counts
    erlang_a: Counts
    square_root: Counts

    @property
    def start(self) -> Counts:
        """A good start for a search."""
        guess = np.where(self.erlang_a > 0, self.erlang_a, self.erlang_c)
        return np.where(guess > 0, guess, np.ceil(self.load).astype(np.int64) + 1)


def formula_staffing(study: Study, trials: Trials, wanted: Sequence[Goal]) -> FormulaStaffing:
    """The staffing of each formula for the callers of these trials."""
    calls, aht = trials.calls(), trials.handling()
    patience = mean(study.scenario.callers.patience)
    finite = patience if 0 < patience < math.inf else None
    seconds = trials.cells.seconds() / np.bincount(trials.cells.cell, minlength=len(trials.cells))
    within = study.scenario.targets.within
    rates = (calls / seconds).tolist()

    def by_cell(formula: Callable[[float], int]) -> Counts:
        return np.array([formula(rate) if rate * aht > 0 else 1 for rate in rates], dtype=np.int64)

    return FormulaStaffing(
        calls, calls / seconds * aht, aht, finite,
        by_cell(lambda rate: _fewest(lambda n: erlang_c(rate, aht, n), math.floor(rate * aht) + 1, wanted, within)),
        by_cell(lambda rate: _with_patience(rate, aht, finite, wanted, within)),
        by_cell(lambda rate: _square_root(rate * aht, aht, wanted, within, finite)),
    )  # fmt: skip


def _with_patience(rate: float, aht: float, patience: float | None, wanted: Sequence[Goal], within: float) -> int:
    least = 1 if patience is not None else math.floor(rate * aht) + 1
    return _fewest(lambda n: erlang_a(rate, aht, n, patience), least, wanted, within)


def _fewest(model: Callable[[int], Steady], least: int, wanted: Sequence[Goal], within: float) -> int:
    agents, most = least, 10 * least + 1000
    while agents <= most:
        queue = model(agents)
        if all(_met(goal, queue, within) for goal in wanted):
            return agents
        agents += 1
    return -1


def _met(goal: Goal, queue: Steady, within: float) -> bool:
    value = {
        "service_level": lambda: queue.service_level(within),
        "answer_rate": lambda: queue.answered,
        "abandonment": lambda: queue.abandoned,
        "wait_mean_answered": lambda: queue.asa,
    }[goal.measure]()
    return value >= goal.value if goal.at_least else value <= goal.value


def _square_root(load: float, aht: float, wanted: Sequence[Goal], within: float, patience: float | None) -> int:
    """The square-root rule; it knows only the service level."""
    level = next((goal.value for goal in wanted if goal.measure == "service_level"), None)
    if level is None:
        return -1
    try:
        return agents_for_target(load, aht, level, within, patience)
    except (ModelError, ArithmeticError):
        return -1
