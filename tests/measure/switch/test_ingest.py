"""Every line is stored once, whatever happens to the file, the clock or the reader, and gives the right visits."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, event, insert

from ivr.switch_logs.queue_log import MAX_LINE_BYTES
from measure.switch.cdr import channel_links
from measure.switch.ingest import Report
from measure.switch.kpi_visits import visits
from measure.switch.late_details import add_late_details
from measure.switch.queue_log_lines import Batch, Callers, Count, _add_unusual, canonical, read_lines
from measure.switch.rebuild import rebuild_visits
from measure.switch.visit_rows import count_by_fate
from registry.db import schema
from registry.db.connection import Database, Unavailable
from registry.people.phone_numbers import to_e164
from tests.measure.switch_log import HOURS, KEYS, MORNING, NOW, SwitchLog, day, visit
from tests.registry import postgres

START = "|NONE|NONE|NONE|QUEUESTART|\n"


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SwitchLog]:
    if request.param == "sqlite":
        yield SwitchLog(tmp_path, request.getfixturevalue("database"))
    else:
        server = postgres.with_tables()
        yield SwitchLog(tmp_path, server)
        server.close()


@pytest.fixture
def plain(tmp_path: Path, database: Database) -> SwitchLog:
    """For tests that depend on the file and not on the database."""
    return SwitchLog(tmp_path, database)


def counted(report: Report) -> tuple[int, int, int, int]:
    found = report.count
    return found.lines, found.new, found.repeated, found.torn


def test_lines_become_visits(log: SwitchLog) -> None:
    log.write(visit(1, MORNING) + visit(5, MORNING + 60, answered=False, caller=""))
    assert counted(log.take()) == (6, 6, 0, 0)
    first, second = log.visits
    assert (first.unique_id, first.visit_no, first.call_id, first.queue) == (f"{MORNING}.1", 1, f"{MORNING}.1", "nul")
    assert (first.fate, first.entered_at, first.left_at) == ("answered", MORNING, MORNING + 79)
    assert (first.wait_s, first.talk_s, first.ring_s, first.position) == (9, 70, 4, 1)
    assert first.caller_hash == KEYS.pseudonym("+390612345678")
    assert (second.fate, second.wait_s, second.talk_s, second.caller_hash) == ("abandoned", 9, None, None)
    assert count_by_fate(log.database) == {"abandoned": 1, "answered": 1}


def test_only_visits_of_given_calls_are_read(log: SwitchLog) -> None:
    log.write(visit(1, MORNING) + visit(5, MORNING + 60, answered=False))
    log.take()
    with log.database.read() as connection:
        measured = list(visits(connection, 0, MORNING + 1000, calls=[f"{MORNING + 60}.5", "another"]))
    assert [one.entered for one in measured] == [MORNING + 60]


def test_lines_are_stored_without_numbers(log: SwitchLog) -> None:
    log.write([
        f"{MORNING}|{MORNING}.1|nul|NONE|ENTERQUEUE|http://crm/?from=0612345678|0612345678|1|Mario Rossi\n",
        f"{MORNING + 9}|{MORNING}.1|nul|op101|CONNECT|9|{MORNING}.2|4\n",
        f"{MORNING + 70}|{MORNING}.1|nul|op101|BLINDTRANSFER|3331234567|outside|9|61|1\n",
        f"{MORNING + 71}|{MORNING}.1|nul|NONE|MENU|0612345678|ADR\n",
        f"{MORNING + 72}|{MORNING}.1|nul|NONE|CALLED|+393331234567\n",
    ])  # fmt: skip
    assert log.take().count.unknown == {"CALLED": 1}
    who = KEYS.pseudonym("+390612345678")
    assert [(row.said.split("|", 2)[2], row.caller_hash) for row in log.rows("queue_event")] == [
        ("ENTERQUEUE|http://crm/?from=<number>||1", who), (f"CONNECT|9|{MORNING}.2|4", None),
        ("BLINDTRANSFER|<number>|outside|9|61|1", None), ("MENU|<number>|ADR", None), ("CALLED|<number>", None),
    ]  # fmt: skip
    (made,) = log.visits
    assert (made.fate, made.talk_s, made.caller_hash) == ("answered", 61, who)


@pytest.mark.parametrize(
    "number",
    ["0612345678", "+390612345678", "3331234567", "+393331234567", "3912345678", "00390612345678", "06 1234 5678",
     "+442079460958", "0039333", "06", "*43", "anonymous", ""],
)  # fmt: skip
def test_all_ways_to_write_a_number_have_one_form(number: str) -> None:
    assert to_e164(number) in (None, canonical(number))


def test_common_numbers_need_no_numbering_plan() -> None:
    chance = random.Random(4)
    for _ in range(300):
        number = chance.choice(("0", "3", "+390", "+393")) + "".join(
            chance.choices("0123456789", k=chance.randint(5, 9))
        )
        assert to_e164(number) in (None, canonical(number)), number


def test_a_purged_number_has_no_pseudonym() -> None:
    assert canonical("+xxxxxxxxxxxx") == canonical("xxxxxxxxx") == ""
    assert canonical("+") == canonical("anonymous") == ""


def test_the_reader_resumes_where_it_stopped(log: SwitchLog) -> None:
    lines = visit(1, MORNING)
    log.write(lines[:2])
    assert log.take().files == 1
    assert log.fates == ["waiting"]
    assert counted(log.take()) == (0, 0, 0, 0)
    log.write(lines[2:3])
    assert counted(log.take()) == (1, 1, 0, 0)
    assert log.fates == ["talking"]
    log.write(lines[3:])
    log.take()
    assert log.fates == ["answered"]
    assert len(log.rows("queue_log_file")) == 1


def test_an_unfinished_line_is_read_once_it_is_complete(plain: SwitchLog) -> None:
    lines = visit(1, MORNING)
    plain.write([*lines[:3], lines[3][:-9]])
    report = plain.take()
    assert (counted(report), report.unfinished) == ((3, 3, 0, 0), [str(plain.path)])
    plain.write([lines[3][-9:]])
    report = plain.take()
    assert (counted(report), report.unfinished) == ((1, 1, 0, 0), [])
    assert plain.fates == ["answered"]


ODD = st.lists(
    st.one_of(
        st.sampled_from([line.rstrip("\n") for line in [*day(4), f"{MORNING}{START}"]]),
        st.sampled_from([
            f"{MORNING}|{MORNING}.1|nul|NONE|ENTERQUEUE||0612345678|01", f"{MORNING}|x|nul|NONE|ENTERQUEUE|http://x|06|1",
            f"{MORNING}|x|nul|NONE|ENTERQUEUE||0612345678|1|Rossi", f"{MORNING}|x|nul|a|b|CONNECT|9|a.2|4", "torn", "",
            f"{MORNING}|x|nul|caff\xe8|PAUSE|", f"{MORNING}|x|nul|op101|CONNECT|1{MORNING}{START.rstrip()}",
            f"{MORNING}|x|nul|op101|BLINDTRANSFER|0612345678|x|9|61|1",
            f"{MORNING}|x|nul|op101|PAUSE|" + "x" * MAX_LINE_BYTES,
            f"{MORNING}|x|nul|op101|PAUSE|" + "\xe8" * 1000, f"{MORNING}|x|nul|op101|WITHDRAW|0612345678|1|9",
            f"{MORNING}0|x|nul|op101|PAUSE|", "12|x|nul|op101|PAUSE|", f"{int(NOW) + 9999}|x|nul|op101|PAUSE|",
            f"{MORNING}|x|nul|op101|PAUSE", f"{MORNING}|x|nul|op101|OUTCALL|0612345678", f"{MORNING}|x|nul|op101|LA|06",
        ]),
        st.text(st.characters(exclude_characters="\n\r\0", codec="utf-8"), max_size=40),
    ),
    max_size=20,
)  # fmt: skip


@given(ODD)
def test_the_fast_path_gives_the_same_result(lines: list[str]) -> None:
    quick, slow = Count(), Count(lines=sum(line != "" for line in lines))
    callers, batch = Callers(KEYS), Batch([], {}, set())
    found = read_lines("\n".join(lines).encode(), callers, NOW, quick)
    for line in lines:
        if line:
            _add_unusual(batch, line, callers, NOW, slow)
    assert (found, quick) == (batch, slow)


# --- rotation --------------------------------------------------------------------------------------------------------


def test_a_rotated_file_is_read_to_its_end_once(plain: SwitchLog) -> None:
    lines = visit(1, MORNING)
    plain.write(lines[:2])
    plain.take()
    plain.write(lines[2:3])
    plain.path.rename(plain.path.with_name("queue_log.0"))
    plain.write(lines[3:])
    assert counted(plain.take()) == (2, 2, 0, 0)
    assert plain.fates == ["answered"]
    plain.path.with_name("queue_log.0").rename(plain.path.with_name("queue_log.1"))
    assert counted(plain.take()) == (0, 0, 0, 0)


def test_a_file_that_is_copied_and_truncated_loses_nothing(plain: SwitchLog) -> None:
    lines = visit(1, MORNING)
    plain.write(lines[:2])
    plain.take()
    plain.write(lines[2:3])
    shutil.copy(plain.path, plain.path.with_name("queue_log.1"))
    os.truncate(plain.path, 0)
    assert counted(plain.take()) == (3, 1, 2, 0)
    plain.write([*lines[3:], *visit(5, MORNING + 100)])
    assert counted(plain.take()) == (5, 5, 0, 0)
    assert plain.fates == ["answered", "answered"]


def test_a_compressed_file_is_read(plain: SwitchLog) -> None:
    with gzip.open(plain.path.with_name("queue_log-20261123.gz"), "wt") as file:
        file.writelines(visit(1, MORNING - 86400))
    plain.write(visit(1, MORNING))
    assert counted(plain.take()) == (8, 8, 0, 0)
    assert counted(plain.take()) == (0, 0, 0, 0)


def test_other_files_in_the_folder_are_ignored(plain: SwitchLog) -> None:
    for name in ("queue_log.bak", "queue_log2", "queue_log_archive", "messages.log"):
        plain.path.with_name(name).write_text("".join(visit(1, MORNING)))
    assert counted(plain.take()) == (0, 0, 0, 0)


def test_a_reused_inode_is_a_new_file(plain: SwitchLog) -> None:
    plain.write(visit(1, MORNING))
    plain.take()
    with plain.path.open("w", encoding="utf-8") as file:  # the same inode, and longer than before
        file.writelines([*visit(5, MORNING + 100), *visit(9, MORNING + 200)])
    assert counted(plain.take()) == (8, 8, 0, 0)
    assert len(plain.fates) == 3


def test_lines_after_an_overwriting_backup_are_read(plain: SwitchLog) -> None:
    lines = day(40)
    plain.write(lines[:60])
    plain.take()
    with plain.path.open("w", encoding="utf-8") as file:  # a backup of 40 lines; same inode, same first bytes
        file.writelines(lines[:40])
    plain.write(visit(1, MORNING + 9000) + visit(5, MORNING + 9500, answered=False) + lines[60:])
    report = plain.take()
    assert report.count.new == len(lines) - 60 + 6
    assert len(plain.rows("queue_event")) == len(lines) + 6


def test_a_damaged_file_is_reported_and_its_lines_stay(plain: SwitchLog) -> None:
    whole = gzip.compress("".join(day(400)).encode())
    plain.path.with_name("queue_log.1.gz").write_bytes(whole[: len(whole) // 2])
    plain.write(visit(1, MORNING))
    (problem,) = plain.take().unread
    assert re.search(r"queue_log\.1\.gz: .*(restore it, or move it|whole, and readable)", problem)


def test_a_file_is_not_damaged_because_the_database_is_locked(
    plain: SwitchLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain.write(day(4))
    plain.path.rename(plain.path.with_name("queue_log.1"))
    monkeypatch.setattr("registry.db.connection.BUSY_SECONDS", 0.05)
    with plain.database.begin(), pytest.raises(Unavailable):
        plain.take()
    assert (plain.take().unread, len(plain.visits)) == ([], 4)


def test_a_temporary_error_is_reported_once_and_the_file_tried_again(
    plain: SwitchLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many open files do not change the file."""
    plain.write(day(4))
    plain.path.rename(plain.path.with_name("queue_log.1"))

    def too_many(path: str, mode: str) -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr("builtins.open", too_many)
        assert [len(plain.take().unread) for _ in range(2)] == [1, 0]
    assert (plain.take().unread, len(plain.visits)) == ([], 4)


def test_a_damaged_file_does_not_block_others_and_is_tried_again_after_a_change(plain: SwitchLog) -> None:
    older, whole = plain.path.with_name("queue_log.1.gz"), gzip.compress("".join(day(4)).encode())
    older.write_bytes(whole[:-9])
    os.utime(older, (MORNING, MORNING))
    plain.write(visit(1, MORNING + 7000))
    report = plain.take()
    assert (len(report.unread), plain.visits[-1].entered_at) == (1, MORNING + 7000)
    plain.write(visit(5, MORNING + 8000))
    report = plain.take()
    assert (report.unread, report.count.new) == ([], 4)
    older.write_bytes(whole)
    report = plain.take()
    assert (report.unread, len(plain.visits)) == ([], 6)


# --- lines that come more than once, in any order, at any time -------------------------------------------------------


def test_a_restored_backup_adds_nothing(log: SwitchLog) -> None:
    log.write(day())
    log.take()
    before = log.visits
    lines = len(day())
    log.write(day())  # appended to the log itself
    shutil.copy(log.path, log.path.with_name("queue_log.7"))
    assert counted(log.take()) == (3 * lines, 0, 3 * lines, 0)
    assert log.visits == before


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_repeated_and_split_lines_give_the_same_visits(log: SwitchLog, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    lines = [*day(), f"{MORNING + 300}{START}", *day()[::5]]
    chance.shuffle(lines)
    pieces = SwitchLog(tmp_path, log.database, block=700)
    while lines:
        some = chance.randint(1, 60)
        pieces.write(lines[:some])
        del lines[:some]
        pieces.take()
    visits, events = pieces.visits, pieces.rows("queue_event")
    assert len(events) == len(day()) + 1
    rebuild_visits(log.database, HOURS)
    assert pieces.visits == visits
    assert [row.fate for row in visits].count("answered") == 26


@pytest.mark.parametrize("purged", ["xxxxxxxxxx", ""])
def test_a_purged_line_is_not_stored_a_second_time(plain: SwitchLog, purged: str) -> None:
    with_url = [f"{MORNING + 200}|{MORNING}.9|nul|NONE|ENTERQUEUE|http://x/?a|b|0612345678|1\n"]
    plain.write([*visit(1, MORNING), *with_url])
    plain.take()
    before = plain.visits
    plain.path.write_text(plain.path.read_text().replace("0612345678", purged))  # in place, as `registry purge` does
    assert counted(plain.take()) == (5, 0, 5, 0)
    assert plain.visits == before
    assert before[0].caller_hash == KEYS.pseudonym("+390612345678")


def test_a_switch_clock_that_goes_back(log: SwitchLog) -> None:
    lines = visit(1, MORNING)
    back = [f"{int(line[:10]) - 3600}{line[10:]}" for line in lines[2:]]
    log.write([*lines[:2], *back, *visit(5, MORNING - 3000)])
    log.take()
    assert log.fates == ["answered", "answered"]


def test_lines_from_the_future_are_stored_and_reported(plain: SwitchLog) -> None:
    plain.write([*visit(1, int(NOW) + 86400), *visit(5, int(NOW) - 60)])
    report = plain.take()
    assert (report.count.new, report.count.future) == (8, 4)
    assert plain.fates == ["answered", "answered"]


def test_a_switch_start_ends_open_visits_even_if_read_later(log: SwitchLog) -> None:
    first, second = visit(1, MORNING), visit(5, MORNING + 60)
    log.write([first[0], *second[:3]])
    log.take()
    assert log.fates == ["waiting", "talking"]
    log.write([f"{MORNING + 300}{START}", *visit(9, MORNING + 400)])
    log.take()
    assert log.fates == ["lost", "answered", "answered"]
    assert [row.left_at for row in log.visits[:2]] == [MORNING + 300, MORNING + 300]
    assert [(row.wait_s, row.talk_s) for row in log.visits[:2]] == [(None, None), (9, None)]
    log.write([f"{MORNING + 200}{START}"])  # from a file found later
    log.take()
    assert [row.left_at for row in log.visits[:2]] == [MORNING + 200, MORNING + 200]


def test_a_switch_start_within_a_batch_separates_earlier_visits_from_later_ones(log: SwitchLog) -> None:
    log.write([
        *visit(1, MORNING)[:1], f"{MORNING + 30}{START}", *visit(5, MORNING + 60)[:1],
    ])  # fmt: skip
    log.take()
    assert log.fates == ["lost", "waiting"]


def test_log_rotation_by_the_switch_ends_no_visits(log: SwitchLog) -> None:
    log.write([*visit(1, MORNING)[:1], f"{MORNING + 30}|NONE|NONE|NONE|CONFIGRELOAD|\n"])
    log.take()
    assert log.fates == ["waiting"]


def test_torn_lines_are_counted_and_their_complete_ends_stored(log: SwitchLog) -> None:
    first = visit(1, MORNING)
    log.write([
        "rubbish\n", "\n", first[0], first[1], f"{MORNING + 9}|{MORNING}.1|nul|op1{MORNING + 99}{START}",
        "\0\0\0" + f"{MORNING + 100}|{MORNING}.5|nul|NONE|SINGING|la\n", "x" * 9000 + "\n",
    ])  # fmt: skip
    report = log.take()
    assert counted(report) == (6, 4, 0, 3)
    assert (report.count.mended, report.count.unknown) == (1, {"SINGING": 1})
    assert log.fates == ["lost"]


def test_a_file_of_one_endless_line_does_not_block_others(plain: SwitchLog) -> None:
    plain.path.write_bytes(b"\xff" * (3 << 20) + b"\n" + "".join(visit(1, MORNING)).encode())
    assert plain.take().count.new == 4
    assert plain.fates == ["answered"]


def test_the_longest_line_is_stored_and_a_longer_one_is_not(log: SwitchLog) -> None:
    """A PostgreSQL index entry has at most 2,704 bytes; the text of a line is part of a key."""
    chance = random.Random(7)
    noise = "".join(chance.choice("\u20ac\xe8abcdefgh12 ") for _ in range(MAX_LINE_BYTES))  # incompressible
    for place, head in enumerate((f"{MORNING}|{MORNING}.1|nul|op101|PAUSE|", f"{MORNING}|{MORNING}.2|nul|op101|DID|")):
        room = MAX_LINE_BYTES - len(head)
        log.write([head + noise.encode()[place : place + room].decode("ascii", "ignore").ljust(room, "~") + "\n"])
        log.write([head + noise + "\n"])
    log.write([f"{MORNING}|{MORNING}.3|nul|NONE|ENTERQUEUE|{'|' * 1900}|0612345678|1\n"])
    assert counted(log.take()) == (5, 3, 0, 2)
    assert log.fates == ["waiting"]
    rebuild_visits(log.database, HOURS)
    assert log.fates == ["waiting"]


def test_a_call_that_spans_two_blocks_keeps_its_caller(log: SwitchLog) -> None:
    lines = visit(1, MORNING)
    log.write([lines[0].replace("ENTERQUEUE||", "ENTERQUEUE|http://x/?a|b|")])
    log.take()
    log.write(lines[1:])
    log.take()
    (made,) = log.visits
    assert (made.fate, made.caller_hash, made.position) == ("answered", KEYS.pseudonym("+390612345678"), 1)


def test_sql_in_a_line_is_stored_as_text(log: SwitchLog) -> None:
    evil = "'); DROP TABLE queue_visit; --"
    log.write([f"{MORNING}|{evil}|{evil}|{evil}|ENTERQUEUE|{evil}|{evil}|1\n"])
    log.take()
    (made,) = log.visits
    assert (made.unique_id, made.queue, made.fate) == (evil, evil, "waiting")


# --- killed ----------------------------------------------------------------------------------------------------------


def dies_before(statement: int, act: Callable[[], object]) -> bool:
    """Run `act` in a child that is killed before its n-th statement or commit; False if it had fewer."""
    child = os.fork()
    if child == 0:
        left = statement

        def about_to(*_: object) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        status = 70
        try:
            for name in ("before_cursor_execute", "commit"):
                event.listen(Engine, name, about_to)
            act()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert status == 0
    return False


def test_a_kill_at_any_point_loses_and_duplicates_nothing(database: Database, tables: Path, tmp_path: Path) -> None:
    """Each reader gets one statement further than the one before, until one finishes."""
    (tmp_path / "other").mkdir()
    shutil.copy(tables, tmp_path / "other" / "registry.db")
    undisturbed = SwitchLog(tmp_path / "other", Database(f"sqlite:///{tmp_path}/other/registry.db"))
    log = SwitchLog(tmp_path, database)
    for each in (log, undisturbed):
        each.write([*day(30), f"{MORNING + 500}{START}"])
    undisturbed.take()

    def read() -> None:
        SwitchLog(tmp_path, Database(str(database.url)), block=500).take()

    killed = 0
    while dies_before(killed + 1, read):
        killed += 1
    assert killed > 20
    assert log.visits == undisturbed.visits
    assert log.rows("queue_event") == undisturbed.rows("queue_event")
    assert counted(log.take()) == (0, 0, 0, 0)
    undisturbed.database.close()


def test_two_concurrent_readers_give_the_same_result_as_one(log: SwitchLog, tmp_path: Path) -> None:
    log.write(day(30))
    others = [SwitchLog(tmp_path, Database(log.database.url.render_as_string(False)), block=900) for _ in range(2)]
    with ThreadPoolExecutor(2) as both:
        reports = list(both.map(SwitchLog.take, others))
    assert sum(report.count.new for report in reports) == len(day(30))
    visits = log.visits
    assert [row.fate for row in visits].count("answered") == 20
    rebuild_visits(log.database, HOURS)
    assert log.visits == visits
    for each in others:
        each.database.close()


# --- joined with what others tell ------------------------------------------------------------------------------------


def fact(call: str, at: float, kind: str = "handed_over", **data: object) -> dict[str, object]:
    return {"fact_id": f"{call}-{at}", "call_id": call, "at": at, "kind": kind, "data": json.dumps(data)}


def test_topic_and_call_are_added_in_any_order(log: SwitchLog, tmp_path: Path) -> None:
    linked = f"{MORNING - 5}.99"
    log.write([*visit(1, MORNING), *visit(5, MORNING + 60), *visit(9, MORNING + 90)])
    with log.database.begin() as connection:
        connection.execute(insert(schema.call_fact).values(**fact(f"{MORNING}.1", MORNING, topic="DID")))
    log.take()
    assert [row.topic_code for row in log.visits] == ["DID", "", ""]
    rows = [fact(linked, MORNING, topic="ADR"), fact(f"{MORNING + 90}.9", MORNING, "choice", key="2")]
    with log.database.begin() as connection:
        connection.execute(insert(schema.call_fact), rows)
    (tmp_path / "Master.csv").write_text(cdr(f"{MORNING + 60}.5", linked) + cdr(f"{MORNING}.1", f"{MORNING}.1"))
    report = Report()
    log.ingestion.take_cdr(str(tmp_path / "Master.csv"), report)
    log.ingestion.take_cdr(str(tmp_path / "Master.csv"), report)
    assert report.links == 2
    assert add_late_details(log.database, NOW) == 2
    assert [(row.call_id, row.topic_code) for row in log.visits] == [
        (f"{MORNING}.1", "DID"), (linked, "ADR"), (f"{MORNING + 90}.9", ""),
    ]  # fmt: skip
    before = log.visits
    assert add_late_details(log.database, NOW) == 0
    rebuild_visits(log.database, HOURS)
    assert log.visits == before


def cdr(unique: str, linked: str) -> str:
    words = ["", "0612345678", "800", "nul-call", '""Mario"" <06>', "PJSIP/t-1", "PJSIP/seat01-2", "Queue", "nul,c"]
    words += ["2026-11-24 09:00:00"] * 3 + ["79", "70", "ANSWERED", "DOCUMENTATION", unique, "", linked, "7"]
    return ",".join(f'"{word}"' for word in words) + "\n"


def test_only_two_ids_are_read_from_a_cdr() -> None:
    lines = [cdr("1795510800.1", "1795510790.7"), "torn,line\n", cdr("x'; --", "1795510790.7"), 'not "csv', "\0,\n"]
    assert channel_links(lines) == [("1795510800.1", "1795510790.7")]


def test_visits_outside_service_hours_are_marked(log: SwitchLog) -> None:
    log.write([*visit(1, MORNING), *visit(5, MORNING + 10 * 3600)])
    log.take()
    assert [row.in_service for row in log.visits] == [1, 0]


def test_rebuilding_keeps_visits_without_lines(log: SwitchLog) -> None:
    log.write([*visit(1, MORNING), *visit(5, MORNING + 60)])
    log.take()
    before = log.visits
    with log.database.begin() as connection:
        gone = schema.queue_event.c.call_id == f"{MORNING}.1"
        connection.execute(schema.queue_event.delete().where(gone))
        connection.execute(schema.queue_visit.update().values(fate="empty"))
    assert rebuild_visits(log.database, HOURS) == 1
    assert [row.fate for row in log.visits] == ["empty", "answered"]
    assert log.visits[1] == before[1]
