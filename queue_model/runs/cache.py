"""Finished runs, kept under `var/` by the content of what was asked, so that nothing is simulated twice.

The name of a file is the hash of all that a result depends on: the whole scenario, the configuration that it means, the
trace, the seed, the number of replications, the engine and the program itself. Whatever changes has another name, so
nothing is ever out of date; the folder may be deleted at any time.
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
from common.safe_files import write_file
from queue_model.scenario.study import Study

FORMAT = 1
# Words and places that decide nothing, and what is asked for beside the scenario.
SILENT = ("title", "about", "assumptions", "based_on", "seed", "replications")


def key(study: Study, *, seed: int, replications: int, engine: str) -> str:
    """The name of what is asked, 32 hexadecimal digits."""
    asked = {
        "format": FORMAT,
        "scenario": {name: value for name, value in study.written.items() if name not in SILENT},
        "configuration": [study.compiled["service"], study.compiled["menu"], study.compiled["prompts"]],
        "trace": _trace(study),
        "seed": seed,
        "replications": replications,
        "engine": engine,
        "program": program(),
    }
    text = json.dumps(asked, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _trace(study: Study) -> str | None:
    trace = study.scenario.arrivals.trace
    return None if trace is None else _digest(os.path.join(os.path.dirname(study.path), trace))


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def program(patterns: tuple[str, ...] = ("*.py", "*.so", "*.pyd")) -> str:
    """The program's version: its sources, the compiled engine and NumPy, which draws. A version number alone would
    not notice that somebody changed the model."""
    found = [f"numpy {np.__version__}"]
    for package in (charter, common, ivr, queue_model):
        folder = os.path.dirname(os.path.abspath(package.__file__ or ""))
        for pattern in patterns:
            paths = sorted(glob.glob(os.path.join(folder, "**", pattern), recursive=True))
            found += [f"{package.__name__}/{os.path.relpath(path, folder)} {_digest(path)}" for path in paths]
    return hashlib.sha256("\n".join(found).encode()).hexdigest()


class Shelf:
    """A folder of finished runs."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name[:2], f"{name}.json")

    def get(self, name: str) -> dict[str, Any] | None:
        """What was kept under the name; None when nothing was, or what is there cannot be read."""
        try:
            with open(self.path(name), encoding="utf-8") as file:
                found = json.load(file)
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and found.get("key") == name else None

    def put(self, name: str, run: dict[str, Any]) -> None:
        """Keep a run, whole or not at all. Raises `Refusal`."""
        path = self.path(name)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            write_file(path, json.dumps({"key": name, **run}, ensure_ascii=False), 0o600)
        except OSError as problem:
            raise Refusal(f"{path}: not kept: {problem.strerror}; make room, or choose another --var") from None
