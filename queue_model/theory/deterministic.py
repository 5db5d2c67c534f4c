"""M/D/c: Poisson calls that all last equally long (Crommelin 1932).

As every call lasts D, the n-th caller gets the agent of the (n - c)-th: every c-th caller is in a queue of its own
with gamma gaps, and the wait is the maximum of a random walk. Spitzer's identity (1956) gives it as sums of positive
terms over k = 1, 2, ..., with N(k) a Poisson number of mean k * load and m = k * agents:

    P(W = 0) = exp(-sum P(N(k) >= m) / k),        E[W] = sum E[(N(k) - m)+] / k / rate.

In heavy traffic the sums are long. There the roots of z^c = exp(load (z - 1)) within the unit circle give the same
(Crommelin's own method); they lose no digits because the wait is long.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass

from queue_model.errors import ModelError, positive, stable, whole
from queue_model.theory.numerics.poisson import tail_and_excess

MOST_TERMS = 1000


@dataclass(frozen=True)
class Deterministic:
    """M/D/c in steady state."""

    rate: float  # calls per second
    seconds: float  # that each call lasts
    agents: int
    wait_probability: float
    mean_wait: float  # s, of all callers


def erlang_d(rate: float, seconds: float, agents: int) -> Deterministic:
    """M/D/c: calls at `rate` per second, of `seconds` each. Raises NoSteadyState if the load is not below `agents`."""
    load = positive("rate", rate) * positive("seconds", seconds)
    stable(load, whole("agents", agents, 1))
    ratio = load / agents
    decay = agents * (ratio - 1 - math.log(ratio))  # the k-th term falls like exp(-k * decay)
    waits, queue = _by_spitzer(load, agents) if MOST_TERMS * decay > 40 else _by_roots(load, agents)
    return Deterministic(rate, seconds, agents, waits, queue / rate)


def _by_spitzer(load: float, agents: int) -> tuple[float, float]:
    """P(wait) and the mean queue."""
    late = queue = 0.0
    for k in range(1, 10 * MOST_TERMS):
        tail, excess = tail_and_excess(k * agents, k * load)
        late += tail / k
        queue += excess / k
        if excess <= 1e-18 * queue and tail <= 1e-18 * late:
            break
    return -math.expm1(-late), queue


def _by_roots(load: float, agents: int) -> tuple[float, float]:
    """P(wait) and the mean queue. Roots are searched as w = 1 - z, since in heavy traffic some are near z = 1."""
    log_product, inverses = 0.0, 0.0
    for k in range(1, agents):
        w = _root(load / agents, cmath.exp(2j * math.pi * k / agents))
        log_product += math.log(abs(w))
        inverses += (1 / w).real
    none = (agents - load) * math.exp(-log_product)
    return 1 - none, inverses + (load**2 - agents * (agents - 1)) / (2 * (agents - load))


def _root(ratio: float, turn: complex) -> complex:
    """w with 1 - w = turn * exp(-ratio * w) and |1 - w| < 1: Newton, from the root of the parabola near w = 0 or from
    the fixed point that contracts elsewhere."""
    if abs(1 - turn) < 0.3:
        a, b, c = -turn * ratio**2 / 2, turn * ratio - 1, 1 - turn
        root = cmath.sqrt(b * b - 4 * a * c)
        w = max((-b + root) / (2 * a), (-b - root) / (2 * a), key=lambda each: each.real)
    else:
        w = 1 - turn
        for _ in range(30):
            w = 1 - turn * cmath.exp(-ratio * w)
    for _ in range(60):
        power = turn * cmath.exp(-ratio * w)
        step = (1 - w - power) / (ratio * power - 1)
        w -= step
        if abs(step) <= 1e-16 * abs(w):
            break
    if not abs(1 - w) < 1:
        raise ModelError(f"M/D/c at {ratio!r} of its capacity is too near to saturation; use more agents")
    return w
