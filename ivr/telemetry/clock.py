"""Detects that a wall clock was set, by comparing it with a steady one.

Asterisk measures the rest of an operator after a call by the wall clock. When that is set back, operators are not rung
until it has caught up. So a step is counted and logged wherever it can be seen.
"""

from __future__ import annotations


class ClockWatch:
    """Compares readings of one wall clock with readings of a steady clock, both in seconds.

    A step of at least `tolerance` seconds counts; smaller differences are adjustments, or delays between two readings.
    """

    def __init__(self, tolerance: float) -> None:
        self._tolerance = tolerance
        self._offset: float | None = None

    def step(self, wall: float, steady: float) -> float:
        """Seconds by which the clock was set since the last reading, negative when it was set back; 0.0: not set."""
        before, self._offset = self._offset, wall - steady
        step = 0.0 if before is None else self._offset - before
        return step if abs(step) >= self._tolerance else 0.0
