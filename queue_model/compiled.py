"""Compiled modules: use one only if it was built from the source beside it.

`setup.py` links the SHA-256 of the source into each extension. It is looked up in the file, before the extension is
loaded: an extension older than its source may not even import (it may ask another module for a name that is gone).

An outdated extension is not used. Every compiled module has a plain one with the same results to the last bit, so the
program goes on with that, slower, and warns. Where no source lies beside the extension nothing can have changed since
the build, and the extension is used.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import sys
import warnings
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Literal

COMPILED = ("simulation.kernel", "simulation.array_loops", "random.variates", "runs.measures.tally")  # as in setup.py
State = Literal["current", "outdated", "missing"]
REMEDY = "rebuild with `make setup`"


class EngineWarning(UserWarning):
    """Something slower runs, because what is compiled is missing or outdated."""


@functools.cache
def state(name: str) -> State:
    """Whether `queue_model.NAME` is compiled, and from the source beside it; `name` is dotted: "random.variates"."""
    spec = find_spec(f"queue_model.{name}")
    if spec is None or spec.origin is None or not spec.origin.endswith(tuple(EXTENSION_SUFFIXES)):
        return "missing"
    return "current" if is_current(Path(spec.origin)) else "outdated"


def is_current(extension: Path) -> bool:
    """Whether an extension was built from the source beside it; true if there is no source."""
    try:
        source = extension.with_name(f"{extension.name.partition('.')[0]}.py").read_bytes()
    except FileNotFoundError:
        return True
    return hashlib.sha256(source).hexdigest().encode() in extension.read_bytes()


def compiled_or_plain(name: str) -> ModuleType:
    """`queue_model.NAME` if it is compiled and current, else `queue_model.NAME_plain`. Warns if it is outdated."""
    condition = state(name)
    if condition == "current":
        return importlib.import_module(f"queue_model.{name}")
    if condition == "outdated":
        warnings.warn(
            f"{source_of(name)} has changed since it was compiled: {REMEDY}; until then its plain version is used: "
            "slower, with the same results",
            EngineWarning,
            stacklevel=2,
        )
    return importlib.import_module(f"queue_model.{name}_plain")


def source_of(name: str) -> str:
    """The path of a module's source in the repository."""
    return f"queue_model/{name.replace('.', '/')}.py"


def main() -> int:
    """For `make setup`, which looks at times: print the modules that must be compiled again; 1 if there are any."""
    outdated = [source_of(name) for name in COMPILED if state(name) == "outdated"]
    for source in outdated:
        print(f"{source} has changed since it was compiled")
    return 1 if outdated else 0


if __name__ == "__main__":
    sys.exit(main())
