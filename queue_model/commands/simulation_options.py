"""The options of all simulating commands: scenario, period, replications, seed, engine, threads or cluster."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypedDict

from charter.kpi_definitions import MODELLED
from common import argument_types
from common.command_line import Refusal
from common.languages import add_language
from common.places import Places
from queue_model.runs.executors import Executor, Threads
from queue_model.runs.run_arguments import Progress
from queue_model.scenario import study
from queue_model.scenario.changes import KEY, put
from queue_model.scenario.study import Study


class RunOptions(TypedDict):
    """The options of every simulation; None: the default."""

    replications: int | None
    seed: int | None
    engine_name: str | None


def scenario_arguments(parser: argparse.ArgumentParser) -> None:
    """The scenario, and changes to it."""
    add = parser.add_argument
    add("scenario", metavar="SCENARIO", help="a scenario file: scenarios/baseline.yaml")
    period_arguments(parser)
    add(
        "--set", action="append", default=[], type=_setting, metavar="KEY=VALUE", dest="settings",
        help="set any key, its parts joined by dots: operators.reserve=3; repeatable",
    )  # fmt: skip


def period_arguments(parser: argparse.ArgumentParser) -> None:
    """A period other than the scenario's."""
    add = parser.add_argument
    add(
        "--first",
        type=argument_types.day,
        metavar="YYYY-MM-DD",
        help="first day of the period (default: the scenario's)",
    )
    add(
        "--days",
        type=argument_types.positive_integer,
        metavar="N",
        help="length of the period in calendar days (default: the scenario's)",
    )


def simulation_arguments(parser: argparse.ArgumentParser) -> None:
    """The number of replications, the seed, the engine and the threads."""
    add = parser.add_argument
    add(
        "--replications",
        type=argument_types.positive_integer,
        metavar="N",
        help="how many times to simulate the period",
    )
    add("--seed", type=_seed, metavar="S", help="seed of all random numbers (default: the scenario's)")
    add("--engine", choices=("simpy", "kernel"), help="simpy: the reference; kernel: the same, compiled (default)")
    add("--jobs", type=argument_types.positive_integer, metavar="N", help="number of threads (default: one per core)")


def measure_arguments(parser: argparse.ArgumentParser, default: Sequence[str]) -> None:
    """The measures to report and their language, with `default` the usual measures."""
    parser.add_argument(
        "--measure", action="append", choices=MODELLED, metavar="NAME", dest="measures",
        help=f"a measure to report; repeatable (default: {', '.join(default)})",
    )  # fmt: skip
    add_language(parser, "en", "of the measures' names, and of the report")


def cluster_argument(parser: argparse.ArgumentParser) -> None:
    """The cluster to work on, for commands that can use one."""
    parser.add_argument(
        "--cluster", metavar="ADDRESS",
        help="use the workers of this Dask scheduler, tcp://HOST:8786, instead of threads; the results are the same "
             "(needs the extra [cluster])",
    )  # fmt: skip


def executor(options: argparse.Namespace) -> Executor:
    """The threads or the cluster that do the work. Raises `Refusal` if the cluster cannot be used."""
    if options.cluster is None:
        return Threads(options.jobs)
    if options.jobs is not None:
        raise Refusal(
            "--jobs: counts threads of this machine, but --cluster has its own workers; use only one of the two"
        )
    from queue_model.runs.cluster import Cluster

    return Cluster(options.cluster)


def study_of(options: argparse.Namespace, places: Places, scenario: str | None = None) -> Study:
    """The scenario of the options (or of the file `scenario`) with their changes. Raises `ScenarioError`."""
    changes: dict[str, Any] = {}
    for key, value in options.settings:
        put(changes, key, value)
    for name, value in period_changes(options).items():
        put(changes, f"period.{name}", value)
    return study.load(scenario or options.scenario, places, changes)


def period_changes(options: argparse.Namespace) -> dict[str, Any]:
    """The keys of `period` that --first and --days set."""
    return {name: value for name in ("first", "days") if (value := getattr(options, name)) is not None}


def run_arguments(options: argparse.Namespace) -> RunOptions:
    """The arguments that all simulating functions have in common."""
    return {"replications": options.replications, "seed": options.seed, "engine_name": options.engine}


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A progress bar on standard error, if it is a terminal."""
    if not sys.stderr.isatty():
        yield lambda done, wanted: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("replications"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")
        yield lambda done, wanted: bar.update(task, completed=done, total=wanted)


# --- types of the arguments ---------------------------------------------------------------------------------------


def _seed(text: str) -> int:
    if not re.fullmatch(r"\d{1,18}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed; write a whole number of up to 18 digits")
    return int(text)


def precision(text: str) -> float:
    """A share, from `0.5pp`: half of the interval, in percentage points."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) *pp", text.strip())
    if not found or not 0 < float(found[1]) < 100:
        raise argparse.ArgumentTypeError(f"{text!r}: write percentage points above 0: 0.5pp")
    return float(found[1]) / 100


def _setting(text: str) -> tuple[str, Any]:
    from common.documents import Unreadable, parse

    path, equals, value = text.partition("=")
    if not equals or not KEY.fullmatch(path):
        raise argparse.ArgumentTypeError(f"{text!r}: write a key and its value: operators.reserve=3")
    try:
        return path, parse(value.encode())
    except Unreadable as problem:
        raise argparse.ArgumentTypeError(f"{text!r}: {problem}") from None
