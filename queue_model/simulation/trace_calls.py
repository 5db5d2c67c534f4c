"""A trace as the arrivals of a period, numbered by day, so that random numbers can be drawn for each caller."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from queue_model.random.streams import places
from queue_model.scenario.study import Study
from queue_model.scenario.trace import Trace, TraceError
from queue_model.simulation.arrivals import DrawnArrivals


def trace_arrivals(study: Study) -> tuple[DrawnArrivals, NDArray[np.int16]]:
    """The calls of the scenario's trace that are in its period, and the numbers of their topics (-1: unknown)."""
    path = os.path.join(os.path.dirname(study.path), study.scenario.arrivals.trace or "")
    calls = study.trace or Trace([], [])
    at = np.array(calls.at) - study.period.origin
    inside = np.flatnonzero((at >= 0) & (at < study.period.length))
    if not len(inside):
        last = study.period.date(study.period.days - 1)
        raise TraceError(
            f"{path}: no call between {study.period.first} and {last}, the period; change the period or the trace"
        )
    unknown = sorted({topic for topic in calls.topics if topic and topic not in study.topics})
    if unknown:
        raise TraceError(f"{path}: topic {unknown[0]} is not one of {', '.join(study.topics)}; add it to topics")
    day = study.period.day_of(at[inside])
    number = np.arange(len(inside)) - np.searchsorted(day, day, "left")
    topics = np.array([study.topics.index(each) if each else -1 for each in calls.topics], dtype=np.int16)
    return DrawnArrivals(at[inside], places(day, number), np.zeros(len(inside), dtype=np.intp)), topics[inside]
