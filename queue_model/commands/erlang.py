"""`queue-model erlang`: answers by formula, without a scenario. Each kind of question is a module of `formulas`."""

from __future__ import annotations

import argparse
import importlib

from common.command_line import Refusal
from common.places import Places
from queue_model.commands import quantities

EXAMPLES = """
how many agents:
  queue-model erlang --calls 32/30min --aht 360 --patience 180
      the fewest agents who answer 80 % of the calls within 20 s (--target 80/20)
  queue-model erlang --calls 64/h --aht 6min --patience 3min --agents 8
      the service with eight agents
  queue-model erlang --calls 64/h --aht 6min --patience 3min --target 90/30 --limit 14
      with 14 lines: at most 14 calls at once, the next caller hears the engaged tone
  queue-model erlang --calls 64/h --aht 6min --patience weibull:3min,0.7 --balk 5 --agents 8
      another law of patience (M/M/c+GI), and 5 % who hang up as soon as there is any wait
  queue-model erlang --calls 64/h --aht 6min --patience 3min --delay 20
      the fewest agents so that at most 20 % of the callers wait at all

a day, half-hour by half-hour:
  queue-model erlang --calls 14,22,28,32,32,28/30min --aht 6min --patience 3min --agents 5x2,7x4
      exactly, from an empty start: M(t)/M/s(t)+M
  queue-model erlang --calls 14,22,28,32,32,28/30min --aht 6min --delay 20
      the load that the calls really offer (it lags behind them), and agents for it
  queue-model erlang --calls 14,22,28,32,32,28/30min --aht 6min --patience 3min --blocks 3,3
      the fewest operator-hours when each block of the day has one number of agents

other questions:
  queue-model erlang --calls 32/30min --aht 6min --blocking 1
      lines without a queue: the fewest with which at most 1 % hear the engaged tone (Erlang B)
  queue-model erlang --calls 32/30min --aht 6min --agents 8 --handling deterministic
      all calls equally long (M/D/c); --handling lognormal:0.8 is approximate (M/G/c), exact for one agent (M/G/1)
  queue-model erlang --calls 8,24/30min --aht 6min --agents 8 --priorities
      two classes of calls, the first is served first
  queue-model erlang --calls 3/h --aht 6min --retrials 2min
      one line without a queue: callers who hear the engaged tone dial again 2 min later, on average

patience: 3min is exponential; or deterministic:3min, lognormal:3min,SIGMA, weibull:3min,SHAPE, gamma:3min,SHAPE,
uniform:0,6min, empirical:30,60,4min (observed times, equally likely). With as many lines as agents it is Erlang B.

Erlang C is too pessimistic when callers give up, as they do; trust Erlang A. Both take calls and agents as constant for
a long time. In a day (--calls with a number for each slot), agents whose shift ends finish the call in hand; after the
last slot nobody new comes in, and the last agents stay until the queue is empty. Handling times are exponential unless
--handling says otherwise. For other laws of talk, breaks and e-mails, simulate.
"""
TARGET = quantities.Target(0.8, 20.0)
# The options of each kind of question, beside --calls, --aht and --json; a question is recognised by its first option.
QUESTIONS = {
    "blocking": ("agents",),
    "delay": ("patience",),
    "handling": ("agents",),
    "priorities": ("agents", "handling"),
    "retrials": (),
}
DAY_QUESTIONS = {"delay": (), "blocks": ("patience", "target", "agents")}
STEADY = ("patience", "balk", "limit", "agents", "target")
DAY = ("patience", "agents", "target", "busyness")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog, parser.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    calls = "calls offered: 32/30min, 64/h; of each slot of a day, or of each class: 14,22,28/30min"
    add("--calls", type=quantities.offered, required=True, metavar="N/TIME", help=calls)
    aht = "mean handling time, wrap-up included: 6min; with --priorities also one for each class: 6min,3min"
    add("--aht", type=quantities.durations, required=True, metavar="TIME", help=aht)
    law = "mean time after which callers give up (default: never), or LAW:TIME,NUMBER"
    add("--patience", type=quantities.patience, metavar="TIME", help=law)
    add("--balk", type=quantities.share, metavar="PERCENT", help="callers who hang up at any wait, %%")
    add("--limit", type=quantities.agents, metavar="K", help="lines: most calls at once, in conversation or waiting")
    busy = "a day: shape of the gamma factor of mean 1 by which days differ (25: by 20 %%)"
    add("--busyness", type=quantities.shape, metavar="SHAPE", help=busy)
    add("--agents", type=quantities.staff, metavar="N", help="number of agents; in a day one, or 8x6,7x6 by slot")
    add("--target", type=quantities.target, metavar="P/S", help="service level to reach: 80/20 (default)")
    delay = "fewest agents so that at most this share of the callers waits at all"
    add("--delay", type=quantities.target_share, metavar="PERCENT", help=delay)
    add("--blocks", type=quantities.staff, metavar="N,N", help="a day: slots of each block with the same agents: 9,9")
    blocking = "lines without a queue: fewest with which at most this share hears the engaged tone"
    add("--blocking", type=quantities.target_share, metavar="PERCENT", help=blocking)
    handling = "law of handling times: deterministic, exponential, lognormal:SIGMA, or scv:NUMBER, variance / mean^2"
    add("--handling", type=quantities.handling, metavar="LAW", help=handling)
    add("--priorities", action="store_true", default=None, help="the numbers of --calls are classes, the first first")
    add("--retrials", type=quantities.duration, metavar="TIME", help="one line: mean pause before dialling again")
    add("--json", action="store_true", help="for programs: full digits, seconds and shares")


def run(options: argparse.Namespace, places: Places) -> int:
    name, used = _question(options)
    _check_unused(options, name, used)
    if len(options.aht) > 1 and name != "priorities":
        raise Refusal("--aht: one time is needed here; one for each class goes with --priorities")
    if name != "priorities":
        (options.aht,) = options.aht
    options.target = options.target or TARGET
    # Only a day needs NumPy and SciPy, so each module is imported when its question is asked.
    answer = importlib.import_module(f"queue_model.commands.formulas.{name}")
    status: int = answer.run(options)
    return status


def _question(options: argparse.Namespace) -> tuple[str, tuple[str, ...]]:
    """The module that answers, and the options that it uses."""
    of_slots = isinstance(options.calls, quantities.Slots)
    asked = [
        name for name in ("priorities", "retrials", "blocking", "delay", "blocks", "handling") if _given(options, name)
    ]
    if not asked:
        return ("day", DAY) if of_slots else ("steady", STEADY)
    name = asked[0]
    if of_slots and name in DAY_QUESTIONS:
        return {"delay": "day_load"}.get(name, name), (name, *DAY_QUESTIONS[name])
    if name == "blocks":
        raise Refusal("--blocks is for a day: give the calls of each slot with --calls 14,22,28/30min")
    if of_slots and name != "priorities":
        raise Refusal(f"--{name} is not for a day; give one number of calls, 32/30min")
    return name, (name, *QUESTIONS[name])


def _check_unused(options: argparse.Namespace, name: str, used: tuple[str, ...]) -> None:
    """Raises Refusal for an option that the answer would ignore."""
    for option in (*STEADY, "busyness", *QUESTIONS, "blocks"):
        if option in used or not _given(options, option):
            continue
        if name == "steady":
            raise Refusal(f"--{option} is for a day: give the calls of each slot with --calls 14,22,28/30min")
        if name == "day":
            raise Refusal(f"--{option} is not for a day; leave it out, or give one number of calls")
        raise Refusal(f"--{option} does not go with --{used[0]}; leave one of them out")


def _given(options: argparse.Namespace, name: str) -> bool:
    return getattr(options, name) is not None
