"""Finished runs, kept under `var/` by a hash of everything that determines them, so that nothing is simulated twice.

The name of a file is the hash of all that a result depends on: the whole scenario, its configuration, the trace, the
seed, the number of replications, the engine and the program. If any of these changes, the name changes, so a file is
never out of date. The folder may be deleted at any time.
"""

from __future__ import annotations

import functools
import glob
import hashlib
import json
import os
from typing import Any

import numpy as np

import charter
import common
import ivr
import queue_model
from common.command_line import Refusal
from common.file_errors import reason
from common.safe_files import write_file
from queue_model.scenario.study import Study

FORMAT = 1
# Keys of a scenario that do not affect the result, or that are part of the hash by themselves.
IGNORED_KEYS = ("title", "about", "assumptions", "based_on", "seed", "replications")
SOURCES = ("*.py", "*.so", "*.pyd")


def key(study: Study, *, seed: int, replications: int, engine: str) -> str:
    """The name of a run, 32 hexadecimal digits."""
    inputs = {
        "format": FORMAT,
        "scenario": {name: value for name, value in study.written.items() if name not in IGNORED_KEYS},
        "configuration": [study.compiled["service"], study.compiled["menu"], study.compiled["prompts"]],
        "trace": _trace(study),
        "seed": seed,
        "replications": replications,
        "engine": engine,
        "program": program_digest(),
    }
    text = json.dumps(inputs, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _trace(study: Study) -> str | None:
    trace = study.scenario.arrivals.trace
    return None if trace is None else _digest(os.path.join(os.path.dirname(study.path), trace))


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def program_digest(patterns: tuple[str, ...] = SOURCES) -> str:
    """A hash of the program: its sources, the compiled modules and the version of NumPy, which draws random numbers.

    A version number alone would not change when somebody edits the model.
    """
    lines = [f"numpy {np.__version__}"]
    for package in (charter, common, ivr, queue_model):
        lines += digests(package.__name__, os.path.dirname(os.path.abspath(package.__file__ or "")), patterns)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def digests(package: str, folder: str, patterns: tuple[str, ...] = SOURCES) -> list[str]:
    """A line for each file of a package and its subpackages: its path from the package on, and its hash."""
    names = {name for pattern in patterns for name in glob.glob(f"**/{pattern}", root_dir=folder, recursive=True)}
    return [f"{package}/{name} {_digest(os.path.join(folder, name))}" for name in sorted(names)]


class RunCache:
    """A folder of finished runs."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name[:2], f"{name}.json")

    def get(self, name: str) -> dict[str, Any] | None:
        """The run of that name; None if there is none, or if the file is damaged."""
        try:
            with open(self.path(name), encoding="utf-8") as file:
                found = json.load(file)
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and found.get("key") == name else None

    def put(self, name: str, run: dict[str, Any]) -> None:
        """Keep a run, completely or not at all. Raises `Refusal`."""
        path = self.path(name)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            write_file(path, json.dumps({"key": name, **run}, ensure_ascii=False), 0o600)
        except OSError as problem:
            raise Refusal(f"{path}: not kept: {reason(problem)}; or use another --var") from None
