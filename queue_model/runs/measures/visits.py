"""The calls of a run as visits, the record type of `charter.kpi`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from charter import kpi
from queue_model.runs.measures.call_counts import Floats
from queue_model.scenario.study import Study
from queue_model.simulation.records import Outcome, Records, Rows

# The fate in `charter.kpi` of each outcome. Calls outside hours are not visits.
FATES: dict[Outcome, kpi.Fate] = {
    Outcome.ANSWERED: "answered",
    Outcome.ABANDONED: "abandoned",
    Outcome.VOICEMAIL_KEY: "key",
    Outcome.VOICEMAIL_TIMEOUT: "timeout",
    Outcome.VOICEMAIL_EMPTY: "empty",
    Outcome.VOICEMAIL_FULL: "full",
    Outcome.VOICEMAIL_BUSY: "busy",
    Outcome.BLOCKED: "blocked",
    Outcome.WAITING: "lost",
}


def visits(study: Study, records: Records) -> Iterator[kpi.Visit]:
    """The visits in service hours that the live service would record."""
    calls = records.calls[study.period.is_open(records.calls["entered"])]
    for row, wait in zip(calls, waits(calls, study.period.length).tolist(), strict=True):
        fate = FATES.get(Outcome(row["outcome"]))
        if fate is None:
            continue
        entered, topic = study.period.origin + float(row["entered"]), study.topics[int(row["topic"])]
        talk, wrap = (float(row["talk"]), float(row["wrap"])) if fate == "answered" else (None, None)
        yield kpi.Visit(entered, fate, wait, talk, wrap, topic)


def waits(calls: Rows, end: float) -> Floats:
    """Seconds of waiting. A wait that never ended lasts until the period ends."""
    wait = calls["wait"]
    return np.asarray(np.where(np.isnan(wait), np.maximum(end - calls["entered"], 0.0), wait))
