"""A message: its data, its states, and its sheet on the disk (`message.json`)."""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
import time
from typing import Any, NamedTuple

from common.safe_files import sync_path, write_file
from voicemail.texts import translate

REASONS = ("closed", "all_busy", "caller_choice")

RECORDING = "recording"  # while the caller is still speaking
# Which state may follow which. A message can be settled only once; the second person gets an error.
STATES: dict[str, tuple[str, ...]] = {
    "new": ("listened", "called_back", "unreachable", "closed"),
    "listened": ("called_back", "unreachable", "closed", "new"),
    "unreachable": ("called_back", "unreachable", "closed", "new"),  # each attempt is marked
    "called_back": ("closed", "new"),
    "closed": ("new",),  # closed by mistake
}
SETTLED = ("called_back", "closed")  # states that need no further call

ID = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{12}")
AUDIO, SHEET = "message.wav", "message.json"
LIVE = ".recording-"  # before the id: a caller speaks, or spoke when the engine died
WORTHLESS = ".new-"  # before the id: nothing is recorded in it yet, or its recording was discarded


class StoreError(Exception):
    """An error that the person can correct; the text names the place and the remedy."""


class Mark(NamedTuple):
    """A change of state: who did what about a message, and when."""

    at: float  # epoch seconds, UTC
    by: str
    state: str
    note: str


class Message(NamedTuple):
    """The data of a message."""

    id: str
    call: str  # LINKEDID
    reason: str
    number: str | None  # to call back, E.164
    number_source: str  # cli | typed | none
    left_at: float  # epoch seconds, UTC
    seconds: float = 0.0
    sound_seconds: float = 0.0  # of these, seconds with audible sound
    empty: bool = True
    ended_by: str = ""
    state: str = RECORDING
    history: tuple[Mark, ...] = ()

    def document(self) -> dict[str, Any]:
        return {**self._asdict(), "history": [mark._asdict() for mark in self.history]}

    @classmethod
    def of(cls, document: Any) -> Message:
        """Parse a message. Raises ValueError for anything else."""
        try:
            parsed = cls(**{**document, "history": tuple(Mark(**mark) for mark in document["history"])})
        except (KeyError, TypeError) as problem:
            raise ValueError(f"not a message: {problem}") from None
        marks = parsed.history
        texts = [parsed.id, parsed.call, parsed.reason, parsed.number or "", parsed.number_source]
        texts += [parsed.ended_by, parsed.state]
        texts += [text for mark in marks for text in (mark.by, mark.state, mark.note)]
        figures = [parsed.left_at, parsed.seconds, parsed.sound_seconds, parsed.empty, *(mark.at for mark in marks)]
        if not all(isinstance(text, str) for text in texts) or not all(isinstance(n, (int, float)) for n in figures):
            raise ValueError("not a message: text where a number should be, or a number where text should be")
        if parsed.state != RECORDING and parsed.state not in STATES:
            raise ValueError(f"not a message: state {parsed.state!r}")
        return parsed

    def marked(self, mark: Mark) -> Message:
        """Return the message with a further mark. Raises `StoreError` if its present state does not allow it."""
        if mark.state not in STATES:
            raise StoreError(
                translate(
                    "{state} is not a state; use one of {choices}", state=f"{mark.state!r}", choices=", ".join(STATES)
                )
            )
        if mark.state not in STATES.get(self.state, ()):
            last = self.history[-1] if self.history else None
            since = translate(" by {who} at {time}", who=last.by, time=_utc(last.at)) if last else ""
            allowed = ", ".join(STATES.get(self.state, ())) or translate("none")
            raise StoreError(
                translate(
                    "{id}: is {state}{since}; {next} cannot follow, only: {allowed}",
                    id=self.id,
                    state=self.state,
                    since=since,
                    next=mark.state,
                    allowed=allowed,
                )
            )
        return self._replace(state=mark.state, history=(*self.history, mark))

    def facts(self) -> dict[str, Any]:
        """What is reported outside the store: neither the number nor any notes."""
        return {
            "message_id": self.id,
            "reason": self.reason,
            "seconds": self.seconds,
            "empty": self.empty,
            "ended_by": self.ended_by,
        }


def new_id(at: float, unique: str = "") -> str:
    """Return an id that sorts by time (UTC, to the second). `unique`: 12 hexadecimal digits, by default random."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(at))}-{unique or os.urandom(6).hex()}"


def _utc(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


# --- on the disk -----------------------------------------------------------------------------------------------------


def read(folder: str) -> Message:
    """Read the sheet in a folder. Raises `StoreError`, which names the file."""
    path = os.path.join(folder, SHEET)
    try:
        with open(path, "rb") as file:
            return Message.of(json.load(file))
    except (OSError, ValueError) as problem:
        raise StoreError(
            translate("{path}: {problem}; the sound, if any, is in the same folder", path=path, problem=problem)
        ) from None


def write(folder: str, sheet: Message, *, sync: bool = True) -> None:
    """Write the sheet atomically; with `sync` it is on the disk when this returns."""
    # One line for each key, without json's `indent`, whose encoder leaves cycles for the garbage collector in a call.
    document = sheet.document()
    lines = [f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in document.items()]
    write_private(os.path.join(folder, SHEET), "{\n" + ",\n".join(lines) + "\n}\n", sync=sync)


def write_private(path: str, content: str | bytes, *, sync: bool = True) -> None:
    """Write a file of a message, mode 0640. The caller holds the lock on its folder."""
    write_file(path, content, 0o640, sync=sync, single_writer=True)


def lock(folder: str) -> int:
    """Lock a folder until the returned descriptor is closed.

    Raises BlockingIOError while another process holds the lock, FileNotFoundError if the folder was renamed or removed.
    """
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
    """Set a folder's mode, but keep the inherited set-group bit, which gives the switch access."""
    os.chmod(folder, os.stat(folder).st_mode & stat.S_ISGID | mode)


def names(folder: str) -> list[str]:
    """Return the sorted names in a folder; an empty list if it does not exist."""
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []


def remove(folder: str) -> None:
    """Remove a folder and its files, if it exists."""
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
    """Remove a recording; a crash meanwhile does not leave a partial one."""
    worthless = os.path.join(os.path.dirname(folder), WORTHLESS + sheet.id)
    os.rename(folder, worthless)
    remove(worthless)


def publish(folder: str, sheet: Message) -> None:
    """Publish a message, as the last step: write everything to the disk, then rename its folder to its id."""
    write(folder, sheet)
    permit(folder, 0o750)
    sync_path(folder)
    store = os.path.dirname(folder)
    os.rename(folder, os.path.join(store, sheet.id))
    sync_path(store)
