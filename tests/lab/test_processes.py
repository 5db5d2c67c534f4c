"""Processes are identified exactly, also when another one gets the same pid."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from lab.processes import Handle, Identity, identify, is_alive


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["/bin/sh", "-c", "read line"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def who(process: subprocess.Popen[bytes]) -> Identity:
    found = identify(process.pid)
    assert found is not None
    return found


def test_a_process_is_the_same_while_it_lives(child: subprocess.Popen[bytes]) -> None:
    assert who(child) == who(child)
    assert is_alive(who(child))


def test_a_process_name_may_hold_brackets_and_blanks(child: subprocess.Popen[bytes]) -> None:
    with open(f"/proc/{os.getpid()}/comm", "r+", encoding="ascii") as file:
        before = file.read()
        file.write("a) S 1 (b")
        file.flush()
        try:
            ours = identify(os.getpid())
        finally:
            file.write(before.strip())
    assert ours is not None
    assert ours == identify(os.getpid())
    assert ours.born <= who(child).born


def test_a_zombie_does_not_count_as_alive(child: subprocess.Popen[bytes]) -> None:
    known = who(child)
    with Handle(known) as handle:
        handle.send(signal.SIGKILL)
        assert handle.wait(10)
        assert not is_alive(known)  # nobody has waited for it yet: a zombie
        child.wait()
        assert not is_alive(known)
        handle.send(signal.SIGKILL)  # has no effect
    assert identify(known.pid) is None


def test_a_later_process_with_the_same_pid_is_another_one(child: subprocess.Popen[bytes]) -> None:
    known = who(child)
    for other in (known._replace(born=known.born - 1), known._replace(boot="another")):
        assert not is_alive(other)
        with Handle(other) as handle:
            handle.send(signal.SIGKILL)
            assert handle.wait(0)
    assert child.poll() is None  # it still runs


def test_waiting_has_a_deadline(child: subprocess.Popen[bytes]) -> None:
    with Handle(who(child)) as handle:
        assert not handle.wait(0.01)
