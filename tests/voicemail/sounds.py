"""Recordings as Asterisk would leave them: speech is a tone of 440 Hz, silence a little noise."""

from __future__ import annotations

import array
import math
import random
import struct
import sys

RATE = 8000
HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")


def pcm(values: list[int]) -> bytes:
    samples = array.array("h", values)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def tone(seconds: float, hertz: float = 440.0, amplitude: int = 6000) -> bytes:
    step = 2 * math.pi * hertz / RATE
    return pcm([round(amplitude * math.sin(step * n)) for n in range(round(seconds * RATE))])


def silence(seconds: float, noise: float = 20.0, offset: int = 0) -> bytes:
    draw = random.Random(1).gauss
    return pcm([round(offset + draw(0, noise)) for _ in range(round(seconds * RATE))])


def header(data: int, announced: int | None = None, *, coding: int = 1, channels: int = 1, rate: int = RATE) -> bytes:
    size = data if announced is None else announced
    return HEADER.pack(
        b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, coding, channels, rate, rate * 2, 2, 16, b"data", size
    )  # fmt: skip


def wav(samples: bytes) -> bytes:
    """A finished recording."""
    return header(len(samples)) + samples


def unfinished(samples: bytes) -> bytes:
    """A file whose switch died while it recorded: the sizes in the header are missing."""
    return header(len(samples), 0) + samples
