"""`queue-model calibrate`: fits a scenario, with intervals, to the queue_log of the switch."""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from common import italian
from common.command_line import Refusal
from common.places import ROOT, Places
from ivr.switch_logs.visits import Period
from queue_model.fitting.arrivals import STEP, date_range
from queue_model.fitting.calibrate import WINDOW, Calibration, Parameter, calibrate, source
from queue_model.fitting.maximum_likelihood import FittedValue, survival
from queue_model.fitting.queue_log import QueueLog, read_queue_log
from queue_model.reports import output_files, text_tables
from queue_model.scenario import derived, study

EXAMPLES = """
examples:
  queue-model calibrate queue_log
  queue-model calibrate queue_log* --facts var/spool/facts --output measured.yaml
  queue-model run measured.yaml
"""
BASE = os.path.join(ROOT, "scenarios", "baseline.yaml")
SHOWN_WAITS = (15, 30, 60, 120, 180, 300, 600)  # s


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog, parser.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("log", nargs="+", metavar="QUEUE_LOG", help="the queue_log of Asterisk and its rotated files, also .gz")
    add("--queue", metavar="NAME", help="the queue (default: queue.name of service.yaml)")
    add("--facts", metavar="DIR", help="the spool of facts of the same days: measures how many callers reach the queue")
    add(
        "--based-on",
        default=BASE,
        metavar="FILE",
        help="source of the values that are not in the log (default: baseline)",
    )
    add(
        "--redial-minutes", type=_minutes, default=WINDOW / 60, metavar="M",
        help="a second call of a number within this time is another attempt (default: 120)",
    )  # fmt: skip
    add("--output", metavar="FILE", help="write the scenario to this file")
    add("--json", nargs="?", const="-", metavar="FILE", help="all figures as JSON (default: standard output)")


def run(options: argparse.Namespace, places: Places) -> int:
    if options.facts is not None and not os.path.isdir(options.facts):
        raise Refusal(f"--facts {options.facts}: no such folder; give the folder of the spool, var/spool/facts")
    base = study.load(options.based_on, places)
    service = base.compiled["service"]
    period = Period(service["limits"]["longest_call_seconds"])
    log = read_queue_log(options.log, options.queue or service["queue"]["name"], period)
    found = calibrate(log, base, options.facts, options.redial_minutes * 60)
    if options.output:
        text = scenario(found, derived.relative(options.based_on, options.output))
        output_files.write_output(text, options.output)
    if options.json:
        output_files.write_output(json.dumps(document(found, log), indent=1, ensure_ascii=False) + "\n", options.json)
    if "-" not in (options.json, options.output):
        print("\n".join(page(found, log)))
    return 0


def _minutes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= 1440:
        raise argparse.ArgumentTypeError(f"{text!r} is not a valid time; write minutes above 0, up to 1440")
    return value


# --- the scenario ----------------------------------------------------------------------------------------------------


def scenario(found: Calibration, base: str) -> str:
    """The text of the scenario file, with the intervals as comments and in its assumptions."""
    comments = [f"Calibrated from a queue_log, {date_range(found.days)}: {len(found.days)} days of service.", ""]
    comments += [f"{each.name.strip()}: {_figure(each.estimate, each.unit)}" for each in found.parameters]
    comments += ["", *found.notes]
    values: dict[str, Any] = {
        "based_on": base,
        "title": f"Misurato dal queue_log, {italian.period(found.days[0], found.days[-1])}",
        **found.values,
    }
    return derived.text({**values, "assumptions": found.assumptions}, comments)


# --- for people ------------------------------------------------------------------------------------------------------


def page(found: Calibration, log: QueueLog) -> Iterator[str]:
    """The lines to print."""
    days = f"{len(found.days)} days of service, {date_range(found.days)}"
    yield f"{len(log.visits):,} visits in {log.lines:,} lines; {days}"
    yield ""
    rows = [("fitted", "value", "95 % interval", "seen")]
    for each in found.parameters:
        value, low, high = (_number(x, each.unit) for x in each.estimate)
        rows.append((each.name, value, f"{low} ... {high}", each.seen))
    yield from text_tables.table(rows)
    yield ""
    yield from _by_half_hour(found)
    yield from _patience(found)
    for note in found.notes:
        yield from text_tables.wrapped(f"note: {note}")


def _by_half_hour(found: Calibration) -> Iterator[str]:
    if found.arrivals is None:
        return
    seen = found.arrivals.counts.mean(axis=0)
    rows = [("half-hour, at the queue", "fitted", "95 % interval", "seen per day")]
    for slot, each in enumerate(found.arrivals.profile):
        minute = found.arrivals.begin + STEP * slot
        interval = f"{each.low:.1f} ... {each.high:.1f}"
        rows.append((f"{minute // 60:02}:{minute % 60:02}", f"{each.value:.1f}", interval, f"{seen[slot]:.1f}"))
    yield from text_tables.table(rows)
    yield ""


def _patience(found: Calibration) -> Iterator[str]:
    if found.patience is None or found.patient is None:
        return
    rows = [("still patient after", "fitted", "seen (Kaplan-Meier)", "95 % interval")]
    for second, fitted, step in _patient(found):
        if step is None:
            continue
        low, high = found.patient.low[step], found.patient.high[step]
        seen = found.patient.share[step]
        rows.append((f"{second} s", f"{fitted:.1%}", f"{seen:.1%}", f"{low:.1%} ... {high:.1%}"))
    yield from text_tables.table(rows)
    yield ""


def _patient(found: Calibration) -> Iterator[tuple[int, float, int | None]]:
    """For some waits: the fitted share still patient, and the step of the curve if it reaches that far."""
    assert found.patience is not None and found.patient is not None
    law, mean, shape = found.patience.law, found.patience.mean.value, found.patience.shape
    for second in SHOWN_WAITS:
        fitted = float(survival(law, np.array([float(second)]), mean, 1.0 if shape is None else shape.value)[0])
        step = int(np.searchsorted(found.patient.seconds, second, "right")) - 1
        reached = step >= 0 and second <= found.patient.seconds[-1]
        yield second, fitted, step if reached else None


def _number(value: float, unit: str) -> str:
    if value > 1e6:
        return "no limit"
    if unit == "share":
        return f"{100 * value:.1f} %"
    return f"{value:.1f}" + (" s" if unit == "s" else "") if unit in ("s", "calls") else f"{value:.3g}"


def _figure(estimate: FittedValue, unit: str) -> str:
    value, low, high = (_number(x, unit) for x in estimate)
    return f"{value} ({low} to {high})"


# --- for programs ----------------------------------------------------------------------------------------------------


def document(found: Calibration, log: QueueLog) -> dict[str, Any]:
    """All results as plain values; null: no limit."""
    curve = found.patient
    return {
        "source": source(found),
        "days": [day.isoformat() for day in found.days],
        "visits": len(log.visits),
        "lines": log.lines,
        "torn": log.torn,
        "unknown": dict(log.unknown),
        "fitted": [_entry(each) for each in found.parameters],
        "profile": [_plain(each) for each in found.arrivals.profile] if found.arrivals is not None else [],
        "patience": None
        if curve is None
        else [
            {"seconds": second, "share": seen, "low": low, "high": high}
            for second, seen, low, high in zip(*(each.tolist() for each in curve), strict=True)
        ],
        "values": found.values,
        "notes": found.notes,
    }


def _entry(each: Parameter) -> dict[str, Any]:
    return {"path": each.path, "name": each.name.strip(), "unit": each.unit, "seen": each.seen, **_plain(each.estimate)}


def _plain(estimate: FittedValue) -> dict[str, float | None]:
    return {name: x if math.isfinite(x) else None for name, x in estimate._asdict().items()}
