"""`queue-model sweep`: simulates one scenario with many settings; the result is a table and heat maps."""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from charter.kpi import Thresholds
from charter.kpi_definitions import DEFINITIONS
from common.command_line import Refusal
from common.places import Places
from pages import heat_map
from queue_model.commands import simulation_options
from queue_model.errors import ModelError
from queue_model.reports import output_files, text_tables
from queue_model.reports import sweep as sweep_report
from queue_model.runs.cache import RunCache
from queue_model.runs.sweep import (
    SHORT_NAMES,
    Axis,
    Interrupted,
    Point,
    Setting,
    grid,
    panels,
    parse_axis,
    read_points,
    studies_of,
    sweep,
    varied_axes,
)

MEASURES = ("service_level", "wait_mean_answered", "abandonment", "occupancy")
EXAMPLES = f"""
Keys are the keys of a scenario, joined by dots; these have short names: {", ".join(sorted(SHORT_NAMES))}.
seats also reduces the operators of larger shifts to the number of seats. Keys joined by + get the same value.
Every finished point is kept under var/: the same command continues an interrupted sweep, and a larger sweep
simulates only new points.

examples:
  queue-model sweep scenarios/baseline.yaml --set seats=6,8,10,12 --set calls=300,400,500 --out sweep
  queue-model sweep scenarios/baseline.yaml --list points.csv --measure service_level
  queue-model sweep scenarios/baseline.yaml --set seats=6,8,10,12 --html sweep.html --language it
  queue-model sweep scenarios/baseline.yaml --list points.csv --cluster tcp://10.0.0.5:8786
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog, parser.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("scenario", metavar="SCENARIO", help="the scenario of all points: scenarios/baseline.yaml")
    add(
        "--set", action="append", default=[], metavar="KEY=V1,V2,...", dest="settings",
        help="values of a key; all combinations are simulated",
    )  # fmt: skip
    add("--list", metavar="FILE", help="a CSV of points with the keys in its first line; combined with --set")
    simulation_options.period_arguments(parser)
    simulation_options.simulation_arguments(parser)
    simulation_options.cluster_argument(parser)
    simulation_options.measure_arguments(parser, MEASURES)
    add("--out", metavar="FOLDER", help="write sweep.csv with all measures, and an SVG heat map of each measure shown")
    add("--html", metavar="FILE", help="write a report with a heat map of each measure shown, one file")


def run(options: argparse.Namespace, places: Places) -> int:
    settings = _settings(options)
    common: dict[str, Any] = {}
    if period := simulation_options.period_changes(options):
        common["period"] = period
    points = studies_of(options.scenario, settings, places, common)
    _folder(options.out)
    try:
        with simulation_options.executor(options) as executor, simulation_options.progress_bar() as progress:
            found = sweep(
                points,
                RunCache(os.path.join(places.var, "sweeps")),
                **simulation_options.run_arguments(options),
                executor=executor,
                progress=progress,
            )
    except Interrupted as stopped:
        remedy = "run the same command again to continue"
        print(
            f"queue-model sweep: interrupted; {stopped.kept} of {stopped.total} points are kept; {remedy}",
            file=sys.stderr,
        )
        return 130
    shown = options.measures or list(MEASURES)
    targets = points[0].scenario.targets
    if options.html != "-":
        print("\n".join(page(points[0].scenario.title, settings, found, shown)))
    if options.html:
        within = Thresholds(targets.within, targets.short)
        heading = points[0].scenario.title
        output_files.write_output(
            sweep_report.report(heading, settings, found, shown, within, options.language), options.html
        )
    if options.out is not None:
        output_files.write_output(table(settings, found), os.path.join(options.out, "sweep.csv"))
        for measure in shown:
            title = DEFINITIONS[measure].title(options.language, within=targets.within, short=targets.short)
            picture = drawn(settings, found, measure, title)
            if picture is not None:
                output_files.write_output(picture, os.path.join(options.out, f"{measure}.svg"))
    return 0


def _settings(options: argparse.Namespace) -> list[Setting]:
    rows = read_points(options.list) if options.list else [{}]
    points = grid([parse_axis(text) for text in options.settings])
    both = next((name for row in rows for name in row if name in points[0]), None)
    if both is not None:
        raise ModelError(f"--set {both}: is also in {options.list}; set it in one place")
    if not options.list and not options.settings:
        raise ModelError("nothing to vary; use --set KEY=V1,V2 or --list FILE")
    return [{**row, **point} for row, point in itertools.product(rows, points)]


def _folder(path: str | None) -> None:
    """Create the folder before the simulation, so that it cannot fail afterwards."""
    if path is None:
        return
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as problem:
        raise Refusal(f"--out {path}: cannot be created: {problem.strerror}; choose another folder") from None


# --- for people ------------------------------------------------------------------------------------------------------


def page(title: str, settings: Sequence[Setting], found: Sequence[Point], measures: Sequence[str]) -> Iterator[str]:
    """The lines to print."""
    again = sum(each.cached for each in found)
    yield title
    seeds = " and ".join(str(each) for each in sorted({each.seed for each in found}))
    kept = f", {again} of them kept from before" if again else ""
    yield f"{len(found)} points{kept}; {found[0].replications} replications of each, seed {seeds}"
    yield ""
    names = list(dict.fromkeys(name for setting in settings for name in setting))
    rows: list[Sequence[str]] = [(*names, *(each.replace("_", " ") for each in measures))]
    for setting, point in zip(settings, found, strict=True):
        rows.append((*(_text(setting.get(name)) for name in names), *(_figure(point, each) for each in measures)))
    yield from text_tables.table(rows, left=len(names))
    yield "± half of the 95 % interval"
    unstable = ((each.no_steady_state, name) for each in found for name in measures)
    for why in dict.fromkeys(reasons[name] for reasons, name in unstable if name in reasons):
        yield from text_tables.wrapped(f"No steady state: {why}.")


def _text(value: Any) -> str:
    return text_tables.EMPTY if value is None else str(value)


def _figure(point: Point, measure: str) -> str:
    if measure in point.no_steady_state:
        return text_tables.NO_STEADY_STATE
    estimate, kind = point.measures.get(measure), text_tables.kind(measure)
    if estimate is None or estimate.value is None:
        return text_tables.EMPTY
    scale, unit = (100, "%") if kind == "share" else (1, "s")
    half = "" if estimate.half is None else f" ±{scale * estimate.half:.1f}"
    return f"{scale * estimate.value:,.1f}{half} {unit}"


# --- for programs, and as pictures -----------------------------------------------------------------------------------


def table(settings: Sequence[Setting], found: Sequence[Point]) -> str:
    """All measures as CSV, one line per point and measure: settings, measure, value, low, high."""
    names = list(dict.fromkeys(name for setting in settings for name in setting))
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow((*names, "measure", "value", "low", "high", "replications", "seed"))
    for setting, point in zip(settings, found, strict=True):
        for measure, each in point.measures.items():
            figures = (None, None, None) if measure in point.no_steady_state else (each.value, each.low, each.high)
            cells = ("" if figure is None else figure for figure in figures)
            where = ("" if setting.get(name) is None else setting[name] for name in names)
            rows.writerow((*where, measure, *cells, point.replications, point.seed))
    return out.getvalue()


def drawn(settings: Sequence[Setting], found: Sequence[Point], measure: str, title: str) -> str | None:
    """The heat map of a measure; None if nothing was varied."""
    axes = varied_axes(settings)
    if not axes:
        return None
    if len(axes) == 1:
        axes = [Axis("", [None]), *axes]
    maps = []
    for fixed, rows in panels(settings, axes):
        values = [[None if at is None else found[at].value(measure) for at in row] for row in rows]
        words = [[text_tables.number(value, text_tables.kind(measure)) for value in row] for row in values]
        name = ", ".join(f"{key} = {value}" for key, value in fixed.items())
        maps.append(heat_map.Panel(name, values, words))
    down, across = axes[-2:]
    columns, lines = ([_text(value) if each.name else "" for value in each.values] for each in (across, down))
    return heat_map.svg(title, across.name, columns, down.name, lines, maps)
