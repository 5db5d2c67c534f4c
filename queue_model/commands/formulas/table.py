"""Tables and sentences that the answers share."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from common.command_line import Refusal
from queue_model.commands import quantities

AROUND = 2


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines, every column aligned to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def load_sentence(calls: quantities.Calls, aht: float) -> str:
    count = f"{quantities.count(calls.count)} calls in {quantities.time(calls.seconds)}"
    return f"{count}, {quantities.time(aht)} each: {quantities.count(calls.rate * aht)} erlangs."


def around(centre: int, least: int = 1) -> range:
    """The numbers of agents or lines for a table."""
    return range(max(least, centre - AROUND), centre + AROUND + 1)


def one_number_of_agents(options: argparse.Namespace) -> int | None:
    """None if there is no `--agents`. Raises Refusal for a list, and for 0."""
    if options.agents is None:
        return None
    if len(options.agents) > 1 or not options.agents[0]:
        raise Refusal("--agents: give one number, 1 or more; one for each slot needs --calls by slot, 14,22,28/30min")
    agents: int = options.agents[0]
    return agents


def indented(lines: Sequence[tuple[object, str]]) -> Iterator[str]:
    """Numbers with their meaning, one a line."""
    for number, meaning in lines:
        yield f"  {number:>6}  {meaning}"


def mean_patience(law: quantities.PatienceLaw | None) -> float | None:
    """Seconds; None if nobody gives up. Raises Refusal for a law that is not exponential."""
    if law is not None and law.name != "exponential":
        raise Refusal("--patience: this formula needs the exponential law; write its mean alone, 3min")
    return None if law is None else law.mean
