"""Patience from callers who gave up and callers who were served before that (Kaplan and Meier 1958)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from queue_model.fitting.maximum_likelihood import NORMAL

Floats = NDArray[np.float64]


class SurvivalCurve(NamedTuple):
    """The share still patient after `seconds`, with a step at each, and its 95 % interval by Greenwood's formula on the
    log-log scale, which keeps it between 0 and 1."""

    seconds: Floats
    share: Floats
    low: Floats
    high: Floats

    def at(self, second: float) -> float:
        """The share still patient after this time."""
        place = int(np.searchsorted(self.seconds, second, "right")) - 1
        return float(self.share[place]) if place >= 0 else 1.0


def survival_curve(gave_up: ArrayLike, censored: ArrayLike) -> SurvivalCurve:
    """The curve from the waits of callers who gave up (`gave_up`) and of those who left otherwise (`censored`)."""
    left, others = np.sort(np.asarray(gave_up, float)), np.sort(np.asarray(censored, float))
    seconds, ended = np.unique(left, return_counts=True)
    at_risk = (
        len(left) - np.searchsorted(left, seconds, "left") + len(others) - np.searchsorted(others, seconds, "left")
    )
    share = np.cumprod(1 - ended / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(ended / (at_risk * np.maximum(at_risk - ended, 0)))
        half = NORMAL * np.sqrt(greenwood) / np.log(share)
        low, high = share ** np.exp(-half), share ** np.exp(half)
    low, high = np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, share)
    return SurvivalCurve(seconds, share, np.minimum(low, high), np.maximum(low, high))
