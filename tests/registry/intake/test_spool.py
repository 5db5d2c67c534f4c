"""The spool: every line is checked before it is used."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from common.places import Places
from ivr.facts import Fact
from registry.intake import spool
from registry.intake.spool import BadLine
from tests.registry.calls import NOON, fact, message, write

GOOD = fact("ended", fate="informed", stage="menu", queue_status="", seconds=3)


def line(**changes: object) -> bytes:
    return json.dumps({**GOOD._asdict(), **changes}).encode() + b"\n"


BAD = {
    "no JSON": b"hello\n",
    "wrong encoding": '{"id":"è"}\n'.encode("latin-1"),
    "a list": b"[1, 2]\n",
    "too little": b'{"id":"a"}\n',
    "deep": b'{"id":' + b"[" * 30_000 + b"\n",
    "deep data": line(data={}).replace(b"{}", b'{"a":' * 400 + b"1" + b"}" * 400),
    "no instant": line(at="noon"),
    "not a number": line(at=1).replace(b'"at": 1', b'"at": NaN'),
    "endless": line(at=1).replace(b'"at": 1', b'"at": 1e999'),
    "true": line(at=True),
    "before all time": line(at=-5),
    "an empty id": line(id=""),
    "a path as id": line(id="../../etc/passwd"),
    "SQL as call": line(call="1'; DROP TABLE request; --"),
    "HTML as kind": line(kind="<script>"),
    "a list as kind": line(kind=["ended"]),
    "NUL in a text": line(data={"fate": "informed", "stage": "\x00"}),
    "half a character": line(data={"fate": "informed", "stage": "\ud800"}),
    "a number beyond all columns": line(data={"fate": "informed", "seconds": 2**70}),
    "no fate": line(data={}),
    "SQL as fate": line(data={"fate": "x' OR 1=1"}),
    "a path as message": message(id="../../../etc/passwd").line(),
    "a message without reason": line(kind="message", data={"message_id": "m", "seconds": 1, "empty": False}),
    "a message of minus a second": line(
        kind="message", data={"message_id": "m", "reason": "closed", "seconds": -1, "empty": False}
    ),
    "a grade of ten": line(kind="survey", data={"version": 1, "question": "q", "value": 10}),
    "a grade in words": line(kind="survey", data={"version": 1, "question": "q", "value": "9"}),
}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in BAD.items()])
def test_a_line_that_is_not_a_fact_has_a_reason(text: bytes) -> None:
    found = spool.parse_line(text)
    assert isinstance(found, BadLine)
    assert found.line == text
    assert found.reason
    assert len(found.reason) <= 300


def test_facts_of_flows_are_accepted() -> None:
    assert spool.parse_line(GOOD.line()) == GOOD
    unknown = fact("something_new", text="<b>'; DROP TABLE x; -- è €", list=[1, {"a": None}])
    assert spool.parse_line(unknown.line()) == unknown  # a kind of a newer program is stored


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(var=str(tmp_path))


def test_a_segment_is_read_line_by_line(places: Places) -> None:
    path = write(places, [GOOD, b"\xff\xfe\n", GOOD._replace(id="second"), b'{"id":"torn'])
    found = list(spool.read_segment(str(path)))
    assert [type(each) for each in found] == [Fact, BadLine, Fact, BadLine]
    assert isinstance(found[3], BadLine)
    assert found[3].reason == "cut off: it has no line end"


def test_an_endless_line_does_not_fill_the_memory(places: Places) -> None:
    path = write(places, [b"x" * 200_000 + b"\n", GOOD])
    found = list(spool.read_segment(str(path)))
    assert isinstance(found[0], BadLine)
    assert found[0].reason == "longer than 65536 bytes"
    assert found[-1] == GOOD


def test_only_plain_files_are_opened(places: Places, tmp_path: Path) -> None:
    folder = Path(places.facts, "2026-11-25")
    folder.mkdir(parents=True)
    (tmp_path / "secret").write_bytes(GOOD.line())
    (folder / "link.jsonl").symlink_to(tmp_path / "secret")
    (folder / "folder.jsonl").mkdir()
    os.mkfifo(folder / "pipe.jsonl")
    for name in ("link", "folder", "pipe"):
        with pytest.raises(spool.NotASegment):
            list(spool.read_segment(str(folder / f"{name}.jsonl")))
    assert list(spool.read_segment(str(folder / "gone.jsonl"))) == []


def test_archiving_never_overwrites_a_file(places: Places) -> None:
    for number in range(3):
        path = write(places, [GOOD._replace(id=str(number))], "0001795604400-1-a-1")
        spool.archive(places, str(path), NOON)
    same = write(places, [GOOD._replace(id="0")], "0001795604400-1-a-1")
    spool.archive(places, str(same), NOON)
    assert sorted(os.listdir(Path(places.taken_facts, "2026-11-25"))) == [
        "0001795604400-1-a-1.jsonl",
        "1-0001795604400-1-a-1.jsonl",
        "2-0001795604400-1-a-1.jsonl",
    ]


def test_bad_lines_are_copied_once_with_their_reasons(places: Places) -> None:
    path = write(places, [b"bad\n"], "a")
    for _ in range(2):
        spool.copy_bad_lines(
            places, str(path), [BadLine(b"bad\n", "not a fact"), BadLine(b"torn", "cut off: it has no line end")]
        )
    assert sorted(os.listdir(places.poison)) == ["a.jsonl", "a.jsonl.reason"]
    assert Path(places.poison, "a.jsonl").read_bytes() == b"bad\ntorn\n"
    assert Path(places.poison, "a.jsonl.reason").read_text() == "not a fact\ncut off: it has no line end\n"


def test_the_backlog_has_count_and_age(places: Places) -> None:
    assert spool.backlog(places, NOON) == (0, 0.0)
    write(places, [GOOD], f"{int(NOON - 90) * 1000:013d}-1-a-1")
    write(places, [GOOD], f"{int(NOON - 30) * 1000:013d}-1-a-2")
    write(places, [GOOD], "strange")
    assert spool.backlog(places, NOON) == (3, 90.0)
    assert spool.backlog(places, NOON - 3600).oldest == 0.0  # our clock was set back
