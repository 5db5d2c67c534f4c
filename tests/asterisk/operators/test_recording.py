"""The quality campaign on a real Asterisk: who was told and did not refuse is recorded, and nobody else."""

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
def everybody() -> Iterator[System]:
    with running_system(campaign(1.0), operators=1) as built:
        yield built


@pytest.fixture
def built(everybody: System) -> Iterator[System]:
    """A campaign is on and every call belongs to its sample."""
    everybody.wait_idle()
    yield everybody
    everybody.hang_up_all()


def recordings(built: System) -> list[str]:
    return sorted(path.stem for path in Path(built.stack.switch.spool, "monitor").rglob("*.wav"))


def recording(built: System, visit: Visit) -> Path:
    return Path(built.stack.switch.spool, "monitor", f"{visit.id}.wav")


def converse(built: System, visit: Visit, operator: Line) -> tuple[bytes, bytes]:
    """One speaks, then the other; each is heard."""
    asked, answered = voice(0.7), voice(0.7, "info-adr")
    say(visit.line, asked)
    operator.wait_heard(asked)
    say(operator, answered)
    visit.line.wait_heard(answered)
    return asked, answered


def choose_operator(built: System, visit: Visit) -> None:
    visit.line.wait_heard(built.sound("topics"))
    visit.line.press("5")
    visit.line.wait_heard(built.sound("queue-wait"))


def test_given_the_notice_was_heard_when_they_talk_then_both_voices_are_recorded_and_nothing_else(
    built: System,
) -> None:
    visit = call(built)
    visit.line.wait_heard(built.sound("recording-notice"))
    choose_operator(built, visit)
    ringing = built.seats.wait_ring()
    assert visit.id not in recordings(built)  # nobody has answered yet: there is nothing to record
    operator = built.answer(ringing)
    began = built.now()
    asked, answered = converse(built, visit, operator)
    operator.hang_up()
    talked = built.now() - began
    visit.line.wait_heard(built.sound("survey-invitation"))
    visit.line.hang_up()
    assert fate(built, visit) == "answered"
    sound = recording(built, visit)
    first, second = contains(sound, asked, 0.3), contains(sound, answered, 0.3)
    assert first is not None
    assert second is not None
    assert 0 <= first < second
    assert first < 1.0  # it starts with the conversation: no menu, no music
    assert audio.measure(str(sound)).seconds < talked + 1.0  # and ends with it: no survey
    kinds = built.kinds(visit.id)
    assert kinds.index("notice") < kinds.index("handed_over")
    (notice,) = built.wait_fact("notice", visit.id)
    assert notice.data == {"prompts": {"recording-notice": 1}, "campaign": "qualita"}


def test_given_the_caller_refuses_during_the_notice_when_they_talk_then_nothing_is_recorded(built: System) -> None:
    visit = call(built)
    visit.line.wait_heard(built.sound("recording-notice"))
    visit.line.press("9")
    then_talks_unrecorded(built, visit)
    assert "notice" not in built.kinds(visit.id)
    assert built.wait_fact("refusal", visit.id)[0].data == {"of": "recording"}


def test_given_the_caller_refuses_just_after_the_notice_when_they_talk_then_nothing_is_recorded(
    built: System,
) -> None:
    visit = call(built)
    visit.line.wait_heard(built.sound("recording-notice"))
    built.wait_fact("notice", visit.id)  # it was heard to its end
    visit.line.press("9")
    then_talks_unrecorded(built, visit)
    assert built.kinds(visit.id)[:3] == ["answered", "notice", "refusal"]


def then_talks_unrecorded(built: System, visit: Visit) -> None:
    choose_operator(built, visit)
    operator = built.answer()
    converse(built, visit, operator)
    operator.hang_up()
    visit.line.hang_up()
    assert fate(built, visit) == "answered"
    assert visit.id not in recordings(built)


def test_given_a_caller_knows_the_menu_when_a_topic_key_follows_the_notice_then_it_is_no_refusal(built: System) -> None:
    visit = call(built)
    visit.line.wait_heard(built.sound("recording-notice"))
    built.wait_fact("notice", visit.id)
    visit.line.press("5")
    operator = built.answer()
    wait_until(recording(built, visit).exists, "the recording to begin")
    operator.hang_up()
    visit.line.hang_up()
    assert fate(built, visit) == "answered"
    assert "refusal" not in built.kinds(visit.id)


def test_given_a_recorded_caller_waits_when_they_give_up_then_there_is_no_recording(built: System) -> None:
    visit = call(built)
    built.wait_fact("notice", visit.id)
    visit.line.press("5")
    built.seats.wait_ring()
    visit.line.hang_up()
    assert fate(built, visit) == "abandoned"
    built.wait_idle()
    assert visit.id not in recordings(built)
    assert "notice" in built.kinds(visit.id)


def test_given_a_campaign_when_a_call_is_not_in_its_sample_then_no_notice_and_no_recording() -> None:
    with running_system(campaign(0.0), operators=1, prompt_bytes=BRIEF) as built, talking(built, 1) as pairs:
        ((visit, operator),) = pairs
        converse(built, visit, operator)
        operator.hang_up()
        visit.line.wait_heard(built.sound("survey-invitation"))
        assert not visit.line.has_heard(built.sound("recording-notice"))
        visit.line.hang_up()
        assert fate(built, visit) == "answered"
        assert recordings(built) == []
        assert "notice" not in built.kinds(visit.id)
