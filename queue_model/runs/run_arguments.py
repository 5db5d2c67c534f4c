"""How studies are run: the keyword arguments that `replicate`, `compare` and `sweep` have in common."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypedDict

from queue_model.runs.executors import Executor, given_or_threads
from queue_model.scenario.study import Study

Progress = Callable[[int, int], None]  # called with what is done and what is needed in all


class RunArguments(TypedDict, total=False):
    """All are optional, and None is the same as leaving one out."""

    replications: int | None  # default: the scenario's
    seed: int | None  # default: the scenario's
    engine_name: str | None  # default: the compiled engine, if it was built
    jobs: int | None  # threads, if there is no executor; default: one per core
    executor: Executor | None  # runs the work; the results do not depend on it
    progress: Progress


def replications_of(arguments: RunArguments, study: Study) -> int:
    """How many replications of this study to run."""
    return arguments.get("replications") or study.scenario.replications


def seed_of(arguments: RunArguments, study: Study) -> int:
    """The seed of this study."""
    seed = arguments.get("seed")
    return study.scenario.seed if seed is None else seed


def executor_of(arguments: RunArguments) -> AbstractContextManager[Executor]:
    """The executor to run on."""
    return given_or_threads(arguments.get("executor"), arguments.get("jobs"))


def no_progress(done: int, needed: int) -> None:
    """The default of `progress`: reports nothing."""
