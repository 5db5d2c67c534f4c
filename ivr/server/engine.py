"""The engine: the service around the calls. It listens, holds the configuration, seals the spool, counts and drains.

It owns everything that outlives a call and is not on the path of a call: `ivr.drivers.fastagi` steps the calls, and
slow work (disks, housekeeping) runs in a thread.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from common.places import Places
from ivr.configuration.compiled import Compiled, CompiledError
from ivr.configuration.compiled_check import load_checked
from ivr.drivers.fastagi import ConnectionManager
from ivr.drivers.sockets import BACKLOG, ListeningError, listen_tcp, listen_unix
from ivr.engine_key import read_engine_key
from ivr.facts import Fact, Spool, recover
from ivr.flows.call import FlowFunction
from ivr.server.instance import EngineState, Instance
from ivr.telemetry.logs import Log, format_traceback
from ivr.telemetry.metrics import Metrics, MetricsServer

MOST_WATCHDOG_SECONDS = 5.0  # a blocked event loop means silence for every caller, so systemd must notice it

HOOK_GROUP = "ivr.housekeeping"  # the group of entry points for periodic work

# housekeeping(places, compiled, report, now): periodic work of another package, such as taking in the messages that the
# switch has recorded by itself. It runs in a thread, never twice at the same time. `report` writes a fact and returns
# whether that succeeded; `now` is epoch seconds. An exception becomes an alarm; the hook is called again next time.
Hook = Callable[[Places, Compiled, Callable[[Fact], bool], float], object]


class Engine:
    """One engine: `await run()` with signal handling, or `await start()`, `await serve()` and `stop()` without.

    Starting raises `CompiledError` and `ListeningError`; after that the engine runs until it is stopped.
    """

    SEAL_SECONDS = 1.0
    HOUSEKEEPING_SECONDS = 30.0

    def __init__(
        self,
        places: Places,
        flows: Mapping[str, FlowFunction],
        hooks: Mapping[str, Hook] | None = None,
        *,
        log: Log | None = None,
        clock: Callable[[], float] = time.time,
        port: int | None = None,
        metrics_port: int | None = None,
    ) -> None:
        """The ports, if given, replace the configured ones."""
        self.places = places
        self.log = log or Log()
        self.metrics = Metrics(tuple(sorted(flows)))
        self.state: EngineState | None = None
        self._flows = flows
        self._hooks = dict(hooks or {})
        self._clock = clock
        self._port, self._metrics_port = port, metrics_port
        self._instance = Instance(places)
        self._spool = Spool(places.facts, self._fact_alarm)
        self._unsealed_since: float | None = None
        self._servers: list[asyncio.AbstractServer] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._metrics_server: MetricsServer | None = None

    async def run(self) -> None:
        """Start and serve. SIGTERM and SIGINT drain (a second one ends at once), SIGHUP reloads."""
        await self.start()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._loop_failed)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        notify_systemd("READY=1")
        await self.serve()

    # start

    async def start(self) -> None:
        """Start listening; the engine accepts calls when this returns."""
        compiled, key = load_checked(self.places), self._read_key()
        self._instance.claim()
        try:
            await self._start(compiled, key)
        except BaseException:
            await self._close()
            raise

    def _read_key(self) -> str:
        """The key of the dialplan; without one every local user can speak to the engine, so that is logged."""
        try:
            key = read_engine_key(self.places)
        except OSError as problem:
            raise CompiledError(f"{problem.filename}: {problem.strerror}; give it to the engine's user") from None
        except ValueError as problem:
            raise CompiledError(str(problem)) from None
        if not key:
            self.log.warning("no_key", error="every local user can speak to the engine; run `ivr render`, then reload")
        return key

    async def _start(self, compiled: Compiled, key: str) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self._stopping, self._ending_now = asyncio.Event(), asyncio.Event()
        self._board = ConnectionManager(
            self._flows, compiled, self._spool.write, self.log, self.metrics, self._clock, key
        )
        await self._recover()
        settings = compiled["service"]["engine"]
        listener = listen_tcp(settings["host"], settings["port"] if self._port is None else self._port)
        port = listener.getsockname()[1]
        self._servers.append(await loop.create_server(self._board.answer_network, sock=listener, backlog=BACKLOG))
        local = listen_unix(self.places.socket)
        self._servers.append(await loop.create_unix_server(self._board.answer_local, sock=local, backlog=BACKLOG))
        metrics_port = self._serve_metrics(
            settings["metrics_port"] if self._metrics_port is None else self._metrics_port
        )
        self._board.watch()
        self._tasks.append(loop.create_task(_every(self.SEAL_SECONDS, self._seal)))
        self._tasks.append(loop.create_task(_every(self.HOUSEKEEPING_SECONDS, self._run_housekeeping)))
        self._tasks.append(loop.create_task(_every(watchdog_seconds(), _send_watchdog)))
        self._announce(EngineState(os.getpid(), settings["host"], port, metrics_port, compiled["revision"]))
        self.log.info("serving", host=settings["host"], port=port, metrics_port=metrics_port, path=self.places.socket)

    def _serve_metrics(self, port: int | None) -> int | None:
        metrics = self.metrics
        metrics.loaded_at = self._clock()
        metrics.connections = lambda: len(self._board.open)
        metrics.facts_written = lambda: self._spool.written
        metrics.lines_dropped = lambda: self.log.dropped
        metrics.unsealed_seconds = self._unsealed_seconds
        if port is None:
            return None
        try:
            self._metrics_server = MetricsServer(metrics, port)
        except OSError as problem:
            raise ListeningError(
                f"config/service.yaml: engine.metrics_port: cannot listen on {port}: {problem.strerror}; "
                "choose another, 0 for a free one, or null for none"
            ) from None
        return self._metrics_server.port

    def _announce(self, state: EngineState) -> None:
        self.state = state
        self._instance.announce(state)

    # running

    def reload(self) -> None:
        """Load the compiled configuration for new calls; an invalid file changes nothing."""
        notify_systemd(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            self._use(load_checked(self.places), self._read_key())
        except CompiledError as problem:
            self.metrics.reloads["refused"] += 1
            self.log.error("reload_refused", error=str(problem))
        notify_systemd("READY=1")

    def _use(self, compiled: Compiled, key: str) -> None:
        before, after = (document["service"]["engine"] for document in (self._board.compiled, compiled))
        self._board.configure(compiled, key)
        self.metrics.reloads["done"] += 1
        self.metrics.loaded_at = self._clock()
        if self.state is not None:
            self._announce(self.state._replace(revision=compiled["revision"]))
        self.log.info("reloaded", revision=compiled["revision"])
        address = ("host", "port", "metrics_port")
        if [before[key] for key in address] != [after[key] for key in address]:  # type: ignore[literal-required]
            self.log.warning("restart_needed", error="engine.host and the ports take effect at the next start")

    async def _seal(self) -> None:
        """Make reported facts visible to readers; the disk access runs in a thread."""
        segment = self._spool.detach()
        if segment is None:
            return
        self._unsealed_since = self._unsealed_since or time.monotonic()
        try:
            await self._loop.run_in_executor(None, segment.seal)
        except OSError as problem:
            self._alarm("sealing", path=segment.path, error=f"{problem}; the engine tries again")
        else:
            self._unsealed_since = None

    def _unsealed_seconds(self) -> float:
        since = self._unsealed_since
        return 0.0 if since is None else time.monotonic() - since

    async def _run_housekeeping(self) -> None:
        """Recover the segments of dead processes, and run the hooks."""
        await self._recover()
        for name, hook in self._hooks.items():
            try:
                await self._loop.run_in_executor(None, self._call_hook, hook, self._board.compiled, self._clock())
            except Exception as problem:  # noqa: BLE001 - a hook of another package must not stop the engine
                self._alarm("housekeeping", hook=name, trace=format_traceback(problem))

    def _call_hook(self, hook: Hook, compiled: Compiled, now: float) -> None:
        """Run a hook in a thread with its own spool; the spool of the calls belongs to the event loop."""

        def alarm(message: str, fact: Fact | None) -> None:
            self._loop.call_soon_threadsafe(self._fact_alarm, message, fact)

        spool = Spool(self.places.facts, alarm)
        try:
            hook(self.places, compiled, spool.write, now)
        finally:
            spool.seal()

    async def _recover(self) -> None:
        try:
            recovered = await self._loop.run_in_executor(None, recover, self.places.facts)
        except OSError as problem:
            self._alarm("sealing", path=problem.filename or self.places.facts, error=str(problem))
            return
        if recovered:
            self.log.info("facts_recovered", segments=recovered)

    # errors

    def _fact_alarm(self, message: str, fact: Fact | None) -> None:
        """Log a fact that the spool could not write."""
        if fact is None:
            self._alarm("sealing", error=message)
            return
        self.metrics.facts_failed += 1
        self._alarm("facts", error=message, call=fact.call, fact=fact._asdict())

    def _alarm(self, what: str, **fields: Any) -> None:
        self.metrics.alarms[what] += 1
        self.log.error("alarm", what=what, **fields)

    def _loop_failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        problem = context.get("exception")
        fields = {"trace": format_traceback(problem)} if isinstance(problem, BaseException) else {}
        self.log.error("loop_failed", error=str(context.get("message")), **fields)

    # stop

    def stop(self) -> None:
        """Accept no new calls and let those in progress end; a second call ends at once."""
        if self._stopping.is_set():
            self._ending_now.set()
        self._stopping.set()

    async def serve(self) -> None:
        """Wait for `stop`; then drain and close."""
        await self._stopping.wait()
        notify_systemd("STOPPING=1")
        for server in self._servers:
            server.close()
        with suppress(FileNotFoundError):
            os.unlink(self.places.socket)  # new scripts then fail at once and run the flow themselves
        self.log.info("draining", sessions=len(self._board.open))
        await self._drain(self._board.compiled["service"]["engine"]["drain_seconds"])
        cut_off = len(self._board.open)
        self._board.close()
        await self._close()
        self.log.info("stopped", cut_off=cut_off)

    async def _drain(self, seconds: float) -> None:
        latest = self._loop.time() + seconds
        while self._board.open and not self._ending_now.is_set() and self._loop.time() < latest:
            await asyncio.sleep(0.02)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._seal()
        if self._metrics_server is not None:
            await self._loop.run_in_executor(None, self._metrics_server.close)
        self._instance.release()


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await work()
        await asyncio.sleep(seconds)


async def _send_watchdog() -> None:
    notify_systemd("WATCHDOG=1")


def watchdog_seconds() -> float:
    """The interval of the watchdog messages: a third of systemd's timeout (WATCHDOG_USEC)."""
    granted = os.environ.get("WATCHDOG_USEC", "")
    return min(MOST_WATCHDOG_SECONDS, int(granted) / 3e6) if granted.isdigit() else MOST_WATCHDOG_SECONDS


def notify_systemd(message: str) -> None:
    """Send a message to systemd, if it listens (sd_notify(3)). A lost message must not cost a call."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.setblocking(False)
        channel.sendto(message.encode(), "\0" + address[1:] if address[0] == "@" else address)
