"""Calls outside opening hours: the clock of a running Asterisk is moved, and engine, scripts and dialplan follow it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from charter.calendar import OpeningHours
from tests.asterisk.support.call_steps import call, fate
from tests.asterisk.support.system import BRIEF, System, running_system, wait_until
from tests.conftest import rome

pytestmark = pytest.mark.switch

# Asks the static part of the dialplan whether it is open now.
PROBE = """
[probe]
exten => hours,1,Gosub(nul-static-hours,s,1)
 same => n,Set(DB(probe/hours)=${GOSUB_RETVAL})
"""

CHRISTMAS_EVE = {"first": "2026-12-24", "last": "2026-12-24", "reason": "Chiusura programmata"}

# The shipped hours, Monday to Friday from 9 to 18, and one extra closure.
MOMENTS = {
    "a little before nine": ("2026-11-24 08:59:40", "closed"),
    "nine sharp": ("2026-11-24 09:00:00", "open"),
    "a little before six": ("2026-11-24 17:59:40", "open"),
    "six sharp": ("2026-11-24 18:00:00", "closed"),
    "a Saturday": ("2026-11-28 10:00:00", "closed"),
    "a Sunday": ("2026-11-29 10:00:00", "closed"),
    "a holiday of fixed date": ("2026-12-08 10:00:00", "closed"),
    "the working day after it": ("2026-12-09 10:00:00", "open"),
    "an extra closure": ("2026-12-24 10:00:00", "closed"),
    "the spring day of 23 hours": ("2027-03-28 10:00:00", "closed"),
    "Easter Monday, the day after": ("2027-03-29 10:00:00", "closed"),
    "before nine in summer time": ("2027-03-30 08:59:40", "closed"),
    "nine in summer time": ("2027-03-30 09:00:00", "open"),
    "the fourth of October, a Monday": ("2027-10-04 10:00:00", "closed"),
    "the autumn day of 25 hours": ("2027-10-31 10:00:00", "closed"),
    "nine in winter time again": ("2027-11-02 09:00:00", "open"),
}

# Another service: in Rome, and open on Sundays too, so that the days on which the clock changes have an opening.
IN_ROME: dict[str, Any] = {
    "holidays": {"patron_saint": "Roma", "calendar": "none"},
    "hours": {"sunday": ["09:00-18:00"]},
    "prompts.yaml": {"prompts": {name: {"announces_hours": None} for name in ("vm-store-failed", "fallback-closed")}},
}
MOMENTS_IN_ROME = {
    "before nine on the day of 23 hours": ("2027-03-28 08:59:40", "closed"),
    "nine on the day of 23 hours": ("2027-03-28 09:00:00", "open"),
    "before six on the day of 23 hours": ("2027-03-28 17:59:40", "open"),
    "six on the day of 23 hours": ("2027-03-28 18:00:00", "closed"),
    "the patron's day": ("2027-06-29 10:00:00", "closed"),
    "the day after the patron's": ("2027-06-30 10:00:00", "open"),
    "before nine on the day of 25 hours": ("2027-10-31 08:59:40", "closed"),
    "nine on the day of 25 hours": ("2027-10-31 09:00:00", "open"),
    "six on the day of 25 hours": ("2027-10-31 18:00:00", "closed"),
}


@pytest.fixture(scope="module")
def shipped_hours() -> Iterator[System]:
    with running_system({"holidays": {"extra_closures": [CHRISTMAS_EVE]}}, operators=1, prompt_bytes=BRIEF) as system:
        add_probe(system)
        yield system


@pytest.fixture(scope="module")
def in_rome() -> Iterator[System]:
    with running_system(IN_ROME, prompt_bytes=BRIEF) as system:
        add_probe(system)
        yield system


def add_probe(system: System) -> None:
    Path(system.stack.switch.etc, "extensions_custom.conf").write_text(PROBE, encoding="utf-8")
    system.stack.switch.cli("dialplan reload")


@pytest.mark.parametrize(("moment", "expected"), MOMENTS.values(), ids=MOMENTS)
def test_given_the_shipped_hours_when_somebody_calls(shipped_hours: System, moment: str, expected: str) -> None:
    given_moment_then(shipped_hours, moment, expected)


@pytest.mark.parametrize(("moment", "expected"), MOMENTS_IN_ROME.values(), ids=MOMENTS_IN_ROME)
def test_given_a_patron_and_open_sundays_when_somebody_calls(in_rome: System, moment: str, expected: str) -> None:
    given_moment_then(in_rome, moment, expected)


def given_moment_then(system: System, moment: str, expected: str) -> None:
    """Assert that engine, static dialplan and calendar agree, and that callers outside hours hear the next opening."""
    given_moment(system, moment)
    ask_static_dialplan(system)
    visit = call(system)
    if expected == "closed":
        visit.line.wait_heard(system.sound("closed"))
        visit.line.wait_heard(system.sound("next-opening-intro"))
        assert not visit.line.has_heard(system.sound("welcome"))
    else:
        visit.line.wait_heard(system.sound("welcome"))
        assert not visit.line.has_heard(system.sound("closed"))
    visit.line.hang_up()
    assert static_answer(system) == expected
    assert OpeningHours.of(system.stack.compiled["service"]).is_open(rome(moment)) == (expected == "open")
    (answered,) = system.wait_fact("answered", visit.id)
    assert 0 <= answered.at - rome(moment) < 15  # the engine uses the switch's clock, too


def given_moment(system: System, moment: str) -> None:
    system.wait_idle()
    system.move_clock(moment)


def ask_static_dialplan(system: System) -> None:
    system.stack.switch.cli("database deltree probe")
    system.stack.switch.cli("channel originate Local/hours@probe application Wait 1")


def static_answer(system: System) -> str:
    def answer() -> str:
        return system.stack.switch.cli("database get probe hours").strip()

    wait_until(lambda: answer().startswith("Value: "), "the answer of the static dialplan")
    return answer().removeprefix("Value: ")


def test_given_it_is_closed_when_a_caller_listens_then_the_next_opening_is_announced_and_a_message_is_offered(
    shipped_hours: System,
) -> None:
    given_moment(shipped_hours, "2026-11-28 10:00:00")
    visit = call(shipped_hours)
    visit.line.wait_heard(shipped_hours.sound("vm-record"))
    prompts = ["closed", "next-opening-intro", "day-monday", "at-hour", "digits/9", "closed-choice"]
    prompts += ["vm-closed", "vm-privacy", "vm-record"]
    positions = [visit.line.wait_heard(shipped_hours.sound(prompt), 0.1) for prompt in prompts]
    assert positions == sorted(positions)
    visit.line.hang_up()
    assert fate(shipped_hours, visit) == "no_message"
    assert shipped_hours.messages() == []


def test_given_it_is_closed_when_a_caller_wants_information_then_it_is_given_and_a_message_is_offered(
    shipped_hours: System,
) -> None:
    given_moment(shipped_hours, "2026-11-28 10:00:00")
    visit = call(shipped_hours)
    for prompt, key in (("closed-choice", "2"), ("topics-closed", "3"), ("after-information-closed", "0")):
        visit.line.wait_heard(shipped_hours.sound(prompt))
        visit.line.press(key)
    visit.line.wait_heard(shipped_hours.sound("vm-closed"))
    visit.line.hang_up()
    (informed,) = shipped_hours.wait_fact("informed", visit.id)
    assert informed.data == {"topic": "INCENTIVI", "whole": True}
    assert fate(shipped_hours, visit) == "no_message"


def test_given_a_caller_came_before_six_when_the_service_closes_then_an_operator_still_answers(
    shipped_hours: System,
) -> None:
    given_moment(shipped_hours, "2026-11-24 17:59:56")
    visit = call(shipped_hours)
    visit.line.wait_heard(shipped_hours.sound("topics"))
    wait_until(lambda: shipped_hours.now() >= rome("2026-11-24 18:00:00"), "six o'clock")
    visit.line.press("0")
    shipped_hours.answer().hang_up()
    visit.line.wait_heard(shipped_hours.sound("survey-invitation"))
    visit.line.hang_up()
    assert fate(shipped_hours, visit) == "answered"
