"""What the commands of private database servers have in common: install one, or run an empty one until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import signal
import tempfile
from collections.abc import Callable

from common.command_line import as_sentence
from lab.commands.source_options import add_source_options


def add_actions(parser: argparse.ArgumentParser, install: str, run: str) -> None:
    """Add the actions with their help texts."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for action, summary in (("install", install), ("run", run)):
        command = actions.add_parser(action, help=summary, description=as_sentence(summary))
        if action == "install":
            add_source_options(command)


def run_until_stopped(name: str, serve: Callable[[str], contextlib.AbstractContextManager[str]]) -> int:
    """Run a server in a temporary folder until SIGINT or SIGTERM. `serve(folder)` starts it and gives its URL."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix=f"nul-{name}-") as folder, serve(folder) as url:
        print(url, flush=True)
        signal.pause()
    return 0
