"""`ivr serve`: run the FastAGI engine until a signal stops it."""

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
        "Serve AGI(agi://...) of the switch over TCP, and the AGI scripts over a socket in var/. SIGTERM: accept no "
        "new call, finish those in progress; a second SIGTERM: stop at once. SIGHUP: load the compiled configuration "
        "again."
    )
    parser.add_argument(
        "--port", type=argument_types.port, help="instead of engine.port of service.yaml; 0: any free port"
    )
    parser.add_argument(
        "--metrics-port", type=argument_types.port, help="instead of engine.metrics_port; 0: any free port"
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
        # Imported modules are never freed: exclude them, so that collections are short. Sessions need none, since
        # they have no cycles when they end.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(engine.run())
    except (CompiledError, ListeningError, PluginError) as problem:
        raise Refusal(str(problem)) from None
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's loop, which halves the time per command, or asyncio's own when uvloop is not installed."""
    try:
        import uvloop  # not on every platform
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
