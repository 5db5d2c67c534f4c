"""What callers and operators do again and again in the tests on a real Asterisk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from common.places import Places
from ivr.prompts import sound
from tests.asterisk.house import NUMBER, House, wait_until
from tests.asterisk.phone import SILENCE, Line
from voicemail import audio
from voicemail.message import Message
from voicemail.store import Store

CLOSE = 24  # of 32768: what is added when two voices are mixed of which one is silent


class Visit(NamedTuple):
    """A caller on the line, and the id under which the service knows the call."""

    line: Line
    id: str


def call(house: House, **options: Any) -> Visit:
    """Dial the service; it has answered. One at a time."""
    known = house.call_ids()
    line = house.call(**options)
    wait_until(lambda: len(house.new_calls(known)) == 1, "the engine to report the call")
    return Visit(line, house.new_calls(known)[0])


def enter_queue(house: House, key: str = "5", **options: Any) -> Visit:
    """Call and ask for an operator; the caller is in the queue, or has been turned away."""
    visit = call(house, **options)
    visit.line.wait_heard(house.sound("welcome"))
    visit.line.press(key)
    visit.line.wait_heard(house.sound("queue-wait"))
    return visit


def wait_entered(house: House, visit: Visit) -> None:
    wait_until(lambda: "ENTERQUEUE" in house.events(visit.id), "the caller to be in the queue")


@contextmanager
def talking(house: House, count: int) -> Iterator[list[tuple[Visit, Line]]]:
    """So many operators are in conversation: (caller, operator's line), until the end of the block."""
    pairs: list[tuple[Visit, Line]] = []
    try:
        for _ in range(count):
            visit = enter_queue(house)
            pairs.append((visit, house.answer()))
        yield pairs
    finally:
        for visit, operator in pairs:
            visit.line.hang_up()
            operator.hang_up()


@contextmanager
def all_talking(house: House, count: int) -> Iterator[None]:
    """So many operators are in conversation, who all began at about the same time."""
    lines = [house.caller.dial(NUMBER, house.stack.sip_port) for _ in range(count)]
    for line in lines:
        line.wait_heard(house.sound("welcome"))
        line.press("5")
    operators = [house.answer() for _ in range(count)]
    yield
    for line in (*lines, *operators):
        line.hang_up()


def confirm_number(house: House, line: Line) -> None:
    line.wait_heard(house.sound("vm-your-number-is"))
    line.press("1")


def start_recording(house: House, visit: Visit) -> None:
    """Through the tone: from here on every word is recorded."""
    before = set(recordings(house))
    visit.line.wait_heard(house.sound("vm-record"))
    wait_until(lambda: bool(set(recordings(house)) - before), "the recording to begin")


def recordings(house: House) -> list[Path]:
    """Recordings under way, or finished and under review."""
    return sorted(Path(house.places.messages).glob(".*/take-*.wav"))


def say(line: Line, voice: bytes) -> None:
    """Speak, and take a breath: a key ends a recording a fifth of a second before it was pressed."""
    line.speak(voice + SILENCE * 12)
    line.wait_quiet()


def speak_message(house: House, visit: Visit) -> Message:
    """Confirm the number, say something, hang up."""
    confirm_number(house, visit.line)
    start_recording(house, visit)
    say(visit.line, voice(1.2))
    visit.line.hang_up()
    assert fate(house, visit) == "message"
    return message_of(house, visit)


def message_of(house: House, visit: Visit) -> Message:
    """The one message of this call."""
    wait_until(lambda: bool(messages_of(house, visit)), "the message to be in the store")
    (message,) = messages_of(house, visit)
    return message


def messages_of(house: House, visit: Visit) -> list[Message]:
    return [message for message in Store(house.places.messages).list() if message.call == visit.id]


def fate(house: House, visit: Visit) -> str:
    """How the call ended, once it has."""
    return str(house.wait_fact("ended", visit.id)[0].data["fate"])


def voice(seconds: float, prompt: str = "info-did") -> bytes:
    """Somebody speaking, as A-law."""
    speech = Path(Places().audio, f"{prompt}.alaw").read_bytes()[1600:]
    assert len(speech) >= seconds * sound.RATE
    return speech[: round(seconds * sound.RATE)]


def contains(recording: Path, spoken: bytes, at: float = 0.5) -> float | None:
    """Where in a recording (16-bit WAV) this voice is heard, in seconds; None when it is not.

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
