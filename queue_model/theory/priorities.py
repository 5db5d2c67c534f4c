"""Priorities without interruption of calls (Cobham 1954)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from queue_model.errors import ModelError, not_negative, positive, stable
from queue_model.theory.erlang import erlang_c


@dataclass(frozen=True)
class Priorities:
    """Mean waits by class, the first class served first."""

    waits: tuple[float, ...]  # s
    wait_probability: float  # the same for all classes


def several_agents(rates: Sequence[float], aht: float, agents: int) -> Priorities:
    """M/M/c: calls of class k at `rates[k]` per second, all of mean handling `aht` s.

    W(k) = P(wait) aht / agents / ((1 - s(k-1)) (1 - s(k))), where s(k) is the load per agent of classes up to k
    (Cobham 1954; Kella and Yechiali 1985). Raises NoSteadyState if there are too few agents for all classes together.
    """
    total = math.fsum(_rates(rates))
    waits = erlang_c(total, positive("aht", aht), agents).wait_probability
    return Priorities(_cobham(waits * aht / agents, [rate * aht / agents for rate in rates]), waits)


def single_agent(rates: Sequence[float], ahts: Sequence[float], scvs: Sequence[float]) -> Priorities:
    """M/G/1: classes with different handling, of mean `ahts[k]` s and squared coefficient of variation `scvs[k]`.

    W(k) = R / ((1 - s(k-1)) (1 - s(k))), R = sum rate E[S^2] / 2: the work left of the call in hand (Cobham 1954).
    """
    if not len(rates) == len(ahts) == len(scvs):
        raise ModelError(
            f"{len(rates)} rates, {len(ahts)} handling times and {len(scvs)} scvs; give one for each class"
        )
    for aht, scv in zip(ahts, scvs, strict=True):
        positive("ahts", aht)
        not_negative("scvs", scv)
    loads = [rate * aht for rate, aht in zip(_rates(rates), ahts, strict=True)]
    stable(math.fsum(loads), 1)
    rest = math.fsum(load * aht * (1 + scv) / 2 for load, aht, scv in zip(loads, ahts, scvs, strict=True))
    return Priorities(_cobham(rest, loads), math.fsum(loads))


def _rates(rates: Sequence[float]) -> Sequence[float]:
    if not rates:
        raise ModelError("rates: give one for each class, the first class served first")
    for rate in rates:
        not_negative("rates", rate)
    return rates


def _cobham(rest: float, loads: Sequence[float]) -> tuple[float, ...]:
    waits, before = [], 0.0
    for load in loads:
        waits.append(rest / ((1 - before) * (1 - before - load)))
        before += load
    return tuple(waits)
