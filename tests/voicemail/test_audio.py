"""Measuring recordings, and WAV files that a crash cut short."""

from __future__ import annotations

import io
import struct
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voicemail.sounds import header, pcm, silence, tone, unfinished, wav
from voicemail import audio
from voicemail.audio import NOTHING, AudioError

SPEECH = wav(tone(0.5))


def saved(folder: Path, content: bytes) -> str:
    path = folder / "x.wav"
    path.write_bytes(content)
    return str(path)


def test_only_audible_parts_are_sound() -> None:
    assert audio.measure_samples(silence(3)) == (3.0, 0.0)
    assert audio.measure_samples(b"") == NOTHING
    sound = audio.measure_samples(silence(1) + tone(2.5) + silence(4))
    assert sound.seconds == 7.5
    assert sound.sounding == pytest.approx(2.5, abs=0.2)


@pytest.mark.parametrize("hertz", [100, 425, 697, 1000, 1100, 1400, 1633, 2000, 3400])
def test_tones_of_every_frequency_are_sound(hertz: float) -> None:
    assert audio.measure_samples(tone(3, hertz, 2000)).sounding == pytest.approx(3, abs=0.1)


def test_a_constant_is_not_sound() -> None:
    assert audio.measure_samples(silence(3, offset=2000)).sounding == 0


def test_one_click_is_not_a_message() -> None:
    click = pcm([20000, -20000] * 8)
    assert audio.measure_samples(silence(2) + click + silence(2)).sounding <= 0.2


@given(st.lists(st.integers(-32768, 32767), max_size=3000))
def test_the_sound_is_never_longer_than_the_recording(values: list[int]) -> None:
    sound = audio.measure_samples(pcm(values))
    assert 0 <= sound.sounding <= sound.seconds == round(len(values) / 8000, 3)


def test_an_unfinished_recording_is_read_completely(tmp_path: Path) -> None:
    path = saved(tmp_path, unfinished(tone(2)))
    assert audio.measure(path).seconds == 2.0
    assert not audio.has_right_length(path)
    path = saved(tmp_path, audio.join([audio.samples(path)]))
    assert audio.has_right_length(path)
    with wave.open(path) as file:  # the standard library as a stranger's player
        assert (file.getnframes(), file.getframerate(), file.getsampwidth(), file.getnchannels()) == (16000, 8000, 2, 1)
        assert file.readframes(16000) == tone(2)


def test_a_missing_file_has_no_sound(tmp_path: Path) -> None:
    assert audio.measure(str(tmp_path / "never.wav")) == NOTHING


def test_parts_are_joined_with_a_pause() -> None:
    first, second = tone(1), tone(2)
    with wave.open(io.BytesIO(audio.join([first, second]))) as file:
        assert file.readframes(file.getnframes()) == first + bytes(8000) + second


def test_data_after_the_samples_is_ignored(tmp_path: Path) -> None:
    samples = tone(1)
    path = saved(tmp_path, wav(samples) + struct.pack("<4sI", b"LIST", 4) + b"abcd")
    assert audio.samples(path) == samples


def test_chunks_before_the_samples_are_skipped(tmp_path: Path) -> None:
    whole = wav(tone(1))
    extra = struct.pack("<4sI", b"fact", 3) + b"abc\0"
    assert audio.samples(saved(tmp_path, whole[:36] + extra + whole[36:])) == tone(1)


@pytest.mark.parametrize(
    "head",
    [header(0, coding=6), header(0, channels=2), header(0, rate=16000)],
    ids=["A-law", "two channels", "16 kHz"],
)
def test_other_formats_are_named(tmp_path: Path, head: bytes) -> None:
    with pytest.raises(AudioError, match=r"x\.wav: coding \d+, \d x 16 bits, \d+ Hz; not PCM"):
        audio.samples(saved(tmp_path, head + tone(1)))


def test_a_file_that_is_not_wav_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="not a WAV"):
        audio.samples(saved(tmp_path, b"#!/bin/sh\necho hello\n"))


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "MOST_BYTES", 1000)
    with pytest.raises(AudioError, match="not a message"):
        audio.samples(saved(tmp_path, wav(tone(1))))


@pytest.mark.parametrize("length", [*range(60), len(SPEECH) - 1])
def test_a_file_cut_anywhere_gives_its_samples(tmp_path: Path, length: int) -> None:
    assert len(audio.samples(saved(tmp_path, SPEECH[:length]))) == max(0, length - 44) // 2 * 2


@given(content=st.binary(max_size=200))
def test_any_bytes_are_sound_or_an_audio_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    for candidate in (content, b"RIFF\0\0\0\0WAVE" + content, SPEECH[:36] + content):
        try:
            samples = audio.samples(saved(folder, candidate))
        except AudioError:
            continue
        assert len(samples) % 2 == 0 and len(samples) <= len(candidate)
