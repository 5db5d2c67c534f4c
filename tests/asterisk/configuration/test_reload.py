"""Ops change the configuration during calls: current calls continue as before, new ones get the new configuration."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asterisk.support.concurrent_callers import Operators, Person, call_of, numbered, play, presses, wait_entered
from tests.asterisk.support.system import BRIEF, System, running_system, wait_until

pytestmark = pytest.mark.switch

OPERATORS = 3
# Keys 2 and 4 are exchanged, and the first prompt is another one.
CHANGES = {
    "menu.yaml": {
        "nodes": {
            "argomenti": {"keys": {"2": "servizi-online", "4": "did"}},
            "benvenuto": {"prompts": ["goodbye"]},
        }
    },
    "queue": {"longest_wait": 45, "ring_seconds": 9},
}


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system(operators=OPERATORS, prompt_bytes=BRIEF) as system:
        yield system


@pytest.fixture(scope="module")
def desk(system: System) -> Operators:
    return Operators(system)


@pytest.fixture(autouse=True)
def in_order(system: System) -> Iterator[None]:
    yield
    system.hang_up_all()
    system.wait_idle()


def logged_in(system: System) -> list[str]:
    text = system.stack.switch.cli("queue show nul")
    return [seat for seat in ("seat01", "seat02", "seat03") if f"PJSIP/{seat}" in text]


def test_given_calls_in_menu_and_queue_when_all_is_reloaded_then_they_continue_and_the_next_gets_the_new_menu(
    system: System, desk: Operators
) -> None:
    before = logged_in(system)

    def reload() -> None:
        system.reconfigure(CHANGES)
        system.stack.render(system.now())
        for command in ("dialplan reload", "queue reload all", "module reload res_pjsip.so"):
            system.stack.switch.cli(command)

    def in_the_old_menu(person: Person) -> None:
        presses("welcome", "topics")(person)
        person.meet()
        person.do("topics-again 4", "info-portale", "after-information 3", "goodbye")
        person.wait_ended()

    def in_the_queue(person: Person) -> None:
        presses("topics 0", "queue-wait")(person)
        wait_entered(system, person)
        person.meet()
        person.talk().hang_up()
        person.hear("survey-invitation")

    def talking(person: Person) -> None:
        presses("topics 0", "queue-wait")(person)
        operator = person.talk()
        person.meet()
        words = system.sound("info-portale")
        operator.speak(words)
        person.line.wait_heard(words)
        operator.hang_up()
        person.do("survey-invitation", "survey-solved 5", "survey-courtesy")

    def in_the_new_menu(person: Person) -> None:
        person.meet()
        presses("goodbye", "topics 4", "info-did", "after-information 1", "queue-wait")(person)
        person.talk()

    parts = {"menu": in_the_old_menu, "queue": in_the_queue, "talking": talking, "new": in_the_new_menu}
    numbers = numbered(parts, 1000)
    assert play(desk, parts, numbers, reload) == dict.fromkeys(parts)
    system.wait_idle()
    assert before == logged_in(system) == ["seat01", "seat02", "seat03"]
    fates = {}
    for name, number in numbers.items():
        (ended,) = system.wait_fact("ended", call_of(system, number))
        fates[name] = ended.data["fate"]
    assert fates == {"menu": "informed", "queue": "answered", "talking": "answered", "new": "answered"}
    (answered,) = system.wait_fact("answered", call_of(system, numbers["new"]))
    assert answered.data["revision"] == system.stack.compiled["revision"]
    (answered,) = system.wait_fact("answered", call_of(system, numbers["menu"]))
    assert answered.data["revision"] != system.stack.compiled["revision"]


@pytest.mark.parametrize("broken", ["truncated", "wrong type", "unknown node", "empty", "another system's"])
def test_given_a_broken_file_when_the_engine_reloads_then_it_is_refused_and_the_old_one_stays(
    system: System, desk: Operators, broken: str
) -> None:
    path = Path(system.places.compiled)
    sound = path.read_text(encoding="utf-8")
    document = json.loads(sound)
    if broken == "wrong type":
        document["service"]["queue"] = []
    elif broken == "unknown node":
        document["menu"]["nodes"]["argomenti"]["keys"]["1"] = "altrove"
    elif broken == "another system's":
        document["paths"]["facts"] = "/elsewhere/spool/facts"
    text = {"truncated": sound[: len(sound) // 2], "empty": ""}.get(broken, json.dumps(document))
    caller = Person(system, "0600002000", desk)
    try:
        presses("topics")(caller)
        path.write_text(text, encoding="utf-8")
        system.reload("refused")
        refusal = [line for line in engine_log(system) if line["event"] == "reload_refused"][-1]
        assert str(path) in str(refusal["error"])
        caller.press("0")
        caller.hear("queue-wait")
        caller.hang_up()
        afterwards = Person(system, "0600002001", desk)
        presses("topics 0", "queue-wait")(afterwards)  # the engine answers, with the old configuration
        afterwards.hang_up()
    finally:
        path.write_text(sound, encoding="utf-8")
    system.wait_idle()
    answered = system.wait_fact("answered", call_of(system, "0600002001"))[-1]
    assert answered.data["revision"] == system.stack.compiled["revision"]
    system.reload("done")


def engine_log(system: System) -> list[dict[str, object]]:
    return [json.loads(line) for line in Path(system.stack.engine.log).read_text(encoding="utf-8").splitlines()]


def test_given_a_reload_for_every_caller_then_no_call_is_lost(system: System, desk: Operators) -> None:
    """The configuration is reloaded again and again while calls begin and end."""
    people = [Person(system, f"06{3000 + n:08d}", desk) for n in range(5)]
    for somebody in people:
        system.reload("done")
        somebody.dial()
    for somebody in people:
        somebody.do("topics 1", "after-information 3", "goodbye")
        somebody.wait_ended()
    wait_until(lambda: system.channels() == 0, "the calls to be over")
    for somebody in people:
        (ended,) = system.wait_fact("ended", call_of(system, somebody.number))
        assert ended.data["fate"] == "informed"
