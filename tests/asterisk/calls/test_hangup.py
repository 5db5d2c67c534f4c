"""The caller hangs up at every stage of every flow: one fate, the right facts and files, nothing left behind.

The callers of one state of the system (open, closed, in a campaign) call at the same time. Each plays a part and hangs
up at its end: after the prompt that names the stage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from ivr.facts import Fact
from tests.asterisk.support.call_steps import contains, recordings, voice
from tests.asterisk.support.concurrent_callers import (
    Operators,
    Part,
    Person,
    call_of,
    calls_by_number,
    facts_by_call,
    hears,
    litter,
    numbered,
    play,
    presses,
    wait_entered,
)
from tests.asterisk.support.faults import stopped_engine
from tests.asterisk.support.system import NUMBER, TUESDAY, System, running_system, wait_until
from voicemail.message import Message
from voicemail.store import Store

pytestmark = pytest.mark.switch

SEATS = 12
MESSAGE_SECONDS = 2.6  # enough for a message
TOO_SHORT = 0.6  # s, too short for a message


# Prompts in the middle of which a caller hangs up. They are long enough for this also on a busy machine.
LONGER = ("info-incentivi", "queue-wait", "recording-notice", "vm-closed", "vm-record")


class Stage(NamedTuple):
    """Where a caller hangs up, and the expected records of the call."""

    part: Part
    fate: str
    stage: str
    facts: str  # their kinds, without `ended`
    queue: str = ""  # the events of queue_log, without ENDED and RING...
    messages: int = 0  # in the store, empty ones included


# --- parts -----------------------------------------------------------------------------------------------------------


def rings(person: Person) -> None:
    presses("topics 0", "queue-wait")(person)
    person.desk.line(person.number)


def talks(person: Person) -> None:
    presses("topics 0", "queue-wait")(person)
    person.talk()


def after_talk(*steps: str) -> Part:
    """The operator hangs up; the caller takes these steps in the survey."""

    def part(person: Person) -> None:
        presses("topics 0", "queue-wait")(person)
        person.talk().hang_up()
        person.do(*steps)

    return part


def to_the_tone(person: Person) -> None:
    presses("closed #", "vm-record")(person)


def speaks(seconds: float) -> Part:
    def part(person: Person) -> None:
        presses("closed #", "vm-record #")(person)
        person.speak(seconds)

    return part


def then(first: Part, *steps: str) -> Part:
    def part(person: Person) -> None:
        first(person)
        person.do(*steps)

    return part


def records(*steps: str) -> Part:
    """Speaks, ends with #, then takes these steps."""

    def part(person: Person) -> None:
        speaks(MESSAGE_SECONDS)(person)
        person.press("#")
        person.do(*steps)

    return part


def speaks_twice(person: Person) -> None:
    records("vm-review 3", "vm-record #")(person)
    person.speak(MESSAGE_SECONDS)


OPEN: dict[str, Stage] = {
    "welcome": Stage(hears("welcome"), "left_menu", "menu", "answered"),
    "topics": Stage(hears("topics"), "left_menu", "menu", "answered"),
    "wrong key": Stage(presses("topics 8", "wrong-input"), "left_menu", "menu", "answered"),
    "no key": Stage(hears("no-input"), "left_menu", "menu", "answered"),
    "information": Stage(presses("topics 3", "info-incentivi"), "left_menu", "menu", "answered choice informed"),
    "after the information": Stage(
        presses("topics 2", "after-information"), "informed", "menu", "answered choice informed"
    ),
    "another topic": Stage(
        presses("topics 2", "after-information 2", "topics"), "informed", "menu", "answered choice informed choice"
    ),
    "goodbye": Stage(
        presses("topics 2", "after-information 3", "goodbye"), "informed", "menu", "answered choice informed choice"
    ),
    "on the way to the queue": Stage(presses("topics 0", "queue-wait"), "left_menu", "menu", "answered choice"),
    "an operator's telephone rings": Stage(
        rings, "abandoned", "queue", "answered choice handed_over", "ENTERQUEUE ABANDON"
    ),
    "talking": Stage(talks, "answered", "queue", "answered choice handed_over", "ENTERQUEUE CONNECT COMPLETECALLER"),
    **{
        f"survey: {name}": Stage(
            after_talk(*steps), "answered", "survey", " ".join(["answered choice handed_over", *["survey"] * answers]),
            "ENTERQUEUE CONNECT COMPLETEAGENT",
        )
        for name, steps, answers in (
            ("invitation", ["survey-invitation"], 0),
            ("first question", ["survey-solved"], 0),
            ("second question", ["survey-solved 5", "survey-courtesy"], 1),
            ("third question", ["survey-solved 5", "survey-courtesy 4", "survey-overall"], 2),
            ("a wrong key", ["survey-solved 9", "survey-wrong-input"], 0),
            ("thanks", ["survey-solved 5", "survey-courtesy 4", "survey-overall 3", "survey-thanks"], 3),
        )
    },
}  # fmt: skip

BEFORE, NUMBER_SAID = "answered choice message", "answered choice number message"
CLOSED: dict[str, Stage] = {
    "closed announcement": Stage(hears("closed"), "left_menu", "menu", "answered"),
    "the next opening": Stage(hears("next-opening-intro"), "left_menu", "menu", "answered"),
    "information or a message?": Stage(hears("closed-choice"), "left_menu", "menu", "answered"),
    "reason": Stage(presses("closed #", "vm-closed"), "no_message", "voicemail", BEFORE),
    # The reply to the prompt still arrives; the flow learns of the hang-up at the next step.
    "privacy": Stage(presses("closed #", "vm-privacy"), "no_message", "voicemail", NUMBER_SAID),
    "the notice by key": Stage(
        presses("closed #", "vm-privacy 5", "vm-privacy-full"), "no_message", "voicemail", NUMBER_SAID
    ),
    **{
        name: Stage(records("vm-review 1", *steps), "message", "voicemail", NUMBER_SAID, messages=1)
        for name, steps in (
            ("the number is said", ["vm-your-number-is"]),
            ("is it right?", ["vm-confirm-number"]),
            ("another number", ["vm-your-number-is 2", "vm-type-number"]),
            ("typing", ["vm-your-number-is 2", "vm-type-number 0612"]),
            ("a wrong number", ["vm-your-number-is 2", "vm-type-number 112#", "vm-number-wrong"]),
            ("the typed number is said", ["vm-your-number-is 2", "vm-type-number 0687654321#", "vm-your-number-is"]),
        )
    },
    "a withheld number": Stage(presses("closed #", "vm-number-hidden"), "no_message", "voicemail", NUMBER_SAID),
    "before the tone": Stage(to_the_tone, "no_message", "voicemail", NUMBER_SAID),
    "hardly a word": Stage(speaks(TOO_SHORT), "no_message", "voicemail", NUMBER_SAID, messages=1),
    "while speaking": Stage(speaks(MESSAGE_SECONDS), "message", "voicemail", NUMBER_SAID, messages=1),
    "review": Stage(records("vm-review"), "message", "voicemail", NUMBER_SAID, messages=1),
    "hearing it back": Stage(records("vm-review 2"), "message", "voicemail", NUMBER_SAID, messages=1),
    "before the second tone": Stage(
        records("vm-review 3", "vm-record"), "message", "voicemail", NUMBER_SAID, messages=1
    ),
    "in the second recording": Stage(speaks_twice, "message", "voicemail", NUMBER_SAID, messages=1),
    "farewell": Stage(
        records("vm-review 1", "vm-confirm-number 1", "vm-saved"), "message", "voicemail", NUMBER_SAID, messages=1
    ),
    "nothing was heard": Stage(
        then(speaks(TOO_SHORT), "vm-nothing-heard"), "no_message", "voicemail", NUMBER_SAID, messages=1
    ),
}  # fmt: skip

CAMPAIGN: dict[str, Stage] = {
    "notice": Stage(hears("recording-notice"), "left_menu", "menu", "answered"),
    "after the notice": Stage(presses("recording-notice", "topics"), "left_menu", "menu", "answered notice"),
    "refused": Stage(presses("recording-notice 9", "topics"), "left_menu", "menu", "answered refusal"),
    "talking, recorded": Stage(
        talks, "answered", "queue", "answered notice choice handed_over", "ENTERQUEUE CONNECT COMPLETECALLER"
    ),
    "an operator's telephone rings, not recorded": Stage(
        rings, "abandoned", "queue", "answered notice choice handed_over", "ENTERQUEUE ABANDON"
    ),
}


# --- the system and its calls -----------------------------------------------------------------------------------------


class Calls(NamedTuple):
    """The calls of all parts, with their records."""

    system: System
    calls: dict[str, str]
    failures: dict[str, BaseException | None]
    facts: dict[str, list[Fact]]
    messages: list[Message]


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system(operators=1) as one:
        for prompt in LONGER:
            one.lengthen(prompt, 1.5)
        yield one


@pytest.fixture(scope="module")
def desk(system: System) -> Operators:
    return Operators(system)


def make_calls(desk: Operators, stages: Mapping[str, Stage], first: int) -> Calls:
    system = desk.system
    numbers = numbered(stages, first)
    if "a withheld number" in numbers:
        numbers["a withheld number"] = None
    failures = play(desk, {name: stage.part for name, stage in stages.items()}, numbers)
    system.wait_idle()
    calls = {name: call_of(system, number) for name, number in numbers.items()}
    wait_until(lambda: set(calls.values()) <= ended(system), "every call to have its last fact")
    return Calls(system, calls, failures, facts_by_call(system), Store(system.places.messages).list())


def ended(system: System) -> set[str]:
    return {fact.call for fact in system.facts() if fact.kind == "ended"}


@pytest.fixture(scope="module")
def while_open(system: System, desk: Operators) -> Calls:
    system.move_clock(TUESDAY)
    system.stack.log_in(range(1, SEATS + 1))
    return make_calls(desk, OPEN, 1000)


@pytest.fixture(scope="module")
def while_closed(system: System, desk: Operators) -> Calls:
    system.move_clock("2026-11-24 20:00:00")
    return make_calls(desk, CLOSED, 2000)


@pytest.fixture(scope="module")
def in_a_campaign(system: System, desk: Operators) -> Calls:
    system.move_clock(TUESDAY)
    system.reconfigure({"recording": {"campaign": True, "sampling": 1.0}})
    system.stack.log_in(range(1, SEATS + 1))
    return make_calls(desk, CAMPAIGN, 3000)


# --- tests -----------------------------------------------------------------------------------------------------------


def test_given_the_switch_has_not_answered_when_the_caller_gives_up(system: System) -> None:
    """The engine is stopped, so that the caller can hang up before the answer."""
    with stopped_engine(system):
        line = system.caller.dial(NUMBER, system.stack.sip_port, caller="0600000001")
        wait_until(lambda: system.channels() == 1, "the call to arrive")
        line.hang_up()
        line.wait(lambda: line.status == 487, 10, "the switch to confirm")
    system.wait_idle()
    call_id = call_of(system, "0600000001")
    (fact,) = system.wait_fact("ended", call_id)
    assert (fact.data["fate"], fact.data["stage"]) == ("left_menu", "menu")
    # The switch confirms before the channel knows. So the engine, running again, may still send its ANSWER in time.
    assert [kind for kind in system.kinds(call_id) if kind != "answered"] == ["ended"]
    assert system.events(call_id) == ["ENDED"]


def test_given_all_operators_are_talking_when_callers_who_wait_hang_up(system: System, desk: Operators) -> None:
    """The only operator is talking; one caller hears the music, another has left the queue by key."""
    first, waiting, leaving = (Person(system, f"06000000{number}", desk) for number in (11, 12, 13))
    talks(first)
    for person in (waiting, leaving):
        presses("topics 0", "queue-wait")(person)
        wait_entered(system, person)
    leaving.press("1")
    leaving.hear("vm-choice")
    leaving.hang_up()
    waiting.hang_up()
    wait_until(lambda: system.channels() == 2, "only the conversation to go on")
    desk.line(first.number).hang_up()
    first.hang_up()
    system.wait_idle()
    left, chose = call_of(system, waiting.number), call_of(system, leaving.number)
    assert sorted(system.kinds(left)) == sorted(["answered", "choice", "handed_over", "ended"])
    assert system.wait_fact("ended", left)[0].data["fate"] == "abandoned"
    assert system.events(left) == ["ENTERQUEUE", "ABANDON", "ENDED"]
    assert sorted(system.kinds(chose)) == sorted(["answered", "choice", "handed_over", "message", "ended"])
    (fact,) = system.wait_fact("ended", chose)
    assert (fact.data["fate"], fact.data["stage"], fact.data["queue_status"]) == (
        "no_message", "voicemail", "EXITWITHKEY",
    )  # fmt: skip
    assert system.events(chose) == ["ENTERQUEUE", "EXITWITHKEY", "ENDED"]


@pytest.mark.parametrize("name", OPEN)
def test_given_it_is_open_when_the_caller_hangs_up_at(while_open: Calls, name: str) -> None:
    assert_expected(while_open, name, OPEN[name])


@pytest.mark.parametrize("name", CLOSED)
def test_given_it_is_closed_when_the_caller_hangs_up_at(while_closed: Calls, name: str) -> None:
    assert_expected(while_closed, name, CLOSED[name])


@pytest.mark.parametrize("name", CAMPAIGN)
def test_given_a_campaign_when_the_caller_hangs_up_at(in_a_campaign: Calls, name: str) -> None:
    assert_expected(in_a_campaign, name, CAMPAIGN[name])


def assert_expected(made: Calls, name: str, expected: Stage) -> None:
    problem = made.failures[name]
    if problem is not None:
        raise problem
    call_id = made.calls[name]
    facts = made.facts[call_id]
    assert sorted(fact.kind for fact in facts) == sorted([*expected.facts.split(), "ended"])
    (last,) = [fact.data for fact in facts if fact.kind == "ended"]
    assert (last["fate"], last["stage"]) == (expected.fate, expected.stage)
    events = [event for event in made.system.events(call_id) if not event.startswith("RING")]
    assert events == [*expected.queue.split(), "ENDED"]
    messages = [message for message in made.messages if message.call == call_id]
    assert len(messages) == expected.messages
    for fact in facts:
        if fact.kind == "informed":
            assert fact.data["whole"] == (expected.fate == "informed")
        if fact.kind == "message":
            assert fact.data["message_id"] == (messages[0].id if messages else None)
            assert fact.data["empty"] == (expected.fate == "no_message")


def test_given_a_second_recording_was_cut_off_then_both_are_kept(while_closed: Calls) -> None:
    """The caller spoke for 2.6 s, then for 2.6 s more."""
    call_id = while_closed.calls["in the second recording"]
    (message,) = [message for message in while_closed.messages if message.call == call_id]
    path = Path(while_closed.system.places.messages, message.id, "message.wav")
    assert message.sound_seconds > 1.7 * MESSAGE_SECONDS
    assert contains(path, voice(MESSAGE_SECONDS)) is not None


@pytest.mark.parametrize("state", ["while_open", "while_closed", "in_a_campaign"])
def test_when_all_have_hung_up_then_nothing_is_left(request: pytest.FixtureRequest, state: str) -> None:
    made: Calls = request.getfixturevalue(state)
    system = made.system
    assert system.channels() == 0
    assert system.open_sessions() == 0
    assert recordings(system) == []
    assert litter(system) == []
    assert len(set(made.calls.values())) == len(made.calls)


def test_then_only_callers_who_heard_the_notice_are_recorded(in_a_campaign: Calls) -> None:
    recorded = sorted(path.stem for path in Path(in_a_campaign.system.stack.switch.spool, "monitor").glob("*"))
    assert recorded == [in_a_campaign.calls["talking, recorded"]]


def test_then_every_call_has_one_fate(in_a_campaign: Calls) -> None:
    """All calls of the module, by Asterisk's CDR, by its queue_log, and by the facts."""
    system = in_a_campaign.system
    last = [fact.call for fact in system.facts() if fact.kind == "ended"]
    assert sorted(last) == sorted(set(last)) == sorted(set(calls_by_number(system).values()))
    assert sorted(line[1] for line in system.stack.queue_log() if line[4:5] == ["ENDED"]) == sorted(last)
