"""A message left at night is called back in the morning, on a real Asterisk: registry, telephones, figures."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, select

from charter import kpi
from measure import cli as measure_cli
from measure.month.data import Data, read_month
from measure.month.period import parse_month
from measure.switch.service_queue import ServiceQueue
from registry import cli as registry_cli
from registry.db import schema
from registry.db.connection import Database, database_url
from registry.intake.intake import Intake
from registry.site import Site
from tests.asterisk.support.call_steps import call, enter_queue, fate, speak_message, voice
from tests.asterisk.support.softphone import Line
from tests.asterisk.support.system import BRIEF, System, running_system, wait_until
from tests.voicemail.work import in_english
from voicemail import cli
from voicemail.message import Message
from voicemail.store import Store

pytestmark = pytest.mark.switch

NIGHT = "2026-11-24 21:00:00"  # a Tuesday
MORNING = "2026-11-25 09:30:00"
CHANGES: dict[str, Any] = {
    "menu.yaml": {"nodes": {"chiuso": {"prompts": ["closed"]}}},
    "voicemail": {"empty_below_seconds": 1},
    "callbacks": {"ring_seconds": 10},
}
HOME = "+390612345678"


class Desk:
    """The terminal of an operator, op101 at seat 1. It uses the switch's clock."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.reports: list[str] = []

    def registry(self, *words: str) -> None:
        assert registry_cli.main([*self._places(), *words]) == 0

    def intake(self) -> None:
        """Take facts in like `registry intake`, but by the clock of the switch, so that none is in the future."""
        intake = Intake(Site.of(self.system.places), self.reports.append)
        intake.prepare(self.system.now())
        intake.run(self.system.now())

    def month(self) -> Data:
        """The figures of November, as in the report."""
        site = Site.of(self.system.places)
        with site.database.read() as connection:
            queue = ServiceQueue.of(site.compiled["service"])
            return read_month(connection, parse_month("2026-11"), queue, self.system.now() + 86400)

    def voicemail(self, *words: str, status: int = 0) -> None:
        assert cli.main([*self._places(), *in_english(words)], clock=self.system.now) == status

    def calling(self, protocol: str) -> Calling:
        """Start a call, which runs while the test acts on the telephones."""
        return Calling(self, protocol)

    def rows(self, table: Table) -> list[Any]:
        database = Database(database_url(self.system.places))
        try:
            with database.read() as connection:
                return list(connection.execute(select(table)))
        finally:
            database.close()

    def request(self, message: Message) -> Any:
        (link,) = [row for row in self.rows(schema.voicemail_message) if row.message_id == message.id]
        (request,) = [row for row in self.rows(schema.request) if row.request_id == link.request_id]
        return request

    def _places(self) -> list[str]:
        return ["--config", self.system.places.config, "--var", self.system.places.var]


class Calling:
    """A running `voicemail call`."""

    def __init__(self, desk: Desk, protocol: str) -> None:
        self.status: int | None = None
        words = ["call", protocol, "--by", "op101"]
        place = ["--config", desk.system.places.config, "--var", desk.system.places.var]

        def run() -> None:
            self.status = cli.main([*place, *in_english(words)], clock=desk.system.now)

        self._thread = threading.Thread(target=run)
        self._thread.start()

    def ended(self, status: int = 0) -> None:
        self._thread.join(20)
        assert self.status == status


@pytest.fixture(scope="module")
def night_system() -> Iterator[System]:
    assert "NUL_DATABASE" not in os.environ
    with running_system(CHANGES, operators=1, at=NIGHT, prompt_bytes=BRIEF) as system:
        Desk(system).registry("init")
        yield system


@pytest.fixture
def desk(night_system: System) -> Iterator[Desk]:
    night_system.wait_idle()
    yield Desk(night_system)
    night_system.hang_up_all()
    night_system.wait_idle()


def leave(system: System, **options: Any) -> Message:
    """A citizen calls at night and leaves a message."""
    system.move_clock(NIGHT)
    visit = call(system, **options)
    message = speak_message(system, visit)
    system.wait_idle()
    return message


def take_in(desk: Desk, message: Message) -> None:
    """Run the intake until the message is registered: the engine seals its facts about once a second."""

    def known() -> bool:
        desk.intake()
        return message.id in {row.message_id for row in desk.rows(schema.voicemail_message)}

    wait_until(known, "the message to be in the registry")


def operator_answers(system: System) -> Line:
    """Answer the telephone at seat 1, and hear that the citizen is called."""
    ringing = system.seats.wait_ring()
    assert "sip:seat01@" in ringing.local
    assert not system.caller.incoming  # nobody has called the citizen yet
    ringing.answer()
    ringing.wait_heard(system.sound("op-callback"))
    return ringing


def test_given_a_message_at_night_when_it_is_called_back_then_request_and_figures_show_it(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    system = desk.system
    message = leave(system)
    take_in(desk, message)
    protocol = desk.request(message).protocol
    desk.voicemail("take", message.id, "--by", "op101")
    desk.voicemail("call", protocol, "--by", "op101", status=1)
    assert "possible from Wed 25 Nov 2026 09:00" in capsys.readouterr().err  # it is night
    system.move_clock(MORNING)
    desk.voicemail("list")
    listed = capsys.readouterr().out
    assert protocol in listed
    assert "taken by op101" in listed
    calling = desk.calling(protocol)
    operator = operator_answers(system)
    (attempt,) = desk.rows(schema.callback_attempt)
    assert (attempt.actor_ref, attempt.proposed, attempt.result) == ("op101", None, None)  # recorded before it rings
    citizen = system.caller.wait_ring()
    assert citizen.invited.start.startswith(f"INVITE sip:{HOME}@")
    assert "sip:800000039@" in citizen.invited.header("From")
    citizen.answer()
    greeting = voice(1.0)
    operator.speak(greeting)
    citizen.wait_heard(greeting)
    citizen.hang_up()
    calling.ended()
    assert "the citizen answered (ANSWER 16)" in capsys.readouterr().out
    desk.voicemail("outcome", protocol, "reached", "--by", "op101")
    then_all_records_agree(desk, message, attempt.call_id, capsys)


def then_all_records_agree(desk: Desk, message: Message, call_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    request = desk.request(message)
    assert (request.state, request.outcome, request.channel) == ("closed", "resolved", "voicemail")
    (attempt,) = desk.rows(schema.callback_attempt)
    assert (attempt.proposed, attempt.result, attempt.call_id) == ("reached", "reached", call_id)
    (touch,) = desk.rows(schema.interaction)
    assert (touch.channel, touch.result, touch.call_id) == ("phone_out", "reached", call_id)
    (clock,) = desk.rows(schema.sla_clock)
    assert clock.promise_code == "CALLBACK"
    assert clock.stop_reason == "answered"
    assert clock.stopped_at < clock.due_at
    assert Store(desk.system.places.messages).get(message.id).state == "called_back"
    capsys.readouterr()
    desk.voicemail("list")
    assert "Nobody waits" in capsys.readouterr().out
    figures = ["--config", desk.system.places.config, "--var", desk.system.places.var]
    assert measure_cli.main([*figures, "live", "--once", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["waiting"], shown["seats"]["logged_in"], shown["offered"]) == (0, 1, 0)  # no visit was at the queue
    november = desk.month()
    assert november.callbacks == {"reached": 1}
    on_time = kpi.on_time("on_time_callback", november.due["CALLBACK"], clock.due_at - 86400, clock.due_at + 86400)
    assert (on_time.numerator, on_time.denominator) == (1, 1)
    for table in (schema.request_event, schema.call_fact, schema.callback_attempt, schema.queue_event):
        assert "612345678" not in str(desk.rows(table))


@pytest.mark.parametrize(
    ("status", "proposed"),
    [("486 Busy Here", "busy"), ("404 Not Found", "wrong_number"), (None, "no_answer")],
    ids=["busy", "unassigned", "unanswered"],
)
def test_given_a_citizen_who_is_not_reached_when_called_then_asterisks_reason_is_proposed(
    desk: Desk, capsys: pytest.CaptureFixture[str], status: str | None, proposed: str
) -> None:
    system = desk.system
    number = {"busy": "0287654321", "wrong_number": "0287654322", "no_answer": "0287654323"}[proposed]
    message = leave(system, caller=number)
    take_in(desk, message)
    system.move_clock(MORNING)
    protocol = desk.request(message).protocol
    desk.voicemail("take", protocol, "--by", "op101")
    calling = desk.calling(protocol)
    operator = operator_answers(system)
    citizen = system.caller.wait_ring()
    if status is None:
        operator.hang_up()
        citizen.wait_ended()
    else:
        citizen.reject(status)
    calling.ended()
    attempt = desk.rows(schema.callback_attempt)[-1]
    assert (attempt.proposed, attempt.result) == (proposed, None)
    desk.voicemail("outcome", protocol, proposed, "--by", "op101")
    out = capsys.readouterr().out
    assert ("closed, unreachable" if proposed == "wrong_number" else "next try from Wed 25 Nov 12:00") in out


def test_given_an_operator_who_does_not_answer_when_calling_then_no_citizen_is_called(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    system = desk.system
    message = leave(system, caller="0287654324")
    take_in(desk, message)
    system.move_clock(MORNING)
    protocol = desk.request(message).protocol
    desk.voicemail("take", protocol, "--by", "op101")
    calling = desk.calling(protocol)
    system.seats.wait_ring().reject()
    calling.ended(status=1)
    assert "your own telephone was not answered" in capsys.readouterr().out
    assert not system.caller.incoming
    attempt = desk.rows(schema.callback_attempt)[-1]
    assert (attempt.proposed, attempt.result) == ("failed", "failed")
    desk.voicemail("release", protocol, "--by", "op101")
    desk.voicemail("take", protocol, "--by", "op102")
    desk.voicemail("call", protocol, "--by", "op102", status=1)
    assert "op102: not logged in at a seat; first log in there (*11102)" in capsys.readouterr().err


def test_given_a_citizen_who_calls_again_and_is_answered_when_the_list_is_read_then_the_entry_is_closed(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    system = desk.system
    message = leave(system, caller="0287654325")
    take_in(desk, message)
    system.move_clock("2026-11-25 10:30:00")
    visit = enter_queue(system, caller="0287654325")
    system.answer().hang_up()
    visit.line.hang_up()
    assert fate(system, visit) == "answered"
    system.wait_idle()

    def registered() -> bool:
        desk.intake()
        return visit.id in {row.call_id for row in desk.rows(schema.request)}

    wait_until(registered, "the answered call to be in the registry")
    folders = ["--config", system.places.config, "--var", system.places.var]
    assert measure_cli.main([*folders, "ingest"]) == 0
    protocol = desk.request(message).protocol
    capsys.readouterr()
    desk.voicemail("list")
    (answered,) = [row for row in desk.rows(schema.request) if row.call_id == visit.id]
    assert f"{protocol}: the citizen was answered since: {answered.protocol}" in capsys.readouterr().out
    request = desk.request(message)
    assert (request.state, request.outcome, request.duplicate_of) == ("closed", "duplicate", answered.request_id)
    assert Store(system.places.messages).get(message.id).state == "closed"


def test_given_a_citizen_who_was_called_back_when_erased_then_no_file_has_the_number(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """All files of the system: database with its journal, spool, messages, the switch's logs and its own database."""
    system, number = desk.system, "0287654326"
    wrong = system.caller.dial(number, system.stack.sip_port)  # a misrouted call: Asterisk reports it in messages.log
    wrong.wait_ended()
    message = leave(system, caller=number)
    take_in(desk, message)
    system.move_clock(MORNING)
    protocol = desk.request(message).protocol
    desk.voicemail("take", protocol, "--by", "op101")
    calling = desk.calling(protocol)
    operator_answers(system)
    citizen = system.caller.wait_ring()
    citizen.answer()
    citizen.hang_up()
    calling.ended()
    desk.voicemail("outcome", protocol, "reached", "--by", "op101", "--note", f"vuole essere chiamata allo {number}")
    system.wait_idle()
    words = ("--number", number, "--why", "letter of 3 May", "--by", "dpo")
    wait_until(lambda: {"number in a log", "note on a request"} <= held(desk, words, capsys), "the CDR to be written")
    assert "switch/main/log/messages.log" in files_with(system, number[1:])
    desk.registry("erase", *words, "--yes")
    assert files_with(system, number[1:]) == []
    assert files_with(system, Site.of(system.places).keys.pseudonym(f"+39{number}")) == ["keys/erased.jsonl"]


def held(desk: Desk, words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> set[str]:
    capsys.readouterr()
    desk.registry("find", *words, "--json")
    return {item["what"] for item in json.loads(capsys.readouterr().out)}


def files_with(system: System, text: str) -> list[str]:
    var = Path(system.places.var)
    paths = [path for path in var.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]
    return sorted(str(path.relative_to(var)) for path in paths)
