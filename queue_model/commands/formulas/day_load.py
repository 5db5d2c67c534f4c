"""`queue-model erlang --calls 14,22,28/30min --delay`: the load that changing calls offer, and agents for it.

The number of calls in progress with unlimited agents (`queue_model.theory.offered_load`) lags behind the calls. Agents
are chosen for the highest load of each slot: exactly when patience has the same mean as handling, by Erlang C as an
approximation when nobody gives up.
"""

from __future__ import annotations

import argparse
import json
from typing import NamedTuple

from queue_model.commands import quantities
from queue_model.commands.formulas.table import aligned
from queue_model.theory.erlang import agents_for_delay
from queue_model.theory.numerics.roots import fewest
from queue_model.theory.offered_load import delay_probability, offered_load


class SlotLoad(NamedTuple):
    """A slot of the day: calls, erlangs, and agents for the goal."""

    start: float  # s
    calls: float
    steady_load: float  # as if the slot went on without end
    highest_load: float
    patient: int  # agents when nobody gives up, approximately
    impatient: int  # agents when patience has the same mean as handling


def run(options: argparse.Namespace) -> int:
    slots = _slots(options.calls, options.aht, options.delay)
    if options.json:
        document = {"slot": options.calls.seconds, "aht": options.aht, "delay": options.delay}
        print(json.dumps({**document, "slots": [slot._asdict() for slot in slots]}, indent=1))
        return 0
    goal = quantities.percent(options.delay)
    print(f"Fewest agents so that at most {goal} of the callers wait at all, {quantities.time(options.aht)} each:\n")
    rows = [["from", "calls", "calls x time", "highest load", "never give up", "give up"]]
    for slot in slots:
        erlangs = [f"{slot.steady_load:.2f}", f"{slot.highest_load:.2f}"]
        row = [
            quantities.clock(slot.start),
            quantities.count(slot.calls),
            *erlangs,
            f"{slot.patient}",
            f"{slot.impatient}",
        ]
        rows.append(row)
    print("\n".join(aligned(rows)))
    print(
        "calls x time: erlangs, as if the slot went on without end; highest load: erlangs offered from an empty start;"
    )
    print("they lag behind the calls. never give up: agents by Erlang C for the highest load, approximate.")
    print("give up: agents when patience has the same mean as handling, exact for the moment of the highest load.")
    return 0


def _slots(calls: quantities.Slots, aht: float, delay: float) -> list[SlotLoad]:
    offered = offered_load(calls.counts, calls.seconds, aht)
    slots = []
    for i, count in enumerate(calls.counts):
        start = i * calls.seconds
        # Within a slot the load only rises or only falls.
        load = max(offered.at(start), offered.at(start + calls.seconds))
        impatient = fewest(lambda n, load=load: delay_probability(load, n) <= delay, 1)  # type: ignore[misc]
        assert impatient is not None  # with enough agents nobody waits
        steady_load = count / calls.seconds * aht
        slots.append(SlotLoad(start, count, steady_load, load, agents_for_delay(load, delay), impatient))
    return slots
