"""Callers who call again after giving up, from the numbers in the log.

A second call after closing time goes to voicemail and not to the queue, so it cannot be observed. Each caller who gave
up therefore has an observation time of their own, and the share and the mean are fitted together within it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from queue_model.errors import ModelError
from queue_model.fitting.maximum_likelihood import NORMAL, FittedValue, Floats, maximise_likelihood
from queue_model.fitting.queue_log import Visit


class Redials(NamedTuple):
    """`again[i]`: visit i is another attempt of a caller who gave up shortly before."""

    again: list[bool]
    after: list[float]  # s between giving up and calling again
    watched: list[float]  # observation time of callers who gave up and did not call again, s


class Fitted(NamedTuple):
    share: FittedValue
    mean: FittedValue  # s


def find_redials(visits: Sequence[Visit], window: float, most: int, watched_until: Callable[[float], float]) -> Redials:
    """Link the attempts of each number. `most`: the expected maximum of attempts after the first.

    `watched_until` gives, for the instant of giving up, the end of the observation time.
    """
    found = Redials([False] * len(visits), [], [])
    open_ends: dict[str, tuple[float, int]] = {}  # instant and attempt at which the number gave up
    for index, visit in enumerate(visits):
        if not visit.caller:
            continue
        left, attempt = open_ends.pop(visit.caller, (-math.inf, -1))
        again = attempt >= 0 and left <= visit.at <= min(left + window, watched_until(left))
        if again and attempt < most:
            found.again[index] = True
            found.after.append(visit.at - left)
        elif 0 <= attempt < most:
            found.watched.append(min(window, watched_until(left) - left))
        if visit.end == "abandoned" and visit.wait is not None:
            open_ends[visit.caller] = (visit.at + visit.wait, attempt + 1 if found.again[index] else 0)
    for left, attempt in open_ends.values():
        if attempt < most:
            found.watched.append(min(window, watched_until(left) - left))
    return found


def fit_redials(found: Redials) -> Fitted:
    """The share that calls again and the mean of the exponential time until then. Raises ModelError."""
    after, watched = np.maximum(found.after, 0.5), np.maximum(found.watched, 0.0)
    if len(after) < 10 or not len(watched):
        raise ModelError(f"{len(after)} repeated calls; too few for a fit")

    def loss(x: Floats) -> float:
        if not (abs(x[0]) < 20 and 0 < x[1] < 15):
            return 1e300
        share, mean = 1 / (1 + math.exp(-x[0])), math.exp(x[1])
        made = len(after) * math.log(share / mean) - float(np.sum(after)) / mean
        return -made - float(np.sum(np.log1p(share * np.expm1(-watched / mean))))

    first = len(after) / (len(after) + len(watched))
    best, sd, _ = maximise_likelihood(loss, [math.log(first / (1 - first)), math.log(float(np.mean(after)))])
    logits = (best[0], best[0] - NORMAL * sd[0], best[0] + NORMAL * sd[0])
    means = (best[1], best[1] - NORMAL * sd[1], best[1] + NORMAL * sd[1])
    return Fitted(FittedValue(*(1 / (1 + math.exp(-x)) for x in logits)), FittedValue(*map(math.exp, means)))
