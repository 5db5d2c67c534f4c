"""`ivr rehearse`: play a whole call in the terminal, without a switch; you press the keys."""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import datetime
from zoneinfo import ZoneInfo

from common.command_line import Refusal
from common.places import Places
from ivr.configuration import service
from ivr.configuration.compiled import Compiled
from ivr.drivers.rehearsal import HangsUp, Rehearsal, rehearse_call
from ivr.drivers.terminal_caller import TerminalCaller
from ivr.facts import Fact
from ivr.flows.plugins import installed_flows


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--at", metavar='"YYYY-MM-DD HH:MM"', help="the time of the call, Italian time (default: now)")
    parser.add_argument("--number", default="0612345678", help='the caller\'s number; "" is withheld')
    parser.add_argument(
        "--operators",
        choices=("free", "busy", "full"),
        default="free",
        help="free: one answers; busy: nobody answers until the longest wait is over; full: the queue is full",
    )


def run(options: argparse.Namespace, places: Places) -> int:
    compiled = service.compiled(service.load(places), places)
    at = _time_of_call(options.at, compiled)
    return rehearse(compiled, at=at, operators=options.operators, number=options.number or None)


def rehearse(compiled: Compiled, *, at: float, operators: str = "free", number: str | None = "0612345678") -> int:
    """One call with the person at the terminal; prints its facts. Recordings are not kept."""
    caller = TerminalCaller(compiled)
    identity = compiled["service"]["service"]
    moment = datetime.fromtimestamp(at, ZoneInfo(identity["time_zone"]))
    print(f"Lei ha chiamato {identity['number']}, {identity['name']}, {moment:%d/%m/%Y %H:%M}.\n", flush=True)
    with tempfile.TemporaryDirectory() as folder, caller.keys_one_by_one():
        compiled["paths"] = {**compiled["paths"], "messages": folder, "facts": folder}
        rehearsal = Rehearsal(compiled, caller, at=at, number=number)
        fate = rehearse_call(rehearsal, installed_flows(), lambda call: _queue(call, caller, operators))
    print(f"\nThe call is over: {fate}. Its facts:")
    for fact in rehearsal.facts:
        print("  " + _line(fact, at))
    return 0


def _queue(rehearsal: Rehearsal, caller: TerminalCaller, operators: str) -> str:
    """The operators of a rehearsal."""
    policy = rehearsal.compiled["service"]["queue"]
    if operators == "full":
        print("   (la coda è piena)")
        return "refused"
    key = policy["voicemail_key"]
    wait = 20.0 if operators == "free" else float(policy["longest_wait"])
    print("   (musica d'attesa)")
    try:
        press = caller.wait(wait) if key else None
    except HangsUp:
        return "abandoned"
    rehearsal.now += wait
    if press is not None and press.key == key:
        return "key"
    if operators == "busy":
        return "timeout"
    print("   (una persona risponde, parla con Lei, saluta e riaggancia)")
    rehearsal.now += 240.0
    return "answered"


def _time_of_call(text: str | None, compiled: Compiled) -> float:
    if text is None:
        return time.time()
    zone = ZoneInfo(compiled["service"]["service"]["time_zone"])
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()
    except ValueError:
        raise Refusal(f'--at {text!r}: not a time; write for example --at "2026-12-25 10:00"') from None


def _line(fact: Fact, began: float) -> str:
    data = ", ".join(f"{key} {value}" for key, value in fact.data.items())
    return f"{fact.at - began:7.1f} s  {fact.kind:12} {data}"
