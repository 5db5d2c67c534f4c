"""Queries on a switch from outside: its processes, its manager interface, its SIP port."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from common.places import ROOT, Places
from lab.switch.asterisk import Switch

DEADLINE = 30  # s
SHARED = Places(var=os.environ.get("IVR_TEST_VAR") or os.path.join(ROOT, "var"))  # so that it is downloaded once


def processes_of(folder: str) -> list[int]:
    """Every process that was started with a path of this folder."""
    pids = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.startswith(f"{folder}/".encode()) for word in command):
            pids.append(int(pid))
    return pids


def login(one: Switch, secret: str | None = None) -> str:
    """The reply of the manager interface to a login."""
    host, port, user, right = one.ami
    with socket.create_connection((host, port), DEADLINE) as peer:
        peer.sendall(f"Action: Login\r\nUsername: {user}\r\nSecret: {secret or right}\r\n\r\n".encode())
        reply = b""
        while b"\r\n\r\n" not in reply:
            block = peer.recv(4096)
            assert block, reply
            reply += block
        return reply.decode()


def answers_sip(one: Switch) -> bool:
    """Whether the SIP port answers OPTIONS."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.settimeout(DEADLINE)
        phone.connect(("127.0.0.1", one.ports.sip))
        host, port = phone.getsockname()
        phone.send(
            f"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bK1;rport\r\n"
            f"From: <sip:a@{host}>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: {port}@test\r\nCSeq: 1 OPTIONS\r\n"
            f"Contact: <sip:a@{host}:{port}>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n".encode()
        )
        return phone.recv(4096).startswith(b"SIP/2.0 ")


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
