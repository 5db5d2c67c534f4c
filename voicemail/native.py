"""Native recordings: messages that Asterisk recorded by itself while no engine answered. They become normal messages.

The dialplan's fallback records into `var/spool/native/`. The file name holds all data:
`<epoch>-<linkedid>-<number, or none>-<reason>.wav`. A recording is complete when a file `<the same name>.done` exists,
or when nothing was written to it for longer than a message may last: then the switch died while it recorded.

The message id is derived from epoch and linkedid alone, and the file is deleted only when the message is in the store
and its fact in the spool. After a crash in between, the steps are repeated and find their work done: no message is lost
or taken in twice.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable
from typing import NamedTuple

from common.places import Places
from ivr.configuration.compiled import Compiled
from ivr.facts import Fact
from ivr.flows import phone_numbers
from voicemail import audio
from voicemail.audio import AudioError
from voicemail.message import REASONS, Message, StoreError, names, new_id
from voicemail.store import Store

NAME = re.compile(
    rf"(?P<epoch>[0-9]{{1,10}})-(?P<call>[A-Za-z0-9._-]{{1,80}})-(?P<number>none|[0-9+]{{1,20}})-(?P<reason>{'|'.join(REASONS)})"
)
WAV, DONE = ".wav", ".done"
REJECTED = "rejected"
MARGIN_SECONDS = 60.0  # beyond the longest message

Report = Callable[[Fact], bool]  # True when the fact is kept


class HousekeepingError(Exception):
    """Problems that a person has to solve; the text names the place and the remedy."""


class RecordingName(NamedTuple):
    """The data in the name of a native recording."""

    epoch: int
    call: str
    number: str | None
    reason: str

    @classmethod
    def parse(cls, stem: str, country: str) -> RecordingName | None:
        """Return None for a name that the dialplan does not write."""
        match = NAME.fullmatch(stem)
        if match is None:
            return None
        number = None if match["number"] == "none" else phone_numbers.normalise(match["number"], country)
        return cls(int(match["epoch"]), match["call"], number, match["reason"])

    def message(self) -> Message:
        unique = hashlib.sha256(f"{self.epoch} {self.call}".encode()).hexdigest()[:12]
        source = "cli" if self.number else "none"
        id = new_id(self.epoch, unique)
        return Message(id, self.call, self.reason, self.number, source, float(self.epoch), ended_by="native")


def housekeeping(places: Places, compiled: Compiled, report: Report, now: float) -> None:
    """The engine's hook: turn recordings of engines that died, and native ones, into messages.

    Raises `HousekeepingError`, after everything possible is done, if something is left for a person.
    """
    rules = compiled["service"]["voicemail"]
    store = Store(places.messages, rules["empty_below_seconds"])
    problems: list[str] = []
    store.recover(now, report=lambda message: _report_fact(report, message, "recovered"), alarm=problems.append)
    quiet = rules["longest_seconds"] + MARGIN_SECONDS
    folder, country = places.native_messages, rules["default_country"]
    intake(folder, store, now, report, alarm=problems.append, country=country, quiet_seconds=quiet)
    if problems:
        raise HousekeepingError("; ".join(problems))


def intake(
    folder: str,
    store: Store,
    now: float,
    report: Report,
    *,
    alarm: Callable[[str], object],
    country: str = "IT",
    quiet_seconds: float = 240.0,
) -> list[str]:
    """Take in complete recordings; return the ids of the messages, in order of file names.

    `now`: by the clock of the file system. Files that are not recordings of the dialplan are moved to `rejected/` and
    reported to `alarm`. Failures that will be tried again are reported, too.
    """
    taken = []
    present = names(folder)
    for name in present:
        path = os.path.join(folder, name)
        stem, kind = os.path.splitext(name)
        if name == REJECTED or (kind == DONE and stem + WAV in present):
            continue
        try:
            if not (kind == WAV and stem + DONE in present) and now - os.lstat(path).st_mtime < quiet_seconds:
                continue  # it may still be being written
            if kind == DONE and NAME.fullmatch(stem):
                os.unlink(path)  # left by a crash after its recording was taken in
                continue
            taken.append(_take_in(folder, name, store, report, country))
        except BlockingIOError:
            continue  # another process is taking it in
        except (AudioError, StoreError) as problem:
            alarm(f"{folder}: {name!r}: {problem}; {_rejected(folder, name)}")
        except FileNotFoundError:
            continue
        except OSError as problem:
            alarm(
                f"{folder}: {name!r} was not taken in: {problem}; free disk space or correct the permissions; "
                "the next run tries again"
            )
    return taken


def fact(message: Message, source: str) -> Fact:
    """Return the fact `message` of a message that no flow reported. The same message always has the same fact."""
    unique = hashlib.sha256(f"message {message.id}".encode()).hexdigest()[:20]
    id = f"{int(message.left_at * 1000):012x}{unique}"
    return Fact(id, message.call, message.left_at, "message", {**message.facts(), "source": source})


def _take_in(folder: str, name: str, store: Store, report: Report, country: str) -> str:
    path = os.path.join(folder, name)
    stem, kind = os.path.splitext(name)
    recording = RecordingName.parse(stem, country) if kind == WAV else None
    if recording is None:
        raise StoreError("not a name that the dialplan writes; if it is a message, take it in by hand")
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise StoreError("not a regular file")
    added = store.add(recording.message(), path)
    if not _same(path, store.audio(added.id)):
        raise StoreError(f"message {added.id} has the same call and time, but another sound; listen to both")
    _report_fact(report, added, "native")
    os.unlink(path)
    done = os.path.join(folder, stem + DONE)
    if os.path.lexists(done):
        os.unlink(done)
    return added.id


def _same(recorded: str, stored: str) -> bool:
    """Whether a recording is in the store; true also if the stored sound was erased since."""
    return not os.path.exists(stored) or audio.trim(audio.samples(recorded)) == audio.samples(stored)


def _report_fact(report: Report, message: Message, source: str) -> None:
    if not report(fact(message, source)):
        raise OSError(f"the fact of message {message.id} could not be written")


def _rejected(folder: str, name: str) -> str:
    """Move a file to `rejected/`, beside others of its name; return what happened to it."""
    try:
        number = 1
        while os.path.lexists(target := os.path.join(folder, REJECTED, str(number), name)):
            number += 1
        os.makedirs(os.path.dirname(target), mode=0o750, exist_ok=True)
        os.rename(os.path.join(folder, name), target)
    except OSError as problem:
        return f"it cannot be moved to {REJECTED}/: {problem}"
    return f"it was moved to {REJECTED}/{number}/"
