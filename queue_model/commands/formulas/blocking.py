"""`queue-model erlang --blocking`: lines without a queue, by Erlang B."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

from queue_model.commands import quantities
from queue_model.commands.formulas.table import aligned, around, load_sentence, one_number_of_agents
from queue_model.theory.erlang import erlang_b, load_for_blocking, servers_for_blocking


def run(options: argparse.Namespace) -> int:
    fewest = servers_for_blocking(options.calls.rate * options.aht, options.blocking)
    chosen = one_number_of_agents(options)
    if options.json:
        print(json.dumps(_document(options, fewest, chosen), indent=1))
    else:
        print("\n".join(_page(options, fewest, chosen)))
    return 0


def _page(options: argparse.Namespace, fewest: int, chosen: int | None) -> Iterator[str]:
    calls, aht, blocking = options.calls, options.aht, options.blocking
    goal = quantities.percent(blocking)
    yield load_sentence(calls, aht)
    yield "Nobody waits: a caller who finds all lines busy hears the engaged tone and is lost."
    yield ""
    rows = [["lines", "engaged", f"calls in {quantities.time(calls.seconds)} for {goal}"]]
    for lines in around(chosen or fewest):
        mark = "*" if lines == (chosen or fewest) else " "
        most = load_for_blocking(lines, blocking) / aht * calls.seconds
        rows.append([f"{lines}{mark}", quantities.percent(erlang_b(lines, calls.rate * aht)), quantities.count(most)])
    yield from aligned(rows)
    yield f"Fewest lines with which at most {goal} of the calls hear the engaged tone: {fewest} (Erlang B)."
    yield "engaged: share of the calls that is lost; last column: the most calls that the lines can take for it."
    yield "True for handling times of any law."


def _document(options: argparse.Namespace, fewest: int, chosen: int | None) -> dict[str, object]:
    load = options.calls.rate * options.aht
    return {
        "calls_per_second": options.calls.rate,
        "aht": options.aht,
        "load": load,
        "blocking": options.blocking,
        "fewest": fewest,
        "rows": [
            {"lines": n, "blocked": erlang_b(n, load), "most_load": load_for_blocking(n, options.blocking)}
            for n in around(chosen or fewest)
        ],
    }
