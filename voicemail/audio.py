"""The sound of a message: 16-bit PCM at 8 kHz in a WAV, as Asterisk writes it. How long it is, how much of it is sound.

Asterisk fills in the sizes of the header only when it closes the file, so a recording that a crash cut short says that
it is empty although it is not. What counts here is what lies in the file, and `joined` writes an honest header.
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

FRAME = RATE // 10  # 0.1 s: the grain of the measure; long enough that the gaps between syllables count as speech
# Asterisk's own silence detector wants a mean amplitude of 256; an RMS of 256 is a little less. So what ends a
# recording for silence is silence here too, and what the switch hears as sound is sound.
LOUD = 256.0
# Every 13th sample is enough for the energy of a frame; 180 s then take some milliseconds. 8000 / 13 Hz is no tone that
# lines carry, nor are its multiples; with a stride of 8 a tone of 1000 Hz could be met in its zeros each time.
STRIDE = 13
PAUSE = bytes(RATE // 2 * WIDTH)  # half a second of silence, between two recordings that become one message

MOST_BYTES = 64 * 1024 * 1024  # over an hour; a larger file is no message


class AudioError(ValueError):
    """A file is not the sound of a message; the text names it and says why."""


class Sound(NamedTuple):
    """A recording's measure."""

    seconds: float  # of recording
    sounding: float  # of these, seconds with something to be heard


NOTHING = Sound(0.0, 0.0)


def samples(path: str) -> bytes:
    """The samples of a WAV, little-endian as they lie in it; none when the recording never began.

    Raises `AudioError` for anything but 16-bit PCM at 8 kHz, one channel, and OSError.
    """
    with open(path, "rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise AudioError(f"{path}: larger than {MOST_BYTES // 2**20} MB: not a message")
    begin, size = _data(content, path)
    rest = len(content) - begin
    if not 0 < size <= rest:  # the writer never came to fill it in
        size = rest
    return content[begin : begin + size - size % WIDTH]


def _data(content: bytes, path: str) -> tuple[int, int]:
    """Where the samples begin, and how many bytes of them the header announces."""
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
    return len(content), 0  # cut off within its header: nothing was recorded


def measured(pcm: bytes) -> Sound:
    """How long these samples are, and how much of that is sound."""
    values = array.array("h", pcm)
    if sys.byteorder == "big":
        values.byteswap()
    thin = values[::STRIDE]
    step = FRAME // STRIDE
    frames = 0
    for begin in range(0, len(thin), step):
        part = thin[begin : begin + step]
        mean = sum(part) / len(part)  # some lines add a constant; it is not sound
        if math.hypot(*part) ** 2 / len(part) - mean * mean >= LOUD * LOUD:
            frames += 1
    seconds = len(values) / RATE
    return Sound(round(seconds, 3), round(min(seconds, frames * step * STRIDE / RATE), 3))


def measure(path: str) -> Sound:
    """`measured` for a file; `NOTHING` when there is none. Raises `AudioError` and OSError."""
    try:
        return measured(samples(path))
    except FileNotFoundError:
        return NOTHING


def whole(path: str) -> bool:
    """Whether the header tells the truth, so that every player plays all of it."""
    with open(path, "rb") as file:
        head = file.read(44)
        length = file.seek(0, 2)
    if len(head) < 44 or head[36:40] != b"data":
        return False
    return head[40:44] == struct.pack("<I", length - 44)


def joined(parts: Iterable[bytes]) -> bytes:
    """Several recordings' samples as one WAV, with a pause between them."""
    data = PAUSE.join(parts)
    form = (b"fmt ", 16, 1, 1, RATE, RATE * WIDTH, WIDTH, 8 * WIDTH)
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", *form, b"data", len(data))
    return head + data


def joint(parts: Sequence[bytes], sounds: Iterable[Sound]) -> Sound:
    """The measure of `joined(parts)`, whose parts have been measured."""
    size = sum(map(len, parts)) + len(PAUSE) * (len(parts) - 1)
    return Sound(round(size / WIDTH / RATE, 3), round(sum(sound.sounding for sound in sounds), 3))
