"""`lab switch`: install, start, stop and inspect a private Asterisk on loopback."""

from __future__ import annotations

import argparse
import os
import time

from common.command_line import Refusal, as_sentence
from common.file_errors import describe
from common.places import Places
from ivr import rendering
from lab.commands.source_options import add_source_options, chosen_source
from lab.switch.asterisk import Status, Switch
from lab.switch.by_name import find_switch, switch_names
from lab.switch.installation import install
from lab.switch.rendering import render

SUMMARIES = {
    "install": "install Asterisk, SIPp, Italian digits and music below var/, without root",
    "render": "write its configuration of the service from config/, and show what changes",
    "start": "start it, and wait until it is fully booted",
    "stop": "stop it, and wait until it has ended",
    "status": "show whether it runs, as which user, and where it listens",
    "console": "open its own command line, or run one command there",
}
DEADLINES = {"start": 30.0, "stop": 15.0}  # s


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for action, summary in SUMMARIES.items():
        command = actions.add_parser(action, help=summary, description=as_sentence(summary))
        if action == "install":
            add_source_options(command)
            continue
        command.add_argument(
            "--name", default="main", help="the name of the switch: several run side by side (default: %(default)s)"
        )
        command.add_argument(
            "--system", action="store_true", help="use the Asterisk that is installed on this machine (18 or newer)"
        )
        if action == "render":
            rendering.arguments(command)
        if action == "console":
            command.add_argument("words", nargs="*", metavar="WORD", help='one command, such as "core show channels"')
        if action in DEADLINES:
            command.add_argument(
                "--deadline", type=float, default=DEADLINES[action], metavar="SECONDS", help="default: %(default)g"
            )


def run(options: argparse.Namespace, places: Places) -> int:
    try:
        return _run(options, places)
    except OSError as problem:
        raise Refusal(f"{describe(problem, places.var)}; or use another --var") from problem


def _run(options: argparse.Namespace, places: Places) -> int:
    if options.action == "install":
        install(places, chosen_source(options))
        return 0
    if options.action == "render":
        return render(options, places)
    needed = options.action in ("start", "console")
    chosen = find_switch(places, options.name, system=options.system, needed=needed, report=print)
    if options.action == "start":
        return _start(chosen, options)
    if options.action == "stop":
        return _stop(chosen, options)
    if options.action == "console":
        if not options.words:
            chosen.console()
        print(chosen.cli(" ".join(options.words)), end="")
        return 0
    return _status(chosen, options.name, switch_names(places))


def _start(chosen: Switch, options: argparse.Namespace) -> int:
    began = time.monotonic()
    with chosen.alone():
        if chosen.pid is None:
            chosen.prepare()
        started = chosen.start(options.deadline)
    status = chosen.status()
    if not started:
        print(f"the switch {options.name!r} is already running (process {status.pid})")
    else:
        as_user = f" as {status.user}" if status.user else ""
        took = time.monotonic() - began
        print(f"Asterisk {status.asterisk} is up{as_user} (process {status.pid}, {took:.1f} s)")
    _where(chosen, status)
    if not os.path.exists(os.path.join(chosen.etc, "extensions_nul.conf")):
        print(
            "  it has no configuration of the service yet: `lab switch render`, then `lab switch console core reload`"
        )
    return 0


def _stop(chosen: Switch, options: argparse.Namespace) -> int:
    began = time.monotonic()
    if chosen.stop(options.deadline):
        print(f"the switch {options.name!r} is stopped ({time.monotonic() - began:.1f} s)")
    else:
        print(f"the switch {options.name!r} was not running")
    return 0


def _status(chosen: Switch, name: str, others: list[str]) -> int:
    """Exit status 0 when it runs, 3 when it does not: as init scripts do."""
    status = chosen.status()
    if status.running:
        as_user = f" as {status.user}" if status.user else ""
        print(f"{name}: Asterisk {status.asterisk} runs{as_user} (process {status.pid})")
        _where(chosen, status)
    else:
        print(f"{name}: not running")
    if status.note:
        print(f"  {status.note}")
    if rest := [other for other in others if other != name]:
        print(f"other switches here: {', '.join(rest)} (--name)")
    return 0 if status.running else 3


def _where(chosen: Switch, status: Status) -> None:
    if status.ports:
        ports = status.ports
        sound_ports = f"{ports.rtp_first}-{ports.rtp_last}"
        print(f"  SIP 127.0.0.1:{ports.sip} (UDP), AMI 127.0.0.1:{ports.ami} (TCP), sound on UDP {sound_ports}")
    print(f"  files in {chosen.folder} (log/, etc/, ami.json); `lab switch console` opens its command line")
