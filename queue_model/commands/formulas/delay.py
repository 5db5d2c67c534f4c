"""`queue-model erlang --delay`: agents so that at most a given share of the callers waits at all."""

from __future__ import annotations

import argparse
import json

from queue_model.commands import quantities
from queue_model.commands.formulas.table import indented, load_sentence, mean_patience
from queue_model.theory import square_root
from queue_model.theory.abandonment import erlang_a
from queue_model.theory.erlang import agents_for_delay
from queue_model.theory.numerics.roots import fewest


def run(options: argparse.Namespace) -> int:
    rate, aht, delay = options.calls.rate, options.aht, options.delay
    patience = mean_patience(options.patience)
    answers: dict[str, int | None] = {
        "erlang_c": agents_for_delay(rate * aht, delay),
        "erlang_a": None,
        "square_root": square_root.agents_for_delay(rate * aht, delay),
        "square_root_patience": None,
    }
    if patience is not None:
        answers["erlang_a"] = fewest(lambda agents: erlang_a(rate, aht, agents, patience).wait_probability <= delay, 1)
        answers["square_root_patience"] = square_root.agents_for_delay(rate * aht, delay, patience / aht)
    if options.json:
        document = {"calls_per_second": rate, "aht": aht, "patience": patience, "load": rate * aht, "delay": delay}
        print(json.dumps({**document, "fewest": answers}, indent=1))
        return 0
    print(load_sentence(options.calls, aht))
    if patience is not None:
        print(f"Callers give up after {quantities.time(patience)} on average.")
    print(f"Fewest agents so that at most {quantities.percent(delay)} of the callers wait at all:")
    meanings = {
        "erlang_c": "Erlang C: callers never give up",
        "erlang_a": "Erlang A: callers give up",
        "square_root": "square-root rule, callers never give up",
        "square_root_patience": "square-root rule, callers give up",
    }
    print(*indented([(n, meanings[name]) for name, n in answers.items() if n is not None]), sep="\n")
    return 0
