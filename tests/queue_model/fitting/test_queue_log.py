"""Reading a queue_log: visits are correct, and unreadable lines neither stop nor distort them."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from queue_model.fitting.queue_log import QueueLogError, parse, read_queue_log


def lines(text: str) -> list[str]:
    return [line + "\n" for line in text.strip().splitlines()]


STORY = """
100|NONE|NONE|NONE|QUEUESTART|
101|a.1|nul|NONE|ENTERQUEUE||0612345678|1
102|b.1|nul|NONE|ENTERQUEUE|||2
110|a.1|nul|seat01|CONNECT|9|a.2|4
130|b.1|nul|NONE|ABANDON|1|2|28
131|c.1|nul|NONE|ENTERQUEUE||06|1
176|c.1|nul|NONE|EXITWITHKEY|1|1|1|45
180|a.1|nul|seat01|COMPLETECALLER|9|70|1
181|a.1|nul|NONE|ENTERQUEUE||0612345678|1
781|a.1|nul|NONE|EXITWITHTIMEOUT|1|1|600
"""


def test_each_stay_is_a_visit_of_its_own() -> None:
    log = parse(lines(STORY))
    assert [(visit.call, visit.caller, visit.end, visit.wait, visit.talk) for visit in log.visits] == [
        ("a.1", "0612345678", "answered", 9, 70),
        ("b.1", "", "abandoned", 28, None),
        ("c.1", "06", "key", 45, None),
        ("a.1", "0612345678", "timeout", 600, None),
    ]
    assert log.notes() == []


def test_unreadable_lines_are_counted() -> None:
    rest = [
        "190|x|nul|NONE|ABANDON|1|1|5\n", "191|x|nul|NONE|SINGING|la\n", "rubbish\n",
        "192|y|nul|NONE|ABANDON|1|1|soon\n", "193|z|nul|NONE|ENTERQU",
    ]  # fmt: skip
    log = parse([*lines(STORY), *lines(STORY)[1:3], *rest])
    assert len(log.visits) == 4
    assert log.unknown == {"SINGING": 1}
    assert log.torn == ["15", "16", "17"]
    assert (log.repeated, log.orphans) == (2, 1)
    assert "unknown verbs, skipped: SINGING 1" in log.notes()


def test_a_restart_loses_waiting_callers_and_the_length_of_talks() -> None:
    log = parse([*lines(STORY)[:4], "120|NONE|NONE|NONE|QUEUESTART|\n"])
    assert [(visit.end, visit.talk) for visit in log.visits] == [("answered", None), ("lost", None)]


def test_a_transferred_talk_has_no_length() -> None:
    log = parse([*lines(STORY)[:4], "150|a.1|nul|seat01|BLINDTRANSFER|9|x|9|40|1\n"])
    assert log.visits[0].talk is None


def test_one_queue_of_several() -> None:
    other = lines(STORY.replace("|nul|", "|altra|"))
    assert len(parse([*lines(STORY), *other]).visits) == 8
    assert {visit.queue for visit in parse([*lines(STORY), *other], "altra").visits} == {"altra"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "queue_log: empty; a queue_log has lines like"),
        ("day,calls\n2026-10-05,3\n", "no line of it is an event"),
        ("100|NONE|NONE|NONE|QUEUESTART|\n", "no caller entered a queue"),
    ],
)
def test_no_queue_log(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "queue_log").write_text(text)
    with pytest.raises(QueueLogError, match=message):
        read_queue_log([str(tmp_path / "queue_log")])


def test_a_missing_file_and_a_missing_queue(tmp_path: Path) -> None:
    with pytest.raises(QueueLogError, match="none: No such file"):
        read_queue_log([str(tmp_path / "none")])
    (tmp_path / "queue_log").write_text("".join(lines(STORY)))
    with pytest.raises(QueueLogError, match='of queue "sales"; leave out --queue'):
        read_queue_log([str(tmp_path / "queue_log")], "sales")


def test_a_rotated_log_reads_as_one(tmp_path: Path) -> None:
    """Files in any order, one compressed; a caller waits in one file and is answered in the next."""
    story = lines(STORY)
    (tmp_path / "queue_log").write_text("".join(story[7:]))
    (tmp_path / "queue_log.1").write_text("".join(story[3:7]) + "rubbish\n")
    with gzip.open(tmp_path / "queue_log.2.gz", "wt") as file:
        file.write("".join(story[:4]))  # its last line is also in the next file
    log = read_queue_log(sorted(map(str, tmp_path.iterdir())))
    assert log.visits == parse(story).visits
    assert (log.repeated, log.orphans, log.torn) == (1, 0, ["queue_log.1:5"])


def test_a_pipe_is_read_alone_but_not_with_other_files(tmp_path: Path) -> None:
    (tmp_path / "queue_log").write_text(STORY.lstrip())
    for others in ([], [str(tmp_path / "queue_log")]):
        reading, writing = os.pipe()
        os.write(writing, STORY.lstrip().encode())
        os.close(writing)
        path = f"/dev/fd/{reading}"
        if others:
            with pytest.raises(QueueLogError, match=f"{path}: a pipe cannot be read twice; give it alone"):
                read_queue_log([*others, path])
        else:
            assert len(read_queue_log([path]).visits) == 4
        os.close(reading)


def test_an_invalid_compressed_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "queue_log.1.gz").write_text(STORY)
    whole = gzip.compress(STORY.encode() * 100)
    (tmp_path / "queue_log.2.gz").write_bytes(whole[: len(whole) // 2])
    for name in ("queue_log.1.gz", "queue_log.2.gz"):
        with pytest.raises(QueueLogError, match=rf"{name}: cannot be read \(.*\); restore it, or leave it out"):
            read_queue_log([str(tmp_path / name)])
