"""Write a scenario that is derived from another: the values that differ, with their intervals."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import Any

import yaml

MOST = 1e6  # the largest number that a scenario may contain


def finite(value: float) -> float:
    """A value that a scenario may contain: infinity and nan become the largest number."""
    return min(value, MOST) if not math.isnan(value) else MOST


def measured(comment: str, source: str, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    """The entry under `assumptions` for a value that was measured: where, and its interval."""
    # Null replaces the range of the scenario that this one is based on.
    interval = None if low is None or high is None else [float(f"{finite(x):.4g}") for x in (low, high)]
    return {"basis": "measured", "comment": comment, "source": source, "range": interval}


def relative(base: str, output: str) -> str:
    """The path of `base` relative to the folder of `output`; `-` stands for the current folder."""
    folder = os.path.dirname(os.path.abspath(output)) if output != "-" else os.getcwd()
    return os.path.relpath(os.path.abspath(base), folder)


def text(values: dict[str, Any], comments: Iterable[str]) -> str:
    """The text of the file: comments first, then the values in their order."""
    head = "".join(f"# {line}".rstrip() + "\n" for line in comments)
    return head + yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """Writes lists of numbers on one line, as people do."""


def _list(dumper: yaml.SafeDumper, value: list[Any]) -> yaml.Node:
    return dumper.represent_sequence(
        "tag:yaml.org,2002:seq", value, flow_style=not any(isinstance(x, dict) for x in value)
    )


_Dumper.add_representer(list, _list)
