"""`queue-model check`: checks the promises of the Carta. Status 0: all hold, 1: one fails, 2: too close to tell."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace

from charter.kpi_definitions import DEFINITIONS
from common.places import Places
from queue_model.commands import simulation_options
from queue_model.commands.run import head
from queue_model.reports import text_tables
from queue_model.runs.measures.targets import MOST, Bound, Verdict
from queue_model.runs.measures.targets import bounds as targets
from queue_model.runs.replication import Result, replicate
from queue_model.runs.stability import no_steady_state
from queue_model.simulation.builder import Builder

EXAMPLES = """
The command judges the promises of config/service.yaml and the scenario's targets.service_level, answer_rate,
abandonment and wait_mean. It runs more replications until every verdict is certain, at most --most.

exit status: 0 all hold, 1 at least one fails, 2 none fails but at least one is too close to tell

example:
  queue-model check scenarios/baseline.yaml --set targets.service_level=0.8
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog, parser.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    simulation_options.scenario_arguments(parser)
    simulation_options.simulation_arguments(parser)
    simulation_options.cluster_argument(parser)
    parser.add_argument(
        "--most", type=int, default=MOST, metavar="N", help=f"maximum number of replications (default: {MOST})"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(options: argparse.Namespace, places: Places) -> int:
    study = simulation_options.study_of(options, places)
    bounds = list(targets(study))

    def goal(result: Result) -> int:
        close = any(bound.judge(result.estimate(bound.measure)) == "too close to tell" for bound in bounds)
        return min(2 * result.replications, max(options.most, result.replications)) if close else result.replications

    with simulation_options.executor(options) as executor, simulation_options.progress_bar() as progress:
        result = replicate(
            study, **simulation_options.run_arguments(options), executor=executor, goal=goal, progress=progress
        )
    lost = no_steady_state(study, Builder(study))
    verdicts: dict[Bound, Verdict] = {
        bound: "fails" if bound.measure in lost else bound.judge(result.estimate(bound.measure)) for bound in bounds
    }
    if options.json:
        print(json.dumps([_document(bound, verdicts[bound], result, lost) for bound in bounds], indent=1))
    else:
        print("\n".join(_page(result, verdicts, lost)))
    if "fails" in verdicts.values():
        return 1
    return 0 if "holds" in verdicts.values() and "too close to tell" not in verdicts.values() else 2


def _page(result: Result, verdicts: dict[Bound, Verdict], lost: dict[str, str]) -> Iterator[str]:
    yield from head(result)
    yield ""
    rows = [["promise or target", "required", "value", "95 % interval", "verdict"]]
    for bound, verdict in verdicts.items():
        estimate, kind = result.estimate(bound.measure), text_tables.kind(bound.measure)
        title = DEFINITIONS[bound.measure].title("en", **result.measurer.thresholds._asdict())
        if bound.measure in lost:
            rows.append([title, bound.text, text_tables.NO_STEADY_STATE, text_tables.EMPTY, verdict])
        else:
            figures = (text_tables.number(estimate.value, kind), text_tables.interval(estimate, kind))
            rows.append([title, bound.text, *figures, verdict])
    yield from text_tables.table(rows, left=2)
    for why in dict.fromkeys(lost.values()):
        yield from text_tables.wrapped(f"No steady state: {why}.")


def _document(bound: Bound, verdict: Verdict, result: Result, lost: dict[str, str]) -> dict[str, object]:
    estimate = result.estimate(bound.measure)
    shown = estimate if bound.measure not in lost else replace(estimate, value=None, half=None)
    return {
        "measure": bound.measure,
        "wanted": bound.value,
        "at_least": bound.at_least,
        "value": shown.value,
        "low": shown.low,
        "high": shown.high,
        "verdict": verdict,
        "replications": result.replications,
    }
