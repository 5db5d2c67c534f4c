"""`lab mariadb`: a private MariaDB, to try tables that Asterisk writes there; not for keeping data."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator

from common.places import Places
from lab import mariadb
from lab.commands.server_actions import add_actions, run_until_stopped
from lab.commands.source_options import chosen_source


def arguments(parser: argparse.ArgumentParser) -> None:
    add_actions(
        parser,
        "install MariaDB from Debian's packages below var/, without root",
        "run an empty server until Ctrl-C, and print its URL for `measure ingest --realtime`",
    )


def run(options: argparse.Namespace, places: Places) -> int:
    if options.action == "install":
        mariadb.install(places, chosen_source(options))
        return 0
    programs = mariadb.install(places, report=lambda line: None)

    @contextlib.contextmanager
    def serve(folder: str) -> Iterator[str]:
        with mariadb.Server(programs, folder) as server:
            yield server.url()

    return run_until_stopped("mariadb", serve)
