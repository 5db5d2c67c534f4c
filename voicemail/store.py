"""The message store: one folder per message, `<id>/message.wav` and `<id>/message.json`.

While the caller speaks, the audio lies in a hidden folder of the same store, `.recording-<id>/`, beside what is known
of the message so far. Publishing it is one rename. So a crash of the engine or of the switch, at any instant, leaves
either nothing to be seen or a whole message; `recover` makes messages of the folders whose owner died. An owner holds
a lock on its folder, and the system drops a dead process's locks.

Asterisk writes the audio itself, perhaps as another user. Let both users share a group, and give the store to it once:
`chgrp GROUP var/messages; chmod 2770 var/messages`. The folder of a recording may be written by that group, the folder
of a finished message only read.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable

from common.safe_files import sync_path
from voicemail import audio
from voicemail.audio import AudioError
from voicemail.message import (
    AUDIO,
    ID,
    LIVE,
    SHEET,
    WORTHLESS,
    Mark,
    Message,
    StoreError,
    lock,
    names,
    new_id,
    permit,
    publish,
    read,
    remove,
    write,
    write_private,
)
from voicemail.recording import Draft

QUIET_SECONDS = 30.0  # the switch goes on recording when the engine dies; a file at rest for so long is finished
ATTEMPTS = 10
SPARE_BYTES = 1024 * 1024  # of free disk that must be left beside a recording

Messages = list[Message]


class Store:
    """The messages of a folder. A message with less than `empty_below_seconds` of sound is kept, marked empty."""

    def __init__(self, folder: str, empty_below_seconds: float = 2.0) -> None:
        self.folder = folder
        self._empty_below = empty_below_seconds

    # --- leaving a message

    def draft(
        self, *, call: str, reason: str, number: str | None, number_source: str, at: float, longest_seconds: float = 0.0
    ) -> Draft:
        """Prepare a recording of at most `longest_seconds`. Raises OSError when the disk has no room for it."""
        os.makedirs(self.folder, mode=0o750, exist_ok=True)
        disk = os.statvfs(self.folder)
        if disk.f_bavail * disk.f_frsize < longest_seconds * audio.RATE * audio.WIDTH + SPARE_BYTES:
            raise OSError(errno.ENOSPC, "no room for a recording", self.folder)
        for _ in range(ATTEMPTS):
            sheet = Message(new_id(at), call, reason, number, number_source, round(at, 3))
            try:
                return self._draft(sheet)
            except (FileNotFoundError, FileExistsError, BlockingIOError):
                continue  # a `recover` of this instant took the folder for a dead one, or two ids were equal
        raise OSError(errno.EBUSY, "no folder for a recording can be made", self.folder)

    def _draft(self, sheet: Message) -> Draft:
        fresh, live = self._path(WORTHLESS, sheet.id), self._path(LIVE, sheet.id)
        os.mkdir(fresh, 0o750)
        descriptor = -1
        try:
            descriptor = lock(fresh)
            write(fresh, sheet, sync=False)
            permit(fresh, 0o770)  # the switch writes here
            os.rename(fresh, live)
        except OSError:
            if descriptor >= 0:
                os.close(descriptor)
            remove(fresh)
            raise
        return Draft(sheet, live, descriptor, self._empty_below)

    def add(self, sheet: Message, wav: str) -> Message:
        """Publish a message that is recorded already, from a copy of the file `wav`, or find it published.

        Raises `AudioError`, OSError, and BlockingIOError while another process adds it; then the store is as before.
        """
        if os.path.isdir(self._path("", sheet.id)):
            return self.get(sheet.id)
        pcm = audio.samples(wav)
        sound = audio.measured(pcm)
        os.makedirs(self.folder, mode=0o750, exist_ok=True)
        fresh = self._path(WORTHLESS, sheet.id)
        os.makedirs(fresh, 0o750, exist_ok=True)  # it may be left from a crash
        descriptor = lock(fresh)
        try:
            write_private(os.path.join(fresh, AUDIO), audio.joined([pcm]))
            empty = sound.sounding < self._empty_below
            added = sheet._replace(seconds=sound.seconds, sound_seconds=sound.sounding, empty=empty, state="new")
            publish(fresh, added)
        except OSError:
            remove(fresh)
            raise
        finally:
            os.close(descriptor)
        return added

    # --- looking at messages

    def scan(self) -> tuple[Messages, list[str]]:
        """All messages, oldest first, and what is wrong with folders that hold none."""
        found: Messages = []
        problems = []
        for name in names(self.folder):
            if ID.fullmatch(name):
                try:
                    found.append(self.get(name))
                except StoreError as problem:
                    problems.append(str(problem))
        return found, problems

    def list(self) -> Messages:
        """All messages, oldest first."""
        return self.scan()[0]

    def get(self, id: str) -> Message:
        """Raises `StoreError` when there is no such message, or its sheet cannot be read."""
        return read(self._folder(id))

    def find(self, prefix: str) -> str:
        """The id that begins so. Raises `StoreError` unless there is exactly one."""
        ids = [name for name in names(self.folder) if ID.fullmatch(name) and name.startswith(prefix)]
        if len(ids) == 1:
            return ids[0]
        if not ids:
            raise StoreError(_no_message(prefix))
        some = ", ".join(ids[:5]) + (", ..." if len(ids) > 5 else "")
        raise StoreError(f"{len(ids)} messages begin with {prefix!r}: {some}; give more of the id")

    def audio(self, id: str) -> str:
        """The path of a message's sound."""
        return os.path.join(self._folder(id), AUDIO)

    def mark(self, id: str, state: str, *, by: str, at: float, note: str = "") -> Message:
        """Record what was done about a message. Raises `StoreError` when that cannot follow its present state, which
        is also how the second of two people learns of the first."""
        folder = self._folder(id)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # others hold it for the time of one small write
            marked = read(folder).marked(Mark(round(at, 3), by, state, note))
            write(folder, marked)
            sync_path(folder)
        finally:
            os.close(descriptor)
        return marked

    def erase(self, id: str, *, words: bool = False) -> int:
        """Erase the sound and the number, with `words` also what was noted; the bytes of sound that went.

        The sheet stays, as evidence that there was a message and what became of it. May be repeated. Raises
        `StoreError`, OSError.
        """
        folder = self._folder(id)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            sheet = read(folder)
            history = tuple(mark._replace(note="") for mark in sheet.history) if words else sheet.history
            write(folder, sheet._replace(number=None, number_source="none", history=history))
            sound = os.path.join(folder, AUDIO)
            size = os.stat(sound).st_size if os.path.exists(sound) else 0
            if size:
                os.unlink(sound)
            sync_path(folder)
        finally:
            os.close(descriptor)
        return size

    # --- after a crash

    def recover(
        self,
        now: float,
        *,
        report: Callable[[Message], object],
        alarm: Callable[[str], object],
        quiet_seconds: float = QUIET_SECONDS,
    ) -> Messages:
        """Publish the recordings whose engine died; remove what holds not one sample. Safe beside engines that live.

        `now`: by the clock of the file system. A recording written to within `quiet_seconds` is left alone. `report` is
        told of a message before it is visible, so after a further crash perhaps twice of the same one. What cannot be
        recovered is told to `alarm` and stays.
        """
        recovered = []
        for name in names(self.folder):
            if not name.startswith((LIVE, WORTHLESS)):
                continue
            folder = os.path.join(self.folder, name)
            try:
                descriptor = lock(folder)
            except (BlockingIOError, FileNotFoundError):
                continue  # its owner lives, or has published it just now
            except OSError as problem:
                alarm(f"{folder}: {problem}; mend the rights of this folder, or remove it")
                continue
            try:
                if name.startswith(WORTHLESS):
                    remove(folder)
                elif now - _last_written(folder) >= quiet_seconds:
                    found = Draft(read(folder), folder, descriptor, self._empty_below).finish("crash", report)
                    recovered += [] if found is None else [found]
            except (OSError, StoreError, AudioError) as problem:
                alarm(f"{folder}: a recording cannot be recovered: {problem}; it stays there")
            finally:
                os.close(descriptor)
        return recovered

    def _path(self, prefix: str, id: str) -> str:
        return os.path.join(self.folder, prefix + id)

    def _folder(self, id: str) -> str:
        # An id may come from a person or a web page: nothing but an id ever becomes a path.
        folder = self._path("", id) if ID.fullmatch(id) else ""
        if not folder or not os.path.isdir(folder) or os.path.islink(folder):
            raise StoreError(_no_message(id))
        return folder


def _no_message(id: str) -> str:
    return f"no message {id!r}; `voicemail list --all` shows them all"


def _last_written(folder: str) -> float:
    """When the switch, or a dying engine, last wrote to a recording."""
    paths = [folder, *(os.path.join(folder, name) for name in names(folder) if name != SHEET)]
    return max(os.stat(path).st_mtime for path in paths)
