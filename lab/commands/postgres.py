"""`lab postgres`: a private PostgreSQL for tests, benchmarks and trying things out; not for keeping data."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator

from common.places import Places
from lab import postgres
from lab.commands.server_actions import add_actions, run_until_stopped
from lab.commands.source_options import chosen_source


def arguments(parser: argparse.ArgumentParser) -> None:
    add_actions(
        parser,
        "install PostgreSQL from Debian's packages below var/, without root",
        "run an empty server until Ctrl-C, and print its URL for NUL_DATABASE",
    )


def run(options: argparse.Namespace, places: Places) -> int:
    if options.action == "install":
        postgres.install(places, chosen_source(options))
        return 0
    programs = postgres.install(places, report=lambda line: None)

    @contextlib.contextmanager
    def serve(folder: str) -> Iterator[str]:
        with postgres.Server(programs, folder) as server:
            yield server.url()

    return run_until_stopped("postgres", serve)
