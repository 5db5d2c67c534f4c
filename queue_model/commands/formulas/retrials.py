"""`queue-model erlang --retrials`: one line without a queue, where refused callers dial again until answered."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from queue_model.commands import quantities
from queue_model.commands.formulas.table import load_sentence
from queue_model.theory.retrial import single_line


def run(options: argparse.Namespace) -> int:
    rate, aht, pause = options.calls.rate, options.aht, options.retrials
    line = single_line(rate, aht, pause)
    if options.json:
        document = {"calls_per_second": rate, "aht": aht, "load": rate * aht, "pause": pause}
        print(json.dumps({**document, **asdict(line)}, indent=1))
        return 0
    print(load_sentence(options.calls, aht))
    print(
        f"One line, no queue: callers who hear the engaged tone dial again after {quantities.time(pause)} on average."
    )
    print(f"  {quantities.percent(line.engaged):>12}  of the first attempts find the line engaged")
    print(f"  {line.orbit:>12.2f}  callers are between two attempts, on average")
    print(f"  {quantities.time(line.mean_wait):>12}  from the first attempt to the answer, on average")
    return 0
