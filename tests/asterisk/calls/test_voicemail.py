"""Messages left on a real Asterisk: the number, the words, the limits, and what is in the store afterwards."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.asterisk.support.call_steps import (
    Visit,
    call,
    confirm_number,
    contains,
    fate,
    message_of,
    messages_of,
    say,
    start_recording,
    voice,
)
from tests.asterisk.support.system import BRIEF, System, running_system, wait_until
from voicemail.message import Message
from voicemail.store import Store

pytestmark = pytest.mark.switch

SATURDAY = "2026-11-28 10:00:00"
LONGEST, TEN_SECONDS = "voicemail.longest_seconds", "Dopo il segnale acustico, ha a disposizione 10 secondi."
CHANGES: dict[str, Any] = {
    "voicemail": {"longest_seconds": 10, "silence_seconds": 2, "empty_below_seconds": 1},
    "prompts.yaml": {"prompts": {"vm-record": {"text": TEN_SECONDS, "speaks": {LONGEST: "10 secondi"}}}},
    "menu.yaml": {"nodes": {"chiuso": {"prompts": ["closed"]}}},  # the hours are said in test_closed.py
}
HOME = "+390612345678"  # the caller's number unless a test says otherwise


@pytest.fixture(scope="module")
def closed_system() -> Iterator[System]:
    with running_system(CHANGES, at=SATURDAY, prompt_bytes=BRIEF) as built:
        yield built


@pytest.fixture
def built(closed_system: System) -> Iterator[System]:
    """It is Saturday, nobody is on the line."""
    closed_system.wait_idle()
    yield closed_system
    closed_system.hang_up_all()
    closed_system.wait_idle()
    assert closed_system.leftovers() == []


def type_number(built: System, visit: Visit, digits: str) -> None:
    visit.line.wait_heard(built.sound("vm-type-number"))
    visit.line.heard.clear()
    visit.line.press(f"{digits}#", gap=0.04)


def finish(built: System, visit: Visit) -> Message:
    """From the tone on: speak, hang up."""
    start_recording(built, visit)
    say(visit.line, voice(1.2))
    visit.line.hang_up()
    assert fate(built, visit) == "message"
    return message_of(built, visit)


def send(built: System, visit: Visit) -> None:
    """End the recording, send the message, hear that it was taken."""
    visit.line.press("#")
    visit.line.wait_heard(built.sound("vm-review"))
    visit.line.press("1")
    visit.line.wait_heard(built.sound("vm-saved"))
    visit.line.wait_ended()


def sound_file(built: System, message: Message) -> Path:
    return Path(Store(built.places.messages).audio(message.id))


def voicemail(built: System, *words: str) -> str:
    """What the command line prints."""
    command = [sys.executable, "-m", "voicemail.cli", "--config", built.places.config, "--var", built.places.var]
    done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- the number -------------------------------------------------------------------------------------------------------


def test_given_a_known_number_when_it_is_confirmed_then_the_message_has_it_and_the_words(built: System) -> None:
    visit = call(built)
    visit.line.wait_heard(built.sound("vm-closed"))
    visit.line.wait_heard(built.sound("vm-privacy"))
    confirm_number(built, visit.line)
    start_recording(built, visit)
    spoken = voice(2.5)
    say(visit.line, spoken)
    send(built, visit)
    assert fate(built, visit) == "message"
    message = message_of(built, visit)
    assert (message.reason, message.number, message.number_source) == ("closed", HOME, "cli")
    assert (message.state, message.empty, message.ended_by) == ("new", False, "dtmf")
    assert 2.45 <= message.seconds <= 3.5
    assert 1.2 <= message.sound_seconds <= message.seconds
    assert 0 <= built.now() - message.left_at < 60
    began = contains(sound_file(built, message), spoken)
    assert began is not None
    assert 0 <= began < 0.5
    assert built.kinds(visit.id) == ["answered", "number", "message", "ended"]
    (fact,) = built.wait_fact("message", visit.id)
    assert fact.data == message.facts()
    assert (fact.data["reason"], fact.data["empty"]) == ("closed", False)
    assert built.wait_fact("number", visit.id)[0].data == {"source": "cli", "attempts": 0}
    then_it_is_listed_and_shown(built, message)


def then_it_is_listed_and_shown(built: System, message: Message) -> None:
    (row,) = [line for line in voicemail(built, "list").splitlines() if message.id in line]
    for cell in ("closed", f"{message.seconds:.0f}", "new"):
        assert f" {cell} " in f"{row} "
    assert HOME not in row  # who reads a number is written down
    shown = voicemail(built, "show", message.id)
    for text in ("closed", f"{HOME} (the line they called from)", message.call, str(sound_file(built, message))):
        assert text in shown
    assert "called_back" in voicemail(built, "mark", message.id, "called_back", "--by", "op101")
    assert message.id not in voicemail(built, "list")


def test_given_a_known_number_when_another_is_wanted_then_the_typed_one_counts(built: System) -> None:
    visit = call(built)
    visit.line.wait_heard(built.sound("vm-your-number-is"))
    visit.line.heard.clear()
    visit.line.press("2")
    type_number(built, visit, "3339876543")
    confirm_number(built, visit.line)
    message = finish(built, visit)
    assert (message.number, message.number_source) == ("+393339876543", "typed")


def test_given_a_withheld_number_when_it_is_typed_wrong_wrong_right_then_the_right_one_counts(built: System) -> None:
    visit = call(built, caller=None)
    visit.line.wait_heard(built.sound("vm-number-hidden"))
    for wrong in ("12", "9"):
        type_number(built, visit, wrong)
        visit.line.wait_heard(built.sound("vm-number-wrong"))
    type_number(built, visit, "0612345679")
    confirm_number(built, visit.line)
    message = finish(built, visit)
    assert (message.number, message.number_source) == ("+390612345679", "typed")
    assert built.wait_fact("number", visit.id)[0].data == {"source": "typed", "attempts": 3}


def test_given_a_withheld_number_when_three_are_wrong_then_the_message_is_taken_anyway(built: System) -> None:
    visit = call(built, caller=None)
    for wrong in ("1", "112", "0"):
        type_number(built, visit, wrong)
        visit.line.wait_heard(built.sound("vm-number-wrong"))
    visit.line.wait_heard(built.sound("vm-number-given-up"))
    message = finish(built, visit)
    assert (message.number, message.number_source, message.empty) == (None, "none", False)
    assert built.wait_fact("number", visit.id)[0].data == {"source": "none", "attempts": 3}
    assert " - " in next(line for line in voicemail(built, "list").splitlines() if message.id in line)


# --- the words --------------------------------------------------------------------------------------------------------


def test_given_a_message_when_it_is_heard_and_said_again_then_the_second_one_is_kept(built: System) -> None:
    first, second = voice(1.5), voice(1.5, "info-adr")
    visit = call(built)
    confirm_number(built, visit.line)
    start_recording(built, visit)
    say(visit.line, first)
    visit.line.press("#")
    visit.line.wait_heard(built.sound("vm-review"))
    assert not visit.line.has_heard(first)
    visit.line.heard.clear()
    visit.line.press("2")
    visit.line.wait_heard(first)  # one's own voice, byte by byte
    visit.line.press("3")  # and that is enough of it
    start_recording(built, visit)
    say(visit.line, second)
    send(built, visit)
    message = message_of(built, visit)
    assert contains(sound_file(built, message), second) is not None
    assert contains(sound_file(built, message), first) is None
    assert message.seconds < 3
    assert len(messages_of(built, visit)) == 1


def test_given_nothing_is_said_when_both_chances_are_over_then_an_empty_message_is_kept(built: System) -> None:
    visit = call(built)
    confirm_number(built, visit.line)
    start_recording(built, visit)
    visit.line.press("#")
    visit.line.wait_heard(built.sound("vm-nothing-heard"))
    visit.line.heard.clear()
    start_recording(built, visit)
    visit.line.wait_heard(built.sound("goodbye"))  # two seconds of silence have ended it
    visit.line.wait_ended()
    assert fate(built, visit) == "no_message"
    message = message_of(built, visit)
    assert (message.empty, message.number, message.state) == (True, HOME, "new")
    assert message.sound_seconds < 0.5
    assert built.wait_fact("message", visit.id)[0].data["empty"] is True
    assert next(line for line in voicemail(built, "list").splitlines() if message.id in line).endswith("empty")


def test_given_three_speak_at_once_when_one_stops_one_is_cut_off_and_one_goes_on_then_all_are_kept(
    built: System,
) -> None:
    talkative, brief, cut = call(built), call(built), call(built)
    spoken = voice(1.5)
    for visit, words in ((talkative, voice(12)), (brief, spoken), (cut, voice(1.5, "info-adr") + voice(5))):
        confirm_number(built, visit.line)
        start_recording(built, visit)
        visit.line.speak(words)
    wait_until(lambda: recordings_of(built, cut).stat().st_size > 2 * len(spoken), "the words on the disk")
    cut.line.hang_up()
    for visit in (brief, talkative):
        visit.line.wait_heard(built.sound("vm-review"), 20)
        visit.line.press("1")
        visit.line.wait_ended()
    short, long, torn = message_of(built, brief), message_of(built, talkative), message_of(built, cut)
    assert (short.ended_by, long.ended_by, torn.ended_by) == ("timeout", "timeout", "hangup")
    assert 1.45 <= short.seconds <= 4  # what was said, and at most two seconds of silence
    assert 9.5 <= long.seconds <= 10.5
    assert not (short.empty or long.empty or torn.empty)
    assert contains(sound_file(built, short), spoken) is not None
    assert contains(sound_file(built, torn), voice(1.5, "info-adr")) is not None
    assert [fate(built, visit) for visit in (talkative, brief, cut)] == ["message"] * 3


def recordings_of(built: System, visit: Visit) -> Path:
    """What the switch is writing of this call now."""
    (sheet,) = [path for path in Path(built.places.messages).glob(".*/message.json") if visit.id in path.read_text()]
    return max(sheet.parent.glob("take-*.wav"))
