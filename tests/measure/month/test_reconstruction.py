"""An attacker with nothing but the published file: what they can calculate from it.

Independent of how cells are linked and audited: unknowns and equations are read from the published tables, as a careful
reader would do, and the results are compared with the internal report.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from scipy import sparse
from scipy.optimize import linprog

from ivr.configuration.compiled import Compiled
from registry.db.connection import Database
from tests.measure import months
from tests.measure.report_site import ReportSite, table

Unknown = tuple[str, str, str]  # table, row, column
Equation = tuple[list[tuple[Unknown, int]], float]
ENDS = ("answered", "abandoned", "voicemail", "refused")
MONTH = "2026-10"
ENOUGH = 4  # as wide as the report promises with a threshold of five


class Attacker:
    """Knows the tables of a published document, and how tables of counts hang together."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.tables = {each["table"]: table(document, each["table"]) for each in document["tables"]}
        self.equations: list[Equation] = [*self.rows(), *self.columns(), *self.requests(), *self.promises()]

    def value(self, unknown: Unknown) -> Any:
        name, row, column = unknown
        return self.tables.get(name, {}).get(row, {}).get(column, "hidden")

    def rows(self) -> Iterator[Equation]:
        for name in ("half-hours", "days", "topics"):
            for row, values in self.tables[name].items():
                yield [((name, row, "offered"), -1), *(((name, row, each), 1) for each in ENDS)], 0
                yield [((name, row, "answered"), -1), ((name, row, "in-time"), 1), ((name, row, "later"), 1)], 0
                if isinstance(values["service_level"], float | int) and isinstance(values["offered"], int):
                    yield [((name, row, "in-time"), 1)], round(values["service_level"] * values["offered"])

    def columns(self) -> Iterator[Equation]:
        for column in ("offered", "in-time", *ENDS):
            for name in ("half-hours", "days", "topics"):
                parts = [((name, row, column), 1) for row in self.tables[name]]
                yield [(("whole", "", column), -1), *parts], 0
        told = {
            "service_level": "in-time",
            "answer_rate": "answered",
            "abandonment": "abandoned",
            "overflow": "voicemail",
        }
        for measure, column in told.items():
            row = self.tables["measures"][measure]
            if isinstance(row["of"], int):
                yield [(("whole", "", "offered"), 1)], row["of"]
                if row["value"] not in (None, "hidden"):
                    yield [(("whole", "", column), 1)], round(row["value"] * row["of"])
        crossed = self.tables["topics-by-half-hour"]
        for topic, values in crossed.items():
            yield [(("topics", topic, "offered"), -1), *((("topics-by-half-hour", topic, s), 1) for s in values)], 0
        for slot in self.tables["half-hours"]:
            parts = [(("topics-by-half-hour", topic, slot), 1) for topic in crossed]
            yield [(("half-hours", slot, "offered"), -1), *parts], 0
            yield [(("half-hours", slot, "offered"), -1), (("levels", slot, "offered"), 1)], 0

    def requests(self) -> Iterator[Equation]:
        trend, whole = self.tables["trend"], ("trend", "", MONTH)
        for month in trend[""]:
            yield [(("trend", "", month), -1), *((("trend", topic, month), 1) for topic in trend if topic)], 0
        for topic, values in self.tables["audiences"].items():
            yield [(("needs", topic, "requests"), -1), (("trend", topic, MONTH), 1)], 0
            yield [(("needs", topic, "requests"), -1), *((("audiences", topic, each), 1) for each in values)], 0
        yield [(whole, -1), *((("channels", channel, "requests"), 1) for channel in self.tables["channels"])], 0
        yield [(whole, -1), (("measures", "level_one_resolution", "of"), 1), (("told", "", "by the menu"), 1)], 0
        kinds = [(("callbacks", kind, "messages"), 1) for kind in ("reached", "ended", "waiting")]
        yield [(("callbacks", "", "messages"), -1), *kinds], 0
        yield [(("callbacks", "", "messages"), -1), (("channels", "voicemail", "requests"), 1)], 0

    def promises(self) -> Iterator[Equation]:
        for column in ("due", "in-time", "failed"):
            for promise in ("EMAIL", "SECOND_LEVEL", "CALLBACK"):
                weeks = [row for row in self.tables["promises-by-week"] if row.startswith(promise)]
                parts = [(("promises-by-week", week, column), 1) for week in weeks]
                yield [(("promises", promise, column), -1), *parts], 0
        for name in ("promises", "promises-by-week"):
            for row in self.tables[name]:
                yield [((name, row, "due"), -1), ((name, row, "in-time"), 1), ((name, row, "failed"), 1)], 0
        for question in self.tables["survey"]:
            parts = [(("survey", question, each), 1) for each in ("satisfied", "others")]
            yield [(("survey", question, "answers"), -1), *parts], 0

    def bounds(self) -> Iterator[tuple[Unknown, float, float]]:
        """The minimum and maximum of each hidden count."""
        unknowns: dict[Unknown, int] = {}
        rows, right = [], []
        for n, (signs, total) in enumerate(self.equations):
            values = [(unknown, sign, self.value(unknown)) for unknown, sign in signs]
            rows += [(n, unknowns.setdefault(each, len(unknowns)), sign) for each, sign, v in values if v == "hidden"]
            right.append(total - sum(sign * known for _, sign, known in values if known != "hidden"))
        numbers, places, signs_ = zip(*rows, strict=True)
        left = sparse.csr_array((signs_, (numbers, places)), shape=(len(right), len(unknowns)), dtype=float)
        # A count marked as hidden is at least one; other unknowns may be zero.
        limits = [(1 if self.stands(each) else 0, None) for each in unknowns]
        least, most = [math.inf] * len(unknowns), [-math.inf] * len(unknowns)
        for unknown, place in unknowns.items():
            for sign in (1, -1):
                if not self.stands(unknown) or most[place] - least[place] >= ENOUGH:
                    continue
                goal = [0] * len(unknowns)
                goal[place] = sign
                found = linprog(goal, A_eq=left, b_eq=right, bounds=limits, method="highs")
                assert found.status in (0, 3), found.message  # the published figures do not contradict each other
                if found.status == 3:
                    most[place] = math.inf
                    continue
                for n, value in enumerate(found.x.tolist()):  # each solution has a value for all unknowns
                    least[n], most[n] = min(least[n], value), max(most[n], value)
            if self.stands(unknown):
                yield unknown, least[place], most[place]

    def stands(self, unknown: Unknown) -> bool:
        name, row, column = unknown
        return column in self.tables.get(name, {}).get(row, {})


@pytest.mark.parametrize(("seed", "calls", "requests"), [(2, 60, 30), (3, 200, 90)])
def test_a_reader_of_the_published_file_cannot_calculate_hidden_counts(
    tmp_path: Path, shipped: Compiled, database: Database, seed: int, calls: int, requests: int
) -> None:
    with database.begin() as connection:
        months.base(connection)
        months.fill(connection, seed, [date(2026, 10, 6), date(2026, 10, 7)], calls, requests)
    site = ReportSite(tmp_path / "var", shipped)
    inside = site.made("internal")
    true = {each["table"]: table(inside, each["table"]) for each in inside["tables"]}
    checked = {unknown: (low, high) for unknown, low, high in Attacker(site.made("public")).bounds()}
    assert len(checked) > 20
    narrow = {unknown: ends for unknown, ends in checked.items() if ends[1] - ends[0] < ENOUGH - 1e-6}
    assert narrow == {}
    assert all(true[name][row][column] >= 1 for name, row, column in checked)


def test_the_attacker_finds_a_badly_hidden_count(tmp_path: Path, shipped: Compiled, database: Database) -> None:
    """A count hidden alone in its sums is found exactly."""
    with database.begin() as connection:
        months.base(connection)
        months.fill(connection, 2, [date(2026, 10, 6), date(2026, 10, 7)], 60, 30)
    site = ReportSite(tmp_path / "var", shipped)
    inside = site.made("internal")
    slot = next(each for each in inside["tables"] if each["table"] == "half-hours")["rows"][0]
    true, slot["values"]["abandoned"] = slot["values"]["abandoned"], "hidden"
    assert [(unknown[2], low, high) for unknown, low, high in Attacker(inside).bounds()] == [("abandoned", true, true)]
