"""The quality campaign on a real Asterisk: only callers who heard the notice and did not refuse are recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.asterisk.support.call_steps import Visit, call, contains, fate, say, talking, voice
from tests.asterisk.support.softphone import Line
from tests.asterisk.support.system import BRIEF, System, running_system, wait_until
from voicemail import audio

pytestmark = pytest.mark.switch


def campaign(sampling: float) -> dict[str, Any]:
    return {"recording": {"campaign": True, "name": "qualita", "sampling": sampling, "refuse_key": "9"}}


@pytest.fixture(scope="module")
def campaign_system() -> Iterator[System]:
    with running_system(campaign(1.0), operators=1) as system:
        yield system


@pytest.fixture
def system(campaign_system: System) -> Iterator[System]:
    """A campaign is on, and its sample has every call."""
    campaign_system.wait_idle()
    yield campaign_system
    campaign_system.hang_up_all()


def recordings(system: System) -> list[str]:
    return sorted(path.stem for path in Path(system.stack.switch.spool, "monitor").rglob("*.wav"))


def recording(system: System, visit: Visit) -> Path:
    return Path(system.stack.switch.spool, "monitor", f"{visit.id}.wav")


def converse(system: System, visit: Visit, operator: Line) -> tuple[bytes, bytes]:
    """Caller and operator speak in turn and hear each other; returns both voices."""
    question, answer = voice(0.7), voice(0.7, "info-adr")
    say(visit.line, question)
    operator.wait_heard(question)
    say(operator, answer)
    visit.line.wait_heard(answer)
    return question, answer


def choose_operator(system: System, visit: Visit) -> None:
    visit.line.wait_heard(system.sound("topics"))
    visit.line.press("0")
    visit.line.wait_heard(system.sound("queue-wait"))


def test_given_the_notice_was_heard_when_they_talk_then_both_voices_are_recorded_and_nothing_else(
    system: System,
) -> None:
    visit = call(system)
    visit.line.wait_heard(system.sound("recording-notice"))
    choose_operator(system, visit)
    ringing = system.seats.wait_ring()
    assert visit.id not in recordings(system)  # not before an operator answers
    operator = system.answer(ringing)
    began = system.now()
    question, answer = converse(system, visit, operator)
    operator.hang_up()
    talked = system.now() - began
    visit.line.wait_heard(system.sound("survey-invitation"))
    visit.line.hang_up()
    assert fate(system, visit) == "answered"
    sound = recording(system, visit)
    first, second = contains(sound, question, 0.3), contains(sound, answer, 0.3)
    assert first is not None
    assert second is not None
    assert 0 <= first < second
    assert first < 1.0  # it starts with the conversation: no menu, no music
    assert audio.measure(str(sound)).seconds < talked + 1.0  # and ends with it: no survey
    kinds = system.kinds(visit.id)
    assert kinds.index("notice") < kinds.index("handed_over")
    (notice,) = system.wait_fact("notice", visit.id)
    assert notice.data == {"prompts": {"recording-notice": 2}, "campaign": "qualita"}


def test_given_the_caller_refuses_during_the_notice_when_they_talk_then_nothing_is_recorded(system: System) -> None:
    visit = call(system)
    visit.line.wait_heard(system.sound("recording-notice"))
    visit.line.press("9")
    then_talks_unrecorded(system, visit)
    assert "notice" not in system.kinds(visit.id)
    assert system.wait_fact("refusal", visit.id)[0].data == {"of": "recording"}


def test_given_the_caller_refuses_just_after_the_notice_when_they_talk_then_nothing_is_recorded(
    system: System,
) -> None:
    visit = call(system)
    visit.line.wait_heard(system.sound("recording-notice"))
    system.wait_fact("notice", visit.id)  # the notice has ended
    visit.line.press("9")
    then_talks_unrecorded(system, visit)
    assert system.kinds(visit.id)[:3] == ["answered", "notice", "refusal"]


@pytest.mark.parametrize("prompt", ["topics", "info-incentivi", "after-information", "queue-wait"])
def test_given_the_notice_was_heard_when_the_caller_refuses_later_in_the_menu_then_nothing_is_recorded(
    system: System, prompt: str
) -> None:
    visit = call(system)
    system.wait_fact("notice", visit.id)
    for heard, key in (("topics", "3"), ("info-incentivi", ""), ("after-information", "0"), ("queue-wait", "")):
        visit.line.wait_heard(system.sound(heard))
        if heard == prompt:
            visit.line.heard.clear()
            visit.line.press("9")
            visit.line.wait_heard(system.sound("recording-refused"))
        if key:
            visit.line.press(key)
    operator = system.answer()
    converse(system, visit, operator)
    operator.hang_up()
    visit.line.hang_up()
    assert fate(system, visit) == "answered"
    assert visit.id not in recordings(system)
    assert system.wait_fact("refusal", visit.id)[0].data == {"of": "recording"}


def test_given_a_caller_waits_in_the_queue_when_they_refuse_before_an_operator_answers_then_nothing_is_recorded(
    system: System,
) -> None:
    visit = call(system)
    system.wait_fact("notice", visit.id)
    visit.line.press("0")
    ringing = system.seats.wait_ring()
    visit.line.press("79")  # a slip, then the key
    visit.line.wait_quiet()
    operator = system.answer(ringing)
    converse(system, visit, operator)
    operator.hang_up()
    visit.line.hang_up()
    assert fate(system, visit) == "answered"
    assert visit.id not in recordings(system)
    assert system.events(visit.id)[:2] == ["ENTERQUEUE", "CONNECT"]  # the place in the queue was kept


def then_talks_unrecorded(system: System, visit: Visit) -> None:
    choose_operator(system, visit)
    operator = system.answer()
    converse(system, visit, operator)
    operator.hang_up()
    visit.line.hang_up()
    assert fate(system, visit) == "answered"
    assert visit.id not in recordings(system)


def test_given_a_caller_knows_the_menu_when_a_topic_key_follows_the_notice_then_it_is_not_a_refusal(
    system: System,
) -> None:
    visit = call(system)
    visit.line.wait_heard(system.sound("recording-notice"))
    system.wait_fact("notice", visit.id)
    visit.line.press("0")
    operator = system.answer()
    wait_until(recording(system, visit).exists, "the recording to begin")
    operator.hang_up()
    visit.line.hang_up()
    assert fate(system, visit) == "answered"
    assert "refusal" not in system.kinds(visit.id)


def test_given_a_caller_waits_after_the_notice_when_they_give_up_then_there_is_no_recording(system: System) -> None:
    visit = call(system)
    system.wait_fact("notice", visit.id)
    visit.line.press("0")
    system.seats.wait_ring()
    visit.line.hang_up()
    assert fate(system, visit) == "abandoned"
    system.wait_idle()
    assert visit.id not in recordings(system)
    assert "notice" in system.kinds(visit.id)


def test_given_a_campaign_when_a_call_is_not_in_its_sample_then_no_notice_and_no_recording() -> None:
    with running_system(campaign(0.0), operators=1, prompt_bytes=BRIEF) as system, talking(system, 1) as pairs:
        ((visit, operator),) = pairs
        converse(system, visit, operator)
        operator.hang_up()
        visit.line.wait_heard(system.sound("survey-invitation"))
        assert not visit.line.has_heard(system.sound("recording-notice"))
        visit.line.hang_up()
        assert fate(system, visit) == "answered"
        assert recordings(system) == []
        assert "notice" not in system.kinds(visit.id)
