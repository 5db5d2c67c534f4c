"""`queue-model forecast`: forecasts calls by day and half-hour, with the error of such forecasts so far."""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import os
from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np

from charter.calendar import ONE_DAY, WEEKDAYS
from common import argument_types, italian
from common.places import ROOT, Places
from queue_model.errors import ModelError
from queue_model.fitting.backtest import AHEAD, WEEKS, Score, forecast
from queue_model.fitting.forecast import KINDS, Forecast, interval, kind_of
from queue_model.fitting.history import STEP, History, read_history
from queue_model.fitting.maximum_likelihood import Floats, rounded
from queue_model.reports import output_files, text_tables
from queue_model.scenario import derived, study
from queue_model.scenario.derived import measured
from queue_model.scenario.study import Study
from queue_model.simulation.arrivals import MONTHS

EXAMPLES = """
The history is a CSV with the columns day,half_hour,calls (2026-10-05,09:30,21), or at (one line per call: local date
and time, or epoch seconds). It counts calls at the number.

examples:
  queue-model forecast history.csv --days 28
  queue-model forecast history.csv --scenario november.yaml && queue-model run november.yaml
"""
BASE = os.path.join(ROOT, "scenarios", "baseline.yaml")
LARGEST_SHAPE = 1e5  # above it, days differ only by chance


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog, parser.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("history", metavar="HISTORY", help="a CSV of calls by day and half-hour, or of single calls")
    add("--days", type=_days, default=AHEAD, metavar="N", help=f"calendar days ahead (default: {AHEAD})")
    add("--first", type=argument_types.day, metavar="YYYY-MM-DD", help="first day (default: the one after the history)")
    add("--weeks", type=_days, default=WEEKS, metavar="N", help=f"weeks held back for the score (default: {WEEKS})")
    add("--by", choices=("day", "half-hour"), default="day", help="what a row of the table shows")
    add("--based-on", default=BASE, metavar="FILE", help="the scenario whose calendar is used (default: baseline)")
    add("--scenario", metavar="FILE", help="write a scenario of these days, with busyness")
    add("--json", nargs="?", const="-", metavar="FILE", help="all figures as JSON (default: standard output)")
    add("--csv", nargs="?", const="-", metavar="FILE", help="one half-hour per line (default: standard output)")


def run(options: argparse.Namespace, places: Places) -> int:
    base = study.load(options.based_on, places)
    history = read_history(options.history, base.hours)
    found, score = forecast(history, base.hours, options.days, weeks=options.weeks, first=options.first)
    if options.scenario:
        written = scenario(found, score, history, base, derived.relative(options.based_on, options.scenario))
        output_files.write_output(written, options.scenario)
    if options.json:
        output_files.write_output(
            json.dumps(document(found, score, base), indent=1, ensure_ascii=False) + "\n", options.json
        )
    if options.csv:
        output_files.write_output(table(found), options.csv)
    if "-" not in (options.json, options.csv, options.scenario):
        print("\n".join(page(found, score, history, base, options.by)))
    return 0


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 366):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days or weeks; write 1 to 366")
    return int(text)


# --- for people ------------------------------------------------------------------------------------------------------


def page(found: Forecast, score: Score, history: History, base: Study, by: str) -> Iterator[str]:
    """The lines to print."""
    known = int(np.sum(~np.isnan(history.totals)))
    yield f"{known} days of data, {history.days[0]} to {history.days[-1]}; forecast from {found.first}"
    yield ""
    yield from text_tables.table(list(_rows(found, base, by)))
    yield ""
    yield from _factors(found)
    yield ""
    yield f"Held back: {score.origins} origins a week apart, {AHEAD} days ahead of each. Error as a share of all calls:"
    rows = [("", "day", "half-hour")]
    for name, daily, half_hour in (
        ("this forecast", score.daily, score.half_hour),
        ("seasonal naive", score.naive_daily, score.naive_half_hour),
        ("Poisson noise, unavoidable", score.floor_daily, score.floor_half_hour),
        ("calls within the 95 % interval", score.covered_daily, score.covered_half_hour),
    ):
        rows.append((name, f"{daily:.1%}", f"{half_hour:.1%}"))
    yield from text_tables.table(rows)
    low, value, high = (_spread(x) for x in (found.busyness.high, found.busyness.value, found.busyness.low))
    yield f"The error of a day beyond Poisson is {value} ({low} to {high}): busyness {_shape(found.busyness.value)}"


def _rows(found: Forecast, base: Study, by: str) -> Iterator[tuple[str, ...]]:
    if by == "day":
        yield "day", "", "calls", "95 % interval"
        low, high = interval(found.totals, found.busyness.value)
        known = found.model.knows(found.calendar)
        for number, calls in enumerate(found.totals.tolist()):
            day = found.first + number * ONE_DAY
            name = base.hours.day_reason(day).name or kind_of(day, base.hours).replace("ordinary", "")
            label = f"{day} {WEEKDAYS[day.weekday()][:3]}"
            if not known[number]:
                yield label, name, "-", "no data"
            else:
                yield label, name, f"{calls:.0f}", f"{low[number]:.0f} ... {high[number]:.0f}"
        return
    yield "day", "half-hour", "calls", "95 % interval"
    for day, clock, calls, lowest, highest in _half_hours(found):
        yield str(day), clock, f"{calls:.1f}", f"{lowest:.0f} ... {highest:.0f}"


def _half_hours(found: Forecast) -> Iterator[tuple[date, str, float, float, float]]:
    low, high = interval(found.expected, found.slot_shape)
    for number, slot in np.argwhere(found.expected > 0).tolist():
        place = number, slot
        clock = f"{slot * STEP // 60:02}:{slot * STEP % 60:02}"
        day = found.first + number * ONE_DAY
        yield day, clock, float(found.expected[place]), float(low[place]), float(high[place])


def _factors(found: Forecast) -> Iterator[str]:
    model = found.model
    seen = [number for number in range(7) if number not in model.never_seen]
    week = ", ".join(f"{WEEKDAYS[number][:3]} {model.weekdays[number]:.2f}" for number in seen)
    yield f"Level {model.level:.1f} calls per day; {week}"
    if model.never_seen:
        names = " or ".join(WEEKDAYS[number] for number in model.never_seen)
        yield f"The history has no {names}: such days have no forecast"
    kinds = [
        f"{kind} not in the history, no forecast"
        if kind in model.kinds_never_seen
        else f"{kind} {model.kinds[n]:.2f} ({model.seen[kind]} seen)"
        for n, kind in enumerate(KINDS)
        if n
    ]
    yield f"Kinds of day: {', '.join(kinds)}"
    yield f"Trend {math.expm1(365 * model.growth):+.1%} per year" if model.growth else "No significant trend"
    if np.ptp(model.months):
        yield "Season: " + ", ".join(f"{name[:3]} {model.months[number]:.2f}" for number, name in enumerate(MONTHS))


def _spread(shape: float) -> str:
    return f"{1 / math.sqrt(shape):.1%}"


def _shape(shape: float) -> str:
    return f"{shape:.4g}" if shape < LARGEST_SHAPE else "none"


# --- for programs ----------------------------------------------------------------------------------------------------


def table(found: Forecast) -> str:
    """One line per half-hour: day, half_hour, calls, low, high."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("day", "half_hour", "calls", "low", "high"))
    rows.writerows(
        (day, clock, f"{calls:.4f}", int(low), int(high)) for day, clock, calls, low, high in _half_hours(found)
    )
    return out.getvalue()


def document(found: Forecast, score: Score, base: Study) -> dict[str, Any]:
    """All results as plain values; a shape of null: days differ only by chance."""
    model = found.model
    low, high = interval(found.totals, found.busyness.value)
    days = []
    for number, calls in enumerate(found.totals.tolist()):
        day = found.first + number * ONE_DAY
        entry = {"day": day.isoformat(), "kind": kind_of(day, base.hours), "calls": calls}
        days.append({**entry, "low": float(low[number]), "high": float(high[number])})
    return {
        "days": days,
        "half_hours": [
            {"day": day.isoformat(), "half_hour": clock, "calls": calls, "low": lowest, "high": highest}
            for day, clock, calls, lowest, highest in _half_hours(found)
        ],
        "level": model.level,
        "growth_a_day": model.growth,
        "weekdays": dict(zip(WEEKDAYS, model.weekdays.tolist(), strict=True)),
        "weekdays_never_seen": [WEEKDAYS[number] for number in model.never_seen],
        "kinds_never_seen": list(model.kinds_never_seen),
        "months": dict(zip(MONTHS, model.months.tolist(), strict=True)),
        "kinds": dict(zip(KINDS, model.kinds.tolist(), strict=True)),
        "busyness": {name: x if math.isfinite(x) else None for name, x in found.busyness._asdict().items()},
        "score": {name: getattr(score, name) for name in Score.__dataclass_fields__},
    }


# --- the scenario ----------------------------------------------------------------------------------------------------


def scenario(found: Forecast, score: Score, history: History, base: Study, path: str) -> str:
    """The days ahead as a scenario based on `base`. Raises ModelError if none is open or one has no forecast."""
    dates = [found.first + number * ONE_DAY for number in range(len(found.totals))]
    opens = np.array([base.hours.day_reason(day).kind == "open" for day in dates])
    if not opens.any():
        raise ModelError("--scenario: the service is closed on all days of the forecast; forecast more --days")
    seen = found.model.knows(found.calendar)
    if not seen[opens].all():
        day = dates[int(np.flatnonzero(opens & ~seen)[0])]
        name = WEEKDAYS[day.weekday()] if day.weekday() in found.model.never_seen else kind_of(day, base.hours)
        raise ModelError(
            f"--scenario: the service is open on {day}, but the history has no {name}; give a history that has one"
        )
    level, factors = _level(found), found.model.factors(found.calendar)
    source = f"forecast from {history.days[0]} to {history.days[-1]}"
    shape = found.busyness
    arrivals: dict[str, Any] = {
        "per_day": rounded(level),
        "profile": _profile(found, opens),
        "weekdays": {
            name: rounded(float(found.model.weekdays[n]))
            for n, name in enumerate(WEEKDAYS)
            if n not in found.model.never_seen
        },
        "months": {name: rounded(float(found.model.months[n])) for n, name in enumerate(MONTHS)},
        "special_days": list(_special_days(found, dates, opens, base)),
        "busyness": rounded(shape.value) if shape.value < LARGEST_SHAPE else None,
        "swings": None,
    }
    closed = found.totals[~opens & seen]
    if len(closed) and closed.sum() > 0:
        # A scenario has one value for closed days, without weekdays, to which the factors of months apply.
        beside = found.model.months[found.calendar.month][~opens & seen]
        arrivals["closed_days"] = rounded(float(closed.sum() / beside.sum()))
    if _reaches_outside(found, base):
        arrivals["outside"] = None  # the profile already has the early and late calls
    miss = f"errors {score.daily:.1%} by day, {score.half_hour:.1%} by half-hour on {score.origins} held-back origins"
    note = "From the history."
    assumptions = {f"arrivals.{name}": measured(note, source) for name in arrivals if name != "busyness"}
    assumptions["arrivals.per_day"] = measured(f"Level in the middle of these days; {miss}.", source)
    comment = f"The error of forecasts beyond Poisson: {_spread(shape.value)} of a day."
    assumptions["arrivals.busyness"] = measured(comment, source, shape.low, shape.high)
    values = {
        "based_on": path,
        "title": f"Previsione {italian.period(dates[0], dates[-1])}",
        "period": {"first": dates[0], "days": len(dates), "settle": 0},
        "arrivals": arrivals,
        "assumptions": assumptions,
    }
    mean = float(np.mean(found.totals[opens] / factors[opens]))
    comments = [f"A {source}.", f"Level {mean:.1f} calls per day with all factors 1; {miss}."]
    return derived.text(values, comments)


def _level(found: Forecast) -> float:
    """The calls of a day whose factors are all 1, in the middle of the days ahead."""
    factors = found.model.factors(found.calendar)
    return float(found.totals.sum() / factors.sum()) if factors.sum() else found.model.level


def _profile(found: Forecast, opens: Any) -> dict[str, Any]:
    weights: Floats = found.expected[opens].sum(axis=0)
    used = np.flatnonzero(weights > 0)
    begin, until = int(used[0]), int(used[-1]) + 1
    shares = weights[begin:until] / weights.sum() * 100
    start = f"{begin * STEP // 60:02}:{begin * STEP % 60:02}"
    return {"from": start, "step_minutes": STEP, "weights": [rounded(x) for x in shares.tolist()]}


def _special_days(found: Forecast, dates: list[date], opens: Any, base: Study) -> Iterator[dict[str, Any]]:
    """The open days that are eves, days after or bridges, each with its factor."""
    for number, day in enumerate(dates):
        kind = int(found.calendar.kind[number])
        if opens[number] and kind:
            yield {"first": day, "factor": rounded(float(found.model.kinds[kind])), "why": KINDS[kind]}


def _reaches_outside(found: Forecast, base: Study) -> bool:
    ranges = [each for day in base.hours.week for each in day]
    first, last = min(each.start for each in ranges) // STEP, -(-max(each.until for each in ranges) // STEP)
    seen = found.expected.sum(axis=0)
    return bool(seen[:first].sum() + seen[last:].sum() > 0.001 * seen.sum())
