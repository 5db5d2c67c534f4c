"""AMI clients side by side: events per second of CPU, and their behaviour with faulty peers.

The peer is a thread on loopback that sends the bytes of a case. Our client and panoramisk get the same cases; pyst2's
Manager gets only the events. Every case has a deadline, so a client that hangs is reported and abandoned.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from statistics import median

from asterisk.manager import Manager as Pyst2

from benchmarks import machine
from benchmarks.report import Goal, Section, table
from common.places import ROOT
from ivr import ami
from ivr.ami.account import Ami

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
EVENT = (
    b"Event: Newexten\r\nPrivilege: dialplan,all\r\nChannel: PJSIP/trunk-00000001\r\nChannelState: 6\r\n"
    b"ChannelStateDesc: Up\r\nCallerIDNum: 0612345678\r\nCallerIDName: <unknown>\r\nConnectedLineNum: <unknown>\r\n"
    b"ConnectedLineName: <unknown>\r\nLanguage: it\r\nAccountCode: \r\nContext: nul-queue\r\nExten: s\r\n"
    b"Priority: 7\r\nUniqueid: 1795333570.1\r\n"
    b"Linkedid: 1795333570.1\r\nExtension: s\r\nApplication: Queue\r\nAppData: nul,c\r\n\r\n"
)
LAST = b"Event: Last\r\n\r\n"
WAIT = 3.0  # s, the deadline of a case


class Peer:
    """A manager that accepts any login; `behave` handles the actions that follow."""

    def __init__(self, behave: Callable[[socket.socket, Iterator[dict[str, str]]], None]) -> None:
        self._behave = behave
        self.received = b""
        self.visits = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                visitor, _ = self._listener.accept()
                self.visits += 1
                threading.Thread(target=self._serve_client, args=(visitor,), daemon=True).start()

    def _serve_client(self, visitor: socket.socket) -> None:
        with contextlib.suppress(OSError, StopIteration), visitor:
            visitor.sendall(GREETING)
            self._behave(visitor, self._actions(visitor))

    def _actions(self, visitor: socket.socket) -> Iterator[dict[str, str]]:
        buffer = b""
        while data := visitor.recv(65536):
            buffer += data
            self.received += data
            while b"\r\n\r\n" in buffer:
                block, buffer = buffer.split(b"\r\n\r\n", 1)
                action = dict(re.findall(r"(\S+): ([^\r\n]*)", block.decode()))
                if action.get("Action", "").lower() in ("login", "challenge"):
                    reply(visitor, action, "Challenge: 1")
                    visitor.sendall(b"Event: FullyBooted\r\n\r\n" if action["Action"] == "Login" else b"")
                else:
                    yield action

    def close(self) -> None:
        self._listener.close()


def reply(visitor: socket.socket, action: dict[str, str], *lines: str, kind: str = "Response: Success") -> None:
    text = "\r\n".join((kind, f"ActionID: {action.get('ActionID', '')}", *lines))
    visitor.sendall(f"{text}\r\n\r\n".encode())


# --- events per second of CPU: each client in its own process --------------------------------------------------------

_PROGRAM = "import sys; sys.path.insert(0, {root!r}); from benchmarks import ami; print(ami.{expression})"


def _evaluate(python: str, expression: str) -> str:
    """The value of an expression of this module in another process. Only the peers' Python has panoramisk."""
    code = _PROGRAM.format(root=str(ROOT), expression=expression)
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"{expression}: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout.splitlines()[-1]


def feed_ours(count: int) -> float:
    reader = ami.Reader()
    reader.feed(GREETING)
    return _events_per_second(lambda data: len(reader.feed(data)), count)


def feed_panoramisk(count: int) -> float:
    from panoramisk.ami_protocol import AMIProtocol

    seen = 0

    class Factory:
        save_stream = None

        def dispatch(self, event: object) -> None:
            nonlocal seen
            seen += 1

    protocol = AMIProtocol()
    protocol.connection_made(None)
    protocol.factory = Factory()
    protocol.encoding = "utf8"
    protocol.data_received(GREETING)

    def take(data: bytes) -> int:
        before = seen
        protocol.data_received(data)
        return seen - before

    return _events_per_second(take, count)


def _events_per_second(take: Callable[[bytes], int], count: int) -> float:
    """Events per second of CPU, fed in pieces as from a socket."""
    stream = EVENT * count
    began, seen = time.process_time(), 0
    for at in range(0, len(stream), 16384):
        seen += take(stream[at : at + 16384])
    if seen != count:
        raise RuntimeError(f"{seen} of {count} events came through")
    return count / (time.process_time() - began)


def feed_pyst2(count: int) -> float:
    """Events per second of CPU of the whole process, since pyst2 reads its socket itself."""
    over = threading.Event()

    def send_events(visitor: socket.socket, actions: Iterator[dict[str, str]]) -> None:
        reply(visitor, next(actions))
        visitor.sendall(EVENT * count + LAST)
        next(actions)

    peer = Peer(send_events)
    manager = Pyst2()
    manager.connect("127.0.0.1", peer.port)
    manager.login("nul", "x")
    manager.register_event("Last", lambda event, manager: over.set())
    began = time.process_time()
    manager.send_action({"Action": "Ping"})
    if not over.wait(60):
        raise RuntimeError("pyst2 did not receive the last event")
    return count / (time.process_time() - began)


# --- faulty peers -----------------------------------------------------------------------------------------------------


def _silent(visitor: socket.socket, actions: Iterator[dict[str, str]]) -> None:
    for _ in actions:
        pass


def _swapped(visitor: socket.socket, actions: Iterator[dict[str, str]]) -> None:
    while True:
        pair = [next(actions), next(actions)]
        for action in reversed(pair):
            reply(visitor, action, f"Value: {action['Variable']}")


def _endless(visitor: socket.socket, actions: Iterator[dict[str, str]]) -> None:
    next(actions)
    visitor.sendall(b"Event: X\r\nName: ")
    for _ in range(8 * 16):  # 8 MB
        visitor.sendall(b"x" * 65536)
    for _ in actions:
        pass


def _follows(visitor: socket.socket, actions: Iterator[dict[str, str]]) -> None:
    for action in actions:
        reply(visitor, action, "Message: status will follow")


def _dies(visitor: socket.socket, actions: Iterator[dict[str, str]]) -> None:
    next(actions)  # the switch dies after it has received the Originate, before its reply


CASES: dict[str, Callable[[socket.socket, Iterator[dict[str, str]]], None]] = {
    "a peer that never replies": _silent,
    "two replies in another order": _swapped,
    "CR LF in a value": _silent,
    "a line without end (8 MB)": _endless,
    "a reply whose text says `will follow`": _follows,
    "the connection is lost after an Originate": _dies,
}


async def ours(case: str, peer: Peer) -> str:
    account = Ami("127.0.0.1", peer.port, "nul", "x")
    async with ami.connect(account) as connection:
        return await _try(case, peer, lambda fields: connection.action(fields.pop("Action"), fields, seconds=1))


async def panoramisk(case: str, peer: Peer) -> str:
    from panoramisk import Manager

    manager = Manager(host="127.0.0.1", port=peer.port, username="nul", secret="x", reconnect_timeout=1)
    await manager.connect()
    await asyncio.sleep(0.2)
    try:
        return await _try(case, peer, manager.send_action)
    finally:
        manager.config["host"] = "256.0.0.0"  # the only way to stop its reconnecting
        manager.close()


def try_case(client: str, case: str) -> str:
    """The behaviour of this client in this case, as a cell of the table."""
    logging.getLogger("panoramisk").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    peer = Peer(CASES[case])
    behaviour = asyncio.run({"ours": ours, "panoramisk": panoramisk}[client](case, peer))
    peer.close()
    return behaviour


async def _try(case: str, peer: Peer, send: Callable[..., object]) -> str:
    action = {"Action": "Getvar", "Variable": "A"}
    if case.startswith("CR LF"):
        action["Variable"] = "A\r\n\r\nAction: PWNED"
    if case.startswith("the connection"):
        action = {"Action": "Originate", "Channel": "PJSIP/seat01"}
    began = time.monotonic()
    try:
        async with asyncio.timeout(WAIT):
            if case.startswith("two"):
                answers = await asyncio.gather(*(send({"Action": "Getvar", "Variable": name}) for name in "AB"))
                behaviour = "right" if [answer["Value"] for answer in answers] == ["A", "B"] else "wrong answers"
            else:
                behaviour = f"answered: {dict(await send(action))}"  # type: ignore[misc]
                behaviour = "answered" if "status" in behaviour else behaviour
    except TimeoutError:
        behaviour = f"hangs (left after {WAIT:g} s)"
    except ami.AmiError as problem:
        behaviour = f"{type(problem).__name__} after {time.monotonic() - began:.1f} s"
    await asyncio.sleep(0.3 if "Originate" not in case else 2.5)
    if b"PWNED" in peer.received:
        behaviour += "; a second action was sent"
    if (calls := peer.received.count(b"Action: Originate")) > 1:
        behaviour += f"; Originate was sent {calls} times"
    return behaviour


def run(quick: bool, quiet: str) -> Section:
    from benchmarks.servers import peers_python  # its imports are missing in the peers' Python

    peers = peers_python()
    rounds, count = (1, 5000) if quick else (5, 20_000)
    rates: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, python, events in (
            ("ours", sys.executable, count),
            ("panoramisk", peers, count),
            ("pyst2", sys.executable, 500),
        ):
            rates.setdefault(name, []).append(float(_evaluate(python, f"feed_{name}({events})")))
    medians = {name: median(rounds_of_client) for name, rounds_of_client in rates.items()}
    clients = {"ours": sys.executable, "panoramisk": peers}
    rows = [
        [case, *(_evaluate(python, f"try_case({client!r}, {case!r})") for client, python in clients.items())]
        for case in CASES
    ]
    ratio = medians["ours"] / medians["panoramisk"]
    body = "\n\n".join(
        (
            f"{machine.description()}; {machine.versions()}; commit {machine.revision()}; {quiet}.",
            f"Events of {len(EVENT)} bytes per second of CPU, in pieces of 16 kB; medians of {rounds} rounds, each "
            "client in its own process. pyst2 reads its socket itself, one byte at a time; this is included.",
            table(["", "events per second of CPU"], [[name, f"{rate:.0f}"] for name, rate in medians.items()]),
            "The same faulty peers for both asyncio clients (for pyst2's Manager see docs/decisions/0009-ami.md):",
            table(["the peer", "ours", "panoramisk"], rows),
        )
    )
    goals = [Goal("events: at least as many as panoramisk", f"{ratio:.2f} x", ratio >= 1, f"{1 - ratio:.0%} fewer")]
    return Section("ami", "AMI clients", goals, body)
