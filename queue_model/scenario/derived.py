"""A scenario written by the program: what was found, onto another scenario, with the intervals beside it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import Any

import yaml

MOST = 1e6  # what a scenario's numbers may be


def finite(value: float) -> float:
    """A value as a scenario may write it: infinity becomes the largest."""
    return min(value, MOST) if not math.isnan(value) else MOST


def measured(comment: str, source: str, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    """An assumption that is none any more: where a value was measured, and its interval."""
    found: dict[str, Any] = {"basis": "measured", "comment": comment, "source": source}
    # Null, so that the range of what this stands on does not stay behind.
    found["range"] = None if low is None or high is None else [float(f"{finite(x):.4g}") for x in (low, high)]
    return found


def relative(base: str, output: str) -> str:
    """The path of `base` as a file at `output` names it; `-` is in the current folder."""
    folder = os.path.dirname(os.path.abspath(output)) if output != "-" else os.getcwd()
    return os.path.relpath(os.path.abspath(base), folder)


def text(values: dict[str, Any], comments: Iterable[str]) -> str:
    """The file: comments first, then the values in their order."""
    head = "".join(f"# {line}".rstrip() + "\n" for line in comments)
    return head + yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """Lists of numbers and laws on one line, as people write them."""


def _list(dumper: yaml.SafeDumper, value: list[Any]) -> yaml.Node:
    return dumper.represent_sequence(
        "tag:yaml.org,2002:seq", value, flow_style=not any(isinstance(x, dict) for x in value)
    )


_Dumper.add_representer(list, _list)
