"""A fake of the package faster-whisper, which is not installed here: the text is the length of the sound."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from voicemail import audio


class Segment(NamedTuple):
    text: str


class WhisperModel:
    """Used as the real one: with a folder, without a download."""

    def __init__(self, folder: str, *, device: str, compute_type: str, local_files_only: bool) -> None:
        assert local_files_only
        self.folder = folder

    def transcribe(self, path: str, *, language: str, vad_filter: bool) -> tuple[Iterator[Segment], Any]:
        seconds = audio.measure(path).seconds
        if seconds < 1:
            raise RuntimeError("nothing to be heard")
        return iter([Segment(f" {language}"), Segment(f" {seconds:.0f} secondi ")]), None


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = ModuleType("faster_whisper")
    fake.WhisperModel = WhisperModel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "faster_whisper", fake)
