"""Personal data in the message store, for the registry: the sound of messages, the number and notes on their sheets.

Includes native recordings that no engine has taken in yet, or that were rejected.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys

from sqlalchemy import select, update

from common.command_line import Refusal
from common.instants import with_iso_times
from registry.db import schema
from registry.people.person import Person
from registry.people.personal_data import Held, Purged
from registry.people.phone_numbers import to_e164
from registry.site import Site
from voicemail.message import SETTLED, Message, StoreError
from voicemail.native import DONE, WAV, RecordingName
from voicemail.store import Store

NATIVE = "recording that the switch made by itself"


class Messages:
    """Sheets are kept as evidence, without the number. Messages that are not settled are never purged."""

    name = "voicemail"

    def find(self, site: Site, person: Person) -> list[Held]:
        store = _store(site)
        recordings = _native_recordings(site, person)
        native = [Held(self.name, os.path.basename(path), NATIVE, name.epoch) for path, name in recordings]
        messages = _messages_of(store, person)
        return native + [
            Held(self.name, message.id, _describe(store, message), message.left_at) for message in messages
        ]

    def export(self, site: Site, person: Person, folder: str) -> list[str]:
        store, written = _store(site), []
        for number, (path, _) in enumerate(_native_recordings(site, person), 1):
            written.append(f"native-{number}.wav")
            shutil.copyfile(path, os.path.join(folder, written[-1]))
        for message in _messages_of(store, person):
            sound = store.audio(message.id)
            if os.path.exists(sound):
                written.append(message.id + os.path.splitext(sound)[1])
                shutil.copyfile(sound, os.path.join(folder, written[-1]))
            written.append(f"{message.id}.json")
            with open(os.path.join(folder, written[-1]), "w", encoding="utf-8") as file:
                json.dump(with_iso_times(message.document()), file, ensure_ascii=False, indent=1)
        return written

    def erase(self, site: Site, person: Person, now: float) -> int:
        store, things = _store(site), _erase_native(site, person)
        failed: dict[str, Exception] = {}
        for message in _messages_of(store, person):  # after native ones, which an engine may just have taken in
            try:
                store.erase(message.id, notes=True)
                things += 1
            except (OSError, StoreError) as problem:
                failed[message.id] = problem
        _mark_purged(site, sorted(person.messages - failed.keys()), now)
        if failed:
            raise Refusal("; ".join(f"{id}: {problem}" for id, problem in failed.items()))
        return things

    def purge(self, site: Site, now: float) -> list[Purged]:
        store, before = _store(site), now - site.retention_seconds("voicemail_audio")
        closed = _closing_times(site)
        things, size, gone = 0, 0, []
        for message in store.list():
            if not (_has_identity(store, message) or any(mark.note for mark in message.history)):
                continue
            at = closed.get(message.id) or _settled_in_store(message)
            if at is None or at >= before:
                continue
            try:
                size += store.erase(message.id, notes=True)
            except (OSError, StoreError) as problem:
                print(f"{message.id}: {problem}; the next purge tries again", file=sys.stderr)
                continue
            things += 1
            gone.append(message.id)
        _mark_purged(site, gone, now)
        return [Purged("voicemail_audio", before, things, size)]


def _store(site: Site) -> Store:
    return Store(site.places.messages, site.compiled["service"]["voicemail"]["empty_below_seconds"])


def _has_identity(store: Store, message: Message) -> bool:
    return message.number is not None or os.path.exists(store.audio(message.id))


def _messages_of(store: Store, person: Person) -> list[Message]:
    """Messages of the person's requests or with the person's number on the sheet, except those already erased."""
    messages = []
    for message in store.list():
        requested = message.id in person.messages or message.call in person.calls
        matches = (requested or to_e164(message.number) in person.numbers) and message.left_at <= person.until
        if matches and (_has_identity(store, message) or any(mark.note for mark in message.history)):
            messages.append(message)
    return messages


def _native_recordings(site: Site, person: Person) -> list[tuple[str, RecordingName]]:
    """The person's native recordings, including rejected ones."""
    country = site.compiled["service"]["voicemail"]["default_country"]
    recordings = []
    for folder, _, names in os.walk(site.places.native_messages):
        for name in sorted(names):
            parsed = RecordingName.parse(name.removesuffix(WAV), country) if name.endswith(WAV) else None
            if parsed is not None and parsed.epoch <= person.until and _belongs_to(parsed, person):
                recordings.append((os.path.join(folder, name), parsed))
    return recordings


def _belongs_to(name: RecordingName, person: Person) -> bool:
    return name.call in person.calls or to_e164(name.number) in person.numbers


def _erase_native(site: Site, person: Person) -> int:
    recordings = _native_recordings(site, person)
    for recording, _ in recordings:
        for path in (recording, recording.removesuffix(WAV) + DONE):
            with contextlib.suppress(FileNotFoundError):  # it has no `.done`; or an engine has just taken it in
                os.unlink(path)
    return len(recordings)


def _describe(store: Store, message: Message) -> str:
    sound = f"{message.seconds:.0f} s of sound" if os.path.exists(store.audio(message.id)) else "sound erased"
    return f"voicemail message, {sound}"


def _closing_times(site: Site) -> dict[str, float]:
    """When the requests of messages were closed, by message id; for a duplicate, its original request."""
    message, request = schema.voicemail_message.c, schema.request.c
    chain = select(message.message_id, message.request_id).cte("chain", recursive=True)
    further = select(chain.c.message_id, request.duplicate_of).join(
        schema.request, request.request_id == chain.c.request_id
    )
    chain = chain.union(further.where(request.duplicate_of.is_not(None)))  # duplicates of duplicates, too
    query = (
        select(chain.c.message_id, request.closed_at)
        .join(schema.request, request.request_id == chain.c.request_id)
        .where(request.state == "closed", request.duplicate_of.is_(None))
    )
    with site.database.read() as connection:
        return {row.message_id: row.closed_at for row in connection.execute(query)}


def _settled_in_store(message: Message) -> float | None:
    """When a message was settled in the store, for messages that are not in the registry."""
    return message.history[-1].at if message.history and message.state in SETTLED else None


def _mark_purged(site: Site, ids: list[str], now: float) -> None:
    table = schema.voicemail_message
    with site.database.begin() as connection:
        kept = table.c.message_id.in_(ids) & table.c.purged_at.is_(None)
        connection.execute(update(table).where(kept).values(purged_at=now, transcript=None))
