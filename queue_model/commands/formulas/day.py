"""`queue-model erlang` with the calls of each slot: a day from its empty start, M(t)/M/s(t)+M, by forward equations."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Sequence

from common.command_line import Refusal
from queue_model.commands import quantities
from queue_model.commands.formulas.table import aligned, mean_patience
from queue_model.theory.transient import Arrivals, Day, transient

MOST_AGENTS = 300  # with more, there are too many states (busy, waiting) to wait for


def run(options: argparse.Namespace) -> int:
    agents = _agents(options)
    patience = mean_patience(options.patience)
    slot, within = options.calls.seconds, options.target.within
    if within > slot:
        raise Refusal(f"--target: {within:g} s is longer than a slot of {slot:g} s; give fewer, longer slots")
    if patience is None and not agents[-1]:
        raise Refusal("--agents: callers in the last slot would wait for ever; give 1 agent or more, or --patience")
    day = transient(
        options.calls.counts, agents, options.aht, patience, slot=slot, within=within, busyness=options.busyness
    )
    if options.json:
        print(json.dumps(_document(options, agents, day), indent=1))
    else:
        print("\n".join(_page(options, agents, day)))
    return 0


def _agents(options: argparse.Namespace) -> tuple[int, ...]:
    """Agents of each slot. Raises Refusal."""
    slots = len(options.calls.counts)
    if options.agents is None:
        raise Refusal(
            f"--agents: give the agents on duty, one number or one for each of the {slots} slots: 8x6,7x6; or ask for "
            "agents with --delay or --blocks"
        )
    agents: tuple[int, ...] = options.agents * (slots if len(options.agents) == 1 else 1)
    if len(agents) != slots:
        raise Refusal(f"--agents: {len(agents)} numbers for {slots} slots; give one for each, or one for all")
    if max(agents) > MOST_AGENTS:
        raise Refusal(f"--agents: {max(agents)} are too many for a day by formula ({MOST_AGENTS} at most); simulate it")
    return agents


def _page(options: argparse.Namespace, agents: Sequence[int], day: Day) -> Iterator[str]:
    calls, within = options.calls, options.target.within
    total = quantities.count(math.fsum(calls.counts))
    slot, handling = quantities.time(calls.seconds), quantities.time(options.aht)
    yield f"{total} calls in {len(calls.counts)} slots of {slot}, {handling} each."
    if options.patience is not None:
        yield f"Callers give up after {quantities.time(options.patience.mean)} on average."
    if options.busyness is not None:
        yield f"Days differ by {100 / math.sqrt(options.busyness):.0f} % (busyness {options.busyness:g})."
    yield ""
    rows = [["from", "calls", "agents", "wait", f"in {within:g} s", "mean wait", "give up"]]
    for arrivals, count in zip(day.slots, agents, strict=True):
        rows.append([quantities.clock(arrivals.start), quantities.count(arrivals.calls), str(count), *_cells(arrivals)])
    rows.append(["day", total, "", *_cells(day.whole)])
    yield from aligned(rows)
    yield "from: hours and minutes after the empty start; wait: share of callers who do not find an agent at once."
    yield "Shares and the mean wait are of all callers of the slot, whenever their wait ends."


def _cells(arrivals: Arrivals) -> list[str]:
    if not arrivals.calls:
        return ["-"] * 4
    wait, abandoned = quantities.time(arrivals.mean_wait), quantities.percent(max(0.0, arrivals.abandoned))
    return [
        quantities.percent(max(0.0, 1 - arrivals.no_wait)),
        quantities.percent(arrivals.service_level),
        wait,
        abandoned,
    ]


def _document(options: argparse.Namespace, agents: Sequence[int], day: Day) -> dict[str, object]:
    return {
        "slot": options.calls.seconds,
        "aht": options.aht,
        "patience": mean_patience(options.patience),
        "busyness": options.busyness,
        "within": options.target.within,
        "day": _measures(day.whole),
        "slots": [
            {"start": each.start, "agents": count, **_measures(each)}
            for each, count in zip(day.slots, agents, strict=True)
        ],
    }


def _measures(arrivals: Arrivals) -> dict[str, float | None]:
    measures = {
        "calls": arrivals.calls,
        "no_wait": arrivals.no_wait,
        "mean_wait": arrivals.mean_wait,
        "abandoned": arrivals.abandoned,
        "gave_up_meanwhile": arrivals.gave_up,
        "service_level": arrivals.service_level,
    }
    return {name: None if math.isnan(value) else value for name, value in measures.items()}
