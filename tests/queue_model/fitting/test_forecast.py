"""Forecasts of histories with known parameters."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from queue_model.cli import main
from queue_model.errors import ModelError
from queue_model.fitting.backtest import Score, forecast
from queue_model.fitting.forecast import KINDS, Forecast, interval, kind_of, noise
from queue_model.fitting.history import History, HistoryError, history_of_calls, read_history
from queue_model.scenario import study
from tests.queue_model import histories
from tests.queue_model.histories import DAY_FACTORS, HOURS, WEEK, YEAR, synthetic, truth


@cache
def forecast_of(days: int, growth: float, shape: float | None, season: bool = False) -> tuple[Forecast, Score]:
    return forecast(synthetic(days, growth=growth, shape=shape, season=season, seed=3), HOURS, 14)


def test_kinds_of_day() -> None:
    kinds = {
        date(2026, 6, 1): "bridge", date(2026, 6, 2): "holiday", date(2026, 6, 3): "after", date(2026, 4, 30): "eve",
        date(2026, 12, 7): "bridge", date(2026, 12, 24): "eve", date(2026, 10, 3): "ordinary",
        date(2026, 10, 5): "ordinary",  # the holiday before it is a Sunday
    }  # fmt: skip
    assert {day: kind_of(day, HOURS) for day in kinds} == kinds


def test_weekdays_holidays_and_growth_are_recovered() -> None:
    found, _ = forecast_of(600, 0.0005, 150.0)
    model = found.model
    scale = WEEK[:5].mean()
    assert model.weekdays[:5] * scale == pytest.approx(WEEK[:5], rel=0.03)
    assert model.weekdays[5:] * scale == pytest.approx(WEEK[5:], rel=0.1)
    kinds = dict(zip(KINDS, model.kinds.tolist(), strict=True))
    for kind, within in (("holiday", 0.03), ("eve", 0.06), ("after", 0.1), ("bridge", 0.1)):
        assert kinds[kind] == pytest.approx(DAY_FACTORS[kind], abs=within)
    assert model.growth == pytest.approx(0.0005, rel=0.15)


def test_the_days_ahead_are_near_the_truth() -> None:
    found, _ = forecast_of(600, 0.0005, 150.0)
    expected = truth(614, growth=0.0005)[600:]
    assert found.totals == pytest.approx(expected.sum(axis=1), rel=0.12)
    assert found.expected.sum() == pytest.approx(expected.sum(), rel=0.05)


def test_a_season_of_two_years() -> None:
    found, _ = forecast_of(900, 0.0, 150.0, season=True)
    assert found.model.months / found.model.months.mean() == pytest.approx(YEAR / YEAR.mean(), rel=0.06)
    assert forecast_of(600, 0.0005, 150.0)[0].model.months == pytest.approx(np.ones(12))


def test_no_trend_is_found_without_a_trend() -> None:
    grown = [forecast(synthetic(200, shape=150.0, seed=seed), HOURS, 7)[0].model.growth for seed in range(8)]
    assert sum(growth != 0 for growth in grown) <= 1


def test_a_weekday_without_data_has_no_forecast(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Calls counted only while the service is open: no Saturdays and Sundays in the file."""
    lines = histories.csv(synthetic(200, shape=150.0, seed=3)).splitlines(keepends=True)
    working = [line for line in lines[1:] if date.fromisoformat(line[:10]).weekday() < 5]
    (here / "working.csv").write_text("".join([lines[0], *working]), encoding="utf-8")
    asked = ["forecast", str(here / "working.csv"), "--days", "14"]
    assert main(asked) == 0
    shown = capsys.readouterr().out
    assert "The history has no saturday or sunday: such days have no forecast" in shown
    assert sum(line.endswith("no data") for line in shown.splitlines()) == 4
    assert main([*asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["weekdays_never_seen"] == ["saturday", "sunday"]
    assert [day["calls"] for day in found["days"] if date.fromisoformat(day["day"]).weekday() > 4] == [0.0] * 4
    assert main([*asked, "--scenario", str(here / "working.yaml")]) == 0
    written = (here / "working.yaml").read_text(encoding="utf-8")
    # The calls of closed days stay those of the base; they are not an average working day's.
    assert "saturday" not in written and "closed_days" not in written
    assert study.load(str(here / "working.yaml")).scenario.arrivals.closed_days == 25


def test_a_holiday_without_data_has_no_forecast(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Calls counted only while the service is open: no Christmas in the file, and no calls of it in the scenario."""
    whole = synthetic(320, shape=150.0, seed=3, first=date(2026, 2, 2))  # until 18 December
    open_days = {day for day in whole.days if day.weekday() < 5 and kind_of(day, HOURS) != "holiday"}
    lines = histories.csv(whole).splitlines(keepends=True)
    working = [line for line in lines[1:] if date.fromisoformat(line[:10]) in open_days]
    (here / "working.csv").write_text("".join([lines[0], *working]), encoding="utf-8")
    asked = ["forecast", str(here / "working.csv"), "--days", "14"]
    assert main([*asked, "--scenario", str(here / "working.yaml")]) == 0
    shown = capsys.readouterr().out
    christmas = next(line for line in shown.splitlines() if line.startswith("2026-12-25"))
    assert christmas.split()[-3:] == ["-", "no", "data"]
    assert "holiday not in the history, no forecast" in shown
    assert main([*asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["kinds_never_seen"] == ["holiday", "closure"]
    assert next(day["calls"] for day in found["days"] if day["day"] == "2026-12-25") == 0
    assert "closed_days" not in (here / "working.yaml").read_text(encoding="utf-8")


def test_without_busy_days_the_error_is_near_the_noise_and_below_the_naive() -> None:
    found, score = forecast_of(200, 0.0, None)
    assert score.daily < score.floor_daily + 0.015
    assert score.half_hour < score.floor_half_hour + 0.02
    assert score.daily < 0.8 * score.naive_daily
    assert score.half_hour < 0.8 * score.naive_half_hour
    assert found.busyness.high == np.inf


def test_the_error_beyond_poisson_recovers_the_busyness() -> None:
    found, score = forecast_of(600, 0.0005, 150.0)
    assert found.busyness.low < 150 < found.busyness.high
    assert score.daily > score.floor_daily


def test_intervals_have_their_stated_coverage() -> None:
    within, days = 0, 0
    for seed in range(12):
        whole = synthetic(194, shape=150.0, seed=seed)
        found, _ = forecast(whole.until(180), HOURS, 14)
        low, high = interval(found.totals, found.busyness.value)
        seen = whole.totals[180:]
        within += int(np.sum((seen >= low) & (seen <= high)))
        days += len(seen)
    assert 0.89 <= within / days <= 0.99


def test_noise_is_the_mean_deviation_of_poisson_counts() -> None:
    draw = np.random.default_rng(1)
    for mean in (0.3, 4.0, 33.3, 400.0):
        seen = draw.poisson(mean, 200_000)
        assert noise(np.array([mean]))[0] == pytest.approx(np.abs(seen - mean).mean(), rel=0.01)
    assert noise(np.zeros(1))[0] == 0


def test_a_gap_is_not_a_day_without_calls() -> None:
    whole = synthetic(200, seed=5)
    counts = whole.counts.copy()
    counts[100:110] = np.nan
    found, _ = forecast(History(whole.first, counts), HOURS, 7)
    assert found.totals == pytest.approx(forecast(whole, HOURS, 7)[0].totals, rel=0.03)


def test_too_short_a_history() -> None:
    with pytest.raises(ModelError, match="30 days; at least 35 are needed"):
        forecast(synthetic(30), HOURS, 7)
    with pytest.raises(ModelError, match="--first: 2024-02-01 lies within the history"):
        forecast(synthetic(60), HOURS, 7, first=date(2024, 2, 1))


# --- files -----------------------------------------------------------------------------------------------------------


def test_counts_and_single_calls_give_the_same_history(tmp_path: Path) -> None:
    calls = [1791190800.0, 1791190900.0, 1791198000.0, 1791277200.0]  # 5 October 2026, 11:00 and 13:00; and the 6th
    single = history_of_calls(calls, HOURS)
    (tmp_path / "h.csv").write_text("calls,day,half_hour\n2,2026-10-05,11:00\n1,2026-10-05,13:00\n1,2026-10-06,11:00\n")
    assert np.array_equal(read_history(str(tmp_path / "h.csv"), HOURS).counts, single.counts)
    (tmp_path / "c.csv").write_text("at\n" + "\n".join(map(str, calls)) + "\n")
    assert np.array_equal(read_history(str(tmp_path / "c.csv"), HOURS).counts, single.counts)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("when,calls\n", "line 1: the first line must name the columns"),
        ("day,half_hour,calls\n", "no lines after the heading"),
        ("day,half_hour,calls\n5/10/2026,09:00,3\n", 'line 2: "5/10/2026" is not a day; write 2026-10-05'),
        ("day,half_hour,calls\n2026-10-05,9:15,3\n", 'line 2: "9:15" is not a half-hour; write 09:00 or 09:30'),
        ("day,half_hour,calls\n2026-10-05,09:00,-3\n", 'line 2: "-3" is not a number of calls'),
        (
            "day,half_hour,calls\n2026-10-05,09:00,3\n2026-10-05,09:00,4\n",
            "line 3: 2026-10-05 09:00 occurs twice; keep one",
        ),
        ("day,half_hour,calls\n1926-10-05,09:00,3\n2026-10-05,09:00,4\n", "more than 20 years; correct the wrong date"),
        ("at\n2026-10-05T09:00\nyesterday\n", 'line 3: "yesterday" is not a time'),
    ],
)
def test_bad_files_are_refused_with_line_and_remedy(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "h.csv").write_text(text)
    with pytest.raises(ModelError, match=message):
        read_history(str(tmp_path / "h.csv"), HOURS)
    with pytest.raises(HistoryError, match="no such file; give a CSV"):
        read_history(str(tmp_path / "none.csv"), HOURS)


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    whole = synthetic(300, shape=150.0, first=date(2026, 2, 2))
    (tmp_path / "history.csv").write_text(histories.csv(whole))
    return tmp_path


def test_the_command_shows_days_factors_and_score(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forecast", "history.csv", "--days", "35"]) == 0
    said = capsys.readouterr().out
    assert "2026-12-08 tue  Immacolata Concezione" in said
    assert "2026-12-07 mon" in said
    assert "seasonal naive" in said
    assert "The error of a day beyond Poisson is" in said


def test_the_command_writes_a_scenario_with_the_forecast_calls(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from queue_model.simulation.builder import Builder

    assert main(["forecast", "history.csv", "--days", "28", "--scenario", "x.yaml", "--json", "f.json"]) == 0
    wanted = json.loads((here / "f.json").read_text())
    made = study.load("x.yaml")
    arrivals = made.scenario.arrivals
    assert arrivals.busyness == pytest.approx(wanted["busyness"]["value"], rel=1e-3)
    assert made.scenario.assumptions["arrivals.busyness"].basis == "measured"
    assert {each.why for each in arrivals.special_days} >= {"bridge", "after"}
    period, expected = made.period, Builder(made).calls.expected
    assert period.days == 28
    outside = arrivals.outside.per_day if arrivals.outside is not None else 0.0
    calls = sum(day["calls"] for day in wanted["days"])
    assert float(np.sum(expected)) == pytest.approx(calls * (1 + outside / arrivals.per_day), rel=0.03)
    assert main(["run", "x.yaml", "--replications", "2"]) == 0


def test_the_command_for_programs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forecast", "history.csv", "--days", "7", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["half_hour"] for row in rows} == {f"{9 + n // 2:02}:{n % 2 * 30:02}" for n in range(18)}
    assert all(
        float(row["low"]) <= float(row["calls"]) <= float(row["high"]) for row in rows if float(row["calls"]) > 2
    )
    assert main(["forecast", "none.csv"]) == 1
    assert "none.csv: no such file; give a CSV" in capsys.readouterr().err
