"""A working day, compressed in time: 400 callers, 12 operators, and three records of it that must agree.

The records are SIPp's (calls placed, and whether each ended in order), Asterisk's (queue_log and CDR), and the facts.
Callers are SIPp processes that act by timetable, whatever the service does: most ask for an operator and wait; some
hang up in the menu, hear information, abandon, leave a message by key, or answer the survey. At noon more callers come
than the queue holds; later all operators have a break that is longer than the longest wait.
"""

from __future__ import annotations

import csv
import json
import os
import re
import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import insert, select

from charter import kpi
from common.places import Places
from common.ports import HOST, free_ports
from ivr.facts import Fact
from lab.sipp import scenarios
from lab.sipp.processes import Sipp
from lab.sipp.scenarios import HangUp, Key, Listen, Pause, Speak, Step
from lab.switch.installation import install
from measure.switch.ingest import Report
from measure.switch.kpi_visits import kpi_visit
from measure.switch.rotated_files import generations
from registry.db import schema
from registry.db.connection import Database
from registry.db.migrations import upgrade
from tests.asterisk.support.call_steps import voice
from tests.asterisk.support.concurrent_callers import litter
from tests.asterisk.support.system import BRIEF, NUMBER, System, running_system, wait_until
from tests.measure.switch_log import SwitchLog
from voicemail.store import Store

pytestmark = pytest.mark.switch

SEATS = 12
RINGS, TALKS = 0.3, 1.2  # s
LONGEST_WAIT, LONGEST_QUEUE = 10, 10

DAY: dict[str, Any] = {
    # Always open, by the real clock: a movable one would be read thousands of times a second.
    "hours": {
        day: ["00:00-24:00"] for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    },
    "holidays": {"calendar": "none"},
    "prompts.yaml": {"prompts": {name: {"announces_hours": None} for name in ("vm-store-failed", "fallback-closed")}},
    "queue": {"longest_wait": LONGEST_WAIT, "longest_queue": LONGEST_QUEUE},
    "survey.yaml": {"wait_seconds": 1, "attempts": 1},
}

MENU = Pause(0.9)  # hear the welcome and the beginning of the topics
SURVEY = [step for _ in range(10) for step in (Key("4"), Listen(0.9))]


def caller_kinds(voice_file: str) -> dict[str, list[Step]]:
    """The steps of each kind of caller."""
    message: list[Step] = [
        Key("1"),
        Listen(1.6),
        Key("#"),
        Listen(1.0),
        Speak(voice_file),
    ]
    return {
        "waits": [MENU, Key("0"), Listen(14.0), HangUp()],
        "answers the survey": [MENU, Key("0"), Listen(1.2), *SURVEY, Listen(4.0), HangUp()],
        "hangs up in the menu": [Pause(0.5), HangUp()],
        "hears information": [MENU, Key("2"), Listen(0.9), Key("3"), Listen(4.0), HangUp()],
        "has no patience": [MENU, Key("0"), Listen(0.6), HangUp()],
        "leaves a message": [
            MENU, Key("0"), Listen(0.8), *message, Listen(3.0), Key("#"), Listen(1.0), Key("1"), Listen(1.0), Key("1"),
            Listen(4.0), HangUp(),
        ],
    }  # fmt: skip


class Phase(NamedTuple):
    """A part of the day: callers by kind, evenly spread over its seconds."""

    seconds: float
    callers: Mapping[str, int]
    operators: bool = True  # at work, or on a break


USUAL = {
    "waits": 44,
    "answers the survey": 12,
    "hangs up in the menu": 12,
    "hears information": 10,
    "has no patience": 8,
}
PHASES = (
    Phase(9.0, USUAL),
    Phase(3.5, {"waits": 80}),  # noon
    Phase(2.0, {}),
    Phase(8.0, USUAL),
    Phase(1.5, {"waits": 6}, operators=False),  # these callers wait too long
    Phase(10.5, {"leaves a message": 20, "hangs up in the menu": 5, "hears information": 5}, operators=False),
    Phase(10.5, {**USUAL, "waits": 70}),
)
CALLS = 400


class Records(NamedTuple):
    """The day in three records."""

    sipp: dict[str, list[dict[str, int]]]  # SIPp's figures of each process, by kind of caller
    facts: list[Fact]
    queue_log: list[list[str]]
    calls: dict[str, list[list[str]]]  # CDR by LINKEDID, as fields
    left: dict[str, int]  # channels, sessions
    system: System

    def fates(self) -> Counter[str]:
        return Counter(str(fact.data["fate"]) for fact in self.facts if fact.kind == "ended")

    def events(self, *verbs: str) -> list[str]:
        """The ids of the calls with one of these verbs in queue_log."""
        return [line[1] for line in self.queue_log if line[4:5] and line[4] in verbs]

    def of_kind(self, kind: str) -> list[Fact]:
        return [fact for fact in self.facts if fact.kind == kind]


@pytest.fixture(scope="module")
def day() -> Iterator[Records]:
    (port,) = free_ports(1)
    with running_system(DAY, at=None, prompt_bytes=BRIEF, seats_port=port) as system:
        callers = Sipp(install(Places(), report=lambda line: None), str(system.folder / "sipp"))
        try:
            yield run_day(system, callers, port)
        finally:
            callers.stop()


def run_day(system: System, callers: Sipp, port: int) -> Records:
    """Place the calls of the day and wait until the last one is over."""
    media = str(free_ports(2)[0] & ~1)
    callers.run("operators", scenarios.operators(RINGS, TALKS), "-p", str(port), "-mp", media)
    system.stack.log_in(range(1, SEATS + 1))
    spoken = system.folder / "words.alaw"
    spoken.write_bytes(voice(2.6))
    kinds = caller_kinds(str(spoken))
    began, groups = time.monotonic(), []
    for number, phase in enumerate(PHASES):
        at_work(system, phase.operators)
        for kind, count in phase.callers.items():
            groups.append(
                (kind, Group(system, callers, f"{number}-{kind.replace(' ', '-')}", kinds[kind], count, phase))
            )
        began += phase.seconds
        wait_until(lambda: time.monotonic() >= began, "the phase to pass", phase.seconds + 5)  # noqa: B023
    for _, group in groups:
        group.wait()
    wait_until(lambda: system.channels() == 0, "the last call to be over", 40)
    system.wait_idle()
    figures: dict[str, list[dict[str, int]]] = {}
    for kind, group in groups:
        figures.setdefault(kind, []).append(group.figures())
    left = {"channels": system.channels(), "sessions": system.open_sessions()}
    return Records(figures, system.facts(), system.stack.queue_log(), cdr(system), left, system)


class Group:
    """Callers of one kind in one phase: one SIPp process."""

    def __init__(
        self, system: System, callers: Sipp, name: str, steps: Sequence[Step], count: int, phase: Phase
    ) -> None:
        self._figures = system.folder / f"{name}.csv"
        self._process = callers.run(
            name, scenarios.caller(name, "06[call_number]5550", steps), f"{HOST}:{system.stack.sip_port}",
            "-s", NUMBER, "-m", str(count), "-r", str(count), "-rp", str(round(phase.seconds * 1000)),
            "-p", str(free_ports(1)[0]), "-mp", str(free_ports(2)[0] & ~1),
            "-trace_stat", "-stf", str(self._figures), "-fd", "1",
        )  # fmt: skip

    def wait(self) -> None:
        wait_until(lambda: self._process.poll() is not None, "the callers to have finished", 60)

    def figures(self) -> dict[str, int]:
        """SIPp's own counts for the whole process."""
        with self._figures.open(encoding="utf-8", newline="") as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
        names = ("TotalCallCreated", "SuccessfulCall(C)", "FailedCall(C)", "Retransmissions(C)")
        return {name.partition("(")[0]: int(last[name]) for name in names}


def at_work(system: System, working: bool) -> None:
    """Let all operators take calls, or pause. Uses the manager interface, since twelve commands would take too long."""
    ami = system.stack.switch.ami
    actions = [f"Action: Login\r\nUsername: {ami.user}\r\nSecret: {ami.secret}\r\nEvents: off\r\n\r\n"]
    for seat in range(1, SEATS + 1):
        paused = "false" if working else "true"
        actions.append(f"Action: QueuePause\r\nInterface: PJSIP/seat{seat:02d}\r\nPaused: {paused}\r\n\r\n")
    with socket.create_connection((ami.host, ami.port), timeout=20) as connection:
        connection.sendall("".join([*actions, "Action: Logoff\r\n\r\n"]).encode())
        replies = b""
        while chunk := connection.recv(65536):
            replies += chunk
    assert replies.count(b"Response: Success") == len(actions), replies


def cdr(system: System) -> dict[str, list[list[str]]]:
    calls: dict[str, list[list[str]]] = {}
    with Path(system.stack.switch.log, "cdr-csv", "Master.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            if row[3] != "nul-desk":
                calls.setdefault(row[-2], []).append(row)
    return calls


# --- the records agree -----------------------------------------------------------------------------------------------


def test_every_call_was_placed_and_ended_in_order(day: Records) -> None:
    total = Counter[str]()
    for groups in day.sipp.values():
        for figures in groups:
            total.update(figures)
    assert (total["TotalCallCreated"], total["SuccessfulCall"], total["FailedCall"]) == (CALLS, CALLS, 0), day.sipp
    assert total["Retransmissions"] <= CALLS / 2  # none on a quiet machine; in a storm several per call


def test_every_call_has_exactly_one_fate_in_all_records(day: Records) -> None:
    by_facts = sorted(fact.call for fact in day.of_kind("ended"))
    assert len(by_facts) == len(set(by_facts)) == CALLS
    assert sorted(day.events("ENDED")) == by_facts
    assert sorted(day.calls) == by_facts
    assert {fact.call for fact in day.facts} == set(by_facts)
    logged = Counter(line[5] for line in day.queue_log if line[4:5] == ["ENDED"])
    assert logged == day.fates()


def test_queue_log_and_facts_agree(day: Records) -> None:
    handed_over = {fact.call for fact in day.of_kind("handed_over")}
    entered, refused = set(day.events("ENTERQUEUE")), set(day.events("FULL", "JOINEMPTY"))
    assert not entered & refused
    assert entered | refused <= handed_over
    fates = {fact.call: fact.data for fact in day.of_kind("ended")}
    # Handed over, but neither entered nor refused: the caller hung up on the way.
    assert {fates[call]["fate"] for call in handed_over - entered - refused} <= {"abandoned", "left_menu"}
    answered = {call for call, data in fates.items() if data["fate"] == "answered"}
    assert answered == set(day.events("CONNECT"))
    assert set(day.events("ABANDON")) <= {call for call, data in fates.items() if data["fate"] == "abandoned"}
    assert set(day.events("EXITWITHTIMEOUT")) == {
        call for call, data in fates.items() if data["queue_status"] == "TIMEOUT"
    }
    assert set(day.events("EXITWITHKEY")) == {
        call for call, data in fates.items() if data["queue_status"] == "EXITWITHKEY"
    }
    assert {fact.call for fact in day.of_kind("queue_refused")} == refused
    ways_out = ("CONNECT", "ABANDON", "EXITWITHTIMEOUT", "EXITWITHKEY")
    assert sorted(call for verb in ways_out for call in day.events(verb)) == sorted(entered)


# --- the same day, measured ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def measured(day: Records, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwitchLog]:
    """The day taken in by `measure ingest` in two runs, with a rotation of the log by the switch between them."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('measured')}/registry.db")
    with database.begin() as connection:
        upgrade(connection)
        connection.execute(insert(schema.call_fact), [stored(fact) for fact in day.facts])
    log = SwitchLog(Path(day.system.stack.switch.log), database, block=20_000, now=day.system.now())
    log.ingestion.take_cdr(os.path.join(day.system.stack.switch.log, "cdr-csv", "Master.csv"), Report())
    first = log.take()
    assert (first.count.torn, first.count.repeated, first.count.unknown, first.unfinished) == (0, 0, Counter(), [])
    assert first.count.new == len(day.queue_log)
    day.system.stack.switch.cli("logger rotate")
    rotated = (log.path.with_name("queue_log.0"), log.path.with_name("queue_log.1"))
    wait_until(lambda: any(each.exists() for each in rotated) and log.path.exists(), "the log to be rotated")
    assert log.take().count.lines <= 2  # the switch's own lines about the rotation, and no line twice
    yield log
    database.close()


def stored(fact: Fact) -> dict[str, Any]:
    return {
        "fact_id": fact.id, "call_id": fact.call, "at": fact.at, "kind": fact.kind, "data": json.dumps(fact.data),
    }  # fmt: skip


def test_visits_and_facts_agree(day: Records, measured: SwitchLog) -> None:
    fates: dict[str, str] = {}
    for visit in measured.visits:
        assert visit.call_id not in fates, "no caller entered twice"
        fates[visit.call_id] = visit.fate
    by_status = {"TIMEOUT": "timeout", "EXITWITHKEY": "key", "FULL": "full", "JOINEMPTY": "busy", "LEAVEEMPTY": "empty"}
    for call, data in ((fact.call, fact.data) for fact in day.of_kind("ended")):
        if data["fate"] == "answered":
            assert fates.pop(call) == "answered", call
        elif data["queue_status"] in by_status:
            assert fates.pop(call) == by_status[data["queue_status"]], call
        else:
            assert fates.pop(call, "abandoned") == "abandoned", call
    assert fates == {}


def test_a_visit_has_the_topic_of_its_call_and_no_number(day: Records, measured: SwitchLog) -> None:
    topics = {fact.call: fact.data["topic"] for fact in day.of_kind("handed_over")}
    assert {visit.call_id: visit.topic_code for visit in measured.visits} == {
        visit.call_id: topics[visit.call_id] for visit in measured.visits
    }
    numbers = {line[6] for line in day.queue_log if line[4:5] == ["ENTERQUEUE"]}
    assert len(numbers) > 10
    text = repr(measured.rows("queue_event")) + repr(measured.visits) + repr(measured.rows("call_link"))
    assert [number for number in numbers if number in text] == []
    assert len({visit.caller_hash for visit in measured.visits}) > 10


def test_the_cdr_links_each_channel_to_its_call(day: Records, measured: SwitchLog) -> None:
    links = {row.unique_id: row.call_id for row in measured.rows("call_link")}
    assert set(day.calls) <= set(links.values())
    assert {visit.unique_id: visit.call_id for visit in measured.visits} == {
        visit.unique_id: links[visit.unique_id] for visit in measured.visits
    }


def test_the_figures_are_those_of_the_day(day: Records, measured: SwitchLog) -> None:
    with measured.database.read() as connection:
        rows = connection.execute(select(schema.queue_visit)).all()
    visits = [kpi_visit(row.entered_at, row.fate, row.wait_s, row.talk_s, row.topic_code) for row in rows]
    figures = kpi.measure([visit for visit in visits if visit is not None])
    answered = day.fates()["answered"]
    assert figures["answer_rate"].numerator == answered
    assert figures["answer_rate"].denominator == len(day.events("ENTERQUEUE", "FULL", "JOINEMPTY"))
    assert figures["abandonment"].numerator == len(day.events("ABANDON"))
    talks = [int(line[6]) for line in day.queue_log if line[4:5] in (["COMPLETEAGENT"], ["COMPLETECALLER"])]
    assert figures["handling_time"].numerator == sum(talks)
    assert figures["handling_time"].denominator == answered


# --- and the rest ----------------------------------------------------------------------------------------------------


def test_sipp_and_the_facts_count_the_same_callers_who_do_not_queue(day: Records) -> None:
    """Callers who hang up in the menu or only hear information do not depend on other callers."""
    called = {kind: sum(group["TotalCallCreated"] for group in groups) for kind, groups in day.sipp.items()}
    assert day.fates()["left_menu"] == called["hangs up in the menu"]
    assert day.fates()["informed"] == called["hears information"]


def test_the_day_has_every_fate_and_every_way_out_of_the_queue(day: Records) -> None:
    fates = day.fates()
    assert set(fates) >= {"left_menu", "informed", "answered", "abandoned", "message", "refused", "no_message"}, fates
    assert fates["answered"] > CALLS / 3
    for verb in ("FULL", "EXITWITHTIMEOUT", "EXITWITHKEY"):
        assert day.events(verb), verb
    assert len(day.of_kind("survey")) > 30


def test_every_message_is_in_the_store_and_belongs_to_a_call(day: Records) -> None:
    messages = Store(day.system.places.messages).list()
    reported = {fact.data["message_id"] for fact in day.of_kind("message")} - {None}
    assert {message.id for message in messages} == reported
    spoken = [message.call for message in messages if not message.empty]
    assert sorted(spoken) == sorted(fact.call for fact in day.of_kind("ended") if fact.data["fate"] == "message")
    assert len(spoken) > 5


def test_nothing_is_left_at_the_end(day: Records) -> None:
    assert day.left == {"channels": 0, "sessions": 0}
    assert litter(day.system) == []
    assert day.system.metric("ivr_flow_failures_total") == 0
    assert day.system.metric("ivr_protocol_errors_total") == 0
    assert day.system.metric("ivr_alarms_total") == 0


NUMBERS = re.compile(rb"(?<!\d)(?:\+39)?06\d{1,3}5550(?!\d)")  # of this day's callers, see `Group`
MAY_HAVE_NUMBERS = ("queue_log", "Master.csv", "message.json")  # until `registry purge`: docs/privacy.md


def test_numbers_are_only_in_the_permitted_files(day: Records) -> None:
    """All files of the day: facts, logs, metrics, compiled configuration, the switch's own files."""
    places = day.system.places
    logs = generations(os.path.join(day.system.stack.switch.log, "queue_log"))  # it may have been rotated
    assert any(NUMBERS.search(Path(log).read_bytes()) for log in logs)  # the pattern finds numbers
    paths = []
    for path in Path(places.var).rglob("*"):
        if path.is_file() and not path.name.startswith(MAY_HAVE_NUMBERS) and NUMBERS.search(path.read_bytes()):
            paths.append(str(path.relative_to(places.var)))
    assert paths == []
    assert not NUMBERS.search(day.system.metrics().encode())
