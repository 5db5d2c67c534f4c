"""Modules that are compiled where that was possible, each with a twin in NumPy that gives the same to the last bit."""

from __future__ import annotations

import importlib
from types import ModuleType


def compiled_or_plain(name: str) -> ModuleType:
    """`queue_model.NAME` where it was compiled, else `queue_model.NAME_plain`; `name` is dotted: "random.variates"."""
    try:
        found = importlib.import_module(f"queue_model.{name}")
    except ModuleNotFoundError as error:  # the source imports `cython`, the compiled module does not
        if error.name != "cython":
            raise
    else:
        if found.compiled:
            return found
    return importlib.import_module(f"queue_model.{name}_plain")
