"""`lab demo`: a whole call on a real switch, reported step by step. `make demo` and `make run` call it."""

from __future__ import annotations

import argparse
import signal
import time
from types import FrameType, ModuleType

from common.command_line import Refusal
from common.places import Places
from ivr.commands.rehearse import rehearse
from ivr.configuration import service
from ivr.prompts import catalogue, voices
from lab.acts import call, callback, figures
from lab.debian.tree import Source
from lab.demo.progress import Progress
from lab.demo.telephone import Telephone, telephone
from lab.switch.installation import install, installed

ACTS: tuple[ModuleType, ...] = (call, callback, figures)
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Start an engine, a private Asterisk and twelve simulated operators; let a simulated caller use the service; "
        "report every step. The exit status is 0 when every step happened. Nothing is left running."
    )
    parser.add_argument("--stay", action="store_true", help="stay up after the calls, for your own softphone")
    parser.add_argument("--mirror", metavar="URL", help="of Debian's packages (default: that of this machine's apt)")


def run(options: argparse.Namespace, places: Places) -> int:
    _end_on_signals()
    prepare_prompts(places)
    try:
        installation = installed(places) or install(places, Source(options.mirror), report=_report)
    except Refusal as problem:
        if not options.stay:
            raise
        return _without_a_switch(problem, places)
    with telephone(places, installation, _report) as working:
        complete = all(_play(act, working) for act in ACTS)
        verdict = "Every step happened." if complete else f"Not every step happened: see {working.stack.engine.log}."
        print(f"== {verdict}\n", flush=True)
        if options.stay:
            _stay(working)
    return 0 if complete else 1


def _end_on_signals() -> None:
    """End once, as with Ctrl-C, on SIGTERM and SIGHUP too; more signals do not disturb the stopping.

    `kill` on a background `make run` may send several: to the process group, and again from make. What is ignored from
    the beginning (SIGHUP under nohup, SIGINT in a background job of a script) stays ignored.
    """

    def end(number: int, frame: FrameType | None) -> None:
        for one in ENDING:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    for one in ENDING:
        if signal.getsignal(one) is not signal.SIG_IGN:
            signal.signal(one, end)


def prepare_prompts(places: Places) -> None:
    """Make the missing audio of prompts, with any voice that this machine has."""
    missing = catalogue.missing(places)
    if not missing:
        return
    try:
        texts, voice = catalogue.load(places), voices.find("auto", places)
    except voices.VoiceError as problem:
        _report(f"{len(missing)} prompts have no audio and stay silent: {problem}")
        return
    _report(f"{len(missing)} prompts have no audio yet: making it with the voice {voice.name}")
    for id, alaw in zip(missing, voices.telephone(voice, [texts[id] for id in missing]), strict=True):
        catalogue.keep(places, texts[id], alaw, voice.name)


def _play(act: ModuleType, working: Telephone) -> bool:
    print(f"\n== {act.TITLE.format(number=working.number)}", flush=True)
    progress = Progress()
    act.act(working, progress)
    return progress.complete


def _stay(working: Telephone) -> None:
    print(f"The telephone stays up. Dial {working.address} with any softphone of this machine (A-law, no account).")
    print(
        "  Twelve simulated operators answer.  `ivr facts --follow` shows what happens.  Ctrl-C stops everything.",
        flush=True,
    )
    try:
        while working.stack.engine.running:
            time.sleep(0.5)
        print(f"The engine has stopped by itself; see {working.stack.engine.log}.")
    except KeyboardInterrupt:
        print()


def _without_a_switch(problem: Refusal, places: Places) -> int:
    print(f"No Asterisk could be obtained:\n  {problem}\n")
    print("Instead, this is the rehearsal: the same flow in the terminal, you press the keys.\n", flush=True)
    compiled = service.compiled(service.load(places), places)
    return rehearse(compiled, at=time.time())


def _report(line: str) -> None:
    print(f"   {line}", flush=True)
