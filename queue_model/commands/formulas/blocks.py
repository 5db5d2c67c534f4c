"""`queue-model erlang --blocks`: the fewest operator-hours when each block of a day has one number of agents."""

from __future__ import annotations

import argparse
import json
import math

from common.command_line import Refusal
from queue_model.commands import quantities
from queue_model.commands.formulas.table import aligned, mean_patience
from queue_model.planning.blocks import BlockProblem, BlockStaffing, cheapest_staffing

MOST_COMBINATIONS = 100_000


def run(options: argparse.Namespace) -> int:
    question = _question(options)
    choices = cheapest_staffing(question)
    if options.json:
        print(json.dumps(_document(question, choices), indent=1))
        return 0
    print(f"Fewest operator-hours to answer {100 * question.service_level:g} % of the day's calls within "
          f"{quantities.time(question.within)}: {quantities.count(choices[0].cost)}.\n")  # fmt: skip
    starts = [sum(question.blocks[:i]) * question.slot for i in range(len(question.blocks))]
    rows = [[*(f"from {quantities.clock(start)}" for start in starts), f"in {question.within:g} s", "give up"]]
    for choice in choices:
        shares = [quantities.percent(choice.service_level), quantities.percent(max(0.0, choice.abandonment))]
        rows.append([*map(str, choice.operators), *shares])
    print("\n".join(aligned(rows)))
    print(f"Agents by block, exactly (M(t)/M/s(t)+M). Every cheaper choice of {question.fewest[0]} to "
          f"{question.most[0]} agents misses the target.")  # fmt: skip
    return 0


def _question(options: argparse.Namespace) -> BlockProblem:
    """Raises Refusal."""
    calls, blocks = options.calls, options.blocks
    if sum(blocks) != len(calls.counts) or not all(blocks):
        raise Refusal(
            f"--blocks: {sum(blocks)} slots in all, but --calls has {len(calls.counts)}; give the slots of each block, "
            "1 or more, with the same sum"
        )
    most = _most(options)
    if most ** len(blocks) > MOST_COMBINATIONS:
        raise Refusal(
            f"--blocks: {len(blocks)} blocks of 1 to {most} agents are too many combinations ({MOST_COMBINATIONS:,} at "
            "most); give fewer blocks, or fewer agents with --agents"
        )
    return BlockProblem(
        calls.counts,
        options.aht,
        mean_patience(options.patience),
        blocks,
        fewest=[1] * len(blocks),
        most=[most] * len(blocks),
        service_level=options.target.share,
        within=options.target.within,
        slot=calls.seconds,
    )


def _most(options: argparse.Namespace) -> int:
    """The most agents of a block: `--agents`, or enough for the busiest slot with room to spare."""
    if options.agents is not None:
        if len(options.agents) > 1 or not options.agents[0]:
            raise Refusal("--agents: with --blocks give one number, the most agents of a block, 1 or more")
        most: int = options.agents[0]
        return most
    load: float = max(options.calls.counts) / options.calls.seconds * options.aht
    return math.ceil(load + 2 * math.sqrt(load)) + 1


def _document(question: BlockProblem, choices: list[BlockStaffing]) -> dict[str, object]:
    return {
        "slot": question.slot,
        "aht": question.aht,
        "patience": question.patience,
        "blocks": list(question.blocks),
        "most": list(question.most),
        "target": {"share": question.service_level, "within": question.within},
        "operator_hours": choices[0].cost,
        "choices": [
            {"agents": list(each.operators), "service_level": each.service_level, "abandoned": each.abandonment}
            for each in choices
        ],
    }
