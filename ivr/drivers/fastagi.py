"""Runs flows for a switch over FastAGI: an asyncio Protocol that steps the call's Session directly from received data.

There is no task, future or timer per call: a reply arrives, the flow is stepped, and its next command is written, all
in one callback. One periodic sweep over all open connections enforces the time limits for the environment and for a
whole call. A single reply has no limit of its own, since Queue and Record may take long. TCP keepalive detects a switch
that died silently (`sockets.py`).

An error on a connection ends that connection only, never the server. IVR_OUTCOME is then not set, and the dialplan
continues with its next fallback.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, cast

from ivr.agi import AgiError, Environment, RemoteProtocolError
from ivr.configuration.compiled import Compiled
from ivr.drivers.session import NoSuchFlow, Session, flow_starter, forget_frames
from ivr.drivers.sockets import session_capacity
from ivr.engine_key import is_proof
from ivr.facts import Fact
from ivr.flows.call import Call, FlowFunction
from ivr.telemetry.clock import ClockWatch
from ivr.telemetry.logs import Log, format_traceback
from ivr.telemetry.metrics import Metrics

SWEEP_SECONDS = 0.25
MARGIN_SECONDS = 60  # beyond the longest call, so that the dialplan's own limit comes first
MOST_REMEMBERED = 4096  # addresses in the cache of admissions


class WrongProof(AgiError):
    """The peer does not know the key that the dialplan has."""


class Limits(NamedTuple):
    """The limits of connections."""

    most_sessions: int
    first_byte_seconds: float  # from the connection to the end of the environment
    session_seconds: float


class Peers:
    """The networks that may connect, from `engine.allow`. Raises ValueError for an invalid network."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(network, strict=False) for network in networks]
        self._known: dict[str, bool] = {}

    def admits(self, address: str) -> bool:
        known = self._known.get(address)
        if known is None:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            known = self._known[address] = self._look_up(address)
        return known

    def _look_up(self, address: str) -> bool:
        try:
            peer = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(peer, "ipv4_mapped", None)
        return any((mapped or peer) in network for network in self._networks)


class ConnectionManager:
    """What all conversations share: flows, the current configuration, metrics, and the open connections."""

    def __init__(
        self,
        flows: Mapping[str, FlowFunction],
        compiled: Compiled,
        report: Callable[[Fact], object],
        log: Log,
        metrics: Metrics,
        clock: Callable[[], float],
        key: str = "",
    ) -> None:
        self.flows = flows
        self.report = report
        self.log = log
        self.metrics = metrics
        self.clock = clock  # epoch seconds, for the flows
        self.time = asyncio.get_running_loop().time  # monotonic seconds, for the limits
        self.open: set[Conversation] = set()
        self._timer: asyncio.TimerHandle | None = None
        # The switch gives its time in whole seconds, and a busy machine may be slow between two steps of the dialplan.
        self._clocks = {"engine": ClockWatch(2.0), "switch": ClockWatch(10.0)}
        self.configure(compiled, key)

    def configure(self, compiled: Compiled, key: str) -> None:
        """Use this configuration and this key for new calls; calls in progress keep theirs."""
        self.key = key  # of `ivr.engine_key`; "": calls over TCP need no proof
        engine, longest = compiled["service"]["engine"], compiled["service"]["limits"]["longest_call_seconds"]
        self.peers = Peers(engine["allow"])
        most = session_capacity(engine["most_sessions"])
        if most < engine["most_sessions"]:
            self.log.warning("few_descriptors", most_sessions=most, error="raise the limit of open files (LimitNOFILE)")
        self.limits = Limits(most, engine["first_byte_seconds"], longest + MARGIN_SECONDS)
        self.compiled = compiled

    def answer_network(self) -> Conversation:
        """A conversation for a network connection: the peer must be in an allowed network."""
        return Conversation(self, trusted=False)

    def answer_local(self) -> Conversation:
        """A conversation for a connection to the unix socket, whose file mode controls access."""
        return Conversation(self, trusted=True)

    def refusal(self, transport: asyncio.Transport, trusted: bool) -> str:
        """Why a new connection is refused; "" when it is accepted."""
        if not trusted and not self.peers.admits(_address(transport)):
            return "peer"
        return "full" if len(self.open) >= self.limits.most_sessions else ""

    def watch_clock(self, name: str, wall: float) -> None:
        """Count and log a step of a wall clock: "engine" or "switch"."""
        step = self._clocks[name].step(wall, self.time())
        if not step:
            return
        self.metrics.clock_steps[f"{name}_{'back' if step < 0 else 'forward'}"] += 1
        remedy = "Asterisk rings no operator until the clock has caught up; `queue reset stats` ends that (docs/ops.md)"
        (self.log.error if step < 0 else self.log.warning)(
            "clock_stepped", clock=name, seconds=round(step, 1), error=remedy if step < 0 else ""
        )

    def watch(self) -> None:
        """Close the connections past their deadline, and schedule the next sweep: one timer for all connections."""
        self._timer = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self.watch)
        now = self.time()
        self.watch_clock("engine", self.clock())
        for conversation in [each for each in self.open if each.deadline < now]:
            conversation.expire()

    def close(self) -> None:
        """End the connections that are left after the drain."""
        if self._timer is not None:
            self._timer.cancel()
        for conversation in list(self.open):
            conversation.close("drained")


class Conversation(asyncio.Protocol):
    """One connection, and the session on it."""

    __slots__ = ("_began", "_board", "_flow", "_receive", "_session", "_transport", "_trusted", "_write", "deadline")

    _transport: asyncio.Transport
    _receive: Callable[[bytes], bytes]
    _write: Callable[[bytes], None]

    def __init__(self, board: ConnectionManager, trusted: bool) -> None:
        self._board = board
        self._trusted = trusted
        self._session: Session | None = None  # None before it begins and after it ends
        self._flow = ""  # its name, known from the environment
        self._began = self.deadline = 0.0

    # called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        board = self._board
        self._transport = connection = cast(asyncio.Transport, transport)
        refusal = board.refusal(connection, self._trusted)
        if refusal:
            board.metrics.refused[refusal] += 1
            board.log.from_outside("refused", reason=refusal, peer=_address(connection))
            connection.abort()
            return
        self._session = session = Session(flow_starter(board.flows, self._call))
        self._receive, self._write = session.receive_data, connection.write
        self._began = board.time()
        self.deadline = self._began + board.limits.first_byte_seconds
        board.open.add(self)

    def data_received(self, data: bytes) -> None:
        session = self._session
        if session is None:
            return
        try:
            out = self._receive(data)
        except Exception as problem:  # noqa: BLE001 - an exception of a flow ends its own call only
            self._handle_error(problem)
            return
        if out:
            self._write(out)
        elif session.finished:
            self._transport.close()

    def pause_writing(self) -> None:
        # At most one command is pending, so a full buffer means a peer that replies without reading.
        self._log_fault("deaf")
        self.close("error")

    def connection_lost(self, exc: Exception | None) -> None:
        if self._session is not None:
            if not self._flow:
                self._board.metrics.faults["no_call"] += 1  # a probe, a scanner, or a switch that died
            self._end_session("")
        self._board.open.discard(self)

    # called by the connection manager

    def expire(self) -> None:
        if self._flow:
            self._board.log.warning("session_too_long", flow=self._flow, call=self._id())
        else:
            self._log_fault("late")
        self.close("too_long")

    def close(self, ending: str) -> None:
        """Close from our side; the flow gets a `Hangup`."""
        self._end_session(ending)
        self._transport.abort()

    # called by the session

    def _call(self, environment: Environment) -> Call:
        board = self._board
        if not self._trusted and not is_proof(environment.query.get("proof", ""), board.key, environment.arg(2)):
            raise WrongProof("the call has no proof of the dialplan's key; run `ivr render` and reload the dialplan")
        self._flow = environment.script
        if (epoch := environment.arg(1)).isascii() and epoch.isdigit() and len(epoch) <= 12:
            board.watch_clock("switch", int(epoch))
        board.metrics.flows[self._flow].open += 1
        self.deadline = self._began + board.limits.session_seconds
        return Call(environment, board.compiled, board.report, self._log, board.clock)

    def _log(self, event: str, **fields: Any) -> None:
        """Log an event of a flow, with the call's id. The event "alarm" needs attention from ops and has a `what`."""
        log, metrics = self._board.log, self._board.metrics
        if event == "alarm":
            metrics.alarms[str(fields.get("what"))] += 1
        else:
            metrics.events[event] += 1
        (log.error if event == "alarm" else log.info)(event, flow=self._flow, call=self._id(), **fields)

    # how it ends

    def _handle_error(self, problem: Exception) -> None:
        if isinstance(problem, NoSuchFlow):
            self._log_fault("unknown_flow", error=str(problem))
        elif isinstance(problem, WrongProof):
            self._log_fault("no_proof", error=str(problem))
        elif isinstance(problem, RemoteProtocolError):
            self._log_fault("garbage", error=str(problem))
        else:
            self._log_failure(problem)
        forget_frames(problem)
        self._end_session("error")
        self._transport.close()

    def _end_session(self, ending: str) -> None:
        """Let the flow clean up, and count the session; only the first call has an effect."""
        session = self._session
        if session is None:
            return
        try:
            session.abandon()
        except Exception as problem:  # noqa: BLE001 - see data_received
            self._log_failure(problem)
            forget_frames(problem)
            ending = "error"
        if self._flow:
            board, ending = self._board, ending or session.ending
            board.metrics.flows[self._flow].ended(ending, board.time() - self._began)
            if board.log.verbose:
                board.log.debug("session_ended", flow=self._flow, call=self._id(), ending=ending)
        # Session and transport refer to us, too: break these cycles, so that nothing waits for a garbage collection.
        del self._receive, self._write
        self._session = None

    def _log_failure(self, problem: Exception) -> None:
        """A flow raised: our mistake. The dialplan's next fallback takes the call."""
        self._board.metrics.failures[self._flow] += 1
        self._board.log.error("flow_failed", flow=self._flow, call=self._id(), trace=format_traceback(problem))

    def _log_fault(self, kind: str, **fields: Any) -> None:
        self._board.metrics.faults[kind] += 1
        self._board.log.from_outside(kind, peer=_address(self._transport), call=self._id(), **fields)

    def _id(self) -> str:
        call = self._session and self._session.call
        return call.id if call else ""


def _address(transport: asyncio.Transport) -> str:
    """The peer's address; "" for a closed connection or the unix socket."""
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else ""
