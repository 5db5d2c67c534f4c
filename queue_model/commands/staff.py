"""`queue-model staff`: how many people must be at work in each half-hour, by simulation and by formulas."""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from charter.calendar import WEEKDAYS
from charter.kpi_definitions import DEFINITIONS
from common.command_line import Refusal
from common.italian import Inserted
from common.languages import add_language
from common.places import Places
from queue_model.commands import simulation_options
from queue_model.planning.staffing import Staffing, find_staffing
from queue_model.planning.weekly_half_hours import STEP, Counts, clock, half_hours
from queue_model.reports import output_files, text_tables
from queue_model.reports import staff as staff_report
from queue_model.reports.texts import TEXTS

EXAMPLES = """
The targets of the scenario (targets.service_level, abandonment, answer_rate and wait_mean) must be met in every
half-hour of the week. The default is 80 % of the calls answered within targets.within. The result counts people at
work; `queue-model rota` reads the --json file and adds breaks and absences.

examples:
  queue-model staff scenarios/baseline.yaml
  queue-model staff scenarios/baseline.yaml --set targets.service_level=0.9 --set targets.abandonment=0.05
  queue-model staff scenarios/baseline.yaml --weekday monday --json staff.json
  queue-model staff scenarios/baseline.yaml --html staff.html --language it
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog, parser.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    simulation_options.scenario_arguments(parser)
    simulation_options.simulation_arguments(parser)
    add = parser.add_argument
    add("--weekday", choices=WEEKDAYS, help="the day to compare with the formulas (default: the busiest)")
    add_language(parser, "en", "of the report")
    add("--html", metavar="FILE", help="write a report with charts, one file, in the --language")
    add("--json", nargs="?", const="-", metavar="FILE", help="all figures as JSON (default: standard output)")
    add(
        "--csv",
        nargs="?",
        const="-",
        metavar="FILE",
        help="all figures, one half-hour per line (default: standard output)",
    )


def run(options: argparse.Namespace, places: Places) -> int:
    study = simulation_options.study_of(options, places)
    day = WEEKDAYS.index(options.weekday) if options.weekday is not None else None
    if day is not None and day not in half_hours(study.period).weekdays:
        raise Refusal(f"--weekday {options.weekday}: the service is closed on this day; choose another day or period")
    with simulation_options.progress_bar() as progress:
        found = find_staffing(study, **simulation_options.run_arguments(options), jobs=options.jobs, progress=progress)
    if options.json:
        output_files.write_output(json.dumps(document(found), indent=1, ensure_ascii=False) + "\n", options.json)
    if options.csv:
        output_files.write_output(_csv(found), options.csv)
    shown = _busiest(found) if day is None else day
    if options.html:
        output_files.write_output(staff_report.report(found, shown, options.language), options.html)
    if "-" not in (options.json, options.csv, options.html):
        print("\n".join(page(found, shown)))
    return 0


# --- for people ------------------------------------------------------------------------------------------------------


def page(found: Staffing, day: int) -> Iterator[str]:
    """The lines to print."""
    study = found.study
    yield study.scenario.title
    yield f"{found.replications} replications of {study.period.days} days, seed {found.seed}, engine {found.engine}"
    required = " and ".join(_goal(found, goal.measure, goal.value, goal.at_least) for goal in found.goals)
    default = "" if found.targets_given else f" {TEXTS['en']['usual target']}"
    yield f"{TEXTS['en']['wanted everywhere']}: {required}.{default}"
    yield ""
    yield "Fewest people at work:"
    yield from _week(found)
    if found.binding.any():
        yield from _binding(found)
    yield ""
    yield from _totals(found)
    yield from text_tables.wrapped(
        TEXTS["en"]["proved"].format(tried=found.tried, proved=found.proved) + " The minimum is 1 person."
    )
    yield ""
    yield from _day(found, day)
    yield from text_tables.wrapped(TEXTS["en"]["formulas"])


def _goal(found: Staffing, measure: str, value: float, at_least: bool) -> str:
    targets = found.study.scenario.targets
    title = DEFINITIONS[measure].title("en", within=targets.within, short=targets.short)
    shown = text_tables.number(value, text_tables.kind(measure))
    return f"{title[0].lower()}{title[1:]} {'at least' if at_least else 'at most'} {shown}"


def _week(found: Staffing) -> list[str]:
    cells, days = found.cells, found.cells.weekdays
    rows = [["", *(WEEKDAYS[day] for day in days)]]
    for slot in sorted(set(cells.slot.tolist())):
        rows.append([clock(slot * STEP), *(_mark(found, day, slot) for day in days)])
    hours = found.week_seconds() * found.staff / 3600
    rows.append(["hours", *(f"{hours[cells.weekday == day].sum():g}" for day in days)])
    return text_tables.table(rows)


def _mark(found: Staffing, day: int, slot: int) -> str:
    mine = np.flatnonzero((found.cells.weekday == day) & (found.cells.slot == slot))
    if not len(mine):
        return text_tables.EMPTY
    return f"{found.staff[mine[0]]}{'!' if found.binding[mine[0]] else ''}"


def _binding(found: Staffing) -> Iterator[str]:
    yield f"! {TEXTS['en']['seats bind'].format(Inserted(found.seats))}:"
    for cell in np.flatnonzero(found.binding):
        reached = ", ".join(_reached(found, goal.measure, int(cell)) for goal in found.goals)
        verdict = TEXTS["en"]["missed target" if found.failing[cell] else "met with help"]
        yield f"  {found.cells.name(int(cell))}: {found.unlimited[cell]} people needed; {reached}: {verdict}"


def _reached(found: Staffing, measure: str, cell: int) -> str:
    reached = found.levels.estimate(measure, cell).value
    return f"{measure.replace('_', ' ')} {text_tables.number(reached, text_tables.kind(measure))}"


def _totals(found: Staffing) -> list[str]:
    rows = [[TEXTS["en"]["hours of a week"].lower(), "hours", TEXTS["en"]["differ"].lower()]]
    for name, counts in _ways(found).items():
        known = counts >= 0
        hours = f"{found.hours(np.where(known, counts, 0)):,.1f}" if known.all() else text_tables.EMPTY
        rows.append([name, hours, f"{np.count_nonzero(counts != found.staff)}"])
    return text_tables.table(rows)


def _ways(found: Staffing) -> dict[str, Counts]:
    return {
        "simulation": found.staff,
        "Erlang C": found.formulas.erlang_c,
        "Erlang A": found.formulas.erlang_a,
        "square root": found.formulas.square_root,
    }


def _busiest(found: Staffing) -> int:
    calls = np.bincount(found.cells.weekday, found.formulas.calls)
    return int(np.argmax(calls))


def _day(found: Staffing, day: int) -> list[str]:
    rows = [[WEEKDAYS[day], "calls", "erlangs", *_ways(found), "service level", "abandonment", "seats"]]
    for cell in np.flatnonzero(found.cells.weekday == day):
        counts = [str(each[cell]) if each[cell] >= 0 else text_tables.EMPTY for each in _ways(found).values()]
        seats = "too few" if found.binding[cell] else f"{found.seats - found.staff[cell]} free"
        rows.append([
            clock(int(found.cells.slot[cell]) * STEP), f"{found.formulas.calls[cell]:.1f}",
            f"{found.formulas.load[cell]:.1f}", *counts, _with_half(found, "service_level", int(cell)),
            _with_half(found, "abandonment", int(cell)), seats,
        ])  # fmt: skip
    return text_tables.table(rows)


def _with_half(found: Staffing, measure: str, cell: int) -> str:
    estimate = found.levels.estimate(measure, cell)
    if estimate.value is None:
        return text_tables.EMPTY
    half = f" ±{100 * estimate.half:.1f}" if estimate.half is not None else ""
    return f"{100 * estimate.value:.1f}{half} %"


# --- for programs ----------------------------------------------------------------------------------------------------


def document(found: Staffing) -> dict[str, Any]:
    """All results as plain values; `queue-model rota` reads `requirements`."""
    return {
        "scenario": found.study.scenario.title,
        "targets": {goal.measure: goal.value for goal in found.goals},
        "within": found.study.scenario.targets.within,
        "seats": found.seats,
        "replications": found.replications,
        "seed": found.seed,
        "engine": found.engine,
        "staffs_simulated": found.tried,
        "neighbours_that_fail": found.proved,
        "hours": found.hours(found.staff),
        "requirements": found.requirements(),
        "half_hours": [dict(zip(FIELDS, _row(found, cell), strict=True)) for cell in range(len(found.cells))],
    }


FIELDS = (
    "weekday", "from", "staff", "without_limit_of_seats", "seats_bind", "targets_met", "calls", "erlangs", "erlang_c",
    "erlang_a", "square_root", "service_level", "service_level_low", "service_level_high", "abandonment",
    "abandonment_low", "abandonment_high",
)  # fmt: skip


def _row(found: Staffing, cell: int) -> list[Any]:
    rules = found.formulas
    ways = [
        int(each[cell]) if each[cell] >= 0 else None for each in (rules.erlang_c, rules.erlang_a, rules.square_root)
    ]
    levels = [found.levels.estimate(measure, cell) for measure in ("service_level", "abandonment")]
    return [
        WEEKDAYS[found.cells.weekday[cell]], clock(int(found.cells.slot[cell]) * STEP), int(found.staff[cell]),
        int(found.unlimited[cell]), bool(found.binding[cell]), not found.failing[cell], float(rules.calls[cell]),
        float(rules.load[cell]), *ways, *(each for level in levels for each in (level.value, level.low, level.high)),
    ]  # fmt: skip


def _csv(found: Staffing) -> str:
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(FIELDS)
    rows.writerows([["" if each is None else each for each in _row(found, cell)] for cell in range(len(found.cells))])
    return out.getvalue()
