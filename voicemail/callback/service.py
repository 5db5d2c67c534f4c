"""The call-back as one service: list who waits, take an entry or release it, call, record the outcome.

The command line, the demonstration and the web desk use `CallbackService`; the other modules of the package are its
parts. Results are values. Everything that a person can correct is raised as a `Refusal`. The service opens its own
transactions, and keeps the sheets of the message store in step with the registry.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import NamedTuple

from common.command_line import Refusal
from common.places import Places
from ivr import ami
from ivr.ami.account import Ami
from registry import text_input
from registry.people.access_log import log_access, take_in_pending
from registry.people.pending_accesses import Access
from registry.requests import reference_data
from registry.requests.clocks import Rules
from registry.site import Site
from voicemail.callback import calling, housekeeping, worklist
from voicemail.callback.calling import Attempt, Ending
from voicemail.callback.housekeeping import Change, mirror
from voicemail.callback.worklist import OUTCOMES, RESULTS, Entry, Limits, RecordedOutcome
from voicemail.message import SETTLED, Message
from voicemail.store import Store

__all__ = ["OUTCOMES", "RESULTS", "CallResult", "CallbackService", "Change", "Entry", "RecordedOutcome", "WorkList"]


class WorkList(NamedTuple):
    """Who waits for a call, and what the list cannot show."""

    entries: list[Entry]  # most urgent first
    changes: list[Change]  # what was settled just now, without an operator
    unregistered: list[Message]  # messages in the store that the registry has not taken in yet
    problems: list[str]  # messages that cannot be read


class CallResult(NamedTuple):
    """How a call ended, as Asterisk reports it: a proposal, until the operator records the outcome."""

    protocol: str
    proposed: str  # one of RESULTS; `failed`: on our side, not counted as an attempt
    reason: str


class CallbackService:
    """The call-backs of one site. `which` is a protocol number, or the start of a message id."""

    def __init__(self, site: Site) -> None:
        service = site.compiled["service"]
        self._site, self._database = site, site.database
        self._rules, self._limits = Rules.of(site.compiled), Limits.of(site.compiled)
        self._queue = service["queue"]["name"]
        self._store = Store(site.places.messages, service["voicemail"]["empty_below_seconds"])

    @classmethod
    def of(cls, places: Places) -> CallbackService:
        """Raises `Refusal` when there is no registry, or its database is not available."""
        return cls(Site.of(places))

    def list_entries(self, now: float) -> WorkList:
        """Update the work list and return it."""
        changes = self._update(now)
        messages, problems = self._store.scan()
        unsettled = {message.id: message for message in messages if message.state not in SETTLED}
        with self._database.read() as connection:
            entries = worklist.list_entries(connection)
            registered = worklist.registered_messages(connection, list(unsettled))
            closed = worklist.closed_messages(connection, sorted(registered))
        mirror(self._store, closed, "closed", by=housekeeping.ACTOR, at=now)  # sheets that a crash left behind
        unregistered = [message for id, message in unsettled.items() if id not in registered]
        return WorkList(entries, changes, unregistered, problems)

    def take(self, which: str, actor: str, now: float) -> Entry:
        """Assign an entry to an operator."""
        text_input.check_actor(actor)
        self._update(now)  # a citizen who was answered since the list was printed is not called
        with self._database.begin() as connection:
            return worklist.take(connection, self._rules, which, actor, now)

    def release(self, which: str, actor: str, now: float) -> str:
        """Return an entry to the list; return its protocol number."""
        text_input.check_actor(actor)
        with self._database.begin() as connection:
            return worklist.release(connection, self._rules, which, actor, now)

    async def call(
        self, which: str, actor: str, now: float, account: Callable[[], Ami], ringing: Callable[[str, str], object]
    ) -> CallResult:
        """Ring the operator, then the citizen; return when the call is over.

        `account` is called after the first check, and `ringing` with the protocol number and the seat before the
        operator's telephone rings. Raises `AmiError`, a `Refusal`, if the connection is lost: then the end of the call
        is unknown, and the operator has to record it.
        """
        text_input.check_actor(actor)
        await asyncio.to_thread(self._check_taken, which, actor)  # before the switch is asked
        async with ami.connect(account(), events=calling.EVENTS) as connection:
            seat = await calling.find_seat(connection, actor)
            attempt = await asyncio.to_thread(self._begin_attempt, which, actor, now)
            ringing(attempt.protocol, seat)
            ending = await calling.place_call(connection, self._site.compiled["service"], seat, attempt)
        await asyncio.to_thread(self._save_ending, attempt, ending)
        return CallResult(attempt.protocol, *ending)

    def record_outcome(
        self, which: str, result: str, actor: str, now: float,
        *, outcome: str = OUTCOMES[0], keep: bool = False, note: str | None = None,
    ) -> RecordedOutcome:  # fmt: skip
        """Record how a call ended (`RESULTS`).

        For `reached`, the request is closed with `outcome` (`OUTCOMES`), or stays with the operator (`keep`).
        """
        text_input.check_actor(actor)
        with self._database.begin() as connection:
            recorded = worklist.record_outcome(
                connection, self._rules, self._limits, which, result, actor, now, outcome=outcome, keep=keep, note=note
            )
        state = "called_back" if result == "reached" else "closed" if recorded.next_try_at is None else "unreachable"
        mirror(self._store, recorded.messages, state, by=actor, at=now, note=f"{recorded.protocol}: {result}")
        return recorded

    # --- messages of the store

    def find_protocol(self, message_id: str) -> str | None:
        """Return the protocol number of a message; None if the registry does not hold it."""
        try:
            with self._database.read() as connection:
                return worklist.find_request(connection, message_id).protocol
        except Refusal:
            return None

    def log_access(self, access: Access) -> None:
        """Log that a person reads or hears a message, registered or not, and those that were kept on disk."""
        with self._database.begin() as connection:
            log_access(connection, *access)
        with contextlib.suppress(Refusal):  # they stay on disk; the intake reports why
            take_in_pending(self._site)

    # --- parts

    def _update(self, now: float) -> list[Change]:
        """Settle what needs no operator, then mark the sheets."""
        reference_data.follow_configuration(self._site, self._rules, now)
        with self._database.begin() as connection:
            changes = housekeeping.update_worklist(connection, self._rules, self._limits, self._queue, self._store, now)
        for change in changes:
            if change.reason in ("ended", "served"):
                note = f"{change.reason}: {change.reference}"
                mirror(self._store, change.messages, "closed", by=housekeeping.ACTOR, at=now, note=note)
        return changes

    def _check_taken(self, which: str, actor: str) -> None:
        with self._database.read() as connection:
            worklist.check_taken(connection, worklist.find_request(connection, which), actor)

    def _begin_attempt(self, which: str, actor: str, now: float) -> Attempt:
        site = self._site
        with self._database.begin() as connection:
            return calling.begin_attempt(connection, site.compiled, self._rules, site.keys, which, actor, now)

    def _save_ending(self, attempt: Attempt, ending: Ending) -> None:
        with self._database.begin() as connection:
            calling.save_ending(connection, attempt, ending)
