"""Sweeps: every point is simulated once and kept as soon as it is finished, whatever executes it."""

from __future__ import annotations

import csv
import datetime
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from common.command_line import Refusal
from common.places import ROOT, Places
from queue_model.cli import main
from queue_model.errors import ModelError
from queue_model.runs import cache
from queue_model.runs import sweep as module
from queue_model.runs.cache import RunCache, key
from queue_model.runs.sweep import (
    Axis,
    Interrupted,
    grid,
    panels,
    parse_axis,
    read_points,
    setting_changes,
    studies_of,
    sweep,
    varied_axes,
)
from queue_model.scenario.study import Study
from tests.queue_model.example_scenarios import day, study_of


@pytest.fixture
def base(tmp_path: Path) -> str:
    path = tmp_path / "base.yaml"
    path.write_text(yaml.safe_dump(day(6, 1, replications=2)), encoding="utf-8")
    return str(path)


def points(base: str, *axes: str) -> list[Study]:
    """The studies of a grid."""
    return studies_of(base, grid([parse_axis(each) for each in axes]), Places())


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(var=str(tmp_path / "var"))


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one for each point that is simulated."""
    counted: list[int] = []
    real: Callable[..., dict[str, Any]] = module._summary

    def run(*arguments: Any) -> dict[str, Any]:
        counted.append(1)
        return real(*arguments)

    monkeypatch.setattr(module, "_summary", run)
    return counted


# --- points ----------------------------------------------------------------------------------------------------------


def test_values_of_an_axis_are_yaml() -> None:
    assert parse_axis("operators.reserve=0,2,4") == Axis("operators.reserve", [0, 2, 4])
    assert parse_axis("a=true,null,x,0.5") == Axis("a", [True, None, "x", 0.5])
    assert parse_axis("p={law: exponential, mean: 60},{law: deterministic, value: 1}").values[1] == {
        "law": "deterministic",
        "value": 1,
    }


@pytest.mark.parametrize("text", ["seats", "seats=", "=3", "a b=3", "a..b=3", "a=[", "a+=1"])
def test_a_bad_axis_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="--set"):
        parse_axis(text)


def test_a_grid_has_every_combination() -> None:
    found = grid([Axis("a", [1, 2]), Axis("b", ["x", "y"])])
    assert found == [{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"}]
    with pytest.raises(ModelError, match="given twice"):
        grid([Axis("a", [1]), Axis("a", [2])])
    with pytest.raises(ModelError, match="1,000,000 points, more than 10,000"):
        grid([Axis("a", list(range(1000))), Axis("b", list(range(1000)))])


def test_a_list_of_points(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text('seats,callers.patience\n6,"{law: exponential, mean: 60}"\n8,\n', encoding="utf-8")
    assert read_points(str(path)) == [
        {"seats": 6, "callers.patience": {"law": "exponential", "mean": 60}},
        {"seats": 8},
    ]


@pytest.mark.parametrize(
    ("text", "said"), [("seats\n", "no points"), ("se ats\n6\n", "is not a key"), ("a,b\n1\n", "row 2: 1 cells")]
)
def test_a_bad_list_of_points_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "points.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=said):
        read_points(str(path))


def test_a_missing_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        read_points(str(tmp_path / "no.csv"))


def test_short_names_and_joined_keys() -> None:
    study = study_of(day(6, 1))
    assert setting_changes(study, {"calls": 9}) == {"arrivals": {"per_day": 9}}
    assert setting_changes(study, {"callers.balk+menu.hang_up": 0.1}) == {
        "callers": {"balk": 0.1},
        "menu": {"hang_up": 0.1},
    }
    with pytest.raises(ModelError, match="set twice"):
        setting_changes(study, {"calls": 9, "arrivals.per_day": 8})
    with pytest.raises(ModelError, match="is already set as a whole"):
        setting_changes(study, {"callers": 9, "callers.balk": 8})


def test_fewer_seats_shrink_the_shifts() -> None:
    study = study_of(day(6, 1))
    assert setting_changes(study, {"queue.seats": 4}) == {
        "operators": {"seats": 4, "shifts": {"tutti": {"operators": 4}}}
    }
    assert setting_changes(study, {"seats": 8}) == {"operators": {"seats": 8}}
    assert setting_changes(study, {"operators.seats": 4}) == {"operators": {"seats": 4}}


def test_an_impossible_point_is_refused_before_any_runs(base: str, places: Places, runs: list[int]) -> None:
    with pytest.raises(ModelError, match=r"at calls=-5:\n.*arrivals.per_day"):
        points(base, "calls=5,-5")
    assert runs == []


# --- running ---------------------------------------------------------------------------------------------------------


def test_a_second_sweep_simulates_only_what_is_new(base: str, places: Places, tmp_path: Path, runs: list[int]) -> None:
    run_cache = RunCache(str(tmp_path / "run_cache"))
    first = sweep(points(base, "seats=4,5"), run_cache)
    assert len(runs) == 2
    wider = sweep(points(base, "seats=5,4,3"), run_cache)
    assert len(runs) == 3
    assert [each.cached for each in wider] == [True, True, False]
    assert wider[0].measures == first[1].measures
    assert wider[1].counts == first[0].counts


def test_the_same_point_twice_is_one_run(base: str, places: Places, tmp_path: Path, runs: list[int]) -> None:
    found = sweep(points(base, "seats=6,6", "title=one,two"), RunCache(str(tmp_path / "s")))
    assert len(runs) == 1
    assert len({id(each.measures) for each in found}) == 4
    assert all(each.measures == found[0].measures for each in found)


def test_any_number_of_threads_gives_the_same(base: str, places: Places, tmp_path: Path) -> None:
    studies = points(base, "seats=3,4,5")
    one, three = (sweep(studies, RunCache(str(tmp_path / str(jobs))), jobs=jobs) for jobs in (1, 3))
    assert one == three


def test_an_interrupted_sweep_loses_no_finished_point(
    base: str, places: Places, tmp_path: Path, runs: list[int]
) -> None:
    studies, run_cache = points(base, "seats=3,4,5,6"), RunCache(str(tmp_path / "run_cache"))

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as stopped:
        sweep(studies, run_cache, jobs=1, progress=stop)
    assert stopped.value.total == 4
    kept = len(runs)
    assert 2 <= stopped.value.kept == kept <= 4
    again = sweep(studies, run_cache)
    assert len(runs) == 4
    assert sum(each.cached for each in again) == kept


def test_an_error_at_a_point_is_raised(
    base: str, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> dict[str, Any]:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "_summary", broken)
    with pytest.raises(ZeroDivisionError):
        sweep(studies_of(base, [{}], places), RunCache(str(tmp_path)))


# --- the cache -------------------------------------------------------------------------------------------------------


def test_the_key_depends_on_what_affects_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = day(6, 1)

    def of(seed: int = 1, replications: int = 2, engine: str = "kernel", **change: Any) -> str:
        return key(study_of({**plain, **change}), seed=seed, replications=replications, engine=engine)

    first = of()
    assert of(title="another", about="words", replications=2) == first
    others = [of(seed=2), of(replications=3), of(engine="simpy"), of(targets={"within": 30})]
    others.append(of(service={**plain["service"], "queue": {"longest_queue": 14}}))
    monkeypatch.setattr(cache, "program_digest", lambda: "newer")
    others.append(of())
    assert len({first, *others}) == 7


def test_a_trace_is_part_of_the_key(tmp_path: Path) -> None:
    trace = tmp_path / "calls.csv"
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump(day(6, 1, arrivals={"trace": "calls.csv"})), encoding="utf-8")
    keys = set()
    for minute in (10, 20):
        trace.write_text(f"at,topic\n2026-02-02T10:{minute}:00,ALTRO\n", encoding="utf-8")
        keys.add(key(studies_of(str(path), [{}], Places())[0], seed=1, replications=1, engine="kernel"))
    assert len(keys) == 2


def test_a_damaged_file_counts_as_missing(tmp_path: Path) -> None:
    run_cache = RunCache(str(tmp_path))
    assert run_cache.get("ab12") is None
    run_cache.put("ab12", {"x": 1})
    assert run_cache.get("ab12") == {"key": "ab12", "x": 1}
    for text in ('{"key": "ab', "[]", '{"key": "other"}'):
        Path(run_cache.path("ab12")).write_text(text, encoding="utf-8")
        assert run_cache.get("ab12") is None


def test_a_run_that_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(Refusal, match=r"not kept: .*; or use another --var"):
        RunCache(str(tmp_path / "file")).put("ab12", {})


# --- maps ------------------------------------------------------------------------------------------------------------


def test_axes_are_the_settings_that_differ() -> None:
    settings = [{"a": 1, "b": 2}, {"a": 3, "b": 2}, {"a": 1}]
    assert varied_axes(settings) == [Axis("a", [1, 3]), Axis("b", [2, None])]


def test_a_map_for_each_value_of_a_third_axis() -> None:
    settings = grid([parse_axis("a=1,2"), parse_axis("b=1,2,3"), parse_axis("c=1,2")])
    found = list(panels(settings, varied_axes(settings)))
    assert found == [({"a": 1}, [[0, 1], [2, 3], [4, 5]]), ({"a": 2}, [[6, 7], [8, 9], [10, 11]])]


def test_a_list_may_leave_gaps_in_a_map() -> None:
    settings = [{"a": 1, "b": 1}, {"a": 2, "b": 2}]
    assert [rows for _, rows in panels(settings, varied_axes(settings))] == [[[0, None], [None, 1]]]


# --- the command -----------------------------------------------------------------------------------------------------


def test_table_files_and_maps(base: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, var = tmp_path / "out", str(tmp_path / "var")
    asked = ["--var", var, "sweep", base, "--set", "seats=4,6", "--set", "calls=200,300", "--out", str(out)]
    assert main([*asked, "--measure", "service_level"]) == 0
    said = capsys.readouterr().out
    assert "4 points; 2 replications of each, seed 7" in said
    assert len([line for line in said.splitlines() if line.startswith(("4 ", "6 "))]) == 5
    with open(out / "sweep.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    levels = {(row["seats"], row["calls"]): float(row["value"]) for row in rows if row["measure"] == "service_level"}
    assert levels["4", "300"] < levels["6", "300"] < levels["6", "200"]
    ElementTree.fromstring((out / "service_level.svg").read_text(encoding="utf-8"))
    assert sorted(os.listdir(out)) == ["service_level.svg", "sweep.csv"]
    assert main(asked) == 0
    assert "4 points, 4 of them kept from before" in capsys.readouterr().out


def test_list_and_grid_and_period(base: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "points.csv"
    path.write_text("calls\n10\n20\n", encoding="utf-8")
    asked = ["--var", str(tmp_path / "var"), "sweep", base, "--list", str(path), "--days", "2", "--first", "2026-02-03"]
    assert main([*asked, "--set", "seats=6", "--replications", "1"]) == 0
    assert "2 points; 1 replications" in capsys.readouterr().out
    study = studies_of(base, [{}], Places(), {"period": {"first": datetime.date(2026, 2, 3), "days": 2}})[0]
    assert (study.period.first, study.period.days) == (datetime.date(2026, 2, 3), 2)
    assert main([*asked, "--set", "calls=6"]) == 1
    assert "is also in" in capsys.readouterr().err


def test_a_sweep_without_settings_is_refused(base: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", base]) == 1
    assert "nothing to vary" in capsys.readouterr().err


def test_a_folder_that_cannot_be_created(base: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", base, "--set", "seats=6", "--out", f"{base}/below"]) == 1
    assert "cannot be created" in capsys.readouterr().err


def test_interrupted_from_the_keyboard(base: str, tmp_path: Path) -> None:
    """A real process and a real signal: finished points are kept, and the message says how to continue."""
    var = tmp_path / "var"
    asked = [
        sys.executable, "-m", "queue_model.cli", "--var", str(var), "sweep", base, "--jobs", "1", "--days", "40",
        "--replications", "20", "--set", f"seats={','.join(map(str, range(2, 10)))}",
    ]  # fmt: skip
    with subprocess.Popen(asked, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        deadline = time.monotonic() + 60
        while not list(var.glob("sweeps/*/[0-9a-f]*.json")) and time.monotonic() < deadline:
            try:
                process.wait(0.02)
                break
            except subprocess.TimeoutExpired:
                continue
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    kept = len(list(var.glob("sweeps/*/[0-9a-f]*.json")))
    assert process.returncode == 130, said
    assert 1 <= kept < 8
    assert f"interrupted; {kept} of 8 points are kept; run the same command again to continue" in said


@pytest.mark.parametrize("module", ["queue_model/simulation/reference.py", "queue_model/runs/measures/tally.py"])
def test_a_run_is_kept_for_one_version_of_every_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    """Modules of subpackages too, at any depth."""
    shutil.copytree(
        Path(ROOT) / "queue_model", tmp_path / "queue_model", ignore=shutil.ignore_patterns("__pycache__", "*.so")
    )
    monkeypatch.setattr(cache.queue_model, "__file__", str(tmp_path / "queue_model/__init__.py"))
    before = cache.program_digest.__wrapped__()
    with open(tmp_path / module, "a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert cache.program_digest.__wrapped__() != before
