"""The report of a month: the same figures in HTML, CSV and JSON, and none of single persons."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert

from charter.calendar import OpeningHours, parse_range
from common.command_line import Refusal
from ivr.configuration.compiled import Compiled
from measure.cli import main
from measure.month.cells import half_hour
from measure.month.csv_json import escape_formula
from measure.month.period import Month, parse_month, week_code
from pages import colours
from registry.db import schema
from registry.db.connection import Database
from registry.db.migrations import all_tables
from registry.requests import queries
from tests.conftest import rome
from tests.measure import golden_month, months
from tests.measure.golden_month import FOLDER
from tests.measure.report_site import LATER, ReportSite, counts, parsed, table, words
from tests.registry import postgres

NASTY = "<script>alert('x')</script> & \"'; DROP TABLE request;--"
FORMULA = '=HYPERLINK("http://x")'


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir()))
def test_the_report_matches_the_golden_file(october: ReportSite, name: str) -> None:
    assert (october.out / name).read_bytes().decode() == (FOLDER / name).read_bytes().decode()


def test_every_golden_file_is_compared(october: ReportSite) -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(path.name for path in october.out.iterdir())


def test_figures_match_a_count_by_hand(site: ReportSite, database: Database) -> None:
    make, at = months.Maker(1), rome("2026-10-06 09:10")

    def visit(seconds: float, fate: str, wait: float, **more: Any) -> dict[str, Any]:
        given = {"fate": fate, "wait_s": wait, "talk_s": 100.0 if fate == "answered" else None, "topic_code": "ADR"}
        return make.visit(
            at + seconds, **{"left_at": at + seconds + wait, "caller_hash": f"{seconds}", **given, **more}
        )

    visits = [
        visit(0, "answered", 20), visit(60, "answered", 21), visit(120, "abandoned", 5), visit(180, "abandoned", 20),
        visit(240, "abandoned", 30), visit(300, "key", 40), visit(360, "full", 0), visit(1200, "answered", 1),
        visit(420, "waiting", 0), visit(480, "answered", 1, in_service=0),
        visit(60 + 3600, "answered", 2, caller_hash="60"),  # called again about the same
    ]  # fmt: skip
    with database.begin() as connection:
        months.base(connection)
        months.add(connection, schema.queue_visit, visits)
        months.add(connection, schema.request, [
            make.request(at, outcome=outcome, state="closed", closed_at=at, topic_code="ADR", level=level,
                         channel="phone")
            for outcome, level in (("resolved", 1), ("resolved", 2), ("informed", 1), ("withdrawn", 1))
        ])  # fmt: skip
        months.add(connection, schema.survey_response, [
            {"response_id": "r", "version": 1, "taken_on": "2026-10-31"},
            {"response_id": "s", "version": 1, "taken_on": "2026-11-01"},
        ])  # fmt: skip
        months.add(connection, schema.survey_answer, [{"response_id": "r", "question": "solved", "value": 4}])
    made = site.made()
    row = table(made, "half-hours")["09:00"]
    assert [row[name] for name in ("offered", "answered", "in-time", "abandoned", "voicemail")] == [8, 2, 1, 3, 2]
    assert row["refused"] == 1  # has waited since October
    assert table(made, "half-hours")["09:30"]["offered"] == 1
    assert table(made, "days")["2026-10-06"]["offered"] == 10
    measures = {name: (row["value"], row["of"]) for name, row in table(made, "measures").items()}
    assert measures["service_level"] == (round(3 / 10, 10), 10)
    assert measures["abandonment_net"] == (round(2 / 9, 10), 9)
    assert measures["first_contact_observed"] == (0.8, 5)  # of five answered calls, including the one outside hours
    assert measures["level_one_resolution"] == (round(1 / 3, 10), 3)
    assert measures["survey_response"] == (0.25, 4)
    assert table(made, "survey")["solved"]["share"] == 1
    assert "Fuori orario: 1." in site.text(kind="html")
    assert {code: row["calls"] for code, row in table(made, "outside").items()} == {
        "outside": 1, "end-unknown": 1, "wait-unknown": 0, "talk-unknown": 0,
    }  # fmt: skip


def test_only_the_visits_of_the_services_queue_are_counted(
    site: ReportSite, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    make, at = months.Maker(1), rome("2026-10-06 09:10")
    own = [make.visit(at + second, fate="answered", wait_s=5.0) for second in range(4)]
    others = [make.visit(at + second, fate="abandoned", wait_s=90.0, queue="protocollo") for second in range(4)]
    with database.begin() as connection:
        months.base(connection)
        months.add(connection, schema.queue_visit, [*own, *others])
    measures = {name: (row["value"], row["of"]) for name, row in table(site.made(), "measures").items()}
    assert measures["service_level"] == (1, 4)
    assert capsys.readouterr().err == ""
    with database.begin() as connection:
        connection.execute(schema.queue_visit.delete().where(schema.queue_visit.c.queue == "nul"))
    site.made()
    assert "no visits at the queue 'nul', but at others: protocollo 4; if one" in capsys.readouterr().err


def test_a_visit_belongs_to_the_month_in_which_it_began(site: ReportSite, database: Database) -> None:
    """The first instant belongs to the month, its end does not."""
    make, span = months.Maker(1), Month(2026, 10).span(months.HOURS)
    with database.begin() as connection:
        months.base(connection)
        months.add(connection, schema.queue_visit, [
            make.visit(at, fate="answered", wait_s=5.0)
            for at in (span.start - 1, span.start, span.until - 1, span.until)
        ])  # fmt: skip
        months.add(connection, schema.queue_visit, [
            make.visit(at, in_service=0) for at in (span.start - 1, span.start, span.until)
        ])  # fmt: skip
    made = site.made()
    assert {row["value"]: row["of"] for name, row in table(made, "measures").items() if name == "answer_rate"} == {1: 2}
    assert table(made, "outside")["outside"]["calls"] == 1


def test_a_request_belongs_to_the_month_in_which_it_was_opened(site: ReportSite, database: Database) -> None:
    make, span = months.Maker(1), Month(2026, 10).span(months.HOURS)
    with database.begin() as connection:
        months.base(connection)
        months.add(connection, schema.request, [
            make.request(at, outcome="resolved", state="closed", closed_at=at, level=1, channel="phone")
            for at in (span.start - 1, span.start, span.until - 1, span.until)
        ])  # fmt: skip
    assert table(site.made(), "classified")["classified"]["requests"] == 2


def test_calls_that_nobody_has_classified_are_counted_apart(site: ReportSite, database: Database) -> None:
    make, at = months.Maker(1), rome("2026-10-06 09:10")
    with database.begin() as connection:
        months.base(connection)
        months.add(connection, schema.request, [
            make.request(at, outcome=outcome, state="closed", closed_at=at, topic_code="ADR", level=1, channel="phone")
            for outcome in ("resolved", "withdrawn", "unclassified", "unclassified", "unclassified")
        ])  # fmt: skip
    made = site.made()
    assert {kind: row["requests"] for kind, row in table(made, "classified").items()} == {
        "classified": 2, "unclassified": 3,
    }  # fmt: skip
    measures = {name: (row["value"], row["of"]) for name, row in table(made, "measures").items()}
    assert measures["level_one_resolution"] == (0.5, 2)


def test_impossible_durations_are_counted_and_left_out_of_means(site: ReportSite, database: Database) -> None:
    make, at = months.Maker(1), rome("2026-10-06 09:10")
    visits = [(5.0, 100.0), (15.0, None), (None, 200.0)]
    with database.begin() as connection:
        months.base(connection)
        months.add(connection, schema.queue_visit, [
            make.visit(at, fate="answered", wait_s=wait, talk_s=talk) for wait, talk in visits
        ])  # fmt: skip
    made = site.made()
    measures = {name: (row["value"], row["of"]) for name, row in table(made, "measures").items()}
    assert measures["answer_rate"] == (1, 3)
    assert (measures["wait_mean_answered"], measures["handling_time"]) == ((10, 2), (150, 2))
    assert measures["service_level"] == (round(2 / 3, 10), 3)  # an unknown wait is not in time
    assert {code: row["calls"] for code, row in table(made, "outside").items()} == {
        "outside": 0, "end-unknown": 0, "wait-unknown": 1, "talk-unknown": 1,
    }  # fmt: skip


def test_a_caller_lost_in_a_restart_does_not_shorten_the_mean_wait(site: ReportSite, database: Database) -> None:
    make, at = months.Maker(1), rome("2026-10-06 09:10")
    lost = {"fate": "lost", "wait_s": None, "talk_s": None}
    with database.begin() as connection:
        months.base(connection)
        answered = [make.visit(at + wait, fate="answered", wait_s=wait) for wait in (40.0, 60.0)]
        months.add(connection, schema.queue_visit, [*answered, *(make.visit(at + n, **lost) for n in range(4))])
    made = site.made()
    measures = {name: (row["value"], row["of"]) for name, row in table(made, "measures").items()}
    assert (measures["wait_mean_all"], measures["wait_median_all"]) == ((50, 2), (40, 2))
    assert measures["answer_rate"][1] == 6  # but they count as offered
    assert table(made, "waits")["09:00"]["p50"] == 40
    assert table(made, "half-hours")["09:00"]["refused"] == 4


def test_requests_are_counted_by_the_week_of_their_due_date(site: ReportSite, database: Database) -> None:
    make = months.Maker(1)
    clocks = [
        ("2026-10-01 00:00", "2026-09-30 12:00"), ("2026-10-04 23:00", None), ("2026-10-05 00:00", "2026-10-06 00:00"),
        ("2026-09-30 23:59", None), ("2026-11-01 00:00", None),
    ]  # fmt: skip
    with database.begin() as connection:
        months.base(connection)
        for due, stopped in clocks:
            asked = make.request(rome("2026-09-01 10:00"), channel="email", outcome=None, state="new", closed_at=None)
            months.add(connection, schema.request, [asked])
            months.add(connection, schema.sla_clock, [{
                "request_id": asked["request_id"], "promise_code": "EMAIL", "clock_no": 1, "due_at": rome(due),
                "started_at": rome("2026-09-01 10:00"), "calendar_rev": "", "stopped_at": stopped and rome(stopped),
                "stop_reason": stopped and "answered",
            }])  # fmt: skip
    made = site.made()
    assert {k: v for k, v in table(made, "promises")["EMAIL"].items() if k != "share_interval"} == {
        "due": 3, "in-time": 1, "share": round(1 / 3, 10), "promised": 0.9,
    }  # fmt: skip
    weeks = table(made, "promises-by-week")
    assert [weeks[f"EMAIL {week_code(days)}"]["due"] for days in Month(2026, 10).weeks] == [2, 1, 0, 0, 0]
    late = table(made, "late")["EMAIL"]
    assert late["late"] == 2  # of September and of 4 October; the one of 5 October was answered late
    assert late["worst"] == pytest.approx((rome("2026-11-01 00:00") - rome("2026-09-30 23:59")) / 86400)


@pytest.mark.parametrize(("now", "due"), [("2026-10-08 12:00", 8), ("2026-10-09 00:00", 9), (LATER, 17)])
def test_the_report_matches_the_statistics_of_the_registry(
    small: ReportSite, database: Database, now: str, due: int
) -> None:
    """Also during the month: requests due later than now count neither as late nor as in time."""
    document = small.made(now=now)
    hours = OpeningHours("Europe/Rome", [])
    with database.read() as connection:
        stats = queries.read_stats(connection, *parse_month("2026-10").span(hours), rome(now))
    promises = table(document, "promises")
    for code, figure in zip(queries.FIGURES, stats.on_time, strict=True):
        assert (promises[code]["due"], promises[code]["in-time"]) == (figure.denominator, figure.numerator), code
    assert promises["EMAIL"]["due"] == due
    needs = {topic: row["requests"] for topic, row in table(document, "needs").items() if topic}
    assert needs == {
        topic: sum(count for (_, about), count in stats.opened.items() if about == topic) for topic in needs
    }
    assert sum(needs.values()) == sum(stats.opened.values()) > 0


# --- empty, odd, hostile ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("audience", ["internal", "public"])
def test_an_empty_month_is_a_page_without_figures(site: ReportSite, audience: str) -> None:
    made = site.made(audience)
    assert set(counts(made)) <= {0}
    page = parsed(site.text(audience, kind="html"))
    assert "In questo mese non c'è nulla." in words(page)


def test_the_day_of_25_hours_is_one_day(tmp_path: Path, shipped: Compiled, database: Database) -> None:
    always = {day: ["00:00-24:00"] for day in shipped["service"]["hours"]}
    site, make = ReportSite(tmp_path / "var", shipped, hours=always), months.Maker(1)
    first = rome("2026-10-25 00:00")
    with database.begin() as connection:
        months.add(connection, schema.queue_visit, [make.visit(first + 1800 * n + 60) for n in range(50)])
        months.add(connection, schema.queue_visit, [make.visit(first + 25 * 3600)])
    made = site.made()
    assert table(made, "days")["2026-10-25"]["offered"] == 50
    assert table(made, "days")["2026-10-26"]["offered"] == 1
    slots = {slot: row["offered"] for slot, row in table(made, "half-hours").items()}
    assert (slots["01:30"], slots["02:00"], slots["02:30"], slots["03:00"]) == (1, 2, 2, 1)
    assert len(slots) == 48


def test_half_hours_are_in_local_time() -> None:
    assert half_hour(rome("2026-10-25 02:59"), months.HOURS) == "02:30"
    assert half_hour(rome("2026-10-25 02:59") + 3600, months.HOURS) == "02:30"
    assert half_hour(rome("2026-03-29 03:00"), months.HOURS) == "03:00"


@pytest.mark.parametrize("audience", ["internal", "public"])
def test_untrusted_text_is_escaped(tmp_path: Path, shipped: Compiled, database: Database, audience: str) -> None:
    site, maker = ReportSite(tmp_path / "var", shipped, name=NASTY), months.Maker(5, {NASTY: 3, FORMULA: 2, "ADR": 9})
    with database.begin() as connection:
        months.base(connection, {NASTY: NASTY, FORMULA: FORMULA})
        months.fill(connection, 5, [date(2026, 10, 6), date(2026, 10, 7)], 60, 40, maker)
        connection.execute(insert(schema.survey_response).values(response_id="n", version=1, taken_on="2026-10-06"))
        connection.execute(insert(schema.survey_answer).values(response_id="n", question=NASTY, value=5))
    made = site.made(audience)
    page = parsed(site.text(audience, kind="html"))
    assert words(page.find(".//h1")) == f"{NASTY}: ottobre 2026"  # type: ignore[arg-type]
    heads = {words(each) for each in page.iter("th")}
    assert {NASTY, FORMULA} <= heads
    assert "<script" not in site.text(audience, kind="html")
    assert NASTY in table(made, "topics")
    lines = list(csv.reader(io.StringIO(site.text(audience, kind="csv"), newline="")))
    assert len({len(line) for line in lines}) == 1
    assert not any(cell.startswith(("=", "+", "@")) for line in lines for cell in line)
    assert escape_formula(FORMULA) in {line[2] for line in lines}
    with database.read() as connection:
        assert connection.execute(schema.request.select().limit(1)).first() is not None


def test_the_page_is_accessible(october: ReportSite) -> None:
    for audience, language in golden_month.KEPT:
        text = october.text(audience, language, kind="html")
        page = parsed(text)
        assert page.get("lang") == language
        assert re.findall(r"https?:|url\(|@import|<script|<link|<img|\ssrc=|\shref=|\son\w+=", text) == []
        levels = [int(each.tag[1]) for each in page.iter() if re.fullmatch(r"h\d", each.tag)]
        assert levels[0] == 1
        assert set(levels[1:]) == {2}
        for section in page.iter("section"):
            tables, pictures = list(section.iter("table")), list(section.iter("svg"))
            assert len(pictures) <= min(1, len(tables))
            assert all(words(each.find("title")) for each in pictures)  # type: ignore[arg-type]
        for each in page.iter("table"):
            assert words(each.find("caption"))  # type: ignore[arg-type]
            assert {head.get("scope") for head in each.findall("thead/tr/th")} == {"col"}
            assert {row[0].get("scope") for row in each.findall("tbody/tr")} <= {"row"}
            columns = len(each.findall("thead/tr/th"))
            assert {len(row) for row in each.findall("tbody/tr")} <= {columns}


def test_every_colour_of_the_promises_chart_is_in_its_key(october: ReportSite) -> None:
    page = parsed(october.text("internal", "it", kind="html"))
    promises = next(each for each in page.iter("section") if words(each.find("h2")).startswith("Le promesse"))  # type: ignore[arg-type]
    key = {(each.get("style") or "").partition(":")[2] for each in promises.findall(".//ul/li/i")}
    bars = [each.get("fill") for each in promises.iter("rect")]
    assert set(bars[1::2]) <= key  # each bar follows its pale background
    assert colours.AMBER in bars


def test_html_csv_and_json_have_the_same_figures(october: ReportSite) -> None:
    document = october.read("public")
    lines = list(csv.DictReader(io.StringIO(october.text("public", "en", kind="csv"), newline="")))
    flat = {
        (each["table"], row["row"], name): value
        for each in document["tables"] for row in each["rows"] for name, value in row["values"].items()
        if not name.endswith("_interval")
    }  # fmt: skip
    assert len(lines) == len(flat)
    for line in lines:
        value = flat[line["table"], line["row"], line["column"]]
        assert line["state"] == {"hidden": "hidden", None: "none"}.get(value, "shown")
        assert line["value"] == (repr(value) if line["state"] == "shown" else "")
    page = parsed(october.text("public", "en", kind="html"))
    assert len(list(page.iter("table"))) == len(document["tables"])
    cells = sum(len(row) - 1 for each in page.iter("table") for row in each.findall("tbody/tr"))
    assert cells == len(flat)


def test_postgresql_gives_the_same_data(filled: Path, tmp_path: Path) -> None:
    from measure.month import data

    shutil.copy(filled, tmp_path / "filled.db")
    here, there = Database(f"sqlite:///{tmp_path}/filled.db"), postgres.with_tables()
    try:
        with here.read() as source, there.begin() as target:
            for each in all_tables().sorted_tables:
                rows = [dict(row._mapping) for row in source.execute(each.select())]
                months.add(target, each, rows)
        read = []
        for database in (here, there):
            with database.read() as connection:
                found = data.read_month(connection, Month(2026, 10), months.QUEUE, rome(LATER))
                due = {promise: sorted(each, key=str) for promise, each in found.due.items()}
                visits, requests = sorted(found.visits, key=str), sorted(found.requests, key=str)
                read.append(found._replace(visits=visits, requests=requests, due=due))
        assert read[0] == read[1]
    finally:
        here.close()
        there.close()


# --- the program -----------------------------------------------------------------------------------------------------


def test_every_query_uses_an_index(full: ReportSite, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the small tables of topics and promises are scanned."""
    asked: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        asked.append((statement, parameters))

    from measure.month import data

    with database.read() as connection:
        event.listen(connection, "before_cursor_execute", note)
        data.read_month(connection, Month(2026, 10), months.QUEUE, rome(LATER))
        event.remove(connection, "before_cursor_execute", note)
        plans = [
            str(step[3])
            for statement, parameters in asked
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    assert len(asked) > 20
    scans = {plan for plan in plans if plan.startswith("SCAN") and "CONSTANT" not in plan}
    assert scans <= {"SCAN topic", "SCAN promise"}


def test_a_full_disk_leaves_the_old_report(small: ReportSite, monkeypatch: pytest.MonkeyPatch) -> None:
    small.made()
    before = {each.name: each.read_bytes() for each in small.out.iterdir()}

    def no_space(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(Refusal, match="not written: No space left on device; existing files are unchanged"):
        small.report(now="2026-12-01 12:00")
    assert {each.name: each.read_bytes() for each in small.out.iterdir()} == before


def test_the_command(small: ReportSite, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    at = ["--var", small.places.var, "report"]
    assert main([*at, "--month", "2026-10", "--output", str(tmp_path / "here")]) == 0
    said = capsys.readouterr().out.split()
    assert [os.path.basename(each) for each in said] == [
        f"month-2026-10-internal-it.{k}" for k in ("html", "csv", "json")
    ]
    assert main([*at, "--month", "ottobre"]) == 1
    assert "'ottobre' is not a month; write year and month, such as 2026-10" in capsys.readouterr().err
    assert main(["--var", str(tmp_path / "nowhere"), "report", "--month", "2026-10"]) == 1
    assert "run `ivr compile`" in capsys.readouterr().err


def test_without_a_registry_the_error_has_a_remedy(
    site: ReportSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUL_DATABASE", f"sqlite:///{tmp_path}/other.db")
    with pytest.raises(Refusal, match="registry init"):
        site.report()


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "26-10", "2026-1", "٢٠٢٦-10", "2000-12"])
def test_an_invalid_month_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="is not a month"):
        parse_month(text)


def test_months_and_their_weeks() -> None:
    october = parse_month("2026-10")
    assert (october.later(3), october.later(-10)) == (Month(2027, 1), Month(2025, 12))
    assert [len(each) for each in october.weeks] == [4, 7, 7, 7, 6]
    assert october.span(months.HOURS).until - october.span(months.HOURS).start == (31 * 24 + 1) * 3600
    assert parse_range("09:00-13:00") in months.HOURS.week[0]
