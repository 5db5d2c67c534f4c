"""A trace as the calls of a period: each on its day, numbered within it, so that its caller's chances can be drawn."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from queue_model.random.streams import places
from queue_model.scenario.study import Study
from queue_model.scenario.trace import Traced, TraceError
from queue_model.simulation.arrivals import Drawn


def traced(study: Study) -> tuple[Drawn, NDArray[np.int16]]:
    """The calls of the scenario's trace that fall into its period, and their topics' numbers (-1: not known)."""
    path = os.path.join(os.path.dirname(study.path), study.scenario.arrivals.trace or "")
    calls = study.trace or Traced([], [])
    at = np.array(calls.at) - study.period.origin
    inside = np.flatnonzero((at >= 0) & (at < study.period.length))
    if not len(inside):
        last = study.period.date(study.period.days - 1)
        raise TraceError(f"{path}: no call between {study.period.first} and {last}, the period; change one of the two")
    strange = sorted({topic for topic in calls.topics if topic and topic not in study.topics})
    if strange:
        raise TraceError(f"{path}: topic {strange[0]} is not one of {', '.join(study.topics)}; describe it in topics")
    day = study.period.day_of(at[inside])
    number = np.arange(len(inside)) - np.searchsorted(day, day, "left")
    topics = np.array([study.topics.index(each) if each else -1 for each in calls.topics], dtype=np.int16)
    return Drawn(at[inside], places(day, number), np.zeros(len(inside), dtype=np.intp)), topics[inside]
