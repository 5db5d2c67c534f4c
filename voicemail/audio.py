"""The sound of a message: 16-bit PCM at 8 kHz in a WAV file, as Asterisk writes it. Measures length and audible time.

Asterisk writes the sizes in the header only when it closes the file, so the header of a recording that a crash cut
short says that it is empty. Therefore the content of the file is measured, and `join` writes a correct header.
"""

from __future__ import annotations

import array
import math
import struct
import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

RATE = 8000  # samples per second
WIDTH = 2  # bytes per sample

FRAME = RATE // 10  # 0.1 s: the unit of measurement; long enough that gaps between syllables count as speech
# Asterisk's silence detector uses a mean amplitude of 256; an RMS of 256 is slightly less. So what ends a recording
# for silence is silence here too, and what the switch detects as sound is sound.
LOUD = 256.0
# Every 13th sample is enough for the energy of a frame; 180 s then take some milliseconds. Lines carry no tones at
# 8000 / 13 Hz or its multiples. With a stride of 8, all samples of a 1000 Hz tone could be its zeros.
STRIDE = 13
PAUSE = bytes(RATE // 2 * WIDTH)  # half a second of silence between two joined recordings

MOST_BYTES = 64 * 1024 * 1024  # over an hour; a larger file is not a message


class AudioError(ValueError):
    """A file is not the sound of a message; the text names the file and the reason."""


class Sound(NamedTuple):
    """The length of a recording."""

    seconds: float
    sounding: float  # of these, seconds with audible sound


NOTHING = Sound(0.0, 0.0)


def samples(path: str) -> bytes:
    """Return the samples of a WAV file, little-endian; empty if the recording never began.

    Raises OSError, and `AudioError` for anything but 16-bit PCM at 8 kHz with one channel.
    """
    with open(path, "rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise AudioError(f"{path}: larger than {MOST_BYTES // 2**20} MB: not a message")
    begin, size = _data(content, path)
    rest = len(content) - begin
    if not 0 < size <= rest:  # the writer did not get to fill it in
        size = rest
    return content[begin : begin + size - size % WIDTH]


def _data(content: bytes, path: str) -> tuple[int, int]:
    """Return the offset of the samples, and their size in bytes according to the header."""
    if not (b"RIFF".startswith(content[:4]) and b"WAVE".startswith(content[8:12])):
        raise AudioError(f"{path}: not a WAV file")
    known, at = False, 12
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        at += 8
        if name == b"data":
            if not known:
                break
            return at, size
        if name == b"fmt ":
            if at + 16 > len(content):
                break
            coding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", content, at)
            if (coding, channels, rate, bits) != (1, 1, RATE, 8 * WIDTH):
                raise AudioError(f"{path}: coding {coding}, {channels} x {bits} bits, {rate} Hz; not PCM, 1 x 16, 8000")
            known = True
        at += size + size % 2
    return len(content), 0  # ends within the header: nothing was recorded


def measure_samples(pcm: bytes) -> Sound:
    """Measure samples."""
    values = array.array("h", pcm)
    if sys.byteorder == "big":
        values.byteswap()
    thin = values[::STRIDE]
    step = FRAME // STRIDE
    frames = 0
    for begin in range(0, len(thin), step):
        part = thin[begin : begin + step]
        mean = sum(part) / len(part)  # some lines add a constant, which is not sound
        if math.hypot(*part) ** 2 / len(part) - mean * mean >= LOUD * LOUD:
            frames += 1
    seconds = len(values) / RATE
    return Sound(round(seconds, 3), round(min(seconds, frames * step * STRIDE / RATE), 3))


def measure(path: str) -> Sound:
    """Measure a file; `NOTHING` if it does not exist. Raises `AudioError` and OSError."""
    try:
        return measure_samples(samples(path))
    except FileNotFoundError:
        return NOTHING


def has_right_length(path: str) -> bool:
    """Whether the size in the header is right, so that every player plays the whole file."""
    with open(path, "rb") as file:
        head = file.read(44)
        length = file.seek(0, 2)
    if len(head) < 44 or head[36:40] != b"data":
        return False
    return head[40:44] == struct.pack("<I", length - 44)


def join(parts: Iterable[bytes]) -> bytes:
    """Return the samples of several recordings as one WAV file, with a pause between them."""
    data = PAUSE.join(parts)
    form = (b"fmt ", 16, 1, 1, RATE, RATE * WIDTH, WIDTH, 8 * WIDTH)
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", *form, b"data", len(data))
    return head + data


def measure_joined(parts: Sequence[bytes], sounds: Iterable[Sound]) -> Sound:
    """Return the length of `join(parts)`, given the lengths of the parts."""
    size = sum(map(len, parts)) + len(PAUSE) * (len(parts) - 1)
    return Sound(round(size / WIDTH / RATE, 3), round(sum(sound.sounding for sound in sounds), 3))
