"""`queue-model erlang` with the calls of each slot: the day as it goes, M(t)/M/s(t)+M, by its forward equations."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Sequence

from common.command_line import Refusal
from queue_model.commands import quantities
from queue_model.theory.transient import Arrivals, Day, transient

MOST_AGENTS = 300  # beyond, the states (busy, waiting) are too many to wait for


def run(options: argparse.Namespace) -> int:
    agents = _agents(options)
    willing = options.patience
    slot, within = options.calls.seconds, options.target.within
    if within > slot:
        raise Refusal(f"--target: {within:g} s is longer than a slot of {slot:g} s; give fewer, longer slots")
    if willing is None and not agents[-1]:
        raise Refusal("--agents: nobody in the last slot, so those who wait then would wait for ever; leave somebody")
    day = transient(
        options.calls.counts,
        agents,
        options.aht,
        None if willing is None else willing.mean,
        slot=slot,
        within=within,
        busyness=options.busyness,
    )
    if options.json:
        print(json.dumps(_document(options, agents, day), indent=1))
    else:
        print("\n".join(_page(options, agents, day)))
    return 0


def _agents(options: argparse.Namespace) -> tuple[int, ...]:
    """Of each slot. Raises Refusal for what the equations do not know."""
    slots = len(options.calls.counts)
    if options.limit is not None or options.balk:
        raise Refusal("--limit and --balk are not for a day; leave them out, or give one number of calls")
    if options.patience is not None and options.patience.name != "exponential":
        raise Refusal("--patience: a day by formula knows the exponential law alone; write its mean, 3min")
    if options.agents is None:
        raise Refusal(f"--agents: say how many are on duty, one number or one for each of the {slots} slots: 8x6,7x6")
    agents: tuple[int, ...] = options.agents * (slots if len(options.agents) == 1 else 1)
    if len(agents) != slots:
        raise Refusal(f"--agents: {len(agents)} numbers for {slots} slots; give one for each, or one for all")
    if max(agents) > MOST_AGENTS:
        raise Refusal(f"--agents: {max(agents)} are too many for a day by formula, {MOST_AGENTS} at most; simulate it")
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
    for each, count in zip(day.slots, agents, strict=True):
        rows.append([_clock(each.start), quantities.count(each.calls), str(count), *_cells(each)])
    rows.append(["day", total, "", *_cells(day.whole)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
    yield "from: hours and minutes after the empty start; wait: share of callers who do not find an agent at once."
    yield "Shares and the mean wait are of all who call in the slot, whenever their wait ends."


def _clock(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours}:{minutes:02}"


def _cells(each: Arrivals) -> list[str]:
    if not each.calls:
        return ["-"] * 4
    wait, abandoned = quantities.time(each.mean_wait), quantities.percent(max(0.0, each.abandoned))
    return [quantities.percent(max(0.0, 1 - each.no_wait)), quantities.percent(each.service_level), wait, abandoned]


def _document(options: argparse.Namespace, agents: Sequence[int], day: Day) -> dict[str, object]:
    willing = options.patience
    return {
        "slot": options.calls.seconds,
        "aht": options.aht,
        "patience": None if willing is None else willing.mean,
        "busyness": options.busyness,
        "within": options.target.within,
        "day": _measures(day.whole),
        "slots": [
            {"start": each.start, "agents": count, **_measures(each)}
            for each, count in zip(day.slots, agents, strict=True)
        ],
    }


def _measures(each: Arrivals) -> dict[str, float | None]:
    found = {
        "calls": each.calls,
        "no_wait": each.no_wait,
        "mean_wait": each.mean_wait,
        "abandoned": each.abandoned,
        "gave_up_meanwhile": each.gave_up,
        "service_level": each.service_level,
    }
    return {name: None if math.isnan(value) else value for name, value in found.items()}
