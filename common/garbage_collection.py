"""Python's search for cycles of objects that nobody else holds, done less often where a great many are made at once."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Iterator

MANY = 200_000  # objects made before the youngest are looked through

_turn = threading.Lock()
_before: list[tuple[int, int, int]] = []  # a threshold for each who is inside; the first is the program's own


@contextlib.contextmanager
def reduced_garbage_collection() -> Iterator[None]:
    """For work that makes hundreds of thousands of small objects and hardly a cycle among them: to look for one again
    and again takes a quarter of its time. Threads may overlap; the last to leave puts the program's own threshold back.
    """
    with _turn:
        _before.append(gc.get_threshold())
        gc.set_threshold(MANY, *_before[0][1:])
    try:
        yield
    finally:
        with _turn:
            own = _before[0]
            _before.pop()
            if not _before:
                gc.set_threshold(*own)
