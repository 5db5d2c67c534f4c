"""`queue-model erlang --handling`: calls that are equally long (M/D/c), or of any law (M/G/1 exactly, M/G/c not)."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator

from queue_model.commands import quantities
from queue_model.commands.formulas.table import AROUND, aligned, around, load_sentence, one_number_of_agents
from queue_model.errors import stable
from queue_model.theory.deterministic import erlang_d
from queue_model.theory.erlang import erlang_c
from queue_model.theory.general import (
    approximate_wait_bjorklund_elldin,
    approximate_wait_kimura,
    approximate_wait_lee_longton,
    single_agent_wait,
)

APPROXIMATIONS = {
    "lee_longton": approximate_wait_lee_longton,
    "bjorklund_elldin": approximate_wait_bjorklund_elldin,
    "kimura": approximate_wait_kimura,
}


def run(options: argparse.Namespace) -> int:
    load = options.calls.rate * options.aht
    chosen = one_number_of_agents(options)
    if chosen is not None:
        stable(load, chosen)
    least = math.floor(load) + 1  # the fewest agents with a steady state
    agents = around(chosen, least) if chosen else range(least, least + 2 * AROUND + 1)
    rows = [_row(options, count) for count in agents]
    if options.json:
        document = {"calls_per_second": options.calls.rate, "aht": options.aht, "load": load}
        law = {"handling": options.handling.name, "scv": options.handling.scv}
        print(json.dumps({**document, **law, "rows": rows}, indent=1))
    else:
        print("\n".join(_page(options, rows)))
    return 0


def _row(options: argparse.Namespace, agents: int) -> dict[str, float]:
    """Mean waits in s by model; `exact` where there is one."""
    question, scv = (options.calls.rate, options.aht), options.handling.scv
    row: dict[str, float] = {"agents": agents}
    if scv == 0:
        equal = erlang_d(*question, agents)
        row |= {"wait_probability": equal.wait_probability, "exact": equal.mean_wait}
    elif agents == 1:
        row["exact"] = single_agent_wait(*question, scv)
    else:
        row |= {name: wait(*question, agents, scv) for name, wait in APPROXIMATIONS.items()}
    return {**row, "erlang_c": erlang_c(*question, agents).asa}


def _page(options: argparse.Namespace, rows: list[dict[str, float]]) -> Iterator[str]:
    titles = {
        "agents": "agents",
        "wait_probability": "wait",
        "exact": "M/D/c" if options.handling.scv == 0 else "M/G/1",
        "lee_longton": "Lee-Longton",
        "bjorklund_elldin": "Björklund-Elldin",
        "kimura": "Kimura",
        "erlang_c": "Erlang C",
    }
    columns = [name for name in titles if any(name in row for row in rows)]
    yield load_sentence(options.calls, options.aht)
    yield f"Handling times: {options.handling.name}; variance / mean^2 is {options.handling.scv:.3g}. Nobody gives up."
    yield ""
    yield from aligned([[titles[name] for name in columns], *([_cell(row, name) for name in columns] for row in rows)])
    yield "Mean waits of all callers. Erlang C: handling times are exponential."
    if "exact" in columns:
        yield f"{titles['exact']} is exact."
    if "wait_probability" in columns:
        yield "wait: share of callers who do not find a free agent."
    if "kimura" in columns:
        yield "M/G/c has no exact formula: Lee-Longton, Björklund-Elldin and Kimura are approximate, within some per"
        yield "cent for variance / mean^2 up to about 2. For exact figures, simulate."


def _cell(row: dict[str, float], name: str) -> str:
    if name not in row:
        return "-"
    if name == "agents":
        return str(row[name])
    return quantities.percent(row[name]) if name == "wait_probability" else quantities.time(row[name])
