"""Telephone sound: raw A-law at 8 kHz, one byte per sample, which Asterisk 22 plays as `<name>.alaw`.

European lines carry A-law, so such a file is sent as it is on the disk: half the size of PCM, and no conversion on a
call. This module converts any 16-bit WAV: to one channel, low-pass and resample (a windowed sinc), trim, level. Pure
Python is fast enough, since it runs once per prompt, not per call.
"""

from __future__ import annotations

import array
import functools
import io
import math
import operator
import os
import struct
import sys
import wave
from collections.abc import Iterable, Sequence
from itertools import pairwise

RATE = 8000  # samples per second, and for A-law bytes per second
SUFFIX = ".alaw"

FULL = 32768.0  # 0 dBFS, as 16-bit samples
LEVEL_DB = -19.0  # the level of every prompt: RMS of its sounding parts, dB relative to full scale
EDGE_SECONDS = 0.05  # silence before and after
CUTOFF_HZ = 3600.0  # end of the pass band; at RATE / 2 the filter is 60 dB down
LOBES = 24  # the filter's half length, in periods of RATE
KAISER_BETA = 6.0

FRAME = RATE // 50  # 20 ms: level and silence are measured per frame
QUIET_DB = -40.0  # a frame this far below the loudest one is silence
KNEE = 0.7 * FULL  # above it peaks are compressed, not clipped
CEILING = 0.95 * FULL


class SoundError(ValueError):
    """A sound file cannot be used; the message says why."""


# --- A-law (ITU-T G.711) ---------------------------------------------------------------------------------------------


def _decoded(code: int) -> int:
    """One A-law byte as a 16-bit sample: sign, 3 bits of segment, 4 bits of step, every other bit inverted."""
    code ^= 0x55
    segment, step = code >> 4 & 7, code & 15
    magnitude = (step << 4) + 8 if segment == 0 else ((step << 4) + 264) << (segment - 1)
    return magnitude if code & 0x80 else -magnitude


DECODED = tuple(_decoded(code) for code in range(256))


def _encoded(magnitude: int, positive: bool) -> int:
    segment = max(0, magnitude.bit_length() - 8)
    step = magnitude >> (segment + 3 if segment else 4) & 15
    return (segment << 4 | step | (0x80 if positive else 0)) ^ 0x55


@functools.cache
def _table() -> bytes:
    """The A-law byte of every 13-bit sample, from -4096 up; the index is a 16-bit sample shifted right by 3."""
    negative = [_encoded(-1 - (level << 3), False) for level in range(-4096, 0)]
    positive = [_encoded(level << 3, True) for level in range(4096)]
    return bytes(negative + positive)


def encode(samples: Sequence[float]) -> bytes:
    """16-bit samples as A-law; values beyond the range are clipped."""
    table = _table()
    return bytes(table[(max(-32768, min(32767, round(sample))) >> 3) + 4096] for sample in samples)


def decode(alaw: bytes) -> list[int]:
    """A-law as 16-bit samples."""
    return [DECODED[code] for code in alaw]


# --- files -----------------------------------------------------------------------------------------------------------


def seconds(path: str) -> float:
    """How long a sound file lasts: raw A-law by its size, a WAV (PCM or A-law) by its header. Raises `SoundError`."""
    if path.endswith(SUFFIX):
        return os.path.getsize(path) / RATE
    with open(path, "rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            raise SoundError(f"{path}: neither {SUFFIX} nor WAV")
        rate = 0
        while len(head := file.read(8)) == 8:
            name, size = struct.unpack("<4sI", head)
            if name == b"fmt ":
                rate = struct.unpack("<I", file.read(size)[8:12])[0]  # bytes per second, in every format
            elif name == b"data":
                if not rate:
                    break
                left = os.path.getsize(path) - file.tell()  # a recorder that was killed leaves a wrong size
                return float(min(size, left)) / float(rate)
            else:
                file.seek(size + size % 2, io.SEEK_CUR)
    raise SoundError(f"{path}: a WAV without a format or without data")


def read_wav(path: str) -> tuple[list[float], int]:
    """The samples (the mean of the channels) and the rate in Hz of a 16-bit PCM WAV. Raises `SoundError`."""
    try:
        with wave.open(path, "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as problem:
        raise SoundError(f"{path}: {problem}; save it as WAV, PCM, 16 bits") from None
    if width != 2 or rate < RATE:
        raise SoundError(f"{path}: {8 * width} bits at {rate} Hz; save it as WAV, PCM, 16 bits, 8000 Hz or more")
    samples = array.array("h", data[: len(data) - len(data) % (2 * channels)])
    if sys.byteorder == "big":
        samples.byteswap()
    if channels == 1:
        return [float(sample) for sample in samples], rate
    return [sum(samples[i : i + channels]) / channels for i in range(0, len(samples), channels)], rate


def wav(alaw: bytes) -> bytes:
    """Raw A-law as the bytes of a 16-bit PCM WAV, for ordinary players."""
    samples = array.array("h", decode(alaw))
    if sys.byteorder == "big":
        samples.byteswap()
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return out.getvalue()


# --- conversion for the telephone ------------------------------------------------------------------------------------


def telephone(samples: Sequence[float], rate: int) -> bytes:
    """Sound at `rate` Hz as a finished prompt: resampled, trimmed, levelled, A-law. Raises `SoundError` for silence."""
    return compose([(samples, rate)], 0.0)


def compose(parts: Iterable[tuple[Sequence[float], int]], pause_seconds: float) -> bytes:
    """Several sounds as one finished prompt, with a pause between them. Raises `SoundError` for silence."""
    pause = [0.0] * round(pause_seconds * RATE)
    speech: list[float] = []
    for samples, rate in parts:
        part = trimmed(resampled(samples, rate))
        if not part:
            raise SoundError("nothing but silence")
        speech += [*pause, *part] if speech else part
    edge = [0.0] * round(EDGE_SECONDS * RATE)
    return encode([*edge, *levelled(speech), *edge])


def pauses(samples: Sequence[float], least_seconds: float) -> list[float]:
    """The lengths in seconds of the silences inside a sound, in order; only those of `least_seconds` or more."""
    loud = _sounding(samples)
    gaps = ((after - before - 1) * FRAME / RATE for before, after in pairwise(loud))
    return [round(gap, 3) for gap in gaps if gap >= least_seconds]


def resampled(samples: Sequence[float], rate: int) -> list[float]:
    """Band-limited samples at 8 kHz from samples at `rate` Hz (8 kHz or more).

    Output n is at input position n * rate / 8000. There are only `up` different fractions, each with its own filter.
    """
    if rate == RATE:
        return list(samples)
    common = math.gcd(RATE, rate)
    up, down = RATE // common, rate // common
    reach = math.ceil(LOBES * rate / RATE)  # input samples on either side
    phases = [_filter(phase / up, reach, rate) for phase in range(up)]
    padded = [0.0] * reach + list(samples) + [0.0] * (reach + 1)
    out = []
    for n in range(len(samples) * up // down):
        start, phase = divmod(n * down, up)
        out.append(sum(map(operator.mul, phases[phase], padded[start : start + 2 * reach + 1])))
    return out


def _filter(fraction: float, reach: int, rate: int) -> list[float]:
    """Kaiser-windowed sinc around `fraction` of an input sample, of unit gain at 0 Hz."""
    width = 2 * CUTOFF_HZ / rate
    taps = []
    for k in range(-reach, reach + 1):
        x = k - fraction
        window = _bessel(KAISER_BETA * math.sqrt(max(0.0, 1 - (x / (reach + 1)) ** 2)))
        taps.append(window * (math.sin(math.pi * width * x) / (math.pi * width * x) if x else 1.0))
    gain = sum(taps)
    return [tap / gain for tap in taps]


def _bessel(x: float) -> float:
    """The modified Bessel function I0, by its power series."""
    total = term = 1.0
    for k in range(1, 40):
        term *= (x / 2 / k) ** 2
        total += term
    return total


def trimmed(samples: Sequence[float]) -> list[float]:
    """Remove the silence at both ends, but for one frame on either side, for soft consonants."""
    loud = _sounding(samples)
    if not loud:
        return []
    return list(samples[max(0, loud[0] - 1) * FRAME : (loud[-1] + 2) * FRAME])


def level_db(samples: Sequence[float]) -> float:
    """RMS of the sounding frames in dB relative to full scale; minus infinity for silence."""
    energies = [_energy(samples, frame) for frame in _sounding(samples)]
    return 10 * math.log10(sum(energies) / len(energies) / FULL**2) if energies else -math.inf


def levelled(samples: Sequence[float]) -> list[float]:
    """Scale to LEVEL_DB; the few peaks above the knee are compressed towards the ceiling instead of clipped."""
    gain = 10 ** ((LEVEL_DB - level_db(samples)) / 20)
    room = CEILING - KNEE

    def compress(x: float) -> float:
        return x if abs(x) <= KNEE else math.copysign(KNEE + room * math.tanh((abs(x) - KNEE) / room), x)

    return [compress(sample * gain) for sample in samples]


def _sounding(samples: Sequence[float]) -> list[int]:
    """The numbers of the frames that are not silence."""
    energies = [_energy(samples, frame) for frame in range(math.ceil(len(samples) / FRAME))]
    if not energies or max(energies) < 1.0:  # below one unit of 16 bits: digital silence
        return []
    least = max(energies) * 10 ** (QUIET_DB / 10)
    return [frame for frame, energy in enumerate(energies) if energy >= least]


def _energy(samples: Sequence[float], frame: int) -> float:
    part = samples[frame * FRAME : (frame + 1) * FRAME]
    total: float = sum(map(operator.mul, part, part))
    return total / len(part)
