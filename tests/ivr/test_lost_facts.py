"""Facts that the disk refused come back from the log, each once."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from common.places import Places
from ivr.cli import main
from ivr.facts import Fact, Spool, new_id, read
from ivr.lost_facts import logged_facts
from ivr.telemetry.logs import Log

AT = 1795510800.0


FACTS = [Fact(new_id(AT + n), f"{AT:.0f}.{n}", AT + n, "choice", {"topic": "DID", "key": "2"}) for n in range(3)]


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The log of an engine whose disk was full: three facts refused, among other lines."""
    path = tmp_path / "engine.log"
    with path.open("wb") as file:
        events = Log(file.fileno(), clock=lambda: AT)
        events.info("serving", port=4573)
        spool = Spool(
            str(tmp_path / "full"),
            lambda message, fact: events.error("alarm", what="facts", error=message, fact=fact and fact._asdict()),
        )
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", refuse(os.write, file.fileno()))
            assert [spool.write(fact) for fact in FACTS] == [False, False, False]
        events.error("alarm", what="sealing", error="no space")
    return path


def refuse(real: Any, allowed: int) -> Any:
    def write(descriptor: int, data: bytes) -> int:
        if descriptor == allowed:
            return int(real(descriptor, data))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return write


def test_refused_facts_are_written_back(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = Places(var=str(tmp_path / "var"))
    assert main(["--var", places.var, "facts", "--recover", str(log)]) == 0
    assert list(read(places.facts)) == FACTS
    assert "3 facts written back" in capsys.readouterr().out


def test_a_log_of_journalctl_with_its_prefix_and_doubled_lines(log: Path) -> None:
    prefix = b"Nov 24 10:00:00 host ivr[812]: "
    lines = [prefix + line for line in log.read_bytes().splitlines(keepends=True)]
    assert list(logged_facts([b"-- Boot 1 --\n", *lines, *lines, b'host other: {"fact": 1\n'])) == FACTS


def test_a_log_without_refused_facts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.log").write_text('{"event":"serving"}\n')
    assert main(["--var", str(tmp_path / "var"), "facts", "--recover", str(tmp_path / "empty.log")]) == 0
    assert "no refused facts" in capsys.readouterr().out


@pytest.mark.parametrize(
    "fact", ["null", "1", '{"id": 3}', '{"id": "x", "at": "noon", "call": "1", "kind": "k", "data": {}}']
)
def test_an_altered_line_is_refused_and_nothing_written(
    fact: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "altered.log"
    path.write_text(f'{{"event":"alarm","what":"facts","fact":{fact}}}\n')
    places = Places(var=str(tmp_path / "var"))
    assert main(["--var", places.var, "facts", "--recover", str(path)]) == 1
    assert "altered.log: line 1" in capsys.readouterr().err
    assert not os.path.exists(places.facts)


def test_a_log_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--var", str(tmp_path / "var"), "facts", "--recover", str(tmp_path / "nothing.log")]) == 1
    assert "nothing.log: No such file or directory; check the path" in capsys.readouterr().err
