"""The message store: one folder per message, `<id>/message.wav` and `<id>/message.json`.

While the caller speaks, the audio is in a hidden folder of the same store, `.recording-<id>/`, with a sheet of the data
so far. Publishing it is one rename. So after a crash of the engine or the switch at any time, a message is either
complete or not visible; `recover` publishes the folders whose owner died. An owner holds a lock on its folder, and the
system releases the locks of a dead process.

Asterisk writes the audio itself, perhaps as another user. Put both users into one group, and give the store to it once:
`chgrp GROUP var/messages; chmod 2770 var/messages`. The group may write to the folder of a recording, but only read the
folder of a finished message.
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
from voicemail.texts import translate

QUIET_SECONDS = 30.0  # the switch continues to record when the engine dies; a file unchanged for so long is complete
ATTEMPTS = 10
SPARE_BYTES = 1024 * 1024  # of free disk that must remain besides a recording

Messages = list[Message]


class Store:
    """The messages in a folder. A message with less than `empty_below_seconds` of sound is kept and marked as empty."""

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
                continue  # `recover` locked the folder just now, or the id exists
        raise OSError(errno.EBUSY, "cannot create a folder for a recording", self.folder)

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
        """Publish a recorded message from a copy of the file `wav`, or return it if it is published already.

        Raises `AudioError`, OSError, and BlockingIOError while another process adds it; then the store is unchanged.
        """
        if os.path.isdir(self._path("", sheet.id)):
            return self.get(sheet.id)
        pcm = audio.trim(audio.samples(wav))
        sound = audio.measure_samples(pcm)
        os.makedirs(self.folder, mode=0o750, exist_ok=True)
        fresh = self._path(WORTHLESS, sheet.id)
        os.makedirs(fresh, 0o750, exist_ok=True)  # a crash may have left it
        descriptor = lock(fresh)
        try:
            write_private(os.path.join(fresh, AUDIO), audio.join([pcm]))
            empty = sound.sounding < self._empty_below
            added = sheet._replace(seconds=sound.seconds, sound_seconds=sound.sounding, empty=empty, state="new")
            publish(fresh, added)
        except OSError:
            remove(fresh)
            raise
        finally:
            os.close(descriptor)
        return added

    # --- reading and marking

    def scan(self) -> tuple[Messages, list[str]]:
        """Return all messages, oldest first, and the problems of folders that cannot be read."""
        messages: Messages = []
        problems = []
        for name in names(self.folder):
            if ID.fullmatch(name):
                try:
                    messages.append(self.get(name))
                except StoreError as problem:
                    problems.append(str(problem))
        return messages, problems

    def list(self) -> Messages:
        """Return all readable messages, oldest first."""
        return self.scan()[0]

    def get(self, id: str) -> Message:
        """Return a message. Raises `StoreError` if it does not exist or its sheet cannot be read."""
        return read(self._folder(id))

    def find(self, prefix: str) -> str:
        """Return the id that starts with `prefix`. Raises `StoreError` unless there is exactly one."""
        ids = [name for name in names(self.folder) if ID.fullmatch(name) and name.startswith(prefix)]
        if len(ids) == 1:
            return ids[0]
        if not ids:
            raise StoreError(_no_message(prefix))
        some = ", ".join(ids[:5]) + (", ..." if len(ids) > 5 else "")
        raise StoreError(
            translate(
                "{count} messages start with {prefix}: {some}; give more of the id",
                count=len(ids),
                prefix=f"{prefix!r}",
                some=some,
            )
        )

    def audio(self, id: str) -> str:
        """Return the path of a message's sound."""
        return os.path.join(self._folder(id), AUDIO)

    def mark(self, id: str, state: str, *, by: str, at: float, note: str = "") -> Message:
        """Record what was done about a message.

        Raises `StoreError` if its present state does not allow it, for example since another person was faster.
        """
        folder = self._folder(id)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # others hold it for one small write only
            marked = read(folder).marked(Mark(round(at, 3), by, state, note))
            write(folder, marked)
            sync_path(folder)
        finally:
            os.close(descriptor)
        return marked

    def erase(self, id: str, *, notes: bool = False) -> int:
        """Erase the sound and the number, with `notes` also the notes; return the bytes of sound erased.

        The sheet is kept as evidence of the message and its states. May be repeated. Raises `StoreError`, OSError.
        """
        folder = self._folder(id)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            sheet = read(folder)
            history = tuple(mark._replace(note="") for mark in sheet.history) if notes else sheet.history
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
        """Publish the recordings whose engine died; remove those without sound. Safe while other engines run.

        `now`: by the clock of the file system. A recording written to within `quiet_seconds` is left unchanged.
        `report` is called before a message is visible, so after a further crash perhaps twice for the same one. What
        cannot be recovered is reported to `alarm` and kept.
        """
        recovered = []
        for name in names(self.folder):
            if not name.startswith((LIVE, WORTHLESS)):
                continue
            folder = os.path.join(self.folder, name)
            try:
                descriptor = lock(folder)
            except (BlockingIOError, FileNotFoundError):
                continue  # its owner is running, or has just published it
            except OSError as problem:
                alarm(f"{folder}: {problem}; correct the permissions of this folder, or remove it")
                continue
            try:
                if name.startswith(WORTHLESS):
                    remove(folder)
                elif now - _last_written(folder) >= quiet_seconds:
                    draft = Draft(read(folder), folder, descriptor, self._empty_below)
                    message = draft.finish("crash", report)
                    recovered += [] if message is None else [message]
            except (OSError, StoreError, AudioError) as problem:
                alarm(f"{folder}: a recording cannot be recovered: {problem}; it is kept")
            finally:
                os.close(descriptor)
        return recovered

    def _path(self, prefix: str, id: str) -> str:
        return os.path.join(self.folder, prefix + id)

    def _folder(self, id: str) -> str:
        # An id may come from a person or a web page: only a valid id may become a path.
        folder = self._path("", id) if ID.fullmatch(id) else ""
        if not folder or not os.path.isdir(folder) or os.path.islink(folder):
            raise StoreError(_no_message(id))
        return folder


def _no_message(id: str) -> str:
    return translate("no message {id}; `voicemail list --all` shows all messages", id=repr(id))


def _last_written(folder: str) -> float:
    """Return when the switch, or the engine that died, last wrote to a recording."""
    paths = [folder, *(os.path.join(folder, name) for name in names(folder) if name != SHEET)]
    return max(os.stat(path).st_mtime for path in paths)
