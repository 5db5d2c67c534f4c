"""Runs flows for a switch over FastAGI: an asyncio Protocol that steps the call's Session straight from received data.

There is no task, no future and no timer per call: a reply arrives, the flow is stepped, its next command is written,
all in one callback. What may take too long (the environment, a whole call) is found by one sweep over all open
connections. While a reply is awaited there is no limit but that of the whole call: Queue and Record may take their
time. A switch that has died without a word is found by TCP's own keepalive (`listening.py`).

Whatever goes wrong on a connection ends that connection, without IVR_OUTCOME, so that the dialplan goes on with its
next ring; it never ends the server.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, cast

from ivr.agi import Environment, RemoteProtocolError
from ivr.configuration.compiled import Compiled
from ivr.drivers.session import NoSuchFlow, Session, flow_starter
from ivr.drivers.sockets import session_capacity
from ivr.facts import Fact
from ivr.flows.call import Call, FlowFunction
from ivr.telemetry.logs import Log, format_traceback
from ivr.telemetry.metrics import Metrics

SWEEP_SECONDS = 0.25
MARGIN_SECONDS = 60  # beyond the longest call: the dialplan's own limit comes first
MOST_REMEMBERED = 4096  # peers whose admission is remembered


class Limits(NamedTuple):
    """What a connection may take."""

    most_sessions: int
    first_byte_seconds: float  # from the connection to the end of the environment
    session_seconds: float


class Peers:
    """Who may talk to the engine: networks, as `engine.allow` gives them. Raises ValueError for what is no network."""

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
    """What all conversations share: the flows, the configuration in use, the figures, and who is connected."""

    def __init__(
        self,
        flows: Mapping[str, FlowFunction],
        compiled: Compiled,
        report: Callable[[Fact], object],
        log: Log,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self.flows = flows
        self.report = report
        self.log = log
        self.metrics = metrics
        self.clock = clock  # epoch seconds, for the flows
        self.time = asyncio.get_running_loop().time  # steady seconds, for the limits
        self.open: set[Conversation] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.configure(compiled)

    def configure(self, compiled: Compiled) -> None:
        """Use this configuration for the calls that begin from now on; those under way keep theirs."""
        engine, longest = compiled["service"]["engine"], compiled["service"]["limits"]["longest_call_seconds"]
        self.peers = Peers(engine["allow"])
        most = session_capacity(engine["most_sessions"])
        if most < engine["most_sessions"]:
            self.log.warning("few_descriptors", most_sessions=most, error="raise the limit of open files (LimitNOFILE)")
        self.limits = Limits(most, engine["first_byte_seconds"], longest + MARGIN_SECONDS)
        self.compiled = compiled

    def answer_network(self) -> Conversation:
        """A conversation for a connection from the network: the peer must be on the list."""
        return Conversation(self, trusted=False)

    def answer_local(self) -> Conversation:
        """A conversation for a connection to our own socket: the file's mode has decided."""
        return Conversation(self, trusted=True)

    def refusal(self, transport: asyncio.Transport, trusted: bool) -> str:
        """Why a new connection is not served; "" when it is."""
        if not trusted and not self.peers.admits(_address(transport)):
            return "peer"
        return "full" if len(self.open) >= self.limits.most_sessions else ""

    def watch(self) -> None:
        """Close the connections whose time is over, and look again soon: the one timer that all of them share."""
        self._timer = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self.watch)
        now = self.time()
        for conversation in [each for each in self.open if each.deadline < now]:
            conversation.expire()

    def close(self) -> None:
        """The drain is over: end what is still under way."""
        if self._timer is not None:
            self._timer.cancel()
        for conversation in list(self.open):
            conversation.leave("drained")


class Conversation(asyncio.Protocol):
    """One connection, and the session on it."""

    __slots__ = ("_began", "_board", "_flow", "_receive", "_session", "_transport", "_trusted", "_write", "deadline")

    _transport: asyncio.Transport
    _receive: Callable[[bytes], bytes]
    _write: Callable[[bytes], None]

    def __init__(self, board: ConnectionManager, trusted: bool) -> None:
        self._board = board
        self._trusted = trusted
        self._session: Session | None = None  # None before it begins and when it is over
        self._flow = ""  # its name, once the environment has told it
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
        except Exception as problem:  # noqa: BLE001 - whatever a flow raises ends its own call only
            self._broken(problem)
            return
        if out:
            self._write(out)
        elif session.finished:
            self._transport.close()

    def pause_writing(self) -> None:
        # At most one command is under way: a full buffer is a peer that replies without reading.
        self._fault("deaf")
        self.leave("error")

    def connection_lost(self, exc: Exception | None) -> None:
        if self._session is not None:
            if not self._flow:
                self._board.metrics.faults["no_call"] += 1  # a probe, a scanner, or a switch that died
            self._over("")
        self._board.open.discard(self)

    # called by the switchboard

    def expire(self) -> None:
        if self._flow:
            self._board.log.warning("session_too_long", flow=self._flow, call=self._id())
        else:
            self._fault("late")
        self.leave("too_long")

    def leave(self, ending: str) -> None:
        """Close from our side; the flow is told that nobody listens any more."""
        self._over(ending)
        self._transport.abort()

    # called by the session

    def _call(self, environment: Environment) -> Call:
        board = self._board
        self._flow = environment.script
        board.metrics.flows[self._flow].open += 1
        self.deadline = self._began + board.limits.session_seconds
        return Call(environment, board.compiled, board.report, self._log, board.clock)

    def _log(self, event: str, **fields: Any) -> None:
        """What a flow has to say to the people who run the service, with the call's id. The event "alarm" is theirs to
        look at, and has a `what`."""
        log, metrics = self._board.log, self._board.metrics
        if event == "alarm":
            metrics.alarms[str(fields.get("what"))] += 1
        else:
            metrics.events[event] += 1
        (log.error if event == "alarm" else log.info)(event, flow=self._flow, call=self._id(), **fields)

    # how it ends

    def _broken(self, problem: Exception) -> None:
        if isinstance(problem, NoSuchFlow):
            self._fault("unknown_flow", error=str(problem))
        elif isinstance(problem, RemoteProtocolError):
            self._fault("garbage", error=str(problem))
        else:
            self._failed(problem)
        self._over("error")
        self._transport.close()

    def _over(self, ending: str) -> None:
        """Let the flow put its things in order, and count the session; the first call decides."""
        session = self._session
        if session is None:
            return
        try:
            session.abandon()
        except Exception as problem:  # noqa: BLE001 - see data_received
            self._failed(problem)
            ending = "error"
        if self._flow:
            board, ending = self._board, ending or session.ending
            board.metrics.flows[self._flow].ended(ending, board.time() - self._began)
            if board.log.verbose:
                board.log.debug("session_ended", flow=self._flow, call=self._id(), ending=ending)
        # Session and transport know us too: without these references nothing waits for a garbage collection.
        del self._receive, self._write
        self._session = None

    def _failed(self, problem: Exception) -> None:
        """A flow raised: that is a mistake of ours, and the dialplan's next ring takes the call."""
        self._board.metrics.failures[self._flow] += 1
        self._board.log.error("flow_failed", flow=self._flow, call=self._id(), trace=format_traceback(problem))

    def _fault(self, kind: str, **fields: Any) -> None:
        self._board.metrics.faults[kind] += 1
        self._board.log.from_outside(kind, peer=_address(self._transport), call=self._id(), **fields)

    def _id(self) -> str:
        call = self._session and self._session.call
        return call.id if call else ""


def _address(transport: asyncio.Transport) -> str:
    """The peer's address; "" for one that has gone already or came by our own socket."""
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else ""
