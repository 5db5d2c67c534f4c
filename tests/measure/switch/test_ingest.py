"""Every line is stored once, whatever happens to the file, the clock or the reader, and gives the right visits."""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, event

from ivr.switch_logs.queue_log import MAX_LINE_BYTES
from measure.month.operator_weeks import by_operator
from measure.month.period import Span
from measure.switch.kpi_visits import visits
from measure.switch.rebuild import rebuild_visits
from measure.switch.visit_rows import count_visits
from registry.db.connection import Database
from registry.db.schema import queue_visit
from tests.measure.switch_log import KEYS, MORNING, NOW, QUEUE, START, SwitchLog, counted, day, visit


def test_lines_become_visits(log: SwitchLog) -> None:
    log.write(visit(1, MORNING) + visit(5, MORNING + 60, answered=False, caller=""))
    assert counted(log.take()) == (6, 6, 0, 0)
    first, second = log.visits
    assert (first.unique_id, first.visit_no, first.call_id, first.queue) == (f"{MORNING}.1", 1, f"{MORNING}.1", "nul")
    assert (first.fate, first.entered_at, first.left_at) == ("answered", MORNING, MORNING + 79)
    assert (first.wait_s, first.talk_s, first.ring_s, first.position) == (9, 70, 4, 1)
    assert first.caller_hash == KEYS.pseudonym("+390612345678")
    assert (second.fate, second.wait_s, second.talk_s, second.caller_hash) == ("abandoned", 9, None, None)
    assert count_visits(log.database, "nul").fates == {"abandoned": 1, "answered": 1}


def test_only_visits_of_given_calls_are_read(log: SwitchLog) -> None:
    log.write(visit(1, MORNING) + visit(5, MORNING + 60, answered=False))
    log.take()
    with log.database.read() as connection:
        measured = list(visits(connection, 0, MORNING + 1000, "nul", calls=[f"{MORNING + 60}.5", "another"]))
    assert [one.entered for one in measured] == [MORNING + 60]


def test_a_period_has_the_visit_at_its_first_instant_and_not_that_at_its_last(log: SwitchLog) -> None:
    log.write(visit(1, MORNING) + visit(5, MORNING + 60))
    log.take()
    with log.database.read() as connection:
        assert [one.entered for one in visits(connection, MORNING, MORNING + 60, "nul")] == [MORNING]
        assert [one.entered for one in visits(connection, MORNING + 60, MORNING + 61, "nul")] == [MORNING + 60]
        weekly = by_operator(connection, Span(MORNING, MORNING + 60), "nul")
    assert [one.entered for answered in weekly.values() for one in answered] == [MORNING]


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
    rebuild_visits(log.database, QUEUE, NOW)
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


@pytest.mark.parametrize("calls", [1, 2, 100])
def test_a_rebuild_writes_the_visits_of_every_call(log: SwitchLog, monkeypatch: pytest.MonkeyPatch, calls: int) -> None:
    """Whatever the number of calls in a transaction."""
    monkeypatch.setattr("measure.switch.rebuild.CALLS", calls)
    log.write(day(5))
    log.take()
    before = log.visits
    with log.database.begin() as connection:
        connection.execute(delete(queue_visit))
    assert rebuild_visits(log.database, QUEUE, NOW) == len(before) == 5
    assert log.visits == before


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
    rebuild_visits(log.database, QUEUE, NOW)
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
    rebuild_visits(log.database, QUEUE, NOW)
    assert log.visits == visits
    for each in others:
        each.database.close()
