"""What the public may see of a month, also compared with other editions."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from sqlalchemy import update

from common.command_line import Refusal
from measure.month.period import Month
from registry.db import schema
from registry.db.connection import Database
from tests.conftest import rome
from tests.measure import months
from tests.measure.report_site import ReportSite, counts, names, table


def test_the_public_report_shows_no_small_count_and_no_operator(october: ReportSite) -> None:
    inside, outside = october.read("internal"), october.read("public")
    assert any(isinstance(each, int) and 0 < each < 5 for each in counts(inside))
    seen = counts(outside)
    assert "hidden" in seen
    assert all(each == "hidden" or each == 0 or float(each) >= 5 for each in seen)
    assert "grades" in names(inside)
    assert "grades" not in names(outside)
    for kind in ("html", "csv", "json"):
        text = october.text("public", "en", kind=kind) + october.text("internal", "it", kind=kind)
        assert "op117" not in text  # who called back
        assert "hash" not in text  # who called


def test_a_share_is_shown_only_if_its_denominator_is(october: ReportSite) -> None:
    made = october.read("public")
    for name in ("half-hours", "days", "topics"):
        for row in table(made, name).values():
            if "hidden" in (row["offered"], row["in-time"]):
                assert row["service_level"] == "hidden"


def test_publishing_a_month_again_gives_the_same_report(small: ReportSite, database: Database) -> None:
    first = small.made("public")
    assert {row["p95"] for row in table(first, "waits").values()} == {"hidden"}  # about fifteen calls in each half-hour
    again = small.made("public", now="2026-12-01 12:00")
    assert again["tables"] == first["tables"]
    assert small.report("--audience", "public", "--language", "en") == 0


def test_a_late_change_of_a_published_count_is_refused(small: ReportSite, database: Database) -> None:
    small.made("public")
    late = months.Maker(99)
    with database.begin() as connection:
        months.add(connection, schema.queue_visit, [late.visit(rome("2026-10-06 10:00"), unique_id="late")])
    with pytest.raises(Refusal, match=r"since an earlier edition \d+ counts changed by less than 5"):
        small.report("--audience", "public")
    small.made("internal")


def test_the_next_month_repeats_the_published_trend(small: ReportSite, database: Database) -> None:
    first = table(small.made("public"), "trend")
    november = [date(2026, 11, day) for day in (2, 3, 4, 5, 6)]
    with database.begin() as connection:
        months.fill(connection, 11, november, 30, 25, months.Maker(11, first=500_000))
        connection.execute(
            update(schema.request).where(schema.request.c.topic_code == "NASPI").values(topic_code="ADR")
        )
    second = table(small.made("public", month="2026-11", now="2026-12-20 12:00"), "trend")
    assert {topic: row["2026-10"] for topic, row in second.items()} == {
        topic: row["2026-10"] for topic, row in first.items()
    }
    inside = table(small.made("internal", month="2026-11", now="2026-12-20 12:00"), "trend")
    assert inside["ADR"]["2026-10"] > first["ADR"]["2026-10"]


def test_a_month_published_late_agrees_with_later_trends(small: ReportSite) -> None:
    october = table(small.made("public"), "trend")
    september = table(small.made("public", month="2026-09"), "trend")
    assert {topic: row["2026-09"] for topic, row in september.items()} == {
        topic: row["2026-09"] for topic, row in october.items()
    }


def test_totals_that_are_parts_of_others_reveal_nothing(site: ReportSite, database: Database) -> None:
    """Requests minus handled requests are those that the menu answered, here two."""
    make, at = months.Maker(4), rome("2026-10-06 10:00")
    with database.begin() as connection:
        months.base(connection)
        asked = [
            make.request(at, topic_code="ADR", audience="worker", channel="phone", level=1, state="closed",
                         closed_at=at, outcome="informed" if n < 2 else "resolved")
            for n in range(30)
        ]  # fmt: skip
        months.add(connection, schema.request, asked)
    measures = table(site.made("public"), "measures")
    assert table(site.made("internal"), "measures")["level_one_resolution"]["of"] == 28
    assert measures["level_one_resolution"]["of"] == "hidden"


def test_concurrent_publications_are_refused(
    small: ReportSite, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from measure.month import published

    real = published.edition

    def meanwhile(*asked: Any) -> Any:
        found = real(*asked)
        with database.begin() as connection:
            published.record(connection, Month(2026, 9), found)
        return found

    monkeypatch.setattr(published, "edition", meanwhile)
    with pytest.raises(Refusal, match="another edition was published in the meantime"):
        small.report("--audience", "public")
    assert not small.out.exists()


def test_first_contact_is_published_once_it_is_known_for_all_calls(small: ReportSite) -> None:
    early = table(small.made("public", now="2026-11-03 12:00"), "measures")["first_contact_observed"]
    assert (early["value"], early["of"]) == (None, 0)
    later = table(small.made("public", now="2026-11-20 12:00"), "measures")["first_contact_observed"]
    assert later["of"] > 50


def test_an_open_month_is_not_published(small: ReportSite) -> None:
    with pytest.raises(Refusal, match="not over yet"):
        small.report("--audience", "public", now="2026-10-31 23:59")
    assert small.report(now="2026-10-31 23:59") == 0
    assert "Il mese non è finito" in small.text(kind="html")


def test_a_threshold_below_the_legal_minimum_is_refused(small: ReportSite) -> None:
    with pytest.raises(Refusal, match="--threshold: 2 is below the legal minimum of 3"):
        small.report("--audience", "public", "--threshold", "2")
    three = counts((small.report("--audience", "public", "--threshold", "3"), json.loads(small.text("public")))[1])
    assert 3 in three or 4 in three


def test_nothing_is_written_when_the_proof_fails(small: ReportSite, monkeypatch: pytest.MonkeyPatch) -> None:
    from measure.month import audit

    real = audit.narrow
    answers: list[Any] = []

    def fails_at_last(linked: Any, hidden: Any, rules: Any, *proved: Any) -> Any:
        found = real(linked, hidden, rules, *proved)
        if not answers:
            answers.extend([found] if not found else [])
            return found
        return {next(iter(hidden)): audit.Interval(1, 1)}

    monkeypatch.setattr(audit, "narrow", fails_at_last)
    with pytest.raises(Refusal, match="the check before writing failed"):
        small.report("--audience", "public")
    assert not small.out.exists()


def test_a_month_with_too_few_calls_shows_nothing(site: ReportSite, database: Database) -> None:
    with database.begin() as connection:
        months.base(connection)
        months.fill(connection, 3, [date(2026, 10, 6)], 3, 2)
    made = site.made("public")
    assert set(counts(made)) <= {0, "hidden"}
    assert "n/d" not in site.text("public", kind="html")
    assert "n.p." in site.text("public", kind="html")
