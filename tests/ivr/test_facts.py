"""The spool: every reported fact is there, once, whichever process dies."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr import facts
from ivr.facts import Fact, Spool, new_id, read, read_segment, recover, segments


class Alarms(list[tuple[str, Fact | None]]):
    def __call__(self, message: str, fact: Fact | None) -> None:
        self.append((message, fact))


def fact(number: int = 1, **data: object) -> Fact:
    return Fact(f"{number:012x}", "1785000000.1", 1785000000.0 + number, "choice", {"node": "topics", **data})


@pytest.fixture
def alarms() -> Alarms:
    return Alarms()


@pytest.fixture
def spool(tmp_path: Path, alarms: Alarms) -> Spool:
    return Spool(str(tmp_path / "facts"), alarms)


def names(spool: Spool) -> list[str]:
    return [os.path.basename(path) for path in segments(spool.folder, unsealed=True)]


def test_a_sealed_fact_is_read_as_it_was_written(spool: Spool, alarms: Alarms) -> None:
    assert spool.write(fact(1, key="5"))
    assert spool.write(fact(2, key=None, why="perché"))
    assert list(read(spool.folder)) == []  # not before it is sealed
    assert list(read(spool.folder, unsealed=True)) == [fact(1, key="5"), fact(2, key=None, why="perché")]
    spool.seal()
    assert list(read(spool.folder)) == [fact(1, key="5"), fact(2, key=None, why="perché")]
    assert not alarms
    assert spool.written == 2


def test_nothing_is_opened_before_there_is_a_fact(spool: Spool) -> None:
    spool.seal()
    assert not os.path.exists(spool.folder)
    assert not spool.pending
    assert list(read(spool.folder)) == []


def test_each_seal_begins_a_new_segment(spool: Spool) -> None:
    for number in range(3):
        spool.write(fact(number))
        assert spool.pending
        spool.seal()
        assert not spool.pending
    assert len(names(spool)) == 3
    assert all(name.endswith(".jsonl") for name in names(spool))
    assert list(read(spool.folder)) == [fact(0), fact(1), fact(2)]


def test_two_writers_in_one_folder_do_not_conflict(tmp_path: Path, alarms: Alarms) -> None:
    one, other = Spool(str(tmp_path), alarms), Spool(str(tmp_path), alarms)
    one.write(fact(1))
    other.write(fact(2))
    one.write(fact(3))
    one.seal()
    other.seal()
    assert sorted(read(str(tmp_path))) == [fact(1), fact(2), fact(3)]


def test_facts_continue_while_a_segment_is_being_sealed(spool: Spool) -> None:
    spool.write(fact(1))
    segment = spool.detach()
    assert segment is not None
    spool.write(fact(2))
    segment.seal()
    assert list(read(spool.folder)) == [fact(1)]
    spool.seal()
    assert list(read(spool.folder)) == [fact(1), fact(2)]


def test_recovery_does_not_touch_a_living_writer(spool: Spool) -> None:
    spool.write(fact(1))
    assert recover(spool.folder) == 0
    spool.write(fact(2))
    spool.seal()
    assert list(read(spool.folder)) == [fact(1), fact(2)]


def test_recovery_of_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert recover(str(tmp_path / "none")) == 0


WRITER = """
import os, sys
from ivr.facts import Fact, Spool, stderr_alarm
spool = Spool(sys.argv[1], stderr_alarm)
for number in range(5):
    spool.write(Fact(f"{number:012x}", "call", float(number), "choice", {}))
print("written", flush=True)
sys.stdin.read()
"""


def test_a_killed_writer_loses_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        assert recover(str(tmp_path)) == 0  # it lives
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert recover(str(tmp_path)) == 1
    assert [each.id for each in read(str(tmp_path))] == [f"{number:012x}" for number in range(5)]
    assert recover(str(tmp_path)) == 0


def test_a_recovery_between_open_and_lock_takes_an_empty_segment_and_no_fact(
    spool: Spool, alarms: Alarms, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, taken = fcntl.flock, []

    def meddled(descriptor: int, operation: int) -> None:
        if not taken:
            taken.append(1)
            assert recover(spool.folder) == 1  # another process, at the worst moment
        lock(descriptor, operation)

    monkeypatch.setattr(facts.fcntl, "flock", meddled)
    assert spool.write(fact(1))
    spool.seal()
    assert list(read(spool.folder)) == [fact(1)]
    assert not alarms


def test_one_segment_that_cannot_be_recovered_does_not_block_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        (tmp_path / f"{number}.open").write_bytes(fact(number).line())
    rename = os.rename

    def refusing(source: str, target: str) -> None:
        if source.endswith("1.open"):
            raise PermissionError(errno.EPERM, "no", source)
        rename(source, target)

    monkeypatch.setattr(facts.os, "rename", refusing)
    with pytest.raises(PermissionError):
        recover(str(tmp_path))
    assert list(read(str(tmp_path))) == [fact(0), fact(2)]


def test_an_unwritable_spool_is_an_alarm_with_the_fact_and_not_an_error(tmp_path: Path, alarms: Alarms) -> None:
    (tmp_path / "facts").write_text("a file where the folder should be")
    spool = Spool(str(tmp_path / "facts"), alarms)
    assert spool.write(fact(1)) is False
    [(message, refused)] = alarms
    assert str(tmp_path / "facts") in message
    assert "free space, or make the folder writable" in message
    assert refused == fact(1)
    assert spool.written == 0


def test_a_disk_that_fills_up_inside_a_line_leaves_no_torn_line(
    spool: Spool, alarms: Alarms, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.write(fact(1))
    write = os.write
    monkeypatch.setattr(facts.os, "write", lambda descriptor, line: write(descriptor, line[:10]))
    assert spool.write(fact(2)) is False
    monkeypatch.setattr(facts.os, "write", write)
    assert spool.write(fact(3))
    spool.seal()
    assert list(read(spool.folder)) == [fact(1), fact(3)]
    assert [refused for _, refused in alarms] == [fact(2)]


def test_a_full_disk_is_reported_for_each_fact_until_there_is_room(
    spool: Spool, alarms: Alarms, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, line: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(facts.os, "write", full)
        assert not spool.write(fact(1))
        assert not spool.write(fact(2))
    assert spool.write(fact(3))
    spool.seal()
    assert list(read(spool.folder)) == [fact(3)]
    assert [refused for _, refused in alarms] == [fact(1), fact(2)]


def test_a_segment_that_cannot_be_sealed_is_an_alarm_and_is_recovered_later(
    spool: Spool, alarms: Alarms, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    spool.write(fact(1))
    with monkeypatch.context() as patch:
        patch.setattr(facts.os, "fdatasync", broken)
        spool.seal()
    assert [refused for _, refused in alarms] == [None]
    assert list(read(spool.folder)) == []
    assert recover(spool.folder) == 1
    assert list(read(spool.folder)) == [fact(1)]


def test_a_torn_last_line_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "2026-07-25").mkdir()
    (tmp_path / "2026-07-25" / "1.jsonl").write_bytes(fact(1).line() + fact(2).line()[:-20])
    assert list(read(str(tmp_path))) == [fact(1)]


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b"[1,2]",
        b'"text"',
        b"not json",
        b'{"id":"1","call":"2","at":3,"kind":"choice","data":{},"more":1}',
        b'{"id":1,"call":"2","at":3,"kind":"choice","data":{}}',
        b'{"id":"1","call":"2","at":3,"kind":"choice","data":[]}',
        b"\xff\xfe",
        b"",
    ],
)
def test_a_line_that_is_not_a_fact_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "1.jsonl"
    path.write_bytes(fact(1).line() + line + b"\n")
    with pytest.raises(ValueError, match=rf"{path}:2: not a fact"):
        list(read_segment(str(path)))


def test_a_segment_sealed_while_it_is_read_is_read_once(spool: Spool) -> None:
    spool.write(fact(1))
    spool.seal()
    spool.write(fact(2))
    reader = read(spool.folder, unsealed=True)
    assert next(reader) == fact(1)
    spool.seal()  # after the reader has found its name, before it opens it
    assert list(reader) == [fact(2)]


def test_a_segment_found_under_both_names_is_read_once(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = os.listdir

    def seals_meanwhile(folder: str) -> list[str]:
        names = listed(folder)
        spool.seal()  # between the look for open segments and the look for sealed ones
        return names

    spool.write(fact(1))
    monkeypatch.setattr(os, "listdir", seals_meanwhile)
    assert list(read(spool.folder, unsealed=True)) == [fact(1)]


def test_a_segment_taken_away_while_it_is_read_is_not_an_error(tmp_path: Path) -> None:
    assert list(read_segment(str(tmp_path / "gone.jsonl"))) == []


def test_ids_sort_by_time_and_are_unique() -> None:
    ids = [new_id(1785000000.0 + n / 1000) for n in range(1000)]
    assert ids == sorted(ids)
    assert len({new_id(1785000000.0) for _ in range(1000)}) == 1000


text = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(text, text | st.integers() | st.booleans() | st.none()), text, st.floats(0, 4e9))
def test_any_text_makes_one_line_and_comes_back(data: dict[str, object], call: str, at: float) -> None:
    written = Fact(new_id(at), call, at, "choice", data)
    assert written.line().count(b"\n") == 1
    assert Fact(**json.loads(written.line())) == written


def test_a_line_is_plain_json() -> None:
    fact = Fact("1", "call", 0.5, "choice", {"key": "è\n", "of": [1, None, True], "versions": {"a": 2.5}})
    assert fact.line() == json.dumps(fact._asdict(), separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def test_the_alarm_of_a_process_without_an_engine_is_a_line_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    facts.stderr_alarm("the disk is full", fact(1))
    line = capfd.readouterr().err
    assert "ALARM the disk is full" in line
    assert json.loads(line[line.index("{") :]) == fact(1)._asdict()
