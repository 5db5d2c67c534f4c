"""A message while its caller speaks. It may take several recordings; nothing that was said is lost on the way.

What becomes of them: a recording that the caller wants to say again is dropped only when a newer one is finished and
has sound. Whatever is there in the end becomes one message, one recording after the other, with a pause between them:
so a caller who hangs up in the middle of the second attempt has left both.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from common.safe_files import sync_path
from voicemail import audio, message
from voicemail.audio import Sound
from voicemail.message import AUDIO, RECORDING, SHEET, Message

TAKE, WAV = "take-", ".wav"
FULL_BYTES = 65536  # of free disk: four seconds


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
        """Where the recording under way is written: the file's path without `.wav`, as RECORD FILE wants it."""
        return os.path.join(self.folder, f"{TAKE}{self._number:02}")

    def next(self) -> None:
        """The caller speaks once more; what there is stays."""
        self._number += 1

    def replace(self) -> None:
        """The caller wants to say it again: what there is goes when something has taken its place."""
        self._replaced = self._takes()
        self.next()

    def measure(self) -> Sound:
        """The recording that has just ended. Raises OSError, `AudioError`."""
        path = self.audio + WAV
        sound = self._sounds[path] = audio.measure(path)
        return sound

    @property
    def disk_full(self) -> bool:
        """Whether the switch had hardly room to write the last words: it does not tell when it had none."""
        disk = os.statvfs(self.folder)
        return disk.f_bavail * disk.f_frsize < FULL_BYTES

    def settle(self) -> None:
        """The recording that has just ended takes the place of what it was to replace."""
        for path in self._replaced:
            os.unlink(path)
            self._sounds.pop(path, None)
        self._replaced = []

    def says_something(self, sound: Sound) -> bool:
        return sound.sounding >= self._empty_below

    @property
    def empty(self) -> bool:
        """Whether all that was said so far is less than a message."""
        return sum(self._sound(path).sounding for path in self._takes()) < self._empty_below

    def recordings(self) -> list[str]:
        """What there is to hear, as sounds to play."""
        return [path.removesuffix(WAV) for path in self._takes() if self._sound(path).sounding]

    # --- the end

    def publish(self, ended_by: str) -> Message | None:
        """Make it a message; None, and nothing is left, when there is not one sample of sound.

        Raises OSError and `AudioError`; then all stays as it is, for `Store.recover`.
        """
        try:
            return self.finish(ended_by)
        finally:
            self.abandon()

    def finish(self, ended_by: str, report: Callable[[Message], object] = lambda sheet: None) -> Message | None:
        """`publish` for who holds the lock on its own; `report` is told before the message is visible."""
        sound = self._one_file()
        if not sound.seconds:
            message.discard(self.folder, self.sheet)
            return None
        sheet = self.sheet
        if sheet.state == RECORDING:
            sheet = sheet._replace(
                seconds=sound.seconds,
                sound_seconds=sound.sounding,
                empty=not self.says_something(sound),
                ended_by=ended_by,
                state="new",
            )
        report(sheet)
        message.publish(self.folder, sheet)
        return sheet

    def discard(self) -> None:
        """Leave nothing behind."""
        message.discard(self.folder, self.sheet)
        self.abandon()

    def abandon(self) -> None:
        """Give up the folder as it is: `Store.recover` makes the best of it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _one_file(self) -> Sound:
        """Make all recordings one file, and measure it. What a crash interrupted is taken up where it was left."""
        whole, takes = os.path.join(self.folder, AUDIO), self._takes()
        sound = audio.NOTHING
        if os.path.exists(whole):
            sound = audio.measure(whole)
        elif takes:
            sound = self._join(whole, takes)
            sync_path(whole)
        for name in message.names(self.folder):
            if name not in (AUDIO, SHEET):
                os.unlink(os.path.join(self.folder, name))
        return sound

    def _join(self, whole: str, takes: list[str]) -> Sound:
        sounding = [path for path in takes if self._sound(path).sounding]
        chosen = sounding or [max(takes, key=lambda path: self._sound(path).seconds)]
        if len(chosen) == 1 and audio.whole(chosen[0]):
            os.rename(chosen[0], whole)
            _shut(whole)
            return self._sounds[chosen[0]]
        parts = [audio.samples(path) for path in chosen]
        message.write_private(whole, audio.joined(parts))
        return audio.joint(parts, [self._sound(path) for path in chosen])

    def _sound(self, path: str) -> Sound:
        if path not in self._sounds:
            self._sounds[path] = audio.measure(path)
        return self._sounds[path]

    def _takes(self) -> list[str]:
        found = message.names(self.folder)
        return [os.path.join(self.folder, name) for name in found if name.startswith(TAKE) and name.endswith(WAV)]


def _shut(path: str) -> None:
    """Others need not read it. The file may be the switch's own; then its folder keeps others out."""
    try:
        os.chmod(path, 0o640)
    except PermissionError:
        return
