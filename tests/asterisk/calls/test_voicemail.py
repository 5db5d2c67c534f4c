"""Messages on a real Asterisk: the number, the recording, the limits, and the contents of the store afterwards."""

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
    with running_system(CHANGES, at=SATURDAY, prompt_bytes=BRIEF) as system:
        yield system


@pytest.fixture
def system(closed_system: System) -> Iterator[System]:
    """It is Saturday; there is no call."""
    closed_system.wait_idle()
    yield closed_system
    closed_system.hang_up_all()
    closed_system.wait_idle()
    assert closed_system.leftovers() == []


def type_number(system: System, visit: Visit, digits: str) -> None:
    visit.line.wait_heard(system.sound("vm-type-number"))
    visit.line.heard.clear()
    visit.line.press(f"{digits}#", gap=0.04)


def finish(system: System, visit: Visit) -> Message:
    """Speak after the tone and hang up."""
    start_recording(system, visit)
    say(visit.line, voice(1.2))
    visit.line.hang_up()
    assert fate(system, visit) == "message"
    return message_of(system, visit)


def send(system: System, visit: Visit) -> None:
    """End the recording, send the message, hear the confirmation."""
    visit.line.press("#")
    visit.line.wait_heard(system.sound("vm-review"))
    visit.line.press("1")
    confirm_number(system, visit.line)
    visit.line.wait_heard(system.sound("vm-saved"))
    visit.line.wait_ended()


def sound_file(system: System, message: Message) -> Path:
    return Path(Store(system.places.messages).audio(message.id))


def voicemail(system: System, *words: str) -> str:
    """The output of a `voicemail` command."""
    command = [sys.executable, "-m", "voicemail.cli", "--config", system.places.config, "--var", system.places.var]
    done = subprocess.run(
        [*command, *words, "--language", "en"], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- the number -------------------------------------------------------------------------------------------------------


def test_given_a_known_number_when_it_is_confirmed_then_the_message_has_it_and_the_voice(system: System) -> None:
    visit = call(system)
    visit.line.wait_heard(system.sound("vm-closed"))
    visit.line.wait_heard(system.sound("vm-privacy"))
    start_recording(system, visit)
    spoken = voice(2.5)
    say(visit.line, spoken)
    send(system, visit)
    assert fate(system, visit) == "message"
    message = message_of(system, visit)
    assert (message.reason, message.number, message.number_source) == ("closed", HOME, "cli")
    assert (message.state, message.empty, message.ended_by) == ("new", False, "dtmf")
    assert 2.45 <= message.seconds <= 3.5
    assert 1.2 <= message.sound_seconds <= message.seconds
    assert 0 <= system.now() - message.left_at < 60
    began = contains(sound_file(system, message), spoken)
    assert began is not None
    assert 0 <= began < 0.5
    assert system.kinds(visit.id) == ["answered", "choice", "number", "message", "ended"]
    (fact,) = system.wait_fact("message", visit.id)
    assert fact.data == message.facts()
    assert (fact.data["reason"], fact.data["empty"]) == ("closed", False)
    assert system.wait_fact("number", visit.id)[0].data == {"source": "cli", "attempts": 0}
    then_it_is_listed_and_shown(system, message)


def then_it_is_listed_and_shown(system: System, message: Message) -> None:
    (row,) = [line for line in voicemail(system, "list").splitlines() if message.id in line]
    for cell in ("closed", f"{message.seconds:.0f}", "new"):
        assert f" {cell} " in f"{row} "
    assert HOME not in row  # reading a number is logged
    shown = voicemail(system, "show", message.id)
    for text in ("closed", f"{HOME} (the line they called from)", message.call, str(sound_file(system, message))):
        assert text in shown
    assert "called_back" in voicemail(system, "mark", message.id, "called_back", "--by", "op101")
    assert message.id not in voicemail(system, "list")


def test_given_a_known_number_when_another_one_is_typed_then_the_typed_one_counts(system: System) -> None:
    visit = call(system)
    start_recording(system, visit)
    say(visit.line, voice(1.2))
    visit.line.press("#")
    visit.line.wait_heard(system.sound("vm-review"))
    visit.line.press("1")
    visit.line.wait_heard(system.sound("vm-your-number-is"))
    visit.line.heard.clear()
    visit.line.press("2")
    type_number(system, visit, "3339876543")
    confirm_number(system, visit.line)
    visit.line.wait_heard(system.sound("vm-saved"))
    visit.line.wait_ended()
    message = message_of(system, visit)
    assert (message.number, message.number_source) == ("+393339876543", "typed")


def test_given_a_withheld_number_when_it_is_typed_wrong_wrong_right_then_the_right_one_counts(system: System) -> None:
    visit = call(system, caller=None)
    visit.line.wait_heard(system.sound("vm-number-hidden"))
    for wrong in ("12", "9"):
        type_number(system, visit, wrong)
        visit.line.wait_heard(system.sound("vm-number-wrong"))
    type_number(system, visit, "0612345679")
    confirm_number(system, visit.line)
    message = finish(system, visit)
    assert (message.number, message.number_source) == ("+390612345679", "typed")
    assert system.wait_fact("number", visit.id)[0].data == {"source": "typed", "attempts": 3}


def test_given_a_withheld_number_when_three_are_wrong_then_the_message_is_taken_anyway(system: System) -> None:
    visit = call(system, caller=None)
    for wrong in ("1", "112", "0"):
        type_number(system, visit, wrong)
        visit.line.wait_heard(system.sound("vm-number-wrong"))
    visit.line.wait_heard(system.sound("vm-number-given-up"))
    message = finish(system, visit)
    assert (message.number, message.number_source, message.empty) == (None, "none", False)
    assert system.wait_fact("number", visit.id)[0].data == {"source": "none", "attempts": 3}
    assert " - " in next(line for line in voicemail(system, "list").splitlines() if message.id in line)


# --- the recording ----------------------------------------------------------------------------------------------------


def test_given_a_message_when_it_is_heard_and_recorded_again_then_the_second_one_is_kept(system: System) -> None:
    first, second = voice(1.5), voice(1.5, "info-adr")
    visit = call(system)
    start_recording(system, visit)
    say(visit.line, first)
    visit.line.press("#")
    visit.line.wait_heard(system.sound("vm-review"))
    assert not visit.line.has_heard(first)
    visit.line.heard.clear()
    visit.line.press("2")
    visit.line.wait_heard(first)  # the caller's own voice, byte by byte
    visit.line.press("3")
    start_recording(system, visit)
    say(visit.line, second)
    send(system, visit)
    message = message_of(system, visit)
    assert contains(sound_file(system, message), second) is not None
    assert contains(sound_file(system, message), first) is None
    assert message.seconds < 3
    assert len(messages_of(system, visit)) == 1


def test_given_nothing_is_said_in_two_recordings_then_an_empty_message_is_kept(system: System) -> None:
    visit = call(system)
    start_recording(system, visit)
    visit.line.press("#")
    visit.line.wait_heard(system.sound("vm-nothing-heard"))
    visit.line.heard.clear()
    start_recording(system, visit)
    visit.line.wait_heard(system.sound("vm-not-left"))  # two seconds of silence have ended the recording
    visit.line.wait_ended()
    assert fate(system, visit) == "no_message"
    message = message_of(system, visit)
    assert (message.empty, message.number, message.state) == (True, HOME, "new")
    assert message.sound_seconds < 0.5
    assert system.wait_fact("message", visit.id)[0].data["empty"] is True
    assert next(line for line in voicemail(system, "list").splitlines() if message.id in line).endswith("empty")


def test_given_three_speak_at_once_when_one_stops_one_is_cut_off_and_one_goes_on_then_all_are_kept(
    system: System,
) -> None:
    talkative, brief, cut = call(system), call(system), call(system)
    spoken = voice(1.5)
    for visit, speech in ((talkative, voice(12)), (brief, spoken), (cut, voice(1.5, "info-adr") + voice(5))):
        start_recording(system, visit)
        visit.line.speak(speech)
    wait_until(lambda: recordings_of(system, cut).stat().st_size > 2 * len(spoken), "the recording on the disk")
    cut.line.hang_up()
    for visit in (brief, talkative):
        if visit is brief:  # a silence has ended it
            visit.line.wait_heard(system.sound("vm-continue"))
            visit.line.press("2")
        visit.line.wait_heard(system.sound("vm-review"), 20)
        visit.line.press("1")
        confirm_number(system, visit.line)
        visit.line.wait_ended()
    short, long, torn = message_of(system, brief), message_of(system, talkative), message_of(system, cut)
    assert (short.ended_by, long.ended_by, torn.ended_by) == ("timeout", "timeout", "hangup")
    assert 1.45 <= short.seconds <= 4  # the speech, and at most two seconds of silence
    assert 9.5 <= long.seconds <= 10.5
    assert not (short.empty or long.empty or torn.empty)
    assert contains(sound_file(system, short), spoken) is not None
    assert contains(sound_file(system, torn), voice(1.5, "info-adr")) is not None
    assert [fate(system, visit) for visit in (talkative, brief, cut)] == ["message"] * 3


def recordings_of(system: System, visit: Visit) -> Path:
    """The recording of this call that the switch is writing now."""
    (sheet,) = [path for path in Path(system.places.messages).glob(".*/message.json") if visit.id in path.read_text()]
    return max(sheet.parent.glob("take-*.wav"))
