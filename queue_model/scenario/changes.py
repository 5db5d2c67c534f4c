"""Changes to a scenario by dotted keys: `operators.reserve=3` on the command line, and the points of a sweep."""

from __future__ import annotations

import re
from typing import Any

from queue_model.errors import ModelError

KEY = re.compile(r"[\w-]+(\.[\w-]+)*")


def put(changes: dict[str, Any], key: str, value: Any, *, once: bool = False) -> None:
    """Set a dotted key in nested changes. A later value replaces an earlier one, or is refused with `once`.

    Raises `ModelError` if a part of the key was already set to a plain value.
    """
    *above, last = key.split(".")
    place = changes
    for part in above:
        inside = place.setdefault(part, {})
        if not isinstance(inside, dict):
            raise ModelError(f"--set {key}: {part} is already set as a whole; set it only once")
        place = inside
    if once and last in place:
        raise ModelError(f"--set {key}: set twice; set it only once")
    place[last] = value
