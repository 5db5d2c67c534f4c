"""`queue-model run`: simulates a scenario: every measure with its interval, by half-hour, day and topic."""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from charter.kpi_definitions import DEFINITIONS, PUBLISHED
from common.command_line import Refusal
from common.languages import LANGUAGES, Language, add_language
from common.places import Places
from queue_model.commands import simulation_options
from queue_model.reports import output_files, text_tables
from queue_model.reports import run as report
from queue_model.reports.texts import TEXTS
from queue_model.runs.control_variates import ControlledMeasures, apply_controls, controls
from queue_model.runs.measures.estimates import Estimate, Figure
from queue_model.runs.measures.measurer import PARTS
from queue_model.runs.measures.targets import bounds
from queue_model.runs.replication import Result, precise, replicate
from queue_model.runs.stability import UnstableQueue, unstable_queues
from queue_model.runs.working_day import working_day
from queue_model.simulation.builder import Builder

EXAMPLES = """
examples:
  queue-model run scenarios/baseline.yaml
  queue-model run scenarios/baseline.yaml --precision 0.5pp --by half-hour
  queue-model run scenarios/baseline.yaml --set arrivals.per_day=500 --json busier.json
  queue-model run scenarios/baseline.yaml --parquet records --replications 5
  queue-model run scenarios/baseline.yaml --html report.html --language it
"""
# The measures in a table by half-hour, weekday, day or topic.
COLUMNS = ("service_level", "answer_rate", "wait_mean_answered", "abandonment", "overflow")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog, parser.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    simulation_options.scenario_arguments(parser)
    simulation_options.simulation_arguments(parser)
    simulation_options.cluster_argument(parser)
    add = parser.add_argument
    add(
        "--precision", type=simulation_options.precision, metavar="Xpp",
        help="run replications until the service level is known to within this many percentage points: 0.5pp",
    )  # fmt: skip
    add(
        "--by",
        action="append",
        choices=PARTS,
        default=[],
        help="add a table by half-hour, weekday, day or topic; repeatable",
    )
    add_language(parser, "en", "of the measures' names and definitions")
    add("--definitions", action="store_true", help="print the definition of each measure under the table")
    add("--json", nargs="?", const="-", metavar="FILE", help="all figures as JSON (default: standard output)")
    add("--csv", nargs="?", const="-", metavar="FILE", help="all figures, one per line (default: standard output)")
    add(
        "--parquet", metavar="FOLDER",
        help="write every call, e-mail, call-back and operator interval, and all figures, as Parquet files (needs the "
             "extra [parquet])",
    )  # fmt: skip
    add("--html", metavar="FILE", help="write a report with charts, one file, in the --language")
    add(
        "--control-variates", action="store_true",
        help="add each measure adjusted for the luck of the drawn callers, and how much narrower its interval is",
    )  # fmt: skip


def run(options: argparse.Namespace, places: Places) -> int:
    study = simulation_options.study_of(options, places)
    written = bool(options.json or options.csv or options.parquet)
    tables = _parquet(options.parquet)
    known = controls(study, options.replications or study.scenario.replications) if options.control_variates else None
    drawn = ("half-hour",) if options.html else ()
    parts = tuple(part for part in PARTS if written or part in (*options.by, *drawn))
    with simulation_options.executor(options) as executor, simulation_options.progress_bar() as progress:
        result = replicate(
            study,
            **simulation_options.run_arguments(options),
            executor=executor,
            goal=options.precision and precise(options.precision),
            parts=parts,
            progress=progress,
        )
    unsteady = unstable_queues(study, Builder(study))
    luck = apply_controls(known, result, options.jobs) if known is not None else None
    if options.json:
        found = document(result, unsteady) | ({"control_variates": _without_luck(luck, unsteady)} if luck else {})
        output_files.write_output(json.dumps(found, indent=1, ensure_ascii=False) + "\n", options.json)
    if options.csv:
        output_files.write_output(_csv(result, unsteady), options.csv)
    if tables is not None:
        tables(result, figures(result, unsteady), options.parquet)
    if options.html:
        wanted = list(bounds(study, options.language))
        page_of = report.report(result, working_day(result), wanted, unsteady, options.language)
        output_files.write_output(page_of, options.html)
    if "-" not in (options.json, options.csv, options.html):
        print("\n".join(page(result, unsteady, options.language, tuple(options.by), definitions=options.definitions)))
        if luck is not None:
            print("\n".join(_luck(result, luck, unsteady, options.language)))
    return 0


def _parquet(folder: str | None) -> Callable[[Result, Iterable[Figure], str], None] | None:
    """The function that writes the files. Fails before the simulation if it cannot write them."""
    if folder is None:
        return None
    try:
        from queue_model.runs import parquet
    except ModuleNotFoundError as problem:
        if (problem.name or "").partition(".")[0] != "pyarrow":
            raise
        remedy = "install it, pip install 'numero-unico-lavoro[parquet]', or write --csv"
        raise Refusal(f"--parquet: pyarrow is not installed; {remedy}") from None
    parquet.make_folder(folder)
    return parquet.deliver


# --- for people ------------------------------------------------------------------------------------------------------


def page(
    result: Result, unsteady: list[UnstableQueue], language: Language, by: tuple[str, ...], *, definitions: bool
) -> Iterator[str]:
    """The lines to print."""
    yield from head(result)
    yield ""
    yield from _counts(result)
    yield ""
    yield from _measures(result, unsteady, language)
    for each in unsteady:
        yield ""
        yield from text_tables.wrapped(f"No steady state: {each.reason}. Such a queue grows without limit.")
    for problem in result.study.warnings:
        yield f"warning: {problem}"
    for part in by:
        yield ""
        yield from _by(result, part, unsteady, language)
    if definitions:
        yield ""
        for name in result.estimates():
            definition, within = DEFINITIONS[name], result.measurer.thresholds
            yield f"{definition.title(language, **within._asdict())}  [{name}]"
            yield from text_tables.wrapped(definition.text(language, **within._asdict()), "    ")


def head(result: Result) -> Iterator[str]:
    """The scenario, its period and the simulation."""
    study, period = result.study, result.study.period
    yield study.scenario.title
    last = period.date(period.days - 1)
    many = f"{period.days} day{'' if period.days == 1 else 's'}"
    days = f"{period.first} to {last}: {many}, {int(period.opens.sum())} of them open"
    seed = f"{result.replications} replication{'' if result.replications == 1 else 's'}, seed {result.seed}"
    yield f"{days}; {seed}, engine {result.engine}"


def _counts(result: Result) -> Iterator[str]:
    study, period = result.study, result.study.period
    days = max(1, int(period.opens.sum()))

    def daily(name: str) -> str:
        return f"{result.count(name) / days:,.1f}"

    again = f" ({daily('redialled')} of them repeated)" if result.count("redialled") else ""
    parts = [
        f"Per open day: {daily('called')} calls at the number; {daily('offered')} reach the queue{again} and",
        f"{daily('answered')} are answered; {daily('informed')} callers are satisfied by the recorded information,",
        f"{daily('left_menu')} leave the menu, {daily('outside_hours')} call outside hours.",
        f"{daily('messages')} messages to call back.",
    ]
    if result.count("after_hours"):
        late = "reach the queue after closing time; the measures do not count them."
        parts.insert(3, f"{result.count('after_hours') / days:,.2f} {late}")
    if study.scenario.mails is not None:
        parts.append(f"{daily('emails')} e-mails.")
    if study.scenario.second_level is not None:
        parts.append(f"{daily('second_level')} requests for the second level.")
    waiting = {"emails_open": "e-mails", "messages_open": "messages"}
    left = [f"{result.count(name):,.1f} {word}" for name, word in waiting.items() if result.count(name)]
    if left:
        parts.append(f"Open at the end of the period, on average: {', '.join(left)}.")
    yield from text_tables.wrapped(" ".join(parts))


def _measures(result: Result, unsteady: list[UnstableQueue], language: Language) -> list[str]:
    texts = TEXTS[language]
    rows = [tuple(texts[name].lower() for name in ("measure", "value", "interval"))]
    lost = {name for each in unsteady for name in each.measures}
    for name, estimate in result.estimates().items():
        title = DEFINITIONS[name].title(language, **result.measurer.thresholds._asdict())
        mark = " *" if name == PUBLISHED else ""
        if name in lost:
            rows.append((title + mark, text_tables.NO_STEADY_STATE, text_tables.EMPTY))
        else:
            kind = text_tables.kind(name)
            rows.append((title + mark, text_tables.number(estimate.value, kind), text_tables.interval(estimate, kind)))
    return [*text_tables.table(rows), texts["published service level"]]


def _luck(result: Result, luck: ControlledMeasures, unsteady: list[UnstableQueue], language: Language) -> Iterator[str]:
    """The measures adjusted for the luck of the drawn callers."""
    companion = luck.known.companion
    said = f", a Markov companion with {companion.agents} agents" if companion is not None else ""
    yield ""
    yield f"With control variates (calls, work{said}):"
    rows = [("measure", "value", "95 % interval", "")]
    lost = {name for each in unsteady for name in each.measures}
    for name, (estimate, narrower) in luck.measures.items():
        if narrower is not None and name not in lost:
            title, kind = (
                DEFINITIONS[name].title(language, **result.measurer.thresholds._asdict()),
                text_tables.kind(name),
            )
            value, ends = text_tables.number(estimate.value, kind), text_tables.interval(estimate, kind)
            said = f"{narrower:.1f} times narrower" if narrower >= 1 else f"{1 / narrower:.1f} times wider"
            rows.append((title, value, ends, said))
    yield from text_tables.table(rows)
    if any("wider" in row[-1] for row in rows):
        yield "Wider: the controls cost more precision than they add; use more --replications."
    if luck.known.lacks is not None:
        yield f"No Markov companion: {luck.known.lacks}."


def _by(result: Result, part: str, unsteady: list[UnstableQueue], language: Language) -> list[str]:
    columns = {name: result.part(part, name) for name in COLUMNS}
    lost = {name for each in unsteady for name in each.measures}
    within = result.measurer.thresholds._asdict()
    rows = [[part, "calls", *(_short(name, language, within) for name in COLUMNS)]]
    for group, level in columns["service_level"].items():
        cells = [group, f"{level.denominator / result.replications:,.1f}"]
        for name in COLUMNS:
            estimate = columns[name].get(group)
            cells.append(text_tables.NO_STEADY_STATE if name in lost else _with_half(estimate, text_tables.kind(name)))
        rows.append(cells)
    return text_tables.table(rows)


def _short(name: str, language: Language, within: dict[str, float]) -> str:
    title = DEFINITIONS[name].title(language, **within)
    return title if len(title) <= 30 else name.replace("_", " ")


def _with_half(estimate: Estimate | None, kind: str) -> str:
    if estimate is None or estimate.value is None:
        return text_tables.EMPTY
    scale = 100 if kind == "share" else 1
    half = f" ±{scale * estimate.half:.1f}" if estimate.half is not None else ""
    return f"{scale * estimate.value:,.1f}{half} {'%' if kind == 'share' else 's'}"


# --- for programs ----------------------------------------------------------------------------------------------------


def document(result: Result, unsteady: list[UnstableQueue]) -> dict[str, Any]:
    """All results as plain values: shares from 0 to 1, seconds; null: no value."""
    study = result.study
    lost = {name: each.reason for each in unsteady for name in each.measures}
    thresholds = result.measurer.thresholds._asdict()
    measures = {}
    for name, estimate in result.estimates().items():
        definition = DEFINITIONS[name]
        texts = {language: definition.text(language, **thresholds) for language in LANGUAGES}
        measures[name] = {**_figure(estimate, lost.get(name)), "kind": definition.kind, "definition": texts}
    return {
        "scenario": study.scenario.title,
        "first": study.period.first.isoformat(),
        "days": study.period.days,
        "open_days": int(study.period.opens.sum()),
        "replications": result.replications,
        "seed": result.seed,
        "engine": result.engine,
        "configuration": study.compiled["revision"],
        "published": PUBLISHED,
        "thresholds": thresholds,
        "counts": {name: result.count(name) for name in result.sums[0].counts},
        "measures": measures,
        "by": {
            part: {
                name: {group: _figure(each, lost.get(name)) for group, each in result.part(part, name).items()}
                for name in result.sums[0].parts[part]
            }
            for part in result.measurer.parts
        },
    }


def _without_luck(luck: ControlledMeasures, unsteady: list[UnstableQueue]) -> dict[str, Any]:
    companion, lost = luck.known.companion, {name for each in unsteady for name in each.measures}
    return {
        "controls": luck.known.means,
        "companion": {"agents": companion.agents if companion is not None else None, "lacks": luck.known.lacks},
        "measures": {
            name: {"value": estimate.value, "low": estimate.low, "high": estimate.high, "narrower": narrower}
            for name, (estimate, narrower) in luck.measures.items()
            if name not in lost
        },
    }


def _figure(estimate: Estimate, lost: str | None) -> dict[str, Any]:
    if lost is not None:
        return {"value": None, "low": None, "high": None, "no_steady_state": lost}
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "numerator": estimate.numerator,
        "denominator": estimate.denominator,
    }


def figures(result: Result, unsteady: list[UnstableQueue]) -> Iterator[Figure]:
    """Every figure: of the whole period, then of every part that was measured."""
    lost = {name for each in unsteady for name in each.measures}
    for name, estimate in result.estimates().items():
        yield Figure("whole", "", estimate, name in lost)
    for part in result.measurer.parts:
        for name in result.sums[0].parts[part]:
            for group, estimate in result.part(part, name).items():
                yield Figure(part, group, estimate, name in lost)


def _csv(result: Result, unsteady: list[UnstableQueue]) -> str:
    """One line per figure: part, group, measure, value, low, high, numerator, denominator."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("part", "group", "measure", "value", "low", "high", "numerator", "denominator"))
    for part, group, estimate, lost in figures(result, unsteady):
        rows.writerow((part, group, estimate.name, *_cells(estimate, lost)))
    return out.getvalue()


def _cells(estimate: Estimate, lost: bool) -> tuple[Any, ...]:
    figures = (None, None, None) if lost else (estimate.value, estimate.low, estimate.high)
    return tuple("" if each is None else each for each in (*figures, estimate.numerator, estimate.denominator))
