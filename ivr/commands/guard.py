"""`ivr guard`: block addresses from which wrong passwords of telephones come."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys

from common import argument_types
from common.command_line import Refusal
from common.file_errors import describe
from common.places import Places
from ivr import ami, guard
from ivr.ami import AmiError


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--attempts",
        type=argument_types.positive_integer,
        default=10,
        metavar="N",
        help="wrong passwords (default: %(default)s)",
    )
    parser.add_argument(
        "--within", type=argument_types.pause, default=60.0, metavar="SECONDS", help="... in this time (default: 60)"
    )
    parser.add_argument(
        "--block",
        type=argument_types.pause,
        default=600.0,
        metavar="SECONDS",
        help="until an address has been quiet for so long (default: 600)",
    )
    parser.add_argument(
        "--never", action="append", default=[], metavar="NETWORK", help="addresses that are never blocked; repeatable"
    )
    parser.add_argument(
        "--switch", default="main", metavar="NAME", help="name of the private switch (default: %(default)s)"
    )


def run(options: argparse.Namespace, places: Places) -> int:
    try:
        brake = guard.Brake(options.attempts, options.within, options.block, options.never)
    except ValueError as problem:
        raise Refusal(f"--never: {problem}; write an address or a network: 10.0.0.0/24") from None
    path = places.blocked
    try:
        asyncio.run(_guard(guard.Guard(ami.account(places, switch=options.switch), brake, path, _report)))
    except AmiError as problem:
        raise Refusal(str(problem)) from None
    except OSError as problem:
        raise Refusal(describe(problem, path)) from None
    return 0


async def _guard(guarding: guard.Guard) -> None:
    task = asyncio.create_task(guarding.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
