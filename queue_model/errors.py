"""The errors of the model, and checks of parameters that raise them. Each message names the parameter."""

from __future__ import annotations

import math
import operator
from typing import SupportsIndex


class ModelError(ValueError):
    """A parameter that the model cannot accept; the message names it and says what is allowed."""


class NoSteadyState(ModelError):
    """More work comes in than the agents can handle, and nobody gives up: the queue grows without end.

    `fewest` is the smallest number of agents with which there is a steady state.
    """

    def __init__(self, load: float, agents: int, fewest: int) -> None:
        super().__init__(
            f"no steady state: {load:g} erlangs are too much for {agents} agent{'' if agents == 1 else 's'}, and "
            f"nobody gives up, so the queue grows without end; use {fewest} agents or more"
        )
        self.load = load
        self.agents = agents
        self.fewest = fewest


def number(name: str, value: float) -> float:
    """A finite number, as float. Raises ModelError."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ModelError(f"{name}: {value!r} is not a finite number")
    return float(value)


def positive(name: str, value: float) -> float:
    """A finite number above 0. Raises ModelError."""
    if number(name, value) <= 0:
        raise ModelError(f"{name}: {value!r} is not above 0")
    return float(value)


def not_negative(name: str, value: float) -> float:
    """A finite number, 0 or more. Raises ModelError."""
    if number(name, value) < 0:
        raise ModelError(f"{name}: {value!r} is negative")
    return float(value)


def whole(name: str, value: SupportsIndex, least: int = 0) -> int:
    """A whole number of at least `least`. Raises ModelError."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise ModelError(f"{name}: {value!r} is not a whole number")
    if operator.index(value) < least:
        raise ModelError(f"{name}: {value!r} is less than {least}")
    return operator.index(value)


def share(name: str, value: float) -> float:
    """A share strictly between 0 and 1. Raises ModelError."""
    if not 0 < number(name, value) < 1:
        raise ModelError(f"{name}: {value!r} is not between 0 and 1 (80 % is 0.8)")
    return float(value)


def stable(load: float, agents: int) -> None:
    """Check that there are fewer erlangs than agents. Raises NoSteadyState."""
    if load >= agents:
        raise NoSteadyState(load, agents, math.floor(load) + 1)
