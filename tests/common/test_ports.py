"""Two switches never get the same ports."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess

import pytest

from common import ports
from common.command_line import Refusal
from common.ports import BLOCKS, HOST, WIDTH, Kind, Ports, claim_block, free_ports


@pytest.mark.parametrize(("kind", "socket_type"), [("udp", socket.SOCK_DGRAM), ("tcp", socket.SOCK_STREAM)])
def test_free_ports_are_different_and_can_be_bound(kind: Kind, socket_type: socket.SocketKind) -> None:
    found = free_ports(50, kind)
    assert len(set(found)) == 50
    with socket.socket(socket.AF_INET, socket_type) as ours:
        ours.bind((HOST, found[0]))


def test_a_block_is_large_enough_and_overlaps_with_no_other() -> None:
    spans = []
    for base in BLOCKS:
        block = Ports.of_block(base)
        assert len({block.sip, block.ami, block.http}) == 3
        assert max(block.sip, block.ami, block.http) < block.rtp_first < block.rtp_last
        assert block.rtp_first % 2 == 0
        spans.append((block.sip, block.rtp_last))
    assert all(last < first for (_, last), (first, _) in itertools.pairwise(spans))


def test_blocks_are_below_the_ports_that_the_kernel_assigns() -> None:
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        lowest = int(file.read().split()[0])
    if lowest >= 32768:  # the kernel's default; a machine that was set otherwise has its own troubles
        assert BLOCKS[-1] + WIDTH <= lowest


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four small blocks that no switch uses, so that these tests take nothing from one that is starting."""
    first = 61000 + os.getpid() % 10 * 400
    monkeypatch.setattr(ports, "WIDTH", 100)
    monkeypatch.setattr(ports, "BLOCKS", tuple(range(first, first + 400, 100)))
    monkeypatch.setattr(ports, "NAME", f"ivr-test-{os.getpid()}")


@pytest.mark.usefixtures("apart")
class TestClaims:
    def test_side_by_side(self) -> None:
        first, second = claim_block(), claim_block()
        try:
            assert first.ports != second.ports
            again = claim_block(first.ports)  # somebody has it
            assert again.ports not in (first.ports, second.ports)
            again.release()
        finally:
            first.release()
            second.release()

    def test_the_preferred_block_is_had_again(self) -> None:
        first, second = claim_block(), claim_block()
        wish = second.ports
        first.release()
        second.release()
        third = claim_block(wish)
        third.release()
        assert third.ports == wish

    def test_a_block_that_no_longer_exists_is_no_wish(self) -> None:
        found = claim_block(Ports(5060, 5038, 8088, 10000, 20000))
        found.release()
        assert found.ports.sip in ports.BLOCKS

    def test_a_block_lives_as_long_as_the_process_that_inherited_it(self) -> None:
        ours = claim_block()
        child = subprocess.Popen(["/bin/sh", "-c", "read line"], stdin=subprocess.PIPE, pass_fds=[ours.fileno()])
        ours.release()
        try:
            other = claim_block(ours.ports)
            other.release()
            assert other.ports != ours.ports
        finally:
            child.communicate(b"\n")
        again = claim_block(ours.ports)
        again.release()
        assert again.ports == ours.ports

    @pytest.mark.parametrize("offset", [0, 50])
    def test_a_block_in_which_anybody_listens_is_skipped(self, offset: int) -> None:
        ours = claim_block()
        ours.release()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind((HOST, ours.ports.sip + offset))
            other = claim_block(ours.ports)
            other.release()
            assert other.ports != ours.ports

    def test_so_is_one_whose_manager_port_is_taken(self) -> None:
        ours = claim_block()
        ours.release()
        with socket.socket() as stranger:
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            stranger.bind((HOST, ours.ports.ami))
            stranger.listen()
            other = claim_block(ours.ports)
            other.release()
            assert other.ports != ours.ports

    def test_when_all_are_taken_the_remedy_is_named(self) -> None:
        held = [holder for base in ports.BLOCKS if (holder := ports._hold(base))]
        try:
            with pytest.raises(
                Refusal, match=r"all 4 blocks of ports from 6[0-9]+ to 6[0-9]+99 are in use; stop a switch"
            ):
                claim_block()
        finally:
            for each in held:
                each.close()

    def test_a_claim_is_not_inherited_by_accident(self) -> None:
        ours = claim_block()
        assert not os.get_inheritable(ours.fileno())
        ours.release()
