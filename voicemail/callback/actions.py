"""What operators do with the work list, as commands: list, take, call, say what came of it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
from typing import NamedTuple

from common.command_line import Refusal
from common.places import Places
from common.terminal_table import format_age, printable, table_lines
from ivr import ami
from registry import text_input
from registry.people.access_log import log_access
from registry.requests.clocks import Rules
from registry.requests.request import get_request
from registry.site import Site
from voicemail.callback import calling, housekeeping, worklist
from voicemail.callback.calling import Attempt
from voicemail.callback.housekeeping import Tidied, mirror
from voicemail.callback.transcript import transcribe
from voicemail.callback.watch import notify
from voicemail.callback.worklist import Entry, Limits
from voicemail.store import Store
from voicemail.terminal_view import document, local, table

__all__ = ["call", "listed", "notify", "outcome", "release", "take", "transcribe"]


class Desk(NamedTuple):
    """Everything that a command needs."""

    site: Site
    rules: Rules
    limits: Limits
    store: Store

    @classmethod
    def of(cls, places: Places) -> Desk:
        """Raises `Refusal` when there is no registry, or it cannot be asked."""
        site = Site.of(places)
        service = site.compiled["service"]
        store = Store(places.messages, service["voicemail"]["empty_below_seconds"])
        return cls(site, Rules.of(site.compiled), Limits.of(site.compiled), store)

    def tidy(self, now: float) -> list[Tidied]:
        """Settle what needs no operator, and let the sheets follow."""
        with self.site.database.begin() as connection:
            done = housekeeping.tidy(connection, self.rules, self.limits, self.store, now)
        for each in done:
            if each.why in ("over", "served"):
                note = f"{each.why}: {each.reference}"
                mirror(self.store, each.messages, "closed", by=housekeeping.ACTOR, at=now, note=note)
        return done


def listed(options: argparse.Namespace, places: Places, now: float) -> int:
    desk = Desk.of(places)
    done = desk.tidy(now)
    messages, problems = desk.store.scan()
    unsettled = [each for each in messages if each.state not in housekeeping.SETTLED]
    with desk.site.database.read() as connection:
        found = worklist.entries(connection)
        known = worklist.known(connection, [each.id for each in unsettled])
        over = worklist.over(connection, sorted(known))
    mirror(desk.store, over, "closed", by=housekeeping.ACTOR, at=now)  # a crash kept their sheets from being told
    fresh = [each for each in unsettled if each.id not in known]
    if options.json:
        both = {"waiting": [each.document() for each in found], "not_taken_in": [document(each) for each in fresh]}
        print(json.dumps(both, indent=1))
    else:
        for each in done:
            print(printable(f"{each.protocol}: {_REASONS[each.why]} {each.reference}"))
        _table(found, now)
        if fresh:
            print(f"\nIn the store, and not taken into the registry yet (`registry intake`):\n{table(fresh, now)}")
    for problem in problems:
        print(f"voicemail list: {printable(problem)}", file=sys.stderr)
    return 1 if problems else 0


_REASONS = {
    "over": "answered or closed elsewhere:",
    "marked": "settled in the message store:",
    "served": "the citizen was answered since:",
    "double": "the same number, goes on as",
    "again": "opened again, waits for a call:",
}


def _table(found: list[Entry], now: float) -> None:
    if not found:
        print("Nobody waits for a call (`voicemail list --all`: all messages of the store).")
        return
    head = ("PROTOCOL", "MESSAGE", "LEFT", "AGE", "DUE", "SECONDS", "TRIED", "STATE", "")
    print("\n".join(table_lines(head, [_row(each, now) for each in found])))


def _row(entry: Entry, now: float) -> tuple[str, ...]:
    remarks = [
        f"+{len(entry.messages) - 1}" if len(entry.messages) > 1 else "",
        "" if entry.callable else "no number",
        "empty" if entry.empty else "",
        f"not before {local(entry.next_try_at)}" if entry.next_try_at > now else "",
    ]
    if entry.due_at is None:
        due = "-"
    else:
        due = (
            f"in {format_age(entry.due_at - now)}" if entry.due_at >= now else f"{format_age(now - entry.due_at)} late"
        )
    state = f"taken by {entry.taken_by}" if entry.taken_by else entry.state
    message = entry.messages[0] if entry.messages else "-"
    left, waiting, length = local(entry.left_at), format_age(now - entry.left_at), f"{entry.seconds:.0f}"
    return (entry.protocol, message, left, waiting, due, length, str(entry.attempts), state,
            ", ".join(filter(None, remarks)))  # fmt: skip


def take(options: argparse.Namespace, places: Places, now: float) -> int:
    desk, actor = Desk.of(places), text_input.check_actor(options.by)
    desk.tidy(now)  # whoever was served since the list was printed is not called any more
    with desk.site.database.begin() as connection:
        entry = worklist.take(connection, desk.rules, options.id, actor, now)
    message = entry.messages[0] if entry.messages else "-"
    then = f"`voicemail play {message}`, then `voicemail call {entry.protocol} --by {actor}`"
    print(printable(f"{entry.protocol}: yours; {then}"))
    return 0


def release(options: argparse.Namespace, places: Places, now: float) -> int:
    desk, actor = Desk.of(places), text_input.check_actor(options.by)
    with desk.site.database.begin() as connection:
        protocol = worklist.release(connection, desk.rules, options.id, actor, now)
    print(f"{protocol}: waits for somebody else")
    return 0


def call(options: argparse.Namespace, places: Places, now: float) -> int:
    desk, actor = Desk.of(places), text_input.check_actor(options.by)
    site = desk.site

    def begin() -> Attempt:
        with site.database.begin() as connection:
            return calling.begin(connection, site.compiled, desk.rules, site.keys, options.id, actor, now)

    _check_first(desk, options.id, actor)
    account = ami.account(places, switch=options.switch)
    service = site.compiled["service"]
    attempt, result = asyncio.run(calling.call(account, service, actor, begin, lambda line: print(line, flush=True)))
    with site.database.begin() as connection:
        calling.proposed(connection, attempt, result)
    print(f"{attempt.protocol}: {result.said}")
    if result.proposed == "failed":
        print("it does not count as an attempt; try again, or release it")
        return 1
    print(f"say how it ended: voicemail outcome {attempt.protocol} {result.proposed} --by {actor}")
    return 0


def _check_first(desk: Desk, which: str, actor: str) -> None:
    """What the person could put right is said before the switch is asked."""
    with desk.site.database.read() as connection:
        worklist.held(connection, worklist.find(connection, which), actor)


def outcome(options: argparse.Namespace, places: Places, now: float) -> int:
    desk, actor = Desk.of(places), text_input.check_actor(options.by)
    with desk.site.database.begin() as connection:
        ended = worklist.outcome(
            connection, desk.rules, desk.limits, options.id, options.result, actor, now,
            ends_as=options.ends_as, keep=options.keep, note=options.note,
        )  # fmt: skip
    state = "called_back" if options.result == "reached" else "unreachable" if ended.next_try_at else "closed"
    mirror(desk.store, ended.messages, state, by=actor, at=now, note=f"{ended.protocol}: {options.result}")
    if ended.next_try_at is not None:
        print(f"{ended.protocol}: waits; next try from {local(ended.next_try_at)}")
    else:
        print(f"{ended.protocol}: {f'closed, {ended.outcome}' if ended.outcome else f'stays with {actor}'}")
    return 0


# --- for the commands that work on the store -------------------------------------------------------------------------


def looked(places: Places, id: str, action: str, by: str, now: float) -> None:
    """Write down that somebody heard or read a message, where the registry holds it."""
    with contextlib.suppress(Refusal):  # who has only the store is not kept from it
        desk = Desk.of(places)
        with desk.site.database.begin() as connection:
            worklist.find(connection, id)
            log_access(connection, now, by, action, "message", id, f"voicemail {action}")


def registered(places: Places, id: str) -> str | None:
    """The protocol number under which the registry holds a message; None when it does not, or cannot be asked: what is
    marked in the store meanwhile is taken over later."""
    try:
        desk = Desk.of(places)
        with desk.site.database.read() as connection:
            return get_request(connection, worklist.find(connection, id)).protocol
    except Refusal:
        return None
