"""A message: what is known of it, what may be done about it, and its sheet on the disk (`message.json`)."""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
import time
from typing import Any, NamedTuple

from common.safe_files import sync_path, write_file

REASONS = ("closed", "all_busy", "caller_choice")

RECORDING = "recording"  # the state of a message that its caller is still speaking
# Which state may follow which. A message that is settled is settled once: whoever comes second is told.
STATES: dict[str, tuple[str, ...]] = {
    "new": ("listened", "called_back", "unreachable", "closed"),
    "listened": ("called_back", "unreachable", "closed", "new"),
    "unreachable": ("called_back", "unreachable", "closed", "new"),  # each attempt is marked
    "called_back": ("closed", "new"),
    "closed": ("new",),  # closed by mistake
}

ID = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{12}")
AUDIO, SHEET = "message.wav", "message.json"
LIVE = ".recording-"  # before the id: a caller speaks, or spoke when the engine died
WORTHLESS = ".new-"  # before the id: there is nothing in it yet, or nothing in it any more


class StoreError(Exception):
    """Something that the person can put right; the text names it and the remedy."""


class Mark(NamedTuple):
    """What somebody did about a message."""

    at: float  # epoch seconds, UTC
    by: str
    state: str
    note: str


class Message(NamedTuple):
    """What is known of a message."""

    id: str
    call: str  # LINKEDID
    reason: str
    number: str | None  # to call back, E.164
    number_source: str  # cli | typed | none
    left_at: float  # epoch seconds, UTC
    seconds: float = 0.0
    sound_seconds: float = 0.0  # of these, with something to be heard
    empty: bool = True
    ended_by: str = ""
    state: str = RECORDING
    history: tuple[Mark, ...] = ()

    def document(self) -> dict[str, Any]:
        return {**self._asdict(), "history": [mark._asdict() for mark in self.history]}

    @classmethod
    def of(cls, document: Any) -> Message:
        """The message of a document. Raises ValueError when it is none."""
        try:
            found = cls(**{**document, "history": tuple(Mark(**mark) for mark in document["history"])})
        except (KeyError, TypeError) as problem:
            raise ValueError(f"not a message: {problem}") from None
        marks = found.history
        texts = [
            found.id,
            found.call,
            found.reason,
            found.number or "",
            found.number_source,
            found.ended_by,
            found.state,
        ]
        texts += [text for mark in marks for text in (mark.by, mark.state, mark.note)]
        figures = [found.left_at, found.seconds, found.sound_seconds, found.empty, *(mark.at for mark in marks)]
        if not all(isinstance(text, str) for text in texts) or not all(isinstance(n, (int, float)) for n in figures):
            raise ValueError("not a message: text where a number should be, or a number where text should be")
        if found.state != RECORDING and found.state not in STATES:
            raise ValueError(f"not a message: state {found.state!r}")
        return found

    def marked(self, mark: Mark) -> Message:
        """The message after somebody did something about it. Raises `StoreError` when that cannot follow."""
        if mark.state not in STATES:
            raise StoreError(f"no state {mark.state!r}; there are {', '.join(STATES)}")
        if mark.state not in STATES.get(self.state, ()):
            last = self.history[-1] if self.history else None
            since = f" by {last.by} at {_utc(last.at)}" if last else ""
            after = ", ".join(STATES.get(self.state, ())) or "nothing"
            raise StoreError(f"{self.id}: is {self.state}{since}, which can become {after}, not {mark.state}")
        return self._replace(state=mark.state, history=(*self.history, mark))

    def facts(self) -> dict[str, Any]:
        """What the world outside the store learns of it: neither number nor words."""
        return {
            "message_id": self.id,
            "reason": self.reason,
            "seconds": self.seconds,
            "empty": self.empty,
            "ended_by": self.ended_by,
        }


def new_id(at: float, unique: str = "") -> str:
    """An id that sorts by time (UTC, to the second). `unique`: 12 hexadecimal digits, random when not given."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(at))}-{unique or os.urandom(6).hex()}"


def _utc(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


# --- on the disk -----------------------------------------------------------------------------------------------------


def read(folder: str) -> Message:
    """The sheet in a folder. Raises `StoreError`, naming the file."""
    path = os.path.join(folder, SHEET)
    try:
        with open(path, "rb") as file:
            return Message.of(json.load(file))
    except (OSError, ValueError) as problem:
        raise StoreError(f"{path}: {problem}; the sound, if any, lies beside it") from None


def write(folder: str, sheet: Message, *, sync: bool = True) -> None:
    """Write the sheet in one step; with `sync` it is on the disk when this returns."""
    text = json.dumps(sheet.document(), ensure_ascii=False, indent=1) + "\n"
    write_private(os.path.join(folder, SHEET), text, sync=sync)


def write_private(path: str, content: str | bytes, *, sync: bool = True) -> None:
    """Write a file of a message, mode 0640. The caller holds the lock on its folder."""
    write_file(path, content, 0o640, sync=sync, single_writer=True)


def lock(folder: str) -> int:
    """Become the owner of a folder, until the descriptor is closed. Raises BlockingIOError while it has another owner,
    FileNotFoundError when it is not there any more under that name."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(descriptor), os.stat(folder)):
            raise FileNotFoundError(folder)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def permit(folder: str, mode: int) -> None:
    """Set a folder's mode, but keep the set-group bit that it inherited: it is what lets the switch in."""
    os.chmod(folder, os.stat(folder).st_mode & stat.S_ISGID | mode)


def names(folder: str) -> list[str]:
    """What a folder holds, sorted; nothing when it is not there."""
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []


def remove(folder: str) -> None:
    """Remove a folder and its files; nothing happens when it is gone already."""
    for name in names(folder):
        try:
            os.unlink(os.path.join(folder, name))
        except FileNotFoundError:
            continue
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        return


def discard(folder: str, sheet: Message) -> None:
    """Remove a recording; a crash on the way does not leave half of one."""
    worthless = os.path.join(os.path.dirname(folder), WORTHLESS + sheet.id)
    os.rename(folder, worthless)
    remove(worthless)


def publish(folder: str, sheet: Message) -> None:
    """The last step of every message: all of it on the disk, then visible under its id, beside the folder so far."""
    write(folder, sheet)
    permit(folder, 0o750)
    sync_path(folder)
    store = os.path.dirname(folder)
    os.rename(folder, os.path.join(store, sheet.id))
    sync_path(store)
