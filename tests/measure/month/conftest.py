"""Sites with reports of generated months."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from ivr.configuration.compiled import Compiled
from registry.db.connection import Database
from tests.measure import golden_month, months
from tests.measure.report_site import ReportSite


@pytest.fixture
def site(tmp_path: Path, shipped: Compiled, database: Database) -> ReportSite:
    return ReportSite(tmp_path / "var", shipped)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, tables: Path) -> Path:
    """A database file with October and the months before it, to copy."""
    path = tmp_path_factory.mktemp("month") / "registry.db"
    shutil.copy(tables, path)
    made = Database(f"sqlite:///{path}")
    golden_month.fill(made)
    made.close()
    return path


@pytest.fixture(scope="module")
def october(tmp_path_factory: pytest.TempPathFactory, filled: Path, shipped: Compiled) -> Iterator[ReportSite]:
    """The reports of October, internal in Italian and public in English; read only."""
    folder = tmp_path_factory.mktemp("october")
    shutil.copy(filled, folder / "registry.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUL_DATABASE", f"sqlite:///{folder}/registry.db")
        site = ReportSite(folder / "var", shipped)
        golden_month.made(site)
        yield site


@pytest.fixture
def full(site: ReportSite, filled: Path, tmp_path: Path) -> ReportSite:
    """With October and the months before it."""
    shutil.copy(filled, tmp_path / "registry.db")
    return site


@pytest.fixture
def small(site: ReportSite, database: Database) -> ReportSite:
    """With two days in October, and two in September."""
    with database.begin() as connection:
        months.base(connection)
        days = [date(2026, 9, 1), date(2026, 9, 2), date(2026, 10, 6), date(2026, 10, 7)]
        months.fill(connection, 2, days, 60, 30)
    return site
