"""Logs of other sites: several queues, visits without an end or a beginning, formats of older versions, clocks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import insert

from measure.month.operator_weeks import by_operator
from measure.month.period import Span
from measure.switch.kpi_visits import visits
from measure.switch.rebuild import rebuild_visits
from measure.switch.visit_rows import count_visits
from registry.db.connection import Database
from registry.db.schema import queue_event
from tests.measure.switch_log import MORNING, QUEUE, SwitchLog, visit

CASES = Path(__file__).parents[1] / "cases"
LATER = 1797800000  # weeks after the cases
HALF = f"{MORNING}|{MORNING}.5|nul|NONE|ENTERQUEUE||0612345678|2\n"
OTHER_HALF = [
    f"{MORNING + 30}|{MORNING}.9|nul|op101|CONNECT|30|{MORNING}.11|4\n",
    f"{MORNING + 90}|{MORNING}.9|nul|op101|COMPLETECALLER|30|60|2\n",
]


@pytest.fixture
def read(log: SwitchLog) -> Callable[[str], SwitchLog]:
    """Read a case long after it was written, and close what must be over."""

    def read(case: str) -> SwitchLog:
        log.now = LATER
        log.write((CASES / case).read_text(encoding="utf-8"))
        log.take()
        log.ingestion.close_overdue()
        return log

    return read


def test_the_visits_of_other_queues_are_never_counted(read: Callable[[str], SwitchLog]) -> None:
    log = read("two_queues")
    counted = count_visits(log.database, "nul")
    assert counted == ({"answered": 6}, 0, 0, {"protocollo": 6})
    assert counted.total == 6
    with log.database.read() as connection:
        assert [each.fate for each in visits(connection, 0, LATER, "nul")] == ["answered"] * 6
        assert [each.fate for each in visits(connection, 0, LATER, "protocollo")] == ["abandoned"] * 6
        assert by_operator(connection, Span(0, LATER), "protocollo") == {}
        assert {who: len(each) for who, each in by_operator(connection, Span(0, LATER), "nul").items()} == {"op101": 6}


def test_a_visit_without_an_end_counts_as_offered_with_its_end_unknown(read: Callable[[str], SwitchLog]) -> None:
    log = read("no_end")
    assert count_visits(log.database, "nul").fates == {"answered": 1, "unknown": 1}
    with log.database.read() as connection:
        assert [each.fate for each in visits(connection, 0, LATER, "nul")] == ["unknown", "answered"]


def test_ends_without_a_beginning_are_visits(read: Callable[[str], SwitchLog]) -> None:
    log = read("part_log")
    assert [(row.entered_at, row.fate, row.wait_s, row.talk_s) for row in log.visits] == [
        (1791532800, "answered", 10, 190), (1791532900, "abandoned", 110, None), (1791533100, "unknown", None, None),
    ]  # fmt: skip


def test_an_older_transfer_has_its_own_talk(read: Callable[[str], SwitchLog]) -> None:
    assert [(row.queue, row.wait_s, row.talk_s) for row in read("tr4_log").visits] == [("q1", 9, 51)]


def test_a_visit_is_closed_when_the_longest_call_is_over(log: SwitchLog) -> None:
    """The rule stands in Python and in SQL, with the same bound; also for visits whose lines were erased."""
    log.write([*visit(1, MORNING)[:1], *visit(5, MORNING)[:3], *visit(9, MORNING)[:1]])
    log.take()
    with log.database.begin() as connection:
        connection.execute(queue_event.delete().where(queue_event.c.call_id == f"{MORNING}.9"))
    log.now = MORNING + QUEUE.longest
    assert log.ingestion.close_overdue() == 0
    assert sorted(log.fates) == ["talking", "waiting", "waiting"]
    log.now += 1
    assert log.ingestion.close_overdue() == 3
    assert sorted(log.fates) == ["answered", "unknown", "unknown"]
    assert log.ingestion.close_overdue() == 0
    log.write([f"{MORNING + 9000}|{MORNING}.1|nul|NONE|ABANDON|1|1|600\n"])  # the end is logged after all
    log.take()
    assert sorted(log.fates) == ["abandoned", "answered", "unknown"]
    rebuild_visits(log.database, QUEUE, log.now)
    assert sorted(log.fates) == ["abandoned", "answered", "unknown"]


def test_a_talk_of_a_year_is_unknown(log: SwitchLog) -> None:
    """The switch's clock was moved during the call."""
    start = visit(1, MORNING)
    log.write([*visit(5, MORNING + 100), *start[:3], f"{MORNING}|{MORNING}.1|nul|op101|COMPLETEAGENT|9|31449589|1\n"])
    log.take()
    assert [(row.fate, row.wait_s, row.talk_s) for row in log.visits] == [("answered", 9, None), ("answered", 9, 70)]
    assert count_visits(log.database, "nul").unknown_talks == 1


@pytest.mark.parametrize("order", ["as logged", "beginning last", "in one block", "rebuilt"])
def test_the_halves_of_a_transferred_stay_are_one_visit(log: SwitchLog, order: str) -> None:
    blocks = {
        "beginning last": [OTHER_HALF, [HALF]], "in one block": [[HALF, *OTHER_HALF]],
    }.get(order, [[HALF], OTHER_HALF[:1], OTHER_HALF[1:]])  # fmt: skip
    log.write(visit(15, MORNING))  # at the same second, and complete
    for lines in blocks:
        log.write(lines)
        log.take()
    if order == "rebuilt":
        rebuild_visits(log.database, QUEUE, log.now)
    begun, ended, other = (
        next(row for row in log.visits if row.unique_id.endswith(end)) for end in (".5", ".9", ".15")
    )
    assert begun.fate == "joined"
    assert (ended.fate, ended.entered_at, ended.wait_s, ended.talk_s, ended.position) == (
        "answered",
        MORNING,
        30,
        60,
        2,
    )
    assert ended.caller_hash == begun.caller_hash is not None
    assert (other.fate, other.wait_s) == ("answered", 9)
    with log.database.read() as connection:
        assert len(list(visits(connection, MORNING, MORNING + 1, "nul"))) == 2
    log.now += QUEUE.longest + 1
    assert log.ingestion.close_overdue() == 0


def test_a_caller_whom_an_operator_transfers_into_the_queue_has_two_visits(log: SwitchLog) -> None:
    """The operator's channel enters the queue; its number is not the caller's."""
    log.write([
        f"{MORNING}|{MORNING}.2|nul|NONE|ENTERQUEUE||0612345678|1\n",
        f"{MORNING + 9}|{MORNING}.2|nul|op101|CONNECT|9|x.3|0\n",
        f"{MORNING + 20}|{MORNING}.4|nul|NONE|ENTERQUEUE||seat01|3\n",
        f"{MORNING + 26}|{MORNING}.2|nul|op101|ATTENDEDTRANSFER|APP|Queue|9|17|1\n",
        f"{MORNING + 50}|{MORNING}.2|nul|op102|CONNECT|30|x.5|1\n",
        f"{MORNING + 90}|{MORNING}.2|nul|op102|COMPLETECALLER|30|40|1\n",
    ])  # fmt: skip
    log.take()
    first, second, begun = log.visits
    assert (begun.fate, begun.unique_id) == ("joined", f"{MORNING}.4")
    assert (second.entered_at, second.wait_s, second.talk_s, second.position) == (MORNING + 20, 30, 40, 3)
    assert second.caller_hash == first.caller_hash != begun.caller_hash
    assert (first.wait_s, first.talk_s) == (9, 17)


def test_an_end_that_is_logged_after_all_separates_the_halves(log: SwitchLog) -> None:
    """Another caller who entered in the same second was taken for the first half, until their own end."""
    log.write([HALF, *OTHER_HALF])
    log.take()
    log.write([f"{MORNING + 600}|{MORNING}.5|nul|NONE|EXITWITHTIMEOUT|1|2|600\n"])
    log.take()
    assert sorted((row.fate, row.wait_s) for row in log.visits) == [("answered", 30), ("timeout", 600)]


def test_the_visits_that_began_in_a_period_include_its_first_instant_only(log: SwitchLog) -> None:
    log.write([line for second in (0, 60, 120) for line in visit(second, MORNING + second)])
    log.take()
    with log.database.read() as connection:
        found = list(visits(connection, MORNING, MORNING + 120, "nul"))
    assert [each.entered for each in found] == [MORNING, MORNING + 60]


def test_a_year_that_an_older_program_stored_is_removed_by_a_rebuild(database: Database, tmp_path: Path) -> None:
    log = SwitchLog(tmp_path, database)
    said = ["nul|NONE|ENTERQUEUE|||1", "nul|op101|CONNECT|9|x.1|4", "nul|op101|COMPLETEAGENT|9|31449589|1"]
    with database.begin() as connection:
        connection.execute(insert(queue_event), [
            {"call_id": "a.1", "at": MORNING + 9 * number, "said": text} for number, text in enumerate(said)
        ])  # fmt: skip
    assert rebuild_visits(database, QUEUE, log.now) == 1
    assert [(row.fate, row.talk_s) for row in log.visits] == [("answered", None)]
