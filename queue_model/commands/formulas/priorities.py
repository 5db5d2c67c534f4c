"""`queue-model erlang --priorities`: classes of calls, the first served first; nobody is interrupted."""

from __future__ import annotations

import argparse
import json
import math

from common.command_line import Refusal
from queue_model.commands import quantities
from queue_model.commands.formulas.table import aligned, one_number_of_agents
from queue_model.theory.priorities import Priorities, several_agents, single_agent


def run(options: argparse.Namespace) -> int:
    calls = options.calls
    if not isinstance(calls, quantities.Slots):
        raise Refusal("--priorities: give the calls of each class with --calls, the first served first: 8,24/30min")
    agents = one_number_of_agents(options)
    if agents is None:
        raise Refusal("--priorities: give the number of agents with --agents")
    rates = [count / calls.seconds for count in calls.counts]
    if not any(rates):
        raise Refusal("--calls: nobody calls in any class; give a number above 0 for one of them")
    waits = _waits(options, rates, agents)
    mean = math.fsum(rate * wait for rate, wait in zip(rates, waits.waits, strict=True)) / math.fsum(rates)
    if options.json:
        document = {"calls_per_second": rates, "aht": list(options.aht), "agents": agents}
        answer = {"wait_probability": waits.wait_probability, "mean_waits": list(waits.waits), "mean_wait": mean}
        print(json.dumps({**document, **answer}, indent=1))
        return 0
    rows = [["class", "calls", "mean wait"]]
    for number, (count, wait) in enumerate(zip(calls.counts, waits.waits, strict=True), start=1):
        rows.append([str(number), quantities.count(count), quantities.time(wait)])
    rows.append(["all", quantities.count(math.fsum(calls.counts)), quantities.time(mean)])
    handling = ", ".join(quantities.time(aht) for aht in options.aht)
    print(f"{agents} agent{'' if agents == 1 else 's'}; {handling} each. Nobody gives up, nobody is interrupted.\n")
    print("\n".join(aligned(rows)))
    print(f"Class 1 is served first. {quantities.percent(waits.wait_probability)} of the callers wait, of every class.")
    return 0


def _waits(options: argparse.Namespace, rates: list[float], agents: int) -> Priorities:
    """Raises Refusal."""
    if len(options.aht) == 1 and (options.handling is None or options.handling.scv == 1):
        return several_agents(rates, options.aht[0], agents)
    if agents > 1:
        raise Refusal(
            "--agents: with several agents, all classes need the same exponential handling times; give one --aht and "
            "no --handling, or one agent"
        )
    if len(options.aht) not in (1, len(rates)):
        raise Refusal(f"--aht: {len(options.aht)} times for {len(rates)} classes; give one for all, or one for each")
    ahts = options.aht * (len(rates) if len(options.aht) == 1 else 1)
    scv = 1.0 if options.handling is None else options.handling.scv
    return single_agent(rates, ahts, [scv] * len(rates))
