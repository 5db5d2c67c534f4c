"""`queue-model compare`: compares scenarios on the same callers: differences, their certainty, a ranking."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

from charter.kpi_definitions import DEFINITIONS, MODELLED, PUBLISHED
from common.languages import Language
from common.places import Places
from queue_model.commands import simulation_options
from queue_model.reports import compare as compare_report
from queue_model.reports import output_files, text_tables
from queue_model.reports.texts import TEXTS
from queue_model.runs.compare import Comparison, Difference, compare, more_is_better
from queue_model.runs.measures.estimates import CONFIDENCE

MEASURES = (
    "service_level", "answer_rate", "wait_mean_answered", "wait_p95_answered", "abandonment", "overflow", "occupancy",
    "on_time_email", "on_time_second_level",
)  # fmt: skip
EXAMPLES = """
All scenarios have the same callers, so even small differences are visible. Each scenario is compared with the first;
the ranking compares all with all. All intervals hold together with 95 % (Bonferroni). If the interval of a difference
contains zero, the answer is "cannot tell": use more --replications.

examples:
  queue-model compare scenarios/baseline.yaml scenarios/two-ill.yaml
  queue-model compare scenarios/baseline.yaml scenarios/two-ill.yaml --html two-ill.html --language it
  queue-model compare scenarios/baseline.yaml scenarios/lunch-*.yaml --rank wait_mean_answered --replications 100
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog, parser.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    simulation_options.scenario_arguments(parser)
    add = parser.add_argument
    add(
        "others",
        nargs="+",
        metavar="SCENARIO",
        help="scenarios to compare with it; --set, --first and --days apply to all",
    )
    simulation_options.simulation_arguments(parser)
    simulation_options.cluster_argument(parser)
    simulation_options.measure_arguments(parser, MEASURES)
    add(
        "--rank", choices=MODELLED, default=PUBLISHED, metavar="NAME",
        help="the measure that ranks the scenarios (default: service_level)",
    )  # fmt: skip
    add("--html", metavar="FILE", help="write a report with charts, one file, in the --language")
    add("--json", nargs="?", const="-", metavar="FILE", help="all figures as JSON (default: standard output)")


def run(options: argparse.Namespace, places: Places) -> int:
    more_is_better(options.rank)  # refuse a wrong measure before simulating
    files = [options.scenario, *options.others]
    studies = [simulation_options.study_of(options, places, file) for file in files]
    with simulation_options.executor(options) as executor, simulation_options.progress_bar() as progress:
        found = compare(studies, **simulation_options.run_arguments(options), executor=executor, progress=progress)
    if options.json:
        text = json.dumps(document(found, files, options.rank), indent=1, ensure_ascii=False)
        output_files.write_output(text + "\n", options.json)
    chosen = [name for name in options.measures or MEASURES if name in found.measures]
    if options.html:
        shown = compare_report.report(found, names(files), chosen, options.rank, options.language)
        output_files.write_output(shown, options.html)
    if "-" not in (options.json, options.html):
        print("\n".join(page(found, names(files), chosen, options.rank, options.language)))
    return 0


def names(files: Sequence[str]) -> list[str]:
    """The names of scenarios in tables: their files without folder and extension, if these differ."""
    short = [os.path.splitext(os.path.basename(file))[0] for file in files]
    return short if len(set(short)) == len(short) else list(files)


# --- for people ------------------------------------------------------------------------------------------------------


def page(found: Comparison, called: list[str], measures: list[str], rank: str, language: Language) -> Iterator[str]:
    """The lines to print."""
    width = max(map(len, called))
    for name, result in zip(called, found.results, strict=True):
        yield f"{name.ljust(width)}  {result.study.scenario.title}"
    first = found.results[0]
    runs = f"{first.replications} replications of each, seed {first.seed}, engine {first.engine}"
    yield f"{runs}; the same callers in all"
    for name, result in zip(called, found.results, strict=True):
        days = result.study.scenario.period
        if days != first.study.scenario.period:
            yield f"{name} is simulated on other days ({days.days} from {days.first}), so it does not have all of them"
    for second in range(1, len(called)):
        yield ""
        yield from text_tables.table(list(_rows(found, called, second, measures, language)))
    yield ""
    yield from _ranking(found, called, rank, language)
    if found.pairs > 1:
        each, together = f"{100 * found.confidence:.2f} %", f"{100 * CONFIDENCE:g} %"
        yield from text_tables.wrapped(TEXTS["en"]["together"].format(each=each, pairs=found.pairs, together=together))
    for name, lost in zip(called, found.no_steady_state, strict=True):
        for why in dict.fromkeys(lost.values()):
            yield from text_tables.wrapped(f"No steady state in {name}: {why}.")


def _rows(
    found: Comparison, called: list[str], second: int, measures: list[str], language: Language
) -> Iterator[Sequence[str]]:
    yield ("measure", called[0], called[second], "difference", "interval", called[second] + " is")
    for measure in measures:
        apart, kind = found.difference(measure, 0, second), text_tables.kind(measure)
        values = (_value(found, each, measure) for each in (0, second))
        yield (_title(found, measure, language), *values, change(apart.value, kind), span(apart), apart.verdict)


def _value(found: Comparison, scenario: int, measure: str) -> str:
    if measure in found.no_steady_state[scenario]:
        return text_tables.NO_STEADY_STATE
    return text_tables.number(found.value(scenario, measure), text_tables.kind(measure))


def _title(found: Comparison, measure: str, language: Language) -> str:
    return DEFINITIONS[measure].title(language, **found.results[0].measurer.thresholds._asdict())


def change(value: float | None, kind: str) -> str:
    """A difference with its sign, in percentage points or seconds."""
    if value is None:
        return text_tables.EMPTY
    return f"{100 * value:+.2f} pp" if kind == "share" else f"{value:+,.1f} s"


def span(apart: Difference) -> str:
    """`-2.10 ... -1.31 pp`"""
    if apart.low is None or apart.high is None:
        return text_tables.EMPTY
    kind = text_tables.kind(apart.measure)
    return f"{change(apart.low, kind).rsplit(' ', 1)[0]} ... {change(apart.high, kind)}"


def _ranking(found: Comparison, called: list[str], measure: str, language: Language) -> Iterator[str]:
    ranks = found.ranking(measure)
    title = _title(found, measure, language)
    rows: list[Sequence[str]] = [("place", f"by: {title}", "value")]
    for rank in ranks:
        place = str(rank.best) if rank.best == rank.worst else f"{rank.best}-{rank.worst}"
        rows.append((place, called[rank.scenario], text_tables.number(rank.value, text_tables.kind(measure))))
    yield from text_tables.table(rows, left=2)
    for each in found.undecided(measure):
        yield TEXTS["en"]["undecided"].format(called[each.first], called[each.second], span(each))


# --- for programs ----------------------------------------------------------------------------------------------------


def document(found: Comparison, files: Sequence[str], rank: str) -> dict[str, Any]:
    """All pairs and measures as plain values; a difference is the second value minus the first."""
    first, many = found.results[0], range(len(found.results))
    apart = [found.difference(name, a, b) for name in found.measures for a in many for b in many if a < b]
    return {
        "scenarios": [
            {
                "file": file,
                "title": result.study.scenario.title,
                "configuration": result.study.compiled["revision"],
                "values": {name: found.value(each, name) for name in found.measures},
                "no_steady_state": found.no_steady_state[each],
            }
            for each, (file, result) in enumerate(zip(files, found.results, strict=True))
        ],
        "replications": first.replications,
        "seed": first.seed,
        "engine": first.engine,
        "confidence": CONFIDENCE,
        "confidence_of_each": found.confidence,
        "differences": [
            {
                "measure": each.measure,
                "first": each.first,
                "second": each.second,
                "value": each.value,
                "low": each.low,
                "high": each.high,
                "verdict": each.verdict,
            }
            for each in apart
        ],
        "ranking": {"measure": rank, "places": [each._asdict() for each in found.ranking(rank)]},
    }
