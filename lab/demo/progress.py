"""The steps of an act, printed as they happen."""

from __future__ import annotations

import time


class Progress:
    """Prints each step with the seconds since the act began, and remembers whether all of them happened."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.complete = True

    def happened(self, step: str) -> None:
        self._print(step, "ok  ")

    def missing(self, step: str) -> None:
        """The step did not happen, so the demonstration has failed."""
        self.complete = False
        self._print(step, "NOT ")

    def check(self, step: str, happened: bool) -> None:
        if happened:
            self.happened(step)
        else:
            self.missing(step)

    def _print(self, step: str, mark: str) -> None:
        print(f"   {time.monotonic() - self._began:5.1f} s  {mark} {step}", flush=True)
