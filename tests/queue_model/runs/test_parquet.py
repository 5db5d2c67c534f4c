"""Parquet files of a run: its records, which give the printed measures, and the measures themselves."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from charter import kpi
from queue_model.cli import main
from queue_model.runs import parquet
from queue_model.runs.parquet import CLOSED, SCHEMAS
from tests.queue_model.example_scenarios import everything

RUNS = 3


class Run:
    """The files and the output of the command for a busy week with every feature."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "records"
        scenario = folder / "x.yaml"
        office = {"people": 20}  # enough for a steady state, without which there is no measure
        written = everything(14, period={"settle": 1}, menu={"walk": False}, second_level=office, replications=RUNS)
        scenario.write_text(yaml.safe_dump(written, sort_keys=False), encoding="utf-8")
        self.asked = ["run", str(scenario), "--parquet", str(self.folder)]
        said = {name: folder / f"said.{name}" for name in ("json", "csv")}
        assert main([*self.asked, "--json", str(said["json"]), "--csv", str(said["csv"])]) == 0
        self.document: dict[str, Any] = json.loads(said["json"].read_text(encoding="utf-8"))
        with said["csv"].open(encoding="utf-8", newline="") as file:
            self.lines = list(csv.DictReader(file))

    def table(self, name: str) -> Any:
        return pd.read_parquet(self.folder / f"{name}.parquet")

    def value(self, measure: str) -> float:
        return float(self.document["measures"][measure]["value"])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("parquet"))


def visits(calls: Any) -> Iterator[kpi.Visit]:
    """The measured rows as visits of `charter.kpi`."""
    for each in calls[calls.measured].itertuples():
        talk, wrap = (None if pd.isna(value) else value for value in (each.talk_seconds, each.wrap_seconds))
        yield kpi.Visit(each.entered.timestamp(), each.fate, each.wait_seconds, talk, wrap, each.topic)


# --- the records -----------------------------------------------------------------------------------------------------


def test_the_formulas_of_the_charter_give_the_printed_measures(run: Run) -> None:
    calls = run.table("calls")
    found = kpi.measure(visits(calls))
    compared = 0
    for name, printed in run.document["measures"].items():
        if name in found and not any(rank in name for rank in ("median", "p90", "p95")):
            assert found[name].value == pytest.approx(printed["value"], rel=1e-12), name
            assert found[name].denominator == printed["denominator"], name
            compared += 1
    assert compared >= 13
    each_run = [kpi.measure(visits(calls[calls.replication == replication])) for replication in range(RUNS)]
    for name in (
        "wait_median_answered",
        "wait_p90_all",
        "wait_p95_answered",
    ):  # means over replications
        assert sum(one[name].value or 0.0 for one in each_run) / RUNS == pytest.approx(run.value(name), rel=1e-12)


@pytest.mark.parametrize("name", ["email", "second_level", "callback"])
def test_the_share_on_time_is_that_of_the_rows_that_are_measured(run: Run, name: str) -> None:
    rows = run.table({"email": "emails", "callback": "callbacks"}.get(name, name))
    rows = rows[rows.measured]
    printed = run.document["measures"][f"on_time_{name}"]
    assert (rows.in_time.sum(), len(rows)) == (printed["numerator"], printed["denominator"])
    assert len(rows) > 20
    done = rows.started if name == "callback" else rows.ended  # a call-back counts when it begins
    assert (rows.in_time == (done <= rows.due)).all()


def test_operators_are_as_busy_as_printed(run: Run) -> None:
    rows, calls = run.table("operators"), run.table("calls")
    first = calls[calls.measured].entered.min().normalize()  # the first midnight after settling
    seconds = (rows.end - rows.start.clip(lower=first)).dt.total_seconds().clip(lower=0).groupby(rows.kind).sum()
    busy = seconds["call"] + seconds["callback"] + seconds["email"]
    assert busy / (seconds["seated"] - seconds["break"]) == pytest.approx(run.value("occupancy"), rel=1e-9)


def test_rows_match_the_counts_and_each_other(run: Run) -> None:
    counts = {name: round(RUNS * value) for name, value in run.document["counts"].items()}
    calls, emails, callbacks = run.table("calls"), run.table("emails"), run.table("callbacks")
    assert (calls.fate == CLOSED).sum() == counts["outside_hours"]
    assert calls.message.sum() == len(callbacks) == counts["messages"]
    assert len(emails) == counts["emails"]
    assert (calls.attempt > 0).sum() == counts["redialled"] > 0
    both = callbacks.merge(calls, on=["replication", "call", "attempt"], suffixes=("_back", ""))
    assert len(both) == len(callbacks)
    assert both.message.all()
    work = run.table("operators")
    assert (work.kind == "call").sum() == (calls.fate == "answered").sum()


def test_instants_are_local_and_missing_values_are_null(run: Run) -> None:
    calls = run.table("calls")
    assert str(calls.entered.dtype) == "datetime64[us, Europe/Rome]"
    inside = calls[calls.fate != CLOSED]
    assert inside.entered.dt.hour.between(9, 17).all()
    answered = calls.fate == "answered"
    assert calls.talk_seconds.notna().equals(answered)
    assert calls.operator.notna().equals(answered)
    assert calls.wait_seconds.isna().equals(calls.fate == CLOSED)
    assert run.table("operators").reference.isna().any()


# --- the measures ----------------------------------------------------------------------------------------------------


def test_the_measures_are_those_of_the_csv(run: Run) -> None:
    rows = run.table("measures")
    assert len(rows) == len(run.lines) > 100
    for row, line in zip(rows.itertuples(), run.lines, strict=True):
        assert (row.part, row.group, row.measure) == (line["part"], line["group"], line["measure"])
        for name in ("value", "low", "high", "numerator", "denominator"):
            value = getattr(row, name)
            assert ("" if pd.isna(value) else value) == (float(line[name]) if line[name] else "")
    assert set(rows.kind) == {"share", "seconds"}


# --- the files -------------------------------------------------------------------------------------------------------


def test_every_column_has_its_description(run: Run) -> None:
    assert sorted(os.listdir(run.folder)) == sorted(f"{name}.parquet" for name in SCHEMAS)
    for name, columns in SCHEMAS.items():
        schema = pq.read_schema(run.folder / f"{name}.parquet")
        assert [(each.name, each.metadata[b"description"].decode()) for each in schema] == [
            (each.name, each.about) for each in columns
        ]
        assert schema.metadata[b"seed"] == b"7"
        assert schema.metadata[b"scenario"] == b"W1"


def test_the_same_run_writes_the_same_bytes(run: Run) -> None:
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    assert main([*run.asked, "--jobs", "1", "--json", str(run.folder.parent / "again.json")]) == 0
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before


def test_many_rows_fill_several_row_groups(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run.table("calls")
    monkeypatch.setattr(parquet, "ROWS", 1000)
    other = run.folder.parent / "groups"
    assert main([*run.asked[:-1], str(other)]) == 0
    assert pq.ParquetFile(other / "calls.parquet").num_row_groups > 1
    pd.testing.assert_frame_equal(pd.read_parquet(other / "calls.parquet"), whole)


def test_a_full_disk_leaves_the_old_files(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert main([*run.asked, "--seed", "8"]) == 1
    said = capsys.readouterr().err
    assert "not written: No space left on device; free some space, or choose another folder; earlier files are" in said
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before


def test_a_folder_that_cannot_be_created(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*run.asked[:-1], f"{run.asked[1]}/below"]) == 1
    assert "cannot be created" in capsys.readouterr().err


def test_without_the_extra(run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delitem(sys.modules, "queue_model.runs.parquet")
    monkeypatch.delattr("queue_model.runs.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(run.asked) == 1
    said = capsys.readouterr().err
    assert "--parquet: pyarrow is not installed; " in said and "numero-unico-lavoro[parquet]" in said
