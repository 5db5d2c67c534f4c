"""Telephone sound: A-law, resampling, level, trimming."""

from __future__ import annotations

import math
import struct
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.prompts import sound


def tone(hertz: float, rate: int, seconds: float, amplitude: float = 10_000) -> list[float]:
    return [amplitude * math.sin(2 * math.pi * hertz * n / rate) for n in range(round(rate * seconds))]


def pcm(path: Path, samples: list[float], rate: int, channels: int = 1, width: int = 2) -> str:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", round(x)) for x in samples for _ in range(channels)))
    return str(path)


@pytest.mark.parametrize(  # G.711, table 1a: the decision values of positive samples and their characters
    ("sample", "code"),
    [
        (0, 0xD5),
        (8, 0xD5),
        (16, 0xD4),
        (-1, 0x55),
        (-17, 0x54),
        (1024, 0xE5),
        (2048, 0x95),
        (32767, 0xAA),
        (-32768, 0x2A),
    ],
)
def test_a_law_codes(sample: int, code: int) -> None:
    assert sound.encode([sample]) == bytes([code])


def test_every_a_law_byte_survives_a_round_trip() -> None:
    assert sound.encode(sound.decode(bytes(range(256)))) == bytes(range(256))


@given(st.integers(-32768, 32767))
def test_a_law_is_within_half_a_step(sample: int) -> None:
    [decoded] = sound.decode(sound.encode([sample]))
    assert abs(decoded - sample) <= max(8, abs(sample) / 31)


def test_samples_beyond_the_range_are_clipped() -> None:
    assert sound.encode([1e9, -1e9]) == sound.encode([32767, -32768])


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100, 48000])
def test_resampling_keeps_length_and_level_of_speech_frequencies(rate: int) -> None:
    out = sound.resampled(tone(1000, rate, 0.25), rate)
    assert len(out) == pytest.approx(2000, abs=1)
    assert sound.level_db(out[200:-200]) == pytest.approx(sound.level_db(tone(1000, 8000, 0.2)), abs=0.1)


@pytest.mark.parametrize("rate", [22050, 24000])
def test_resampling_leaves_no_aliasing(rate: int) -> None:
    out = sound.resampled(tone(4300, rate, 0.25), rate)
    assert max(map(abs, out[200:-200])) < 10_000 * 10 ** (-55 / 20)


def test_a_resampled_tone_is_the_same_tone() -> None:
    out = sound.resampled(tone(440, 22050, 0.25), 22050)
    assert out[200:1700] == pytest.approx(tone(440, 8000, 0.25)[200:1700], abs=20)


def test_a_finished_prompt_is_trimmed_levelled_and_not_clipped() -> None:
    quiet = [0.0] * 24000
    alaw = sound.telephone([*quiet, *tone(700, 24000, 1.0, 300), *quiet], 24000)
    samples = sound.decode(alaw)
    assert len(alaw) / sound.RATE == pytest.approx(1.0 + 2 * sound.EDGE_SECONDS, abs=0.07)
    assert sound.level_db(samples) == pytest.approx(sound.LEVEL_DB, abs=0.7)
    assert max(map(abs, samples[: round(0.04 * sound.RATE)])) <= 8
    assert max(map(abs, samples)) <= sound.CEILING


def test_peaks_are_compressed_below_the_ceiling() -> None:
    clicks = [30000.0 if n % 400 == 0 else 500.0 for n in range(8000)]
    assert max(map(abs, sound.levelled(clicks))) <= sound.CEILING


@pytest.mark.parametrize("samples", [[], [0.0] * 800])
def test_silence_is_refused(samples: list[float]) -> None:
    with pytest.raises(sound.SoundError, match="silence"):
        sound.telephone(samples, 8000)


def test_reading_a_wav_averages_the_channels(tmp_path: Path) -> None:
    samples, rate = sound.read_wav(pcm(tmp_path / "two.wav", [100.0, -100.0], 16000, channels=2))
    assert (samples, rate) == ([100.0, -100.0], 16000)


def test_a_wav_that_cannot_be_used_is_refused_with_the_remedy(tmp_path: Path) -> None:
    slow = pcm(tmp_path / "slow.wav", [0.0], 6000)
    with pytest.raises(sound.SoundError, match=r"slow\.wav: 16 bits at 6000 Hz; save it as WAV, PCM, 16 bits"):
        sound.read_wav(slow)
    other = tmp_path / "other.wav"
    other.write_bytes(b"ID3 this is music")
    with pytest.raises(sound.SoundError, match="save it as WAV"):
        sound.read_wav(str(other))


def test_seconds_of_every_kind_of_file(tmp_path: Path) -> None:
    raw = tmp_path / "raw.alaw"
    raw.write_bytes(bytes(12_000))
    assert sound.seconds(str(raw)) == 1.5
    assert sound.seconds(pcm(tmp_path / "a.wav", [0.0] * 4000, 16000)) == 0.25
    fmt = struct.pack("<HHIIHH", 6, 1, 8000, 8000, 1, 8)  # format 6 is A-law
    chunks = b"fmt " + struct.pack("<I", 16) + fmt + b"LIST" + struct.pack("<I", 3) + b"abc\0"
    for size in (2000, 0xFFFFFFFF):  # as written by a recorder that ended, and by one that was killed
        alaw = tmp_path / "alaw.wav"
        alaw.write_bytes(b"RIFF\0\0\0\0WAVE" + chunks + b"data" + struct.pack("<I", size) + bytes(2000))
        assert sound.seconds(str(alaw)) == 0.25


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEdata\x04\0\0\0abcd"])
def test_seconds_of_a_file_without_sound(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no.wav"
    path.write_bytes(content)
    with pytest.raises(sound.SoundError, match=r"no\.wav"):
        sound.seconds(str(path))


def test_raw_a_law_as_a_wav_for_players(tmp_path: Path) -> None:
    path = tmp_path / "play.wav"
    path.write_bytes(sound.wav(bytes(range(256))))
    samples, rate = sound.read_wav(str(path))
    assert (samples, rate) == (sound.decode(bytes(range(256))), 8000)
