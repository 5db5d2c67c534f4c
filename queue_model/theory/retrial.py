"""Callers who hear the engaged tone and dial again: M/M/1/1 with retrials (Falin and Templeton 1997)."""

from __future__ import annotations

from dataclasses import dataclass

from queue_model.errors import positive, stable


@dataclass(frozen=True)
class Retrial:
    """One line without a queue, in steady state; refused callers dial again until they are answered."""

    engaged: float  # share of the time, and of the first attempts, with the line engaged
    orbit: float  # callers between two attempts, on average
    mean_wait: float  # s, from the first attempt to the answer


def single_line(rate: float, aht: float, pause: float) -> Retrial:
    """New calls at `rate` per second, exponential handling of mean `aht` s, exponential pauses of mean `pause` s
    between the attempts of a caller.

    orbit = rho (rate + rho nu) / ((1 - rho) nu), nu = 1 / pause. Raises NoSteadyState if rho is not below 1.
    """
    load = positive("rate", rate) * positive("aht", aht)
    stable(load, 1)
    orbit = load * (rate * positive("pause", pause) + load) / (1 - load)
    return Retrial(load, orbit, orbit / rate)
