"""`lab postgres`: a private PostgreSQL for tests, benchmarks and trying things out; not for keeping data."""

from __future__ import annotations

import argparse
import signal
import tempfile

from common.command_line import as_sentence
from common.places import Places
from lab import postgres
from lab.commands.source_options import add_source_options, chosen_source

SUMMARIES = {
    "install": "install PostgreSQL from Debian's packages below var/, without root",
    "run": "run an empty server until Ctrl-C, and print its URL for NUL_DATABASE",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for action, summary in SUMMARIES.items():
        command = actions.add_parser(action, help=summary, description=as_sentence(summary))
        if action == "install":
            add_source_options(command)


def run(options: argparse.Namespace, places: Places) -> int:
    if options.action == "install":
        postgres.install(places, chosen_source(options))
        return 0
    programs = postgres.install(places, report=lambda line: None)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="nul-postgres-") as folder, postgres.Server(programs, folder) as server:
        print(server.url(), flush=True)
        signal.pause()
    return 0
