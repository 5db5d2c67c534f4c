"""Model and live service use the same formulas: a simulated day, logged and read back, gives the same figures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from charter import kpi
from measure.switch.ingest import Ingestion, Report
from measure.switch.kpi_visits import kpi_visit, visits
from measure.switch.service_queue import ServiceQueue
from queue_model.runs.measures import visits as model_visits
from queue_model.scenario import study
from queue_model.simulation import kernel
from queue_model.simulation.builder import Builder
from registry.db.connection import Database
from tests.measure.switch_log import KEYS
from tests.queue_model.example_scenarios import day
from tests.queue_model.simulated_queue_log import lines

# Few lines and queue places, so that every fate occurs.
SMALL: dict[str, Any] = {
    "staff": 5,
    "days": 10,
    "callers": {"patience": {"law": "weibull", "mean": 240, "shape": 1.4}, "voicemail_key": 0.1},
    "queue": {"unlimited": False},
    "service": {"queue": {"longest_queue": 6, "longest_wait": 300, "all_busy": {"then": "wait"}}},
}


def simulated(tmp_path: Path, database: Database, **changes: Any) -> tuple[list[kpi.Visit], list[kpi.Visit]]:
    """The visits of a run from the model's records, and from the queue_log that it would have written."""
    there = study.of(day(**{**SMALL, **changes}))
    records = kernel.simulate(Builder(there).inputs(0, 5).inputs)
    (tmp_path / "queue_log").write_text("".join(lines(records, there)))
    after = there.period.origin + there.period.length
    Ingestion(database, KEYS, ServiceQueue("nul", there.hours, 7200), lambda: after).take_log(
        str(tmp_path / "queue_log"), Report()
    )
    with database.read() as connection:
        return list(model_visits.visits(there, records)), list(visits(connection, there.period.origin, after, "nul"))


def whole(visit: kpi.Visit) -> kpi.Visit:
    """The visit as in Asterisk's log: differences of instants truncated to whole seconds."""
    entered, ends = math.floor(visit.entered), visit.entered + visit.wait
    talk = None if visit.talk is None else float(math.floor(ends + visit.talk) - math.floor(ends))
    return kpi.Visit(float(entered), visit.fate, float(math.floor(ends) - entered), talk, None, "")


def test_model_and_log_give_the_same_figures(database: Database, tmp_path: Path) -> None:
    model, live = simulated(tmp_path, database)
    assert {each.fate for each in model} >= {"answered", "abandoned", "key", "timeout", "full"}
    assert kpi.measure(live) == kpi.measure(map(whole, model))
    assert sorted(live) == sorted(map(whole, model))
    exact, read = kpi.measure(each._replace(wrap=None) for each in model), kpi.measure(live)
    for name, figure in exact.items():
        assert read[name].denominator == pytest.approx(figure.denominator, rel=0.01), name
        if figure.definition.kind == "seconds":
            assert figure.value is not None
            assert read[name].value == pytest.approx(figure.value, abs=1.0), name
        elif figure.value is not None:
            assert read[name].value == pytest.approx(figure.value, abs=0.01), name


@pytest.mark.parametrize(
    ("fate", "expected"),
    [
        ("answered", "answered"), ("talking", "answered"), ("withdrawn", "empty"), ("lost", "lost"), ("full", "full"),
    ],
)  # fmt: skip
def test_stored_fates_map_to_kpi_fates(fate: str, expected: str) -> None:
    assert kpi_visit(100.0, fate, 0, None, "DID") == kpi.Visit(100.0, expected, 0, None, None, "DID")  # type: ignore[arg-type]
    unknown = kpi_visit(100.0, fate, None, None, "DID")
    assert unknown is not None
    assert math.isnan(unknown.wait)


def test_waiting_callers_are_in_no_figure() -> None:
    assert kpi_visit(100.0, "waiting", None, None, "") is None
    assert kpi_visit(100.0, "joined", None, None, "") is None
    # At the very end of the longest call a caller may still wait.
    assert kpi_visit(100.0, "waiting", None, None, "", over_before=100.0) is None
    closed = kpi_visit(100.0, "waiting", None, None, "", over_before=100.5)
    assert closed is not None
    assert closed.fate == "unknown"
