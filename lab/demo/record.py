"""What the system has recorded about the calls of this run of the demonstration.

The same folder holds what earlier runs recorded, and the clock of a run may be set back to a morning that an earlier
run has used. So neither the time of a fact nor its place in a file says which run it belongs to. The id of its call
does: each run gives Asterisk a system name of its own, and every call id begins with it.
"""

from __future__ import annotations

from ivr.facts import Fact
from lab.stack import Stack


class Record:
    """Facts and queue_log lines of the calls of one run."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._facts: dict[str, Fact] = {}  # kept here, because an intake moves the files away

    def facts(self) -> list[Fact]:
        """All facts so far, in order of time."""
        self._facts |= {fact.id: fact for fact in self._stack.facts() if self._is_ours(fact.call)}
        return sorted(self._facts.values(), key=lambda fact: fact.at)

    def queue_log(self) -> list[list[str]]:
        """The fields of each line of queue_log about one of these calls."""
        return [line for line in self._stack.queue_log() if len(line) > 4 and self._is_ours(line[1])]

    def calls(self) -> set[str]:
        """The ids of the calls that have reported a fact so far."""
        return {fact.call for fact in self.facts()}

    def _is_ours(self, call: str) -> bool:
        return call.startswith(f"{self._stack.system_name}-")
