"""The golden files: the month's report of a small seeded service.

After an intended change of the report, run `python -m tests.measure.golden_month` and review the difference.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from common.places import Places
from ivr.configuration import service
from ivr.configuration.compiled import Compiled
from measure.month.period import Month
from registry.db.connection import Database
from registry.db.migrations import upgrade
from tests.measure import months
from tests.measure.report_site import ReportSite

FOLDER = Path(__file__).parent / "golden"
KEPT = (("internal", "it"), ("public", "en"))
KINDS = ("html", "csv", "json")
MONTH = Month(2026, 10)


def fill(database: Database) -> None:
    """October, and three months before it with fewer calls."""
    maker = months.Maker(7)
    with database.begin() as connection:
        months.base(connection)
        for back in (3, 2, 1, 0):
            days = [day for day in MONTH.later(-back).days if day.weekday() < 5]
            months.fill(connection, 7, days[: 22 if back == 0 else 5], 40, 25, maker)


def made(site: ReportSite) -> dict[str, str]:
    """The content of every file, by name."""
    for audience, language in KEPT:
        assert site.report("--audience", audience, "--language", language) == 0
    return {
        f"month-{MONTH.code}-{audience}-{language}.{kind}": site.text(audience, language, kind=kind)
        for audience, language in KEPT
        for kind in KINDS
    }


def main() -> None:
    compiled: Compiled = service.compiled(service.load(Places()), Places())
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NUL_DATABASE"] = f"sqlite:///{folder}/registry.db"
        database = Database(os.environ["NUL_DATABASE"])
        with database.begin() as connection:
            upgrade(connection)
        fill(database)
        database.close()
        for name, text in made(ReportSite(Path(folder), compiled)).items():
            (FOLDER / name).write_bytes(text.encode())


if __name__ == "__main__":
    main()
