"""`lab switch`: obtain, start, stop and look at a private Asterisk on loopback."""

from __future__ import annotations

import argparse
import os
import time

import lab
from common.command_line import Refusal, as_sentence
from common.places import Places
from ivr import rendering
from lab.debian import packages
from lab.debian.installation import SUITE
from lab.rendering import render


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    command = actions.add_parser("install", help="obtain Asterisk, SIPp, Italian digits and music into var/")
    source(command)

    for name, summary in (
        ("render", "write the service's configuration for it from config/, show what changes"),
        ("start", "start it and wait until it is fully booted"),
        ("stop", "stop it and wait until it is gone"),
        ("status", "say whether it runs, as whom, and where it listens"),
        ("console", "open its own command line, or give it one command"),
    ):
        command = actions.add_parser(name, help=summary, description=as_sentence(summary))
        command.add_argument(
            "--name", default="main", help="which switch: several run side by side (default: %(default)s)"
        )
        command.add_argument(
            "--system", action="store_true", help="use the Asterisk that is installed on this machine (18 or newer)"
        )
        if name == "render":
            rendering.arguments(command)
        if name == "console":
            command.add_argument("words", nargs="*", metavar="WORD", help='one command, such as "core show channels"')
        if name in ("start", "stop"):
            default = {"start": 30.0, "stop": 15.0}[name]
            command.add_argument(
                "--deadline", type=float, default=default, metavar="SECONDS", help="default: %(default)g"
            )


def source(command: argparse.ArgumentParser) -> None:
    """Where packages come from, and who vouches for them."""
    command.add_argument(
        "--mirror", metavar="URL", help="a Debian mirror (default: the one that this machine's apt uses)"
    )
    command.add_argument("--suite", default=SUITE, help="the Debian suite to take them from (default: %(default)s)")
    command.add_argument(
        "--keyring", metavar="FILE", default=packages.KEYRING, help="who may sign (default: %(default)s)"
    )
    command.add_argument(
        "--no-verify-signature",
        action="store_true",
        help="trust the mirror and the network; checksums are still compared",
    )


def run(options: argparse.Namespace, places: Places) -> int:
    try:
        return _run(options, places)
    except OSError as problem:
        place = problem.filename or places.var
        raise Refusal(f"{place}: {problem.strerror}; make room or give rights there, or use another --var") from problem


def _run(options: argparse.Namespace, places: Places) -> int:
    if options.action == "install":
        lab.install(
            places,
            mirror=options.mirror,
            suite=options.suite,
            keyring=options.keyring,
            verify=not options.no_verify_signature,
        )
        return 0
    if options.action == "render":
        return render(options, places)
    needed = options.action in ("start", "console")
    chosen = lab.named(places, options.name, system=options.system, needed=needed, report=print)
    if options.action == "start":
        return _start(chosen, options)
    if options.action == "stop":
        return _stop(chosen, options)
    if options.action == "console":
        if not options.words:
            chosen.console()
        print(chosen.cli(" ".join(options.words)), end="")
        return 0
    return _status(chosen, options.name, lab.names(places))


def _start(chosen: lab.Switch, options: argparse.Namespace) -> int:
    began = time.monotonic()
    with chosen.alone():
        if chosen.pid is None:
            chosen.prepare()
        started = chosen.start(options.deadline)
    status = chosen.status()
    if not started:
        print(f"the switch {options.name!r} is running already (process {status.pid})")
    else:
        as_whom = f" as {status.user}" if status.user else ""
        took = time.monotonic() - began
        print(f"Asterisk {status.asterisk} is up{as_whom} (process {status.pid}, {took:.1f} s)")
    _where(chosen, status)
    if not os.path.exists(os.path.join(chosen.etc, "extensions_nul.conf")):
        print("  it knows nothing of the service yet: `lab switch render`, then `lab switch console core reload`")
    return 0


def _stop(chosen: lab.Switch, options: argparse.Namespace) -> int:
    began = time.monotonic()
    if chosen.stop(options.deadline):
        print(f"the switch {options.name!r} is stopped ({time.monotonic() - began:.1f} s)")
    else:
        print(f"the switch {options.name!r} was not running")
    return 0


def _status(chosen: lab.Switch, name: str, others: list[str]) -> int:
    """Exit status 0 when it runs, 3 when it does not: what init scripts answer."""
    status = chosen.status()
    if status.running:
        as_whom = f" as {status.user}" if status.user else ""
        print(f"{name}: Asterisk {status.asterisk} runs{as_whom} (process {status.pid})")
        _where(chosen, status)
    else:
        print(f"{name}: not running")
    if status.note:
        print(f"  {status.note}")
    if rest := [other for other in others if other != name]:
        print(f"other switches here: {', '.join(rest)} (--name)")
    return 0 if status.running else 3


def _where(chosen: lab.Switch, status: lab.Status) -> None:
    if status.ports:
        ports = status.ports
        sound = f"{ports.rtp_first}-{ports.rtp_last}"
        print(f"  SIP 127.0.0.1:{ports.sip} (UDP), AMI 127.0.0.1:{ports.ami} (TCP), sound on UDP {sound}")
    print(f"  files in {chosen.folder} (log/, etc/, ami.json); `lab switch console` to look inside")
