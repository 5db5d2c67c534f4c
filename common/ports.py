"""Free ports on loopback, and a block of them for each switch that runs on this machine.

A switch needs a thousand ports for sound, so it takes a whole block, below the ports that the kernel assigns to
outgoing connections. A block belongs to the process that holds an abstract Unix socket of its name. Asterisk inherits
that socket, so the block is free again when its process ends, however it ends. (Abstract sockets belong to a network
namespace, as ports do.)
"""

from __future__ import annotations

import contextlib
import os
import socket
import weakref
from typing import Literal, NamedTuple

from common.command_line import Refusal

HOST = "127.0.0.1"
WIDTH = 2000  # ports in a block: ten for signalling, the rest for about 990 audio streams
BLOCKS = tuple(range(10000, 32000, WIDTH))
NAME = "ivr-switch-ports"
Kind = Literal["udp", "tcp"]


class Ports(NamedTuple):
    """The ports of one switch, all on 127.0.0.1."""

    sip: int  # UDP
    ami: int  # TCP
    http: int  # TCP
    rtp_first: int  # UDP, even
    rtp_last: int

    @classmethod
    def of_block(cls, base: int) -> Ports:
        return cls(base, base + 1, base + 2, base + 10, base + WIDTH - 1)


class Claim:
    """A claimed block: ours until `release` or garbage collection, and until every process that inherited it ends."""

    def __init__(self, base: int, holder: socket.socket) -> None:
        self.ports = Ports.of_block(base)
        self._descriptor = holder.detach()
        self.release = weakref.finalize(self, os.close, self._descriptor)

    def fileno(self) -> int:
        return self._descriptor


def free_ports(count: int, kind: Kind = "udp") -> list[int]:
    """`count` different ports of 127.0.0.1 that were free a moment ago."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket(socket.AF_INET, _type(kind))) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [int(each.getsockname()[1]) for each in sockets]


def claim_block(preferred: Ports | None = None) -> Claim:
    """Claim a block for one switch: the preferred one if it is free, else the first free one. Raises `Refusal`."""
    first = [preferred.sip] if preferred and preferred.sip in BLOCKS else []
    used = _used_udp()
    for base in [*first, *BLOCKS]:
        if (holder := _hold(base)) is None:
            continue
        ports = Ports.of_block(base)
        if used.isdisjoint(range(base, base + WIDTH)) and _is_free(ports.ami) and _is_free(ports.http):
            return Claim(base, holder)
        holder.close()
    raise Refusal(
        f"all {len(BLOCKS)} blocks of ports from {BLOCKS[0]} to {BLOCKS[-1] + WIDTH - 1} are in use; "
        "stop a switch (`lab switch status --all` lists this project's)"
    )


def _hold(base: int) -> socket.socket | None:
    holder = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        holder.bind(f"\0{NAME}-{base}")
    except OSError:
        holder.close()
        return None
    return holder


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As Asterisk does: connections that are closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _used_udp() -> set[int]:
    """Every UDP port that a process has bound on this machine (another PBX, a softphone)."""
    used = set()
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        with contextlib.suppress(OSError), open(table, encoding="ascii") as file:
            used |= {int(line.split()[1].rpartition(":")[2], 16) for line in list(file)[1:]}
    return used


def _type(kind: Kind) -> socket.SocketKind:
    return socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM
