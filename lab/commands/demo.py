"""`lab demo`: a whole call on a real switch, told step by step. `make demo` and `make run` are this."""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Callable

from common.command_line import Refusal
from common.places import Places
from ivr.commands.rehearse import rehearse
from ivr.configuration import service
from lab.acts import callback, figures
from lab.debian.installation import install, installed
from lab.demo import Telephone, Tell, place_call, prepare_prompts, telephone

ACTS = ((callback.TITLE, callback.act), (figures.TITLE, figures.act))


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stay", action="store_true", help="stay up after the call, for your own softphone")
    parser.add_argument("--mirror", metavar="URL", help="of Debian's packages (default: that of this machine's apt)")


def run(options: argparse.Namespace, places: Places) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as with Ctrl-C: stop what was started
    prepare_prompts(places, _report)
    try:
        installation = installed(places) or install(places, mirror=options.mirror, report=_report)
    except Refusal as problem:
        if not options.stay:
            raise
        return _without_a_switch(problem, places)
    with telephone(places, installation, _report) as working:
        passed = _act(f"A caller dials {working.number}", place_call, working)
        for title, act in ACTS:
            passed = passed and _act(title, act, working)
        print(
            "== Every step happened.\n" if passed else "== Not every step happened: see var/engine.log.\n", flush=True
        )
        if options.stay:
            _stay(working)
    return 0 if passed else 1


def _act(title: str, play: Callable[[Telephone, Tell], bool], working: Telephone) -> bool:
    print(f"\n== {title}", flush=True)
    return play(working, _tell)


def _stay(working: Telephone) -> None:
    print(f"The telephone stays up. Dial {working.address} with any softphone of this machine (A-law, no account).")
    print(
        "  Twelve simulated operators answer.  What happens: `ivr facts --follow`.  Ctrl-C stops everything.",
        flush=True,
    )
    try:
        while working.stack.engine.running:
            time.sleep(0.5)
        print("The engine has stopped by itself; see var/engine.log.")
    except KeyboardInterrupt:
        print()


def _without_a_switch(problem: Refusal, places: Places) -> int:
    print(f"No Asterisk could be obtained:\n  {problem}\n")
    print("So here is the rehearsal: the same flow in the terminal, the keys are pressed by you.\n", flush=True)
    compiled = service.compiled(service.load(places), places)
    return rehearse(compiled, at=time.time())


def _report(line: str) -> None:
    print(f"   {line}", flush=True)


def _tell(seconds: float, told: str, seen: bool) -> None:
    print(f"   {seconds:5.1f} s  {'ok  ' if seen else 'NOT '} {told}", flush=True)
