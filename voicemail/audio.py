"""The sound of a message: 16-bit PCM at 8 kHz in a WAV file, as Asterisk writes it.

Measures length and audible time, and cuts silence and the busy tone that some lines give after the caller has hung up.

Asterisk writes the sizes in the header only when it closes the file, so the header of a recording that a crash cut
short says that it is empty. Therefore the content of the file is measured, and `join` writes a correct header.
"""

from __future__ import annotations

import array
import functools
import math
import operator
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
_FRAME_SAMPLES = FRAME // STRIDE * STRIDE
# ITU-T E.180: 425 Hz in Italy. Two frequencies, since a frame of 0.1 s tells tones 10 Hz apart; a third of the samples
# is enough for them.
BUSY_TONE_HZ = (423.0, 427.0)
TONE_SHARE = 0.8  # of the energy; speech has its energy at many frequencies
_TONE_STRIDE = 3
MARGIN_SECONDS = 0.5  # of silence or tone that stays at the ends of a message
QUIET_KEPT_SECONDS = 5.0  # of a recording without speech
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
    """Measure samples. The busy tone after the caller has hung up is not sound."""
    values = _values(pcm)
    loud = _loud_frames(values)
    sounding = sum(loud[: _speech_end(values, loud)])
    seconds = len(values) / RATE
    return Sound(round(seconds, 3), round(min(seconds, sounding * _FRAME_SAMPLES / RATE), 3))


def trim(pcm: bytes) -> bytes:
    """Cut the silence at both ends and the busy tone at the end, except `MARGIN_SECONDS` of it.

    A recording without speech is cut to `QUIET_KEPT_SECONDS`. Returns the same bytes if there is nothing to cut.
    """
    values = _values(pcm)
    loud = _loud_frames(values)
    end = _speech_end(values, loud)
    if end == 0:
        return pcm[: round(QUIET_KEPT_SECONDS * RATE) * WIDTH]
    margin = round(MARGIN_SECONDS * RATE)
    first = max(0, loud.index(True) * _FRAME_SAMPLES - margin) // 8 * 8  # whole milliseconds
    last = end * _FRAME_SAMPLES + margin
    last = last // 8 * 8 if last < len(values) else len(values)
    return pcm[first * WIDTH : last * WIDTH]


def _values(pcm: bytes) -> array.array[int]:
    values = array.array("h", pcm)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _loud_frames(values: array.array[int]) -> list[bool]:
    """Whether each frame of `_FRAME_SAMPLES` can be heard."""
    thin = values[::STRIDE]
    step = _FRAME_SAMPLES // STRIDE
    loud = []
    for begin in range(0, len(thin), step):
        part = thin[begin : begin + step]
        mean = sum(part) / len(part)  # some lines add a constant, which is not sound
        loud.append(math.hypot(*part) ** 2 / len(part) - mean * mean >= LOUD * LOUD)
    return loud


def _speech_end(values: array.array[int], loud: list[bool]) -> int:
    """The number of frames up to the last that can be heard and does not belong to the busy tone."""

    @functools.cache
    def kind(frame: int) -> str:
        if not 0 <= frame < len(loud) or not loud[frame]:
            return "quiet"
        return "tone" if _is_busy_tone(values, frame) else "speech"

    end = len(loud)
    while end:
        last, around = kind(end - 1), {kind(end - 2), kind(end)}
        # A frame between the tone and silence is one in which the tone begins or ends.
        if last == "speech" and around != {"tone", "quiet"}:
            break
        end -= 1
    return end


def _is_busy_tone(values: array.array[int], frame: int) -> bool:
    """Whether nearly all energy of a frame is at the frequency of Italian busy and congestion tones."""
    part = values[frame * _FRAME_SAMPLES : (frame + 1) * _FRAME_SAMPLES : _TONE_STRIDE]
    count = len(part)
    mean = sum(part) / count
    energy = sum(map(operator.mul, part, part)) - count * mean * mean
    power = max(
        sum(map(operator.mul, part, cosines)) ** 2 + sum(map(operator.mul, part, sines)) ** 2
        for cosines, sines in _tone_tables()
    )
    return bool(power * 2 / count >= TONE_SHARE * energy)


@functools.cache
def _tone_tables() -> list[tuple[list[float], list[float]]]:
    """Cosine and sine of each frequency for the samples of a frame."""
    times = [n / RATE for n in range(0, _FRAME_SAMPLES, _TONE_STRIDE)]
    turns = [2 * math.pi * hertz for hertz in BUSY_TONE_HZ]
    return [([math.cos(turn * t) for t in times], [math.sin(turn * t) for t in times]) for turn in turns]


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
