"""Other figures that could reveal counts: means, percentiles, the order of rows, totals."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ivr.configuration.compiled import Compiled
from measure.month.report_texts import TEXTS
from registry.db import schema
from registry.db.connection import Database
from tests.conftest import rome
from tests.measure import months
from tests.measure.report_site import ReportSite, table


@pytest.fixture
def site(tmp_path: Path, shipped: Compiled, database: Database) -> ReportSite:
    with database.begin() as connection:
        months.base(connection)
    return ReportSite(tmp_path / "var", shipped)


def fill(database: Database, *some: tuple[int, dict[str, Any]]) -> None:
    """Visits of each kind, answered after whole seconds unless stated otherwise."""
    make, at, visits = months.Maker(1), rome("2026-10-06 09:00"), []
    for count, changes in some:
        for n in range(count):
            given = {"fate": "answered", "wait_s": float(7 * n % 19), "talk_s": 60.0, "topic_code": "ADR", **changes}
            begun = given.pop("at", at)
            visits.append(make.visit(begun + 8 * n, left_at=begun + 8 * n + 90, caller_hash=None, **given))
    with database.begin() as connection:
        months.add(connection, schema.queue_visit, visits)


def test_a_mean_does_not_reveal_its_denominator(site: ReportSite, database: Database) -> None:
    """A quotient with ten decimals determines its integers: here it revealed three refused calls."""
    full = {"fate": "full", "wait_s": 0.0, "talk_s": None}
    fill(
        database, (43, {}), (9, {"fate": "abandoned", "wait_s": 31.0, "talk_s": None}), (3, full), (4, {"fate": "key"})
    )
    measures = table(site.made("public"), "measures")
    for name in ("wait_mean_all", "wait_mean_answered"):
        mean = measures[name]["value"]
        assert all(round(round(mean * n) / n, 10) == mean for n in range(1, 60)), name


def test_a_mean_of_hidden_calls_is_hidden(site: ReportSite, database: Database) -> None:
    """A reader who knows that it is a mean of at least five values could narrow down the others."""
    fill(database, (7, {}), (2, {"fate": "abandoned", "talk_s": None}))
    made = site.made("public")
    assert table(made, "days")["2026-10-06"]["answered"] == "hidden"
    assert table(made, "measures")["wait_mean_answered"]["value"] == "hidden"


def test_a_percentile_is_shown_only_with_all_counts_of_its_calls(site: ReportSite, database: Database) -> None:
    """A shown percentile reveals a minimum number of calls, and a median above 20 s how many were not in time."""
    second = rome("2026-10-06 10:00")
    fill(
        database, (30, {}), (10, {"fate": "abandoned", "talk_s": None}),
        (21, {"at": second, "wait_s": 25.0}), (4, {"at": second}),
    )  # fmt: skip
    made = site.made("public")
    counts, waits = table(made, "half-hours"), table(made, "waits")
    assert (counts["09:00"]["in-time"], counts["10:00"]["in-time"]) == (30, "hidden")
    assert isinstance(waits["09:00"]["p50"], int)
    assert set(waits["10:00"].values()) == {"hidden"}


def test_an_empty_wait_is_hidden_if_the_number_of_calls_is(site: ReportSite, database: Database) -> None:
    fill(database, (30, {}), (2, {"fate": "full", "wait_s": 0.0, "talk_s": None, "at": rome("2026-10-06 10:00")}))
    made = site.made("public")
    assert table(made, "half-hours")["10:00"]["offered"] == "hidden"
    assert set(table(made, "waits")["10:00"].values()) == {"hidden"}
    assert set(table(made, "waits")["11:00"].values()) == {None}


@pytest.mark.parametrize("name", ["topics", "needs", "trend", "audiences", "topics-by-half-hour"])
def test_the_order_of_rows_does_not_reveal_hidden_counts(site: ReportSite, database: Database, name: str) -> None:
    """Four and two, six together: the order revealed that the first is at least three, the second at most three."""
    asked = (("DID", 40), ("ADR", 30), ("INCENTIVI", 2), ("NASPI", 4))
    fill(database, *((count, {"topic_code": topic}) for topic, count in asked))
    make, at = months.Maker(2), rome("2026-10-06 10:00")
    with database.begin() as connection:
        months.add(connection, schema.request, [
            make.request(at, topic_code=topic, audience="worker", channel="phone", level=1, outcome="resolved",
                         state="closed", closed_at=at)
            for topic, count in asked for _ in range(count)
        ])  # fmt: skip
    public = [row for row in table(site.made("public"), name) if row]
    assert public == ["DID", "ADR", "INCENTIVI", "NASPI"]  # the hidden ones by code
    assert [row for row in table(site.made("internal"), name) if row] == ["DID", "ADR", "NASPI", "INCENTIVI"]


def test_answers_do_not_reveal_how_many_callers_ended_the_survey_early(site: ReportSite, database: Database) -> None:
    fill(database, (60, {}))
    with database.begin() as connection:
        ids = [f"response{n}" for n in range(20)]
        months.add(connection, schema.survey_response, [
            {"response_id": each, "version": 1, "taken_on": "2026-10-06"} for each in ids
        ])  # fmt: skip
        months.add(connection, schema.survey_answer, [
            {"response_id": each, "question": question, "value": 5}
            for question, some in (("solved", ids), ("overall", ids[:18])) for each in some
        ])  # fmt: skip
    made = site.made("public")
    assert table(made, "survey")["solved"]["answers"] == 20  # as many as responses
    assert table(made, "survey")["overall"]["answers"] == "hidden"  # two fewer


def test_first_contact_does_not_reveal_how_many_withheld_their_number(site: ReportSite, database: Database) -> None:
    make, at = months.Maker(1), rome("2026-10-06 09:00")
    with database.begin() as connection:
        months.add(connection, schema.queue_visit, [
            make.visit(at + 8 * n, fate="answered", wait_s=3.0, talk_s=60.0, caller_hash=f"{n}" if n < 38 else None)
            for n in range(40)
        ])  # fmt: skip
    measures = table(site.made("public"), "measures")
    assert "hidden" in (measures["first_contact_observed"]["of"], measures["answer_rate"]["of"])


def test_nothing_is_hidden_without_small_counts(site: ReportSite, database: Database) -> None:
    """Without small counts everything is shown, except percentiles with few waits beyond them."""
    fill(database, (200, {}), (40, {"wait_s": 33.0}), (20, {"fate": "abandoned", "wait_s": 31.0, "talk_s": None}))
    made = site.made("public")
    assert table(made, "half-hours")["09:00"]["offered"] == 260
    assert "hidden" not in table(made, "waits")["09:00"].values()
    measures = table(made, "measures")
    assert measures["wait_p90_all"]["value"] == 33
    assert measures["wait_median_answered"]["value"] < 20
    assert date(2026, 10, 6).isoformat() in table(made, "days")


def question(code: str, scale: str = "1-5", title: dict[str, str] | None = None) -> dict[str, Any]:
    return {"code": code, "prompts": [], "keys": "12345", "scale": scale, "title": title}


def answer(database: Database, questions: list[str], values: list[int]) -> None:
    with database.begin() as connection:
        months.add(connection, schema.survey_response, [
            {"response_id": f"r{n}", "version": 1, "taken_on": "2026-10-06"} for n in range(len(values))
        ])  # fmt: skip
        months.add(connection, schema.survey_answer, [
            {"response_id": f"r{n}", "question": code, "value": value}
            for n, value in enumerate(values) for code in questions
        ])  # fmt: skip


def labels(document: dict[str, Any], name: str) -> dict[str, str]:
    [found] = [each for each in document["tables"] if each["table"] == name]
    return {row["row"]: row["label"] for row in found["rows"]}


@pytest.mark.parametrize("language", ["it", "en"])
def test_a_code_of_the_site_is_never_looked_up_among_the_reports_texts(
    tmp_path: Path, shipped: Compiled, database: Database, language: str
) -> None:
    """Every text of the report is tried as the code of a question: without a title, the code is shown."""
    codes = [code for code in TEXTS["it"] if re.fullmatch("[a-z][a-z0-9_]*", code)]
    assert {"waiting", "ended", "open"} <= set(codes)
    site = ReportSite(tmp_path / "site", shipped, questions=[question(code) for code in codes])
    fill(database, (60, {}))
    answer(database, codes, [5])
    made = site.made(language=language)
    assert labels(made, "survey") == {code: code for code in codes}
    assert labels(made, "grades") == {code: code for code in codes}


def test_a_question_has_the_title_and_the_scale_of_survey_yaml(
    tmp_path: Path, shipped: Compiled, database: Database
) -> None:
    title = {"it": "Attesa accettabile", "en": "Wait acceptable"}
    site = ReportSite(tmp_path / "site", shipped, questions=[question("waiting", "6-9", title)])
    fill(database, (60, {}))
    answer(database, ["waiting"], [6, 7, 8, 9])
    made = site.made(language="en")
    assert labels(made, "survey") == {"waiting": "Wait acceptable"}
    assert table(made, "survey")["waiting"]["satisfied"] == 1  # 9 of 6 to 9
    assert table(made, "grades")["waiting"] == {"6": 1, "7": 1, "8": 1, "9": 1}
    assert "High grades" in site.text(language="en", kind="html")
    assert labels(site.made(), "survey") == {"waiting": "Attesa accettabile"}
