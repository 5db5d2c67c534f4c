"""Reading a queue_log: visits are correct, and unreadable lines neither stop nor distort them."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from ivr.switch_logs.visits import Period
from queue_model.fitting.queue_log import QueueLogError, parse, read_queue_log

CASES = Path(__file__).parents[2] / "measure" / "cases"


def lines(text: str) -> list[str]:
    return [line + "\n" for line in text.strip().splitlines()]


def case(name: str) -> list[str]:
    return (CASES / name).read_text(encoding="utf-8").splitlines(keepends=True)


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
    log = parse([*lines(STORY), *other], "altra")
    assert {visit.queue for visit in log.visits} == {"altra"}
    assert log.notes() == ["visits at other queues, left out: nul 4; --queue selects another"]


def test_an_entry_into_another_queue_ends_the_stay() -> None:
    log = parse(lines("101|a.1|nul|NONE|ENTERQUEUE||06|1\n131|a.1|altra|NONE|ENTERQUEUE||06|1"), "nul")
    assert [(visit.end, visit.wait) for visit in log.visits] == [("lost", 30)]


def test_ends_without_a_beginning_are_no_visits_here() -> None:
    """They began before the log, and are longer than usual; a fit must not use them."""
    log = parse(case("part_log"), "nul")
    assert ([visit.end for visit in log.visits], log.orphans) == (["open"], 2)


def test_the_halves_of_a_transferred_stay_are_one_visit() -> None:
    log = parse(
        lines("""
101|a.1|nul|NONE|ENTERQUEUE||06|1
130|b.9|nul|op101|CONNECT|30|a.2|4
190|b.9|nul|op101|COMPLETECALLER|30|60|1
""")
    )
    assert [(visit.call, visit.at, visit.caller, visit.end, visit.wait, visit.talk) for visit in log.visits] == [
        ("b.9", 101, "06", "answered", 30, 60)
    ]
    assert log.orphans == 0


def test_the_formats_of_older_versions_are_read() -> None:
    log = parse(case("tr4_log"), "q1")
    assert [(visit.end, visit.wait, visit.talk) for visit in log.visits] == [("answered", 9, None)]
    old = "101|a.1|nul|NONE|ENTERQUEUE||06\n131|a.1|nul|NONE|{}"
    for end, kind in (("EXITWITHKEY|1|2", "key"), ("EXITWITHTIMEOUT|1", "timeout")):
        log = parse(lines(old.format(end)))
        assert ([(visit.end, visit.wait) for visit in log.visits], log.torn) == ([(kind, 30)], [])


def test_durations_that_no_call_can_have_are_unknown() -> None:
    year = STORY.replace("|9|70|1", "|9|31449589|1").replace("|1|2|28", "|1|2|31449589")
    log = parse(lines(year), "nul", Period(7200))
    assert [(visit.end, visit.wait, visit.talk) for visit in log.visits][:2] == [
        ("answered", 9, None), ("abandoned", None, None),
    ]  # fmt: skip
    assert log.notes() == ["the wait of 1 visits is unknown (longer than any call: the clock was changed)"]


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
    with pytest.raises(QueueLogError, match='entered the queue "sales"; the log has nul 4: name one with --queue'):
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
