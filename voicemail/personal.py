"""The keeper of what callers said: the sound of messages, the number on their sheets, what was noted there.

Also of what the switch recorded by itself while no engine answered, and no engine has taken in since, or could not.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys

from sqlalchemy import select, update

from common.command_line import Refusal
from registry.db import schema
from registry.people.person import Person
from registry.people.personal_data import Held, Purged
from registry.people.phone_numbers import to_e164
from registry.site import Site
from voicemail.message import Message, StoreError
from voicemail.native import DONE, WAV, Named
from voicemail.store import Store

NATIVE = "recording that the switch made by itself"
SETTLED = ("called_back", "closed")


class Messages:
    """Sheets stay as evidence, without number; a message that nobody has settled is never purged."""

    name = "voicemail"

    def find(self, site: Site, person: Person) -> list[Held]:
        store = _store(site)
        found = [Held(self.name, os.path.basename(path), NATIVE, named.epoch) for path, named in _native(site, person)]
        return found + [
            Held(self.name, message.id, _what(store, message), message.left_at) for message in _theirs(store, person)
        ]

    def export(self, site: Site, person: Person, folder: str) -> list[str]:
        store, written = _store(site), []
        for number, (path, _) in enumerate(_native(site, person), 1):
            written.append(f"native-{number}.wav")
            shutil.copyfile(path, os.path.join(folder, written[-1]))
        for message in _theirs(store, person):
            sound, sheet = (
                store.audio(message.id),
                os.path.join(os.path.dirname(store.audio(message.id)), "message.json"),
            )
            for path in (sound, sheet):
                if os.path.exists(path):
                    name = message.id + os.path.splitext(path)[1]
                    shutil.copyfile(path, os.path.join(folder, name))
                    written.append(name)
        return written

    def erase(self, site: Site, person: Person, now: float) -> int:
        store, things = _store(site), _erase_native(site, person)
        failed: dict[str, Exception] = {}
        for message in _theirs(store, person):  # after the others: what an engine has just taken in is among these
            try:
                store.erase(message.id, words=True)
                things += 1
            except (OSError, StoreError) as problem:
                failed[message.id] = problem
        _tell_registry(site, sorted(person.messages - failed.keys()), now)
        if failed:
            raise Refusal("; ".join(f"{id}: {problem}" for id, problem in failed.items()))
        return things

    def purge(self, site: Site, now: float) -> list[Purged]:
        store, before = _store(site), now - site.retention_seconds("voicemail_audio")
        settled = _settled(site)
        things, size, gone = 0, 0, []
        for message in store.list():
            if not (_has_identity(store, message) or any(mark.note for mark in message.history)):
                continue
            at = settled.get(message.id) or _marked_settled(message)
            if at is None or at >= before:
                continue
            try:
                size += store.erase(message.id, words=True)
            except (OSError, StoreError) as problem:
                print(f"{message.id}: {problem}; it is tried again at the next purge", file=sys.stderr)
                continue
            things += 1
            gone.append(message.id)
        _tell_registry(site, gone, now)
        return [Purged("voicemail_audio", before, things, size)]


def _store(site: Site) -> Store:
    return Store(site.places.messages, site.compiled["service"]["voicemail"]["empty_below_seconds"])


def _has_identity(store: Store, message: Message) -> bool:
    return message.number is not None or os.path.exists(store.audio(message.id))


def _theirs(store: Store, person: Person) -> list[Message]:
    """Messages of the person's requests, and those whose sheet has the person's number; not those erased already."""
    found = []
    for message in store.list():
        named = message.id in person.messages or message.call in person.calls
        meant = (named or to_e164(message.number) in person.numbers) and message.left_at <= person.until
        if meant and (_has_identity(store, message) or any(mark.note for mark in message.history)):
            found.append(message)
    return found


def _native(site: Site, person: Person) -> list[tuple[str, Named]]:
    """The person's recordings by the switch itself, those included that were put aside."""
    country = site.compiled["service"]["voicemail"]["default_country"]
    found = []
    for folder, _, names in os.walk(site.places.native_messages):
        for name in sorted(names):
            named = Named.of(name.removesuffix(WAV), country) if name.endswith(WAV) else None
            if named is not None and named.epoch <= person.until and _is(named, person):
                found.append((os.path.join(folder, name), named))
    return found


def _is(named: Named, person: Person) -> bool:
    return named.call in person.calls or to_e164(named.number) in person.numbers


def _erase_native(site: Site, person: Person) -> int:
    found = _native(site, person)
    for path, _ in found:
        for each in (path, path.removesuffix(WAV) + DONE):
            with contextlib.suppress(FileNotFoundError):  # there is no mark; or an engine has just taken it in
                os.unlink(each)
    return len(found)


def _what(store: Store, message: Message) -> str:
    sound = f"{message.seconds:.0f} s of sound" if os.path.exists(store.audio(message.id)) else "sound erased"
    return f"voicemail message, {sound}"


def _settled(site: Site) -> dict[str, float]:
    """When the requests of messages were closed, by message; of a double, when the one that goes on was."""
    message, request = schema.voicemail_message.c, schema.request.c
    chain = select(message.message_id, message.request_id).cte("chain", recursive=True)
    further = select(chain.c.message_id, request.duplicate_of).join(
        schema.request, request.request_id == chain.c.request_id
    )
    chain = chain.union(further.where(request.duplicate_of.is_not(None)))  # doubles of doubles, too
    wanted = (
        select(chain.c.message_id, request.closed_at)
        .join(schema.request, request.request_id == chain.c.request_id)
        .where(request.state == "closed", request.duplicate_of.is_(None))
    )
    with site.database.read() as connection:
        return {row.message_id: row.closed_at for row in connection.execute(wanted)}


def _marked_settled(message: Message) -> float | None:
    """When the store says that it was settled, for messages that no registry knows."""
    return message.history[-1].at if message.history and message.state in SETTLED else None


def _tell_registry(site: Site, ids: list[str], now: float) -> None:
    table = schema.voicemail_message
    with site.database.begin() as connection:
        wanted = table.c.message_id.in_(ids) & table.c.purged_at.is_(None)
        connection.execute(update(table).where(wanted).values(purged_at=now, transcript=None))
