"""Messages that Asterisk recorded by itself while no engine answered: they become messages like all others.

The dialplan's last ring records into `var/spool/native/` and says everything in the name:
`<epoch>-<linkedid>-<number, or none>-<reason>.wav`. The recording is whole when `<the same name>.done` lies beside it,
or when nothing was written to it for longer than a message may last: then the switch died while it recorded.

A message's id comes from epoch and linkedid alone, and its file goes only when the message is in the store and its fact
in the spool. So a crash in between repeats steps that then find their work done: nothing is lost, nothing comes twice.
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
    """What somebody should look at; the text says where and what to do."""


class Named(NamedTuple):
    """What a recording's name says."""

    epoch: int
    call: str
    number: str | None
    reason: str

    @classmethod
    def of(cls, stem: str, country: str) -> Named | None:
        """None when it is no name that the dialplan gives."""
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
    """The engine's hook: recordings of engines that died, and those of the switch itself, become messages.

    Raises `HousekeepingError` when all is done that could be and something is left for a person.
    """
    rules = compiled["service"]["voicemail"]
    store = Store(places.messages, rules["empty_below_seconds"])
    problems: list[str] = []
    store.recover(now, report=lambda message: _tell(report, message, "recovered"), alarm=problems.append)
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
    """Take in what is whole; the ids of these messages, in order of their names.

    `now`: by the clock of the file system. What is no recording of the dialplan's is put into `rejected/` and told to
    `alarm`, as is what failed and will be tried again.
    """
    taken = []
    found = names(folder)
    for name in found:
        path = os.path.join(folder, name)
        stem, kind = os.path.splitext(name)
        if name == REJECTED or (kind == DONE and stem + WAV in found):
            continue
        try:
            if not (kind == WAV and stem + DONE in found) and now - os.lstat(path).st_mtime < quiet_seconds:
                continue  # perhaps it is just being written
            if kind == DONE and NAME.fullmatch(stem):
                os.unlink(path)  # its recording was taken in, and then there was a crash
                continue
            taken.append(_take_in(folder, name, store, report, country))
        except BlockingIOError:
            continue  # another process is at it
        except (AudioError, StoreError) as problem:
            alarm(f"{folder}: {name!r}: {problem}; {_rejected(folder, name)}")
        except FileNotFoundError:
            continue
        except OSError as problem:
            alarm(f"{folder}: {name!r} is still there: {problem}; free space or mend the rights; it is tried again")
    return taken


def fact(message: Message, source: str) -> Fact:
    """The fact `message` of a message that no flow reported. The same message has always the same fact."""
    unique = hashlib.sha256(f"message {message.id}".encode()).hexdigest()[:20]
    id = f"{int(message.left_at * 1000):012x}{unique}"
    return Fact(id, message.call, message.left_at, "message", {**message.facts(), "source": source})


def _take_in(folder: str, name: str, store: Store, report: Report, country: str) -> str:
    path = os.path.join(folder, name)
    stem, kind = os.path.splitext(name)
    named = Named.of(stem, country) if kind == WAV else None
    if named is None:
        raise StoreError("not a name that the dialplan gives; if it is a message, bring it in by hand")
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise StoreError("not a file")
    added = store.add(named.message(), path)
    if not _same(path, store.audio(added.id)):
        raise StoreError(f"message {added.id} has this call and instant already, with another sound; listen to both")
    _tell(report, added, "native")
    os.unlink(path)
    done = os.path.join(folder, stem + DONE)
    if os.path.lexists(done):
        os.unlink(done)
    return added.id


def _same(recorded: str, stored: str) -> bool:
    """Whether a recording is in the store; sound that was erased since is not missed."""
    return not os.path.exists(stored) or audio.samples(recorded) == audio.samples(stored)


def _tell(report: Report, message: Message, source: str) -> None:
    if not report(fact(message, source)):
        raise OSError(f"the fact of message {message.id} could not be kept")


def _rejected(folder: str, name: str) -> str:
    """Put a file out of the way, beside others of its name; says what became of it."""
    try:
        number = 1
        while os.path.lexists(target := os.path.join(folder, REJECTED, str(number), name)):
            number += 1
        os.makedirs(os.path.dirname(target), mode=0o750, exist_ok=True)
        os.rename(os.path.join(folder, name), target)
    except OSError as problem:
        return f"it cannot be put aside: {problem}"
    return f"it is in {REJECTED}/{number}/ now"
