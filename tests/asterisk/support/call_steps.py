"""Frequent steps of callers and operators in the tests on a real Asterisk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from common.places import Places
from ivr.prompts import sound
from tests.asterisk.support.softphone import SILENCE, Line
from tests.asterisk.support.system import NUMBER, System, wait_until
from voicemail import audio
from voicemail.message import Message
from voicemail.store import Store

CLOSE = 24  # of 32768: the error of mixing a voice with silence


class Visit(NamedTuple):
    """A caller on the line, and the id of the call."""

    line: Line
    id: str


def call(system: System, **options: Any) -> Visit:
    """Dial the service and wait for its answer. One call at a time."""
    known = system.call_ids()
    line = system.call(**options)
    wait_until(lambda: len(system.new_calls(known)) == 1, "the engine to report the call")
    return Visit(line, system.new_calls(known)[0])


def enter_queue(system: System, key: str = "0", **options: Any) -> Visit:
    """Call and ask for an operator, until the caller is in the queue or has been refused."""
    visit = call(system, **options)
    visit.line.wait_heard(system.sound("welcome"))
    visit.line.press(key)
    visit.line.wait_heard(system.sound("queue-wait"))
    return visit


def wait_entered(system: System, visit: Visit) -> None:
    wait_until(lambda: "ENTERQUEUE" in system.events(visit.id), "the caller to be in the queue")


@contextmanager
def talking(system: System, count: int) -> Iterator[list[tuple[Visit, Line]]]:
    """`count` operators are in conversation until the block ends: pairs of caller and operator's line."""
    pairs: list[tuple[Visit, Line]] = []
    try:
        for _ in range(count):
            visit = enter_queue(system)
            pairs.append((visit, system.answer()))
        yield pairs
    finally:
        for visit, operator in pairs:
            visit.line.hang_up()
            operator.hang_up()


@contextmanager
def all_talking(system: System, count: int) -> Iterator[None]:
    """`count` operators are in conversation, all since about the same time."""
    lines = [system.caller.dial(NUMBER, system.stack.sip_port) for _ in range(count)]
    for line in lines:
        line.wait_heard(system.sound("welcome"))
        line.press("0")
    operators = [system.answer() for _ in range(count)]
    yield
    for line in (*lines, *operators):
        line.hang_up()


def confirm_number(system: System, line: Line) -> None:
    line.wait_heard(system.sound("vm-your-number-is"))
    line.press("1")


def start_recording(system: System, visit: Visit) -> None:
    """Wait for the end of the tone: from then on everything is recorded."""
    before = set(recordings(system))
    visit.line.wait_heard(system.sound("vm-record"))
    wait_until(lambda: bool(set(recordings(system)) - before), "the recording to begin")


def recordings(system: System) -> list[Path]:
    """Recordings under way, or finished and under review."""
    return sorted(Path(system.places.messages).glob(".*/take-*.wav"))


def say(line: Line, voice: bytes) -> None:
    """Speak, then pause: a key ends a recording a fifth of a second before it was pressed."""
    line.speak(voice + SILENCE * 12)
    line.wait_quiet()


def speak_message(system: System, visit: Visit) -> Message:
    """Say something, then hang up."""
    start_recording(system, visit)
    say(visit.line, voice(1.2))
    visit.line.hang_up()
    assert fate(system, visit) == "message"
    return message_of(system, visit)


def message_of(system: System, visit: Visit) -> Message:
    """The one message of this call."""
    wait_until(lambda: bool(messages_of(system, visit)), "the message to be in the store")
    (message,) = messages_of(system, visit)
    return message


def messages_of(system: System, visit: Visit) -> list[Message]:
    return [message for message in Store(system.places.messages).list() if message.call == visit.id]


def fate(system: System, visit: Visit) -> str:
    """How the call ended, once it has."""
    return str(system.wait_fact("ended", visit.id)[0].data["fate"])


def voice(seconds: float, prompt: str = "info-did") -> bytes:
    """Somebody speaking, as A-law."""
    speech = Path(Places().audio, f"{prompt}.alaw").read_bytes()[1600:]
    assert len(speech) >= seconds * sound.RATE
    return speech[: round(seconds * sound.RATE)]


def contains(recording: Path, spoken: bytes, at: float = 0.5) -> float | None:
    """The time in a recording (16-bit WAV) at which this voice begins, in seconds; None if it is not there.

    A quarter of a second is looked for, `at` seconds from the beginning of what was spoken.
    """
    begin = round(at * sound.RATE)
    wanted = sound.decode(spoken[begin : begin + sound.RATE // 4])
    pcm = audio.samples(str(recording))
    heard = memoryview(pcm).cast("h")
    loudest = max(range(len(wanted)), key=lambda n: abs(wanted[n]))
    for start in range(len(heard) - len(wanted)):
        if abs(heard[start + loudest] - wanted[loudest]) <= CLOSE and all(
            abs(heard[start + n] - sample) <= CLOSE for n, sample in enumerate(wanted)
        ):
            return (start - begin) / sound.RATE
    return None
