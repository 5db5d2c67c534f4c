"""Hostile names and numbers, and missing prompts, on a real Asterisk: the call goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.asterisk.support.call_steps import (
    Visit,
    call,
    confirm_number,
    enter_queue,
    fate,
    message_of,
    say,
    start_recording,
    voice,
)
from tests.asterisk.support.softphone import Line
from tests.asterisk.support.system import BRIEF, NUMBER, System, running_system, wait_until

pytestmark = pytest.mark.switch

KINDS = ["answered", "choice", "handed_over", "ended"]
SECRET = "Zuzzurellone"  # a name that must not appear in any file


@pytest.fixture(scope="module")
def open_place() -> Iterator[System]:
    with running_system({"voicemail": {"empty_below_seconds": 1}}, operators=1, prompt_bytes=BRIEF) as system:
        yield system


@pytest.fixture
def system(open_place: System) -> Iterator[System]:
    """One operator, nobody on the line."""
    open_place.wait_idle()
    yield open_place
    open_place.hang_up_all()


# As in the header From, where a quote and a backslash are written \" and \\.
NAMES = {
    "quotes": rf"{SECRET} \"Gigi\" 'O' \\",
    "an AGI command": rf"{SECRET}\" 1 \"EXEC System touch",
    "SQL": rf"{SECRET}'); DROP TABLE requests;--",
    "the dialplan's language": rf"{SECRET} ${{SHELL(id)}} $[1/0] ,s,1)&Goto(hang",
    "a header written as text": rf"{SECRET}%0d%0aVia: evil",
    "200 letters": SECRET * 17,
    "4000 letters": SECRET * 334,
    "Latin-1": f"{SECRET} Nicol\udcf2",
    "UTF-8 cut in the middle": f"{SECRET} \udcf0\udc9f\udc98",
    "an emoji": f"{SECRET} 😀",
    "right to left": f"{SECRET} \u202egnp.exe",
    "the words of AGI": f"{SECRET} hangup 511 status will follow",
}
NUMBERS = {
    "SQL": "06'OR'1'='1",
    "quotes": "06%22%22%22",
    "a line feed": "06%0aEXEC%20Hangup",
    "a line of the queue_log": "06%0a1795510800%7c1.1%7cnul%7cop101%7cCOMPLETEAGENT%7c1%7c1%7c1",
    "an end of text": "06%00%00",
    "letters": "anna.rossi",
    "500 digits": "0" * 500,
    "a path": "..%2f..%2fetc%2fpasswd",
    "the dialplan's language": "%24%7bSHELL(id)%7d",
    "no UTF-8": "06%ff%fe",
    "an emoji": "%f0%9f%98%80",
}


def test_given_hostile_names_when_they_call_then_all_calls_go_on_and_no_file_has_the_names(system: System) -> None:
    before = system.call_ids()
    lines = [system.caller.dial(NUMBER, system.stack.sip_port, name=name) for name in NAMES.values()]
    then_all_reach_the_queue(system, lines)
    assert [system.kinds(visit) for visit in system.new_calls(before)] == [KINDS] * len(NAMES)
    assert lines_with(system, SECRET) == []


def test_given_hostile_numbers_when_they_call_then_all_calls_go_on_and_the_log_is_intact(system: System) -> None:
    before, log = system.call_ids(), len(system.stack.queue_log())
    lines = [system.caller.dial(NUMBER, system.stack.sip_port, caller=number) for number in NUMBERS.values()]
    then_all_reach_the_queue(system, lines)
    calls = system.new_calls(before)
    assert [system.kinds(visit) for visit in calls] == [KINDS] * len(NUMBERS)
    written = [line[1] for line in system.stack.queue_log()[log:] if line[4] in ("ENTERQUEUE", "ABANDON", "ENDED")]
    assert sorted(written) == sorted(calls * 3)
    rings = [line for line in system.stack.queue_log()[log:] if line[4] in ("RINGCANCELED", "RINGNOANSWER")]
    assert len(system.stack.queue_log()) == log + len(written) + len(rings)  # callers cannot add lines


def then_all_reach_the_queue(system: System, lines: list[Line]) -> None:
    for line in lines:
        line.wait_answered()
        line.wait_heard(system.sound("welcome"))
        line.press("0")
    for line in lines:
        line.wait_heard(system.sound("queue-wait"))
    wait_until(lambda: callers_waiting(system) == len(lines), "all to be in the queue")
    for line in lines:
        line.hang_up()
    system.wait_idle()


def callers_waiting(system: System) -> int:
    match = re.search(r"nul has (\d+) calls", system.stack.switch.cli("queue show nul"))
    assert match
    return int(match[1])


def test_given_a_hostile_number_when_a_message_is_left_then_the_typed_number_counts(system: System) -> None:
    visit = leave_queue(system, caller="06%22%0aEXEC%20System%20'", name=rf"\"{SECRET}\" 😀")
    visit.line.wait_heard(system.sound("vm-number-hidden"))
    visit.line.wait_heard(system.sound("vm-type-number"))
    visit.line.press("3331234567#", gap=0.04)
    confirm_number(system, visit.line)
    start_recording(system, visit)
    say(visit.line, voice(1.2))
    visit.line.hang_up()
    assert fate(system, visit) == "message"
    message = message_of(system, visit)
    assert (message.number, message.number_source) == ("+393331234567", "typed")
    assert lines_with(system, SECRET) == []
    assert lines_with(system, "EXEC") == []


def leave_queue(system: System, caller: str, name: str) -> Visit:
    """The caller enters the queue, and leaves it by key for the voicemail."""
    visit = enter_queue(system, caller=caller, name=name)
    system.seats.wait_ring()
    visit.line.press("1")
    return visit


def lines_with(system: System, text: str) -> list[str]:
    """Every line of the facts, the messages and the logs that contains a text.

    Asterisk's own warning about a name that is too long or not UTF-8 is left out: it cannot be switched off.
    """
    places = [Path(system.places.facts), Path(system.places.messages), Path(system.stack.switch.log)]
    files = [path for place in places for path in place.rglob("*") if path.is_file()] + [Path(system.stack.engine.log)]
    lines = [line for path in files for line in path.read_bytes().splitlines()]
    return [str(line) for line in lines if text.encode() in line and b": CallerID Name '" not in line]


# --- a prompt is missing ----------------------------------------------------------------------------------------------


@contextmanager
def missing(system: System, *prompts: str) -> Iterator[None]:
    """Remove these prompts until the end of the block."""
    paths = [Path(system.places.audio, f"{prompt}.alaw") for prompt in prompts]
    for path in paths:
        path.rename(path.with_suffix(".gone"))
    try:
        yield
    finally:
        for path in paths:
            path.with_suffix(".gone").rename(path)


def engine_log(system: System, visit: Visit) -> str:
    """The engine's log lines about this call."""
    lines = Path(system.stack.engine.log).read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if f'"{visit.id}"' in line)


def test_given_a_prompt_disappears_when_its_turn_comes_then_the_call_goes_on(system: System) -> None:
    visit = call(system)
    visit.line.wait_heard(system.sound("welcome"))
    with missing(system, "topics", "queue-wait"):
        wait_until(lambda: "prompt_failed" in engine_log(system, visit), "the engine to log the missing prompt")
        visit.line.press("0")
        operator = system.answer()
        operator.hang_up()
    visit.line.wait_heard(system.sound("survey-invitation"))
    visit.line.hang_up()
    assert fate(system, visit) == "answered"
    assert "nul/topics" in engine_log(system, visit)


def test_given_every_prompt_is_missing_when_somebody_calls_then_operator_and_survey_work(system: System) -> None:
    names = [path.stem for path in Path(system.places.audio).glob("*.alaw")]
    with missing(system, *names):
        visit = call(system)
        visit.line.press("0")
        system.answer().hang_up()
        wait_until(lambda: "COMPLETEAGENT" in system.events(visit.id), "the end of the conversation")
        for count in (1, 2, 3):
            visit.line.press("5")
            system.wait_fact("survey", visit.id, count)
        visit.line.wait_ended()
    assert fate(system, visit) == "answered"
