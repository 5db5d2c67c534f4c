"""Weekly figures of operators: refused as shipped; with an agreement complete past weeks, by pseudonym, logged."""

from __future__ import annotations

import argparse
import copy
import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from charter import kpi
from common.command_line import Refusal
from common.places import Places
from ivr.configuration.compiled import Compiled
from measure.cli import main
from measure.commands import operators, report
from measure.month.operator_weeks import MIN_CALLS
from registry import keys
from registry.db import schema
from registry.db.connection import Database
from tests.conftest import rome
from tests.measure.switch_log import SwitchLog
from tests.registry import postgres
from tests.registry.site import configured

AGREEMENT = {"name": "Accordo aziendale con la RSU, premio di qualità", "signed": "2026-11-09"}
FRIDAY = "2026-11-20 12:00"  # of week 47
NAME = "Maria Rossi"  # a member name as on a switch with other conventions
LOOK = ("--by", "op900", "--why", "riesame con la RSU")
NO_OPERATOR = re.compile(r"\bop\d|Maria|Rossi|RSU")


class Week:
    """The calls of a week, and the expected figures of each operator."""

    def __init__(self, monday: str) -> None:
        self.at, self.lines = int(rome(f"{monday} 10:00")), list[str]()
        self.made: dict[str, list[kpi.Visit]] = {}

    def calls(self, operator: str, talks: list[int | None], *, hour: int = 10) -> None:
        for talk in talks:
            self.at += 61
            at = self.at + 3600 * (hour - 10)
            self.answered(f"{at}.1", at, operator, talk)

    def answered(self, call: str, at: int, operator: str, talk: int | None) -> None:
        """A call answered after 7 s; without a talk time if the switch stopped during the call."""
        self.lines += [
            f"{at}|{call}|nul|NONE|ENTERQUEUE||0612345678|1\n",
            f"{at + 7}|{call}|nul|{operator}|CONNECT|7|{at}.2|3\n",
        ]
        if talk is not None:
            self.lines.append(f"{at + 7 + talk}|{call}|nul|{operator}|COMPLETECALLER|7|{talk}|1\n")
        self.made.setdefault(operator, []).append(kpi.Visit(at, "answered", 7, talk))


@pytest.fixture(params=["sqlite", "postgresql"])
def stored(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """An empty database, in the environment for commands as well."""
    if request.param == "sqlite":
        yield request.getfixturevalue("database")
        return
    server = postgres.with_tables()
    monkeypatch.setenv("NUL_DATABASE", postgres.running().url(postgres.TABLES))
    yield server
    server.close()


class Site:
    """Weeks 45 to 47 of 2026, ingested as by `measure ingest`; the agreement was signed on the first day of week 46."""

    def __init__(self, folder: Path, shipped: Compiled, database: Database) -> None:
        self.folder, self.shipped, self.database = folder, shipped, database
        self.places = self.configure(AGREEMENT)
        self.before, self.over, self.current = map(Week, ("2026-11-02", "2026-11-09", "2026-11-16"))
        for week in (self.before, self.over, self.current):
            week.calls("op101", [100 + 3 * number for number in range(25)])
        self.over.calls("op103", [60] * (MIN_CALLS - 1))
        self.over.calls("op102", [50] * (MIN_CALLS - 1))
        self.over.calls(NAME, [80] * 30)
        self.over.calls("op104", [70] * (MIN_CALLS - 1) + [None] * 6)
        twice = int(rome("2026-11-11 11:00"))
        self.over.answered(f"{twice}.1", twice, "op101", 40)
        self.over.answered(f"{twice}.1", twice + 60, "op103", 500)  # back in the queue, to another operator
        outside = Week("2026-11-10")
        outside.calls("op101", [900] * 5, hour=20)
        start = [f"{rome('2026-11-13 20:00'):.0f}|NONE|NONE|NONE|QUEUESTART|\n"]
        log = SwitchLog(folder, database, now=rome(FRIDAY))
        log.write([*self.before.lines, *self.over.lines, *outside.lines, *start, *self.current.lines])
        assert log.take().count.torn == 0

    def configure(self, agreement: dict[str, str] | None) -> Places:
        compiled: Any = copy.deepcopy(self.shipped)
        compiled["service"]["statistics"]["individual_agreement"] = agreement
        return configured(self.folder / "var", compiled)

    def look(self, *asked: str, now: str = FRIDAY, month: str = "2026-11") -> int:
        parser = argparse.ArgumentParser()
        operators.arguments(parser)
        return operators.run(parser.parse_args(["--month", month, *asked]), self.places, rome(now))

    def looks(self) -> list[tuple[Any, ...]]:
        with self.database.read() as connection:
            return [tuple(row)[1:] for row in connection.execute(select(schema.access_log))]


@pytest.fixture
def site(tmp_path: Path, shipped: Compiled, stored: Database) -> Site:
    return Site(tmp_path, shipped, stored)


def read(site: Site, capsys: pytest.CaptureFixture[str], **asked: str) -> dict[str, Any]:
    assert site.look("--json", *LOOK, **asked) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def left_out(found: dict[str, Any]) -> list[tuple[str, str, int | None]]:
    return [(each["week"], each["not_shown"], each.get("count")) for each in found["not_shown"]]


# --- off -------------------------------------------------------------------------------------------------------------


def test_the_shipped_configuration_refuses_with_a_remedy(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    configured(site.folder / "var", site.shipped)
    assert main(["--var", site.places.var, "operators", "--month", "2026-11", *LOOK]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "service.yaml: statistics.individual_agreement names no agreement; enter its name and date" in told.err
    assert "`ivr compile`" in told.err and "art. 4 L. 300/1970" in told.err
    assert site.looks() == []


def test_a_configuration_compiled_by_an_earlier_version_refuses(site: Site) -> None:
    older: Any = copy.deepcopy(site.shipped)
    del older["service"]["statistics"]
    configured(site.folder / "var", older)
    with pytest.raises(Refusal, match="individual reports are off"):
        site.look(*LOOK)


# --- under an agreement ----------------------------------------------------------------------------------------------


def test_weekly_figures_match_the_charter(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    found = read(site, capsys)
    assert found["agreement"] == AGREEMENT
    told = [(each["week"], each["operator"], each["answered"], each["handling_time"]) for each in found["operators"]]
    made = site.over.made
    assert told == [
        ("2026-W46", "op101", 26, pytest.approx(kpi.handling_time(made["op101"]).value)),
        ("2026-W46", "op103", MIN_CALLS, pytest.approx((60 * (MIN_CALLS - 1) + 500) / MIN_CALLS)),
        ("2026-W46", "op104", 25, None),  # too few calls with a known length
    ]
    assert [kpi.tally(made[who]).answered for who in ("op101", "op103", "op104")] == [26, MIN_CALLS, 25]


def test_weeks_and_operators_not_shown_are_listed(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert left_out(read(site, capsys)) == [
        ("2026-W45", "before", None),
        ("2026-W46", "few", 1),  # op102
        ("2026-W46", "unknown", 30),  # a name is never shown
        ("2026-W47", "open", None),
        ("2026-W48", "open", None),
    ]
    assert left_out(read(site, capsys, month="2026-10"))[0] == ("2026-W40", "before", None)
    after = read(site, capsys, now="2026-11-30 00:00")
    assert left_out(after)[-1] == ("2026-W48", "none", None)


@pytest.mark.parametrize(("now", "weeks"), [("2026-11-22 23:59:59", {46}), ("2026-11-23 00:00", {46, 47})])
def test_a_week_is_shown_once_it_is_over(
    site: Site, capsys: pytest.CaptureFixture[str], now: str, weeks: set[int]
) -> None:
    shown = {each["week"] for each in read(site, capsys, now=now)["operators"]}
    assert shown == {f"2026-W{week}" for week in weeks}


def test_every_access_is_logged_and_needs_a_reason(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    for missing in (("--by", "op900"), ("--by", "op900", "--why", " ")):
        with pytest.raises(Refusal, match="why"):
            site.look(*missing)
    assert site.looks() == []
    for form in ((), ("--csv",), ("--json",)):
        site.look(*LOOK, *form)
    assert site.looks() == [(rome(FRIDAY), "op900", "read", "operators", "2026-11", "riesame con la RSU")] * 3


def test_text_and_table_name_the_agreement(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.look(*LOOK)
    italian = capsys.readouterr().out
    assert "Settimane di singole persone, novembre 2026\nSecondo l'accordo «Accordo aziendale con la RSU" in italian
    assert "firmato il 9 novembre 2026 (art. 4" in italian
    assert re.search(r"2026-W46 +2026-11-09 +2026-11-15 +op103 +20 +82,0 s", italian), italian
    assert "2026-W46: persone non mostrate, con meno di 20 chiamate: 1\n" in italian
    site.look(*LOOK, "--language", "en")
    english = capsys.readouterr().out
    assert "2026-W47: not shown, it is not over yet" in english and "82.0 s" in english
    assert "Rossi" not in italian + english and "op102" not in italian + english
    site.look(*LOOK, "--csv")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [each["operator"] for each in rows] == ["op101", "op103", "op104", "", "", "", "", ""]
    assert {(each["agreement"], each["signed"]) for each in rows} == {tuple(AGREEMENT.values())}


# --- and nowhere else ------------------------------------------------------------------------------------------------


def test_monthly_reports_do_not_depend_on_the_agreement(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The files are the same with and without the agreement, and contain no operator codes or its name."""
    keys.make(site.places)
    parser = argparse.ArgumentParser()
    report.arguments(parser)
    made: dict[str, list[tuple[str, bytes]]] = {}
    for which, agreement in (("with", AGREEMENT), ("without", None)):
        site.configure(agreement)
        for audience in ("public", "internal"):
            asked = ["--month", "2026-11", "--audience", audience, "--output", str(tmp_path / which)]
            assert report.run(parser.parse_args(asked), site.places, rome("2026-12-20 12:00")) == 0
        made[which] = [(path.name, path.read_bytes()) for path in sorted((tmp_path / which).iterdir())]
    assert len(made["with"]) == 6 and made["with"] == made["without"]
    for name, content in made["with"]:
        assert not NO_OPERATOR.search(content.decode()), name
