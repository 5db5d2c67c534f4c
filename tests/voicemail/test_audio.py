"""Measuring recordings, and WAV files that a crash cut short."""

from __future__ import annotations

import io
import random
import struct
import time
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.places import ROOT
from ivr.prompts.sound import decode, encode
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


@pytest.mark.parametrize("hertz", [100, 350, 400, 440, 480, 697, 1000, 1100, 1400, 1633, 2000, 3400])
def test_tones_of_every_frequency_are_sound(hertz: float) -> None:
    assert audio.measure_samples(tone(3, hertz, 2000)).sounding == pytest.approx(3, abs=0.1)


def speech() -> bytes:
    """Real speech, at the level of a telephone."""
    alaw = Path(ROOT, "config", "prompts", "goodbye.alaw").read_bytes()
    return pcm(decode(alaw))


def cadence(seconds: float, on: float, off: float, hertz: float = 425.0, offset: float = 0.0) -> bytes:
    """A tone that a line repeats, with the noise and the coding of a telephone line."""
    parts = silence(offset)
    while len(parts) < seconds * 16000:
        parts += tone(on, hertz, 3000) + silence(off)
    values = memoryview(parts[: round(seconds * 8000) * 2]).cast("h")
    noise = random.Random(2)
    return pcm(decode(encode([value + noise.gauss(0, 30) for value in values])))


BUSY, CONGESTION = (0.5, 0.5), (0.2, 0.2)


@pytest.mark.parametrize("rhythm", [BUSY, CONGESTION, (2.0, 0.0)])
@pytest.mark.parametrize("hertz", [421.0, 425.0, 429.0])
@pytest.mark.parametrize("offset", [0.0, 0.033, 0.07])
def test_the_busy_tone_is_not_a_message(rhythm: tuple[float, float], hertz: float, offset: float) -> None:
    line = cadence(20, *rhythm, hertz, offset)
    assert audio.measure_samples(line) == (20.0, 0.0)
    assert len(audio.trim(line)) == 5 * 16000


@pytest.mark.parametrize("rhythm", [BUSY, CONGESTION])
@pytest.mark.parametrize("pause", [0.0, 0.2, 3.0])
def test_what_comes_after_the_caller_has_hung_up_is_cut(rhythm: tuple[float, float], pause: float) -> None:
    said = speech()
    message = said + silence(pause) + cadence(30, *rhythm)
    alone = audio.measure_samples(said)
    assert audio.measure_samples(message).sounding == pytest.approx(alone.sounding, abs=0.15)
    kept = audio.trim(message)
    assert kept.startswith(said)
    assert len(said) <= len(kept) <= len(said) + 0.7 * 16000


def test_speech_alone_is_kept_as_it_is() -> None:
    for path in sorted(Path(ROOT, "config", "prompts").glob("info-*.alaw")):
        said = pcm(decode(path.read_bytes()))
        assert audio.trim(said) == said, path.name
        assert audio.measure_samples(said).sounding > 0.6 * len(said) / 16000


def test_a_tone_between_words_is_part_of_the_message() -> None:
    said = speech() + cadence(3, *BUSY) + speech()
    assert audio.trim(said) == said


def test_silence_is_cut_at_both_ends_but_not_between_words() -> None:
    said = speech()
    kept = audio.trim(silence(4) + said + silence(6) + said + silence(5))
    assert said + silence(0) in kept and len(kept) == pytest.approx(2 * len(said) + 7 * 16000, abs=0.3 * 16000)


@given(st.lists(st.integers(-32768, 32767), max_size=3000))
def test_cutting_keeps_the_sound_and_cuts_once(values: list[int]) -> None:
    raw = pcm(values)
    kept = audio.trim(raw)
    assert kept in raw
    assert audio.trim(kept) == kept


def test_measuring_the_longest_message_takes_no_time_of_other_calls() -> None:
    """The engine measures between the commands of other calls: even three minutes of busy tone within some frames."""
    line = cadence(20, 20.0, 0.0) * 9
    began = time.process_time()
    assert audio.measure_samples(line).sounding == 0
    assert time.process_time() - began < 1.0


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
