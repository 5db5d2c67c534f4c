"""A message while its caller speaks. It may consist of several recordings; none is lost.

A recording that the caller wants to replace is deleted only when a newer one is finished and has sound. At the end all
recordings are joined into one message, in order, with a pause between them. So a caller who hangs up during the second
attempt has left both.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from common.safe_files import sync_path
from voicemail import audio, message
from voicemail.audio import Sound
from voicemail.message import AUDIO, RECORDING, SHEET, Message

TAKE, WAV = "take-", ".wav"
FULL_BYTES = 65536  # of free disk, enough for four seconds


class Draft:
    """A folder that one call owns until `publish`, `discard` or `abandon`, or until its process dies."""

    def __init__(self, sheet: Message, folder: str, descriptor: int, empty_below_seconds: float) -> None:
        self.sheet = sheet
        self.folder = folder
        self._descriptor = descriptor
        self._empty_below = empty_below_seconds
        self._number = 1
        self._replaced: list[str] = []
        self._sounds: dict[str, Sound] = {}

    @property
    def audio(self) -> str:
        """Path of the current recording, without `.wav`, as RECORD FILE expects it."""
        return os.path.join(self.folder, f"{TAKE}{self._number:02}")

    def next(self) -> None:
        """Start another recording; keep those so far."""
        self._number += 1

    def replace(self) -> None:
        """Start another recording; `settle` then deletes those so far."""
        self._replaced = self._files()
        self.next()

    def measure(self) -> Sound:
        """Measure the recording that has just ended. Raises OSError, `AudioError`."""
        path = self.audio + WAV
        sound = self._sounds[path] = audio.measure(path)
        return sound

    @property
    def disk_full(self) -> bool:
        """Whether the end of the recording may be missing: the switch does not report a full disk."""
        disk = os.statvfs(self.folder)
        return disk.f_bavail * disk.f_frsize < FULL_BYTES

    def settle(self) -> None:
        """Delete the recordings that `replace` was called for."""
        for path in self._replaced:
            os.unlink(path)
            self._sounds.pop(path, None)
        self._replaced = []

    def has_sound(self, sound: Sound) -> bool:
        return sound.sounding >= self._empty_below

    @property
    def empty(self) -> bool:
        """Whether all recordings together have too little sound for a message."""
        return sum(self._sound(path).sounding for path in self._files()) < self._empty_below

    def recordings(self) -> list[str]:
        """The recordings with sound, as paths to play."""
        return [path.removesuffix(WAV) for path in self._files() if self._sound(path).sounding]

    # --- ending a recording

    def publish(self, ended_by: str) -> Message | None:
        """Publish the message; return None, and leave nothing, if no sound was recorded.

        Raises OSError and `AudioError`; then everything stays as it is, for `Store.recover`.
        """
        try:
            return self.finish(ended_by)
        finally:
            self.abandon()

    def finish(self, ended_by: str, report: Callable[[Message], object] = lambda sheet: None) -> Message | None:
        """As `publish`, for a caller that holds the lock itself. `report` is called before the message is visible."""
        sound = self._one_file()
        if not sound.seconds:
            message.discard(self.folder, self.sheet)
            return None
        sheet = self.sheet
        if sheet.state == RECORDING:
            sheet = sheet._replace(
                seconds=sound.seconds,
                sound_seconds=sound.sounding,
                empty=not self.has_sound(sound),
                ended_by=ended_by,
                state="new",
            )
        report(sheet)
        message.publish(self.folder, sheet)
        return sheet

    def discard(self) -> None:
        """Delete everything."""
        message.discard(self.folder, self.sheet)
        self.abandon()

    def abandon(self) -> None:
        """Release the folder as it is, for `Store.recover`."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _one_file(self) -> Sound:
        """Join all recordings into one file, and measure it. Continues what a crash interrupted."""
        joined, files = os.path.join(self.folder, AUDIO), self._files()
        sound = audio.NOTHING
        if os.path.exists(joined):
            sound = audio.measure(joined)
        elif files:
            sound = self._join(joined, files)
            sync_path(joined)
        for name in message.names(self.folder):
            if name not in (AUDIO, SHEET):
                os.unlink(os.path.join(self.folder, name))
        return sound

    def _join(self, joined: str, files: list[str]) -> Sound:
        sounding = [path for path in files if self._sound(path).sounding]
        chosen = sounding or [max(files, key=lambda path: self._sound(path).seconds)]
        whole = [audio.samples(path) for path in chosen]
        parts = [audio.trim(part) for part in whole]
        if len(chosen) == 1 and parts == whole and audio.has_right_length(chosen[0]):
            os.rename(chosen[0], joined)
            _restrict_access(joined)
            return self._sounds[chosen[0]]
        message.write_private(joined, audio.join(parts))
        return audio.measure_joined(parts, [self._sound(path) for path in chosen])

    def _sound(self, path: str) -> Sound:
        if path not in self._sounds:
            self._sounds[path] = audio.measure(path)
        return self._sounds[path]

    def _files(self) -> list[str]:
        names = message.names(self.folder)
        return [os.path.join(self.folder, name) for name in names if name.startswith(TAKE) and name.endswith(WAV)]


def _restrict_access(path: str) -> None:
    """Remove read access for others. If the file belongs to the switch, the mode of its folder keeps others out."""
    try:
        os.chmod(path, 0o640)
    except PermissionError:
        return
