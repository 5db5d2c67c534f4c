"""Topics, calls and service hours of visits, also after a rebuild."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy import insert

from measure.switch.cdr import channel_links
from measure.switch.ingest import Report
from measure.switch.late_details import add_late_details
from measure.switch.rebuild import rebuild_visits
from registry.db import schema
from tests.measure.switch_log import MORNING, NOW, QUEUE, SwitchLog, visit


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
    rebuild_visits(log.database, QUEUE, NOW)
    assert log.visits == before


def cdr(unique: str, linked: str) -> str:
    words = ["", "0612345678", "800", "nul-call", '""Mario"" <06>', "PJSIP/t-1", "PJSIP/seat01-2", "Queue", "nul,c"]
    words += ["2026-11-24 09:00:00"] * 3 + ["79", "70", "ANSWERED", "DOCUMENTATION", unique, "", linked, "7"]
    return ",".join(f'"{word}"' for word in words) + "\n"


def test_only_two_ids_are_read_from_a_cdr() -> None:
    lines = [cdr("1795510800.1", "1795510790.7"), "torn,line\n", cdr("x'; --", "1795510790.7"), 'not "csv', "\0,\n"]
    assert channel_links(lines) == ([("1795510800.1", "1795510790.7")], 5)


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
    assert rebuild_visits(log.database, QUEUE, NOW) == 1
    assert [row.fate for row in log.visits] == ["empty", "answered"]
    assert log.visits[1] == before[1]
