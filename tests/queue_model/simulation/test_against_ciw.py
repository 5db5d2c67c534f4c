"""Comparison with Ciw, an independent simulator with its own engine, random numbers and statistics.

Customer by customer: both get the same arrivals, talks and patience, and every wait and outcome must be the same. In
distribution: both draw their own random numbers, and means over independent runs of the same length, which start empty,
must agree. Each such comparison fails by chance once in 10,000 seeds; the seeds are fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import ciw
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ttest_ind

from queue_model.scenario.laws import Exponential, Lognormal, Patience, standard, values
from queue_model.simulation import inputs
from queue_model.simulation.inputs import Inputs
from queue_model.simulation.records import Outcome
from tests.queue_model.all_engines import ENGINES

Floats = NDArray[np.float64]
Draw = Callable[[int], Floats]

ONCE_IN_TEN_THOUSAND = 1e-4
SERVERS, GAP = 5, 60.0  # s between calls, on average
CLASSES = ("urgent", "ordinary")  # Ciw serves the lower number first, we the higher one


@dataclass(frozen=True)
class Case:
    """A textbook queue. `urgent`: share of callers who go first."""

    talk: Patience
    patience: Patience | None = None
    urgent: float = 0.0
    servers: int = SERVERS
    measures: tuple[str, ...] = field(default=("wait", "at_once"))


TALK = Exponential(255.0)  # 85 % busy
CASES = {
    "M/M/c": Case(TALK),
    "M/M/c+M": Case(Exponential(360.0), Exponential(180.0), measures=("wait", "at_once", "gave_up")),
    "M/G/c": Case(Lognormal(255.0, 1.0)),
    "two classes": Case(TALK, urgent=0.3, measures=("wait_urgent", "wait_ordinary")),
}


@dataclass(frozen=True)
class Customers:
    """The waits and outcomes of customers, in order of arrival."""

    wait: Floats  # s, of those who gave up as well
    gave_up: NDArray[np.bool_]
    urgent: NDArray[np.bool_]

    def measure(self, name: str) -> float:
        if name == "gave_up":
            return float(self.gave_up.mean())
        if name == "at_once":
            return float(((self.wait == 0) & ~self.gave_up).mean())
        everyone = np.ones(len(self.wait), dtype=np.bool_)
        who = {"wait": everyone, "wait_urgent": self.urgent, "wait_ordinary": ~self.urgent}[name]
        return float(self.wait[who].mean())


@dataclass(frozen=True)
class Drawn:
    """The random numbers of one run."""

    gaps: Floats
    talk: Floats
    patience: Floats
    urgent: NDArray[np.bool_]


def drawn(case: Case, customers: int, seed: int) -> Drawn:
    source = np.random.default_rng(seed)

    def law(wanted: Patience) -> Floats:
        variates = (
            source.standard_normal(customers) if standard(wanted) == "normal" else source.exponential(1, customers)
        )
        return values(wanted, variates, customers)

    patience = np.full(customers, np.inf) if case.patience is None else law(case.patience)
    return Drawn(source.exponential(GAP, customers), law(case.talk), patience, source.random(customers) < case.urgent)


# --- ours ------------------------------------------------------------------------------------------------------------


def given(case: Case, chances: Drawn) -> Inputs:
    return inputs.build(
        call_at=np.cumsum(chances.gaps), talk=chances.talk, patience=chances.patience,
        call_priority=chances.urgent.astype(np.int16), **inputs.constant_staff(case.servers),
    )  # fmt: skip


def ours(case: Case, chances: Drawn, engine: str) -> Customers:
    calls = ENGINES[engine](given(case, chances)).calls
    return Customers(calls["wait"], calls["outcome"] == Outcome.ABANDONED, chances.urgent)


# --- theirs ----------------------------------------------------------------------------------------------------------


class Own(ciw.dists.Distribution):  # type: ignore[misc]
    """A fixed value for each customer, whenever Ciw samples it."""

    def __init__(self, numbers: Sequence[float]) -> None:
        self.numbers = numbers

    def sample(self, t: Any = None, ind: Any = None) -> float:
        return self.numbers[int(ind.id_number) - 1]


def network(case: Case, arrivals: dict[str, Any], talk: Any, patience: Any) -> Any:
    given: dict[str, Any] = {
        "arrival_distributions": {name: [law] for name, law in arrivals.items()},
        "service_distributions": {name: [talk] for name in arrivals},
        "number_of_servers": [case.servers],
    }
    if case.urgent:
        given["priority_classes"] = {name: number for number, name in enumerate(CLASSES)}
    if patience is not None:
        given["reneging_time_distributions"] = {name: [patience] for name in arrivals}
    return ciw.create_network(**given)


def run(network: Any, until: float, customers: int) -> Customers:
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(until)
    records = sorted(simulation.get_all_records(), key=lambda each: each.id_number)[:customers]
    assert [each.id_number for each in records] == [*range(1, customers + 1)]
    return Customers(
        np.array([float(each.waiting_time) for each in records]),
        np.array([each.record_type == "renege" for each in records]),
        np.array([each.customer_class == CLASSES[0] for each in records]),
    )


def with_the_same_chances(case: Case, chances: Drawn) -> Customers:
    at = np.cumsum(chances.gaps)
    arrivals = {}
    for name, mine in zip(CLASSES, (chances.urgent, ~chances.urgent), strict=True):
        if mine.any():
            arrivals[name] = ciw.dists.Sequential([*np.diff(at[mine], prepend=0.0).tolist(), float("inf")])
    patience = None if case.patience is None else Own(chances.patience.tolist())
    end = float(at[-1]) + 1e6
    return run(network(case, arrivals, Own(chances.talk.tolist()), patience), end, len(at))


def with_its_own_chances(case: Case, customers: int, seed: int) -> Customers:
    ciw.seed(seed)
    shares = {name: share for name, share in zip(CLASSES, (case.urgent, 1 - case.urgent), strict=True) if share}
    arrivals = {name: ciw.dists.Exponential(share / GAP) for name, share in shares.items()}
    patience = None if case.patience is None else _theirs(case.patience)
    return run(network(case, arrivals, _theirs(case.talk), patience), 2 * GAP * customers, customers)


def _theirs(law: Patience) -> Any:
    if isinstance(law, Lognormal):
        return ciw.dists.Lognormal(np.log(law.mean) - law.sigma**2 / 2, law.sigma)
    assert isinstance(law, Exponential)
    return ciw.dists.Exponential(1 / law.mean)


# --- the comparison --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_the_same_customers_have_the_same_waits(name: str) -> None:
    case, chances = CASES[name], drawn(CASES[name], 2000, 20261122)
    theirs = with_the_same_chances(case, chances)
    assert (theirs.wait > 0).sum() > 400  # otherwise the test proves little
    assert theirs.gave_up.sum() > (200 if case.patience is not None else -1)
    for engine in ("simpy", "kernel"):
        mine = ours(case, chances, engine)
        assert np.array_equal(mine.gave_up, theirs.gave_up)
        # Ciw adds up gaps class by class, so instants differ in their last bits.
        assert np.abs(mine.wait - theirs.wait).max() < 1e-7


RUNS, LENGTH = 12, 250  # of Ciw, which is slow; the kernel runs more


@cache
def their_runs(name: str) -> list[Customers]:
    return [with_its_own_chances(CASES[name], LENGTH, seed) for seed in range(RUNS)]


def our_runs(case: Case) -> list[Customers]:
    return [ours(case, drawn(case, LENGTH, 1000 + seed), "kernel") for seed in range(200)]


def chance_of_a_difference_so_large(mine: list[Customers], theirs: list[Customers], measure: str) -> float:
    """Welch's test of equal means."""
    a, b = ([each.measure(measure) for each in some] for some in (mine, theirs))
    return float(ttest_ind(a, b, equal_var=False).pvalue)


@pytest.mark.parametrize("name", CASES)
def test_means_agree_with_independent_random_numbers(name: str) -> None:
    mine, theirs = our_runs(CASES[name]), their_runs(name)
    for measure in CASES[name].measures:
        assert chance_of_a_difference_so_large(mine, theirs, measure) > ONCE_IN_TEN_THOUSAND, measure


def test_the_comparisons_detect_a_difference() -> None:
    """Both comparisons detect talks that are longer by two thirds."""
    case = CASES["M/M/c+M"]
    longer = Case(Exponential(600.0), case.patience)
    same = with_the_same_chances(case, drawn(case, 500, 20261122))
    assert not np.array_equal(ours(longer, drawn(longer, 500, 20261122), "kernel").gave_up, same.gave_up)
    found = chance_of_a_difference_so_large(our_runs(longer), their_runs("M/M/c+M"), "gave_up")
    assert found < ONCE_IN_TEN_THOUSAND
