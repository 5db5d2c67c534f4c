"""What stands beside the counts, and what it gives away: means, percentiles, the order of rows, other totals."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ivr.configuration.compiled import Compiled
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
    """So many visits of each kind, answered after whole seconds unless it says something else."""
    make, at, visits = months.Maker(1), rome("2026-10-06 09:00"), []
    for count, changes in some:
        for n in range(count):
            given = {"fate": "answered", "wait_s": float(7 * n % 19), "talk_s": 60.0, "topic_code": "ADR", **changes}
            begun = given.pop("at", at)
            visits.append(make.visit(begun + 8 * n, left_at=begun + 8 * n + 90, caller_hash=None, **given))
    with database.begin() as connection:
        months.add(connection, schema.queue_visit, visits)


def test_a_mean_does_not_tell_of_how_many_it_is(site: ReportSite, database: Database) -> None:
    """A quotient with ten decimals is that of two whole numbers only: here it told of three who were refused."""
    full = {"fate": "full", "wait_s": 0.0, "talk_s": None}
    fill(
        database, (43, {}), (9, {"fate": "abandoned", "wait_s": 31.0, "talk_s": None}), (3, full), (4, {"fate": "key"})
    )
    measures = table(site.made("public"), "measures")
    for name in ("wait_mean_all", "wait_mean_answered"):
        mean = measures[name]["value"]
        assert all(round(round(mean * n) / n, 10) == mean for n in range(1, 60)), name


def test_a_mean_of_hidden_calls_is_hidden(site: ReportSite, database: Database) -> None:
    """Who knows that it is a mean of five at least knows more of the others: nine less two."""
    fill(database, (7, {}), (2, {"fate": "abandoned", "talk_s": None}))
    made = site.made("public")
    assert table(made, "days")["2026-10-06"]["answered"] == "hidden"
    assert table(made, "measures")["wait_mean_answered"]["value"] == "hidden"


def test_a_percentile_is_shown_where_all_counts_of_its_calls_are(site: ReportSite, database: Database) -> None:
    """That it stands there tells that there are so many; that half of them waited longer, how many were in time."""
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


def test_that_nobody_waited_is_hidden_where_the_number_of_calls_is(site: ReportSite, database: Database) -> None:
    fill(database, (30, {}), (2, {"fate": "full", "wait_s": 0.0, "talk_s": None, "at": rome("2026-10-06 10:00")}))
    made = site.made("public")
    assert table(made, "half-hours")["10:00"]["offered"] == "hidden"
    assert set(table(made, "waits")["10:00"].values()) == {"hidden"}
    assert set(table(made, "waits")["11:00"].values()) == {None}


@pytest.mark.parametrize("name", ["topics", "needs", "trend", "audiences", "topics-by-half-hour"])
def test_the_order_of_rows_says_nothing_of_hidden_counts(site: ReportSite, database: Database, name: str) -> None:
    """Four and two, six together: the order told that the first is three at least, and the second three at most."""
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
    assert public == ["DID", "ADR", "INCENTIVI", "NASPI"]  # the hidden ones by their names
    assert [row for row in table(site.made("internal"), name) if row] == ["DID", "ADR", "NASPI", "INCENTIVI"]


def test_answers_do_not_tell_who_gave_up_the_survey_in_the_middle(site: ReportSite, database: Database) -> None:
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
    assert table(made, "survey")["solved"]["answers"] == 20  # as many as answered anything
    assert table(made, "survey")["overall"]["answers"] == "hidden"  # and two of them not this


def test_first_contact_does_not_tell_how_many_hid_their_numbers(site: ReportSite, database: Database) -> None:
    make, at = months.Maker(1), rome("2026-10-06 09:00")
    with database.begin() as connection:
        months.add(connection, schema.queue_visit, [
            make.visit(at + 8 * n, fate="answered", wait_s=3.0, talk_s=60.0, caller_hash=f"{n}" if n < 38 else None)
            for n in range(40)
        ])  # fmt: skip
    measures = table(site.made("public"), "measures")
    assert "hidden" in (measures["first_contact_observed"]["of"], measures["answer_rate"]["of"])


def test_of_what_a_day_shows_nothing_is_lost(site: ReportSite, database: Database) -> None:
    """Where nothing is small everything is shown, but the few waits at the ends."""
    fill(database, (200, {}), (40, {"wait_s": 33.0}), (20, {"fate": "abandoned", "wait_s": 31.0, "talk_s": None}))
    made = site.made("public")
    assert table(made, "half-hours")["09:00"]["offered"] == 260
    assert "hidden" not in table(made, "waits")["09:00"].values()
    measures = table(made, "measures")
    assert measures["wait_p90_all"]["value"] == 33
    assert measures["wait_median_answered"]["value"] < 20
    assert date(2026, 10, 6).isoformat() in table(made, "days")
