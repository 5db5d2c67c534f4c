"""`ivr serve`: run the FastAGI engine until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import gc
from collections.abc import Callable

from common import argument_types
from common.command_line import Refusal
from common.places import Places
from ivr.configuration.compiled import CompiledError
from ivr.drivers.sockets import ListeningError
from ivr.flows.plugins import PluginError, installed_flows, load_plugins
from ivr.server.engine import HOOK_GROUP, Engine
from ivr.telemetry.logs import Log


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Answer the switch's AGI(agi://...) over TCP and the AGI scripts over a socket in var/. SIGTERM: take no new "
        "call, finish those under way; a second SIGTERM: end at once. SIGHUP: take up the compiled configuration."
    )
    parser.add_argument(
        "--port", type=argument_types.port, help="instead of engine.port of service.yaml; 0: a free one"
    )
    parser.add_argument(
        "--metrics-port", type=argument_types.port, help="instead of engine.metrics_port; 0: a free one"
    )
    parser.add_argument("--verbose", action="store_true", help="log the end of every session too")


def run(options: argparse.Namespace, places: Places) -> int:
    try:
        engine = Engine(
            places,
            installed_flows(),
            load_plugins(HOOK_GROUP),
            log=Log(verbose=options.verbose),
            port=options.port,
            metrics_port=options.metrics_port,
        )
        # What was imported stays for good: without it the collector's rounds are short. Sessions leave it nothing to
        # do, since they have no cycles when they end.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(engine.run())
    except (CompiledError, ListeningError, PluginError) as problem:
        raise Refusal(str(problem)) from None
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's loop, which halves the time per command; where it is not to be had, asyncio's own."""
    try:
        import uvloop  # not on every platform
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
