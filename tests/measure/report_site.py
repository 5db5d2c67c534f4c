"""A service with short hours and a compiled configuration, on which `measure report` runs."""

from __future__ import annotations

import argparse
import copy
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from common.places import Places
from ivr.configuration.compiled import Compiled
from measure.commands import report
from tests.conftest import rome

LATER = "2026-11-20 12:00"  # October and the days for repeated calls are over


class ReportSite:
    """The folders and reports of one test."""

    def __init__(self, folder: Path, shipped: Compiled, **changes: Any) -> None:
        self.places = Places(var=str(folder))
        self.out = folder / "reports"
        compiled = copy.deepcopy(shipped)
        hours: dict[str, Any] = {**compiled["service"]["hours"]}
        short = {day: ["09:00-13:00"] if ranges else [] for day, ranges in hours.items()}
        compiled["service"]["hours"] = changes.get("hours", short)
        if "name" in changes:
            compiled["service"]["service"]["name"] = changes["name"]
        if "questions" in changes:
            compiled["survey"]["questions"] = changes["questions"]
        folder.mkdir(exist_ok=True)
        Path(self.places.compiled).write_text(json.dumps(compiled), encoding="utf-8")

    def report(self, *asked: str, now: str = LATER, month: str = "2026-10") -> int:
        """Run `measure report` at that time; returns its exit status."""
        parser = argparse.ArgumentParser()
        report.arguments(parser)
        return report.run(parser.parse_args(["--month", month, *asked]), self.places, rome(now))

    def text(self, audience: str = "internal", language: str = "it", month: str = "2026-10", kind: str = "json") -> str:
        path = self.out / f"month-{month}-{audience}-{language}.{kind}"
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()

    def read(self, audience: str) -> dict[str, Any]:
        """The JSON of an existing report, in any language."""
        found: dict[str, Any] = json.loads(next(self.out.glob(f"*-{audience}-*.json")).read_text(encoding="utf-8"))
        return found

    def made(self, audience: str = "internal", language: str = "it", **asked: str) -> dict[str, Any]:
        """Make a report; returns its JSON."""
        assert self.report("--audience", audience, "--language", language, **asked) == 0
        found: dict[str, Any] = json.loads(self.text(audience, language, asked.get("month", "2026-10")))
        return found


def table(document: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """A table's values by row."""
    found = next(each for each in document["tables"] if each["table"] == name)
    return {row["row"]: row["values"] for row in found["rows"]}


def counts(document: dict[str, Any]) -> list[float | str]:
    """Every count in any table of a document."""
    values: list[float | str] = []
    for part in document["tables"]:
        kinds = {column["column"]: column["kind"] for column in part["columns"]}
        for row in part["rows"]:
            values += [
                value for name, value in row["values"].items() if kinds.get(name) == "count" and value is not None
            ]
    return values


def names(document: dict[str, Any]) -> list[str]:
    return [each["table"] for each in document["tables"]]


def parsed(page: str) -> ElementTree.Element:
    """The page parsed as XML, which proves that all tags are closed and texts escaped."""
    head, _, body = page.partition("\n")
    assert head == "<!DOCTYPE html>"
    return ElementTree.fromstring(body)


def words(element: ElementTree.Element) -> str:
    return " ".join("".join(element.itertext()).split())
