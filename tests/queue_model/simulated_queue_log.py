"""The queue_log that Asterisk would have written for a simulated period."""

from __future__ import annotations

import math
from collections.abc import Iterator

from queue_model.scenario.study import Study
from queue_model.simulation.records import Outcome, Records


def lines(records: Records, study: Study, *, numbers: bool = True) -> list[str]:
    """The lines of the log by time, truncated to seconds like `time(NULL)`, with a number for each caller."""
    found = [line for row in records.calls for line in _visit(row, study.period.origin, numbers)]
    return [line for _, line in sorted(found, key=lambda each: each[0])]


def _visit(row: object, origin: float, numbers: bool) -> Iterator[tuple[float, str]]:
    call = {name: row[name].item() for name in row.dtype.names}  # type: ignore[attr-defined,index]
    outcome = Outcome(call["outcome"])
    if outcome in (Outcome.VOICEMAIL_CLOSED, Outcome.BLOCKED):
        return  # never reached the queue
    entered = origin + call["entered"]
    ends = entered + call["wait"]
    waited = math.floor(ends) - math.floor(entered)
    uniqueid = f"{math.floor(entered)}.{call['entity']}{call['attempt']}"
    number = f"06{call['entity']:08}" if numbers else ""

    def line(at: float, agent: str, words: str) -> tuple[float, str]:
        return at, f"{math.floor(at)}|{uniqueid}|nul|{agent}|{words}\n"

    refused = {Outcome.VOICEMAIL_FULL: "FULL|", Outcome.VOICEMAIL_BUSY: "JOINEMPTY|"}  # written by the dialplan
    if outcome in refused:
        yield line(entered, "NONE", refused[outcome])
        return
    yield line(entered, "NONE", f"ENTERQUEUE||{number}|1")
    if outcome is Outcome.ANSWERED:
        agent = f"Local/{call['operator']}@seats"
        yield line(ends, agent, f"CONNECT|{waited}|{uniqueid}1|3")
        done = ends + call["talk"]
        yield line(done, agent, f"COMPLETECALLER|{waited}|{math.floor(done) - math.floor(ends)}|1")
    elif outcome is Outcome.ABANDONED:
        yield line(ends, "NONE", f"ABANDON|1|1|{waited}")
    elif outcome is Outcome.VOICEMAIL_KEY:
        yield line(ends, "NONE", f"EXITWITHKEY|1|1|1|{waited}")
    elif outcome is Outcome.VOICEMAIL_TIMEOUT:
        yield line(ends, "NONE", f"EXITWITHTIMEOUT|1|1|{waited}")
    elif outcome is Outcome.VOICEMAIL_EMPTY:
        yield line(ends, "NONE", f"EXITEMPTY|1|1|{waited}")
