"""A peer that opens many calls and acknowledges none: it gets no more than its share, and not for long."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator

import pytest

from tests.asterisk.support.system import BRIEF, NUMBER, System, running_system, wait_until

pytestmark = pytest.mark.switch

HOST = "127.0.0.1"
OPEN = 20
INVITES = 60
DEAD = 5  # s: they send no sound either


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system({"limits": {"open_calls": OPEN, "dead_line_seconds": DEAD}}, prompt_bytes=BRIEF) as built:
        yield built


def invite(system: System, port: int, number: int) -> bytes:
    body = f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n"
    head = (
        f"INVITE sip:{NUMBER}@{HOST}:{system.stack.sip_port} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {HOST}:{port};branch=z9hG4bKflood{number}\r\nMax-Forwards: 70\r\n"
        f"From: <sip:06{number:08d}@{HOST}>;tag=f{number}\r\nTo: <sip:{NUMBER}@{HOST}>\r\n"
        f"Call-ID: flood-{number}@test\r\nCSeq: 1 INVITE\r\nContact: <sip:flood@{HOST}:{port}>\r\n"
        f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    return head.encode()


def test_calls_that_are_never_acknowledged_are_few_and_end_soon(system: System) -> None:
    finals: dict[str, int] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind((HOST, 0))
        peer.settimeout(0.2)
        for number in range(INVITES):
            peer.sendto(invite(system, peer.getsockname()[1], number), (HOST, system.stack.sip_port))
        began = time.monotonic()
        while len(finals) < INVITES and time.monotonic() < began + 10:
            try:
                text = peer.recv(65535).decode()
            except TimeoutError:
                continue
            status, call = re.match(r"SIP/2.0 (\d+)", text), re.search(r"Call-ID: (\S+)", text)
            if status and call and int(status[1]) >= 200:
                finals.setdefault(call[1], int(status[1]))
        assert sorted(set(finals.values())) == [200, 503]
        assert sum(status == 200 for status in finals.values()) == OPEN
        wait_until(lambda: system.channels() == 0, "the calls to be given up", 4 * DEAD)
    line = system.call()  # and now there is room again
    line.wait_heard(system.sound("welcome"))
    line.hang_up()
    system.wait_idle()
    assert len(system.call_ids()) == OPEN + 1  # a refused call is no call
