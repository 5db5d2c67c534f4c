"""The sockets on which the engine listens, and how many sessions its file descriptors allow."""

from __future__ import annotations

import contextlib
import os
import resource
import socket

BACKLOG = 4096  # with a full backlog the switch waits two seconds, and the call continues without us
KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}  # a dead switch is detected within two minutes
SPARE_DESCRIPTORS = 64  # for everything except sessions: sockets, segments, the log, sound files of housekeeping


class ListeningError(Exception):
    """The engine cannot listen as configured; the message gives the reason and the remedy."""


def listen_tcp(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 stands for a free one. Raises `ListeningError`."""
    try:
        family, *_rest, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as problem:
        raise ListeningError(
            f"config/service.yaml: engine.host, engine.port: cannot listen on {host}:{port}: {problem.strerror}; "
            "choose another, or 0 for a free port"
        ) from None
    # On Linux a connection inherits these options from its listener, so they cost nothing per call.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        if hasattr(socket, name):
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    listener.setblocking(False)
    return listener


def listen_unix(path: str) -> socket.socket:
    """A listening unix socket for the owner and the group, in place of a dead engine's.

    Call it only after `Instance.claim`. Raises `ListeningError`.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Bound under another name, so that nobody can connect before it has its mode and listens.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + ".new")
        listener.bind(path + ".new")
        os.chmod(path + ".new", 0o660)
        listener.listen(BACKLOG)
        os.replace(path + ".new", path)
    except OSError as problem:
        listener.close()
        raise ListeningError(f"{path}: cannot listen there: {problem}; a shorter `--var DIR` may help") from None
    listener.setblocking(False)
    return listener


def session_capacity(sessions: int) -> int:
    """How many of these sessions the limit of file descriptors allows; raises the process's soft limit if needed.

    A connection beyond it could not be accepted, and would hang until the switch gives up.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = sessions + SPARE_DESCRIPTORS
    if resource.RLIM_INFINITY != soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sessions if soft == resource.RLIM_INFINITY else max(1, min(sessions, soft - SPARE_DESCRIPTORS))
