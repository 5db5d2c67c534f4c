"""Handling times of any law: one agent exactly (M/G/1), several approximately (M/G/c).

A law matters only through its mean and its squared coefficient of variation, scv = variance / mean^2:
0 for equal lengths, 1 for exponential ones.
"""

from __future__ import annotations

import math

from queue_model.errors import not_negative, positive, stable
from queue_model.theory.deterministic import erlang_d
from queue_model.theory.erlang import erlang_c


def lognormal_scv(sigma: float) -> float:
    """The squared coefficient of variation of a lognormal law whose logarithm has standard deviation `sigma`."""
    return math.expm1(not_negative("sigma", sigma) ** 2)


def single_agent_wait(rate: float, aht: float, scv: float) -> float:
    """M/G/1, exact: mean wait in s of all callers (Pollaczek 1930, Khinchine 1932)."""
    load = positive("rate", rate) * positive("aht", aht)
    stable(load, 1)
    return load * aht * (1 + not_negative("scv", scv)) / (2 * (1 - load))


def approximate_wait_lee_longton(rate: float, aht: float, agents: int, scv: float) -> float:
    """M/G/c, an approximation: mean wait in s, Erlang C's times (1 + scv) / 2 (Lee and Longton 1959).

    Exact for one agent and for exponential calls; too long for many agents and scv above 1, too short below.
    """
    return erlang_c(rate, aht, agents).asa * (1 + not_negative("scv", scv)) / 2


def approximate_wait_bjorklund_elldin(rate: float, aht: float, agents: int, scv: float) -> float:
    """M/G/c, an approximation: mean wait in s, between M/D/c and M/M/c by scv (Bjorklund and Elldin 1964; Tijms 1994).

    Exact for one agent, for equal and for exponential calls; meant for scv up to 1, usable to about 2.
    """
    between = not_negative("scv", scv)
    return between * erlang_c(rate, aht, agents).asa + (1 - between) * erlang_d(rate, aht, agents).mean_wait


def approximate_wait_kimura(rate: float, aht: float, agents: int, scv: float) -> float:
    """M/G/c, an approximation: mean wait in s, the harmonic mean of M/D/c and M/M/c (Kimura 1986):
    (1 + scv) / (2 scv / W(M/M/c) + (1 - scv) / W(M/D/c)).
    """
    scv = not_negative("scv", scv)
    markov, equal = erlang_c(rate, aht, agents).asa, erlang_d(rate, aht, agents).mean_wait
    if markov == 0 or equal == 0:
        return 0.0
    # The divisor is never 0: equal calls wait at least half as long as exponential ones.
    return (1 + scv) / (2 * scv / markov + (1 - scv) / equal)
