"""`lab postgres`: a private PostgreSQL for tests, benchmarks and trying things out; nothing to keep data in."""

from __future__ import annotations

import argparse
import signal
import tempfile

from common.places import Places
from lab import postgres
from lab.commands.switch import source


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    source(actions.add_parser("install", help="obtain it from Debian's packages into var/, without root"))
    actions.add_parser("run", help="run an empty one until Ctrl-C, and print its URL for NUL_DATABASE")


def run(options: argparse.Namespace, places: Places) -> int:
    if options.action == "install":
        postgres.install(
            places,
            mirror=options.mirror,
            suite=options.suite,
            keyring=options.keyring,
            verify=not options.no_verify_signature,
        )
        return 0
    programs = postgres.install(places, report=lambda line: None)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="nul-postgres-") as folder, postgres.Server(programs, folder) as running:
        print(running.url(), flush=True)
        signal.pause()
    return 0
