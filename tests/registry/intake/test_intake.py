"""Facts become rows: each once, in any order, after any failure."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select, text
from sqlalchemy import event as events
from sqlalchemy.exc import IntegrityError

from common.command_line import Refusal
from common.places import Places
from ivr.configuration.compiled import Compiled
from ivr.facts import Fact, Spool
from registry import cli, keys
from registry.db import schema
from registry.db.connection import Database, DatabaseError, Unavailable
from registry.intake import batch, intake
from registry.intake.batch import IntakeCounts
from registry.intake.intake import Intake
from registry.intake.message_lookup import StoredMessage, message_lookup
from registry.requests.actions import perform_action
from registry.requests.clocks import Rules
from registry.requests.opening import Opening, lock_openings, open_request
from registry.site import Site
from tests.registry.calls import NOON, calls, fact, message, number_of, write
from tests.registry.site import configured
from tests.voicemail.sounds import tone, wav
from voicemail.store import Store

NOW = NOON + 3600
ENDED = {"stage": "menu", "queue_status": "", "seconds": 60}


class Desk:
    """A site with its spool and its database."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.said: list[str] = []
        self.intake = Intake(site, self.said.append, lookup=number_of)
        self.intake.prepare(NOON)

    @property
    def places(self) -> Places:
        return self.site.places

    def take(self, *facts: Fact | bytes, now: float = NOW) -> IntakeCounts:
        """Write one segment, and run the intake."""
        if facts:
            write(self.places, facts)
        return self.intake.run(now)

    def rows(self, *columns: Any) -> list[Any]:
        with self.site.database.read() as connection:
            found = connection.execute(select(*columns)).all()
        return sorted((row[0] if len(row) == 1 else tuple(row) for row in found), key=repr)

    def count(self, table: Any) -> int:
        with self.site.database.read() as connection:
            return connection.execute(select(func.count()).select_from(table)).scalar_one()

    def waiting(self) -> list[str]:
        return [name for _, _, names in os.walk(self.places.facts) for name in names]


@pytest.fixture
def desk(database: Database, tmp_path: Path, compiled: Compiled) -> Desk:
    places = configured(tmp_path / "var", compiled)
    return Desk(Site(places, compiled, database, keys.make(places)))


request, event, callback = schema.request, schema.request_event, schema.callback
STANDING = (request.c.channel, request.c.topic_code, request.c.state, request.c.outcome, request.c.call_id)


# --- what becomes of what ---------------------------------------------------------------------------------------------


def test_an_information_makes_a_closed_request(desk: Desk) -> None:
    done = desk.take(
        fact("informed", topic="DID", whole=True),
        fact("ended", at=NOON + 60, fate="informed", **ENDED),
    )
    assert (done.facts, done.requests, done.segments) == (2, 1, 1)
    assert desk.rows(*STANDING) == [("phone", "DID", "closed", "informed", "1795604400.1")]
    assert desk.rows(request.c.contact_id, request.c.opened_at, request.c.level) == [(None, NOON + 60, 1)]
    assert desk.rows(event.c.action, event.c.actor_ref) == [("close", "intake"), ("open", "intake")]
    assert desk.count(schema.sla_clock) == 0


def test_a_call_has_one_beginning_and_one_end_whatever_is_reported(desk: Desk) -> None:
    first = (fact("answered", revision="a"), fact("ended", at=NOON + 60, fate="informed", **ENDED))
    second = (fact("answered", at=NOON + 70, revision="b"), fact("ended", at=NOON + 80, fate="answered", **ENDED))
    desk.take(fact("informed", topic="DID", whole=True), *first, *second)  # of one segment
    done = desk.take(fact("answered", at=NOON + 90, revision="c"), fact("ended", at=NOON + 95, fate="lost", **ENDED))
    assert done.facts == 0
    kept = desk.rows(schema.call_fact.c.kind, schema.call_fact.c.at)
    assert kept == [("answered", NOON), ("ended", NOON + 60), ("informed", NOON)]
    assert desk.rows(*STANDING) == [("phone", "DID", "closed", "informed", "1795604400.1")]


def test_a_call_whose_line_died_in_the_talk_was_not_resolved(desk: Desk) -> None:
    desk.take(fact("handed_over", topic="ADR", priority=0), fact("line_lost", seats=1, caller=False))
    desk.take(fact("ended", at=NOON + 60, fate="lost", **ENDED))
    assert desk.rows(*STANDING) == []


def test_an_answered_call_makes_a_request_that_nobody_has_classified(desk: Desk) -> None:
    desk.take(fact("handed_over", topic="ADR", priority=0), fact("ended", at=NOON + 60, fate="answered", **ENDED))
    assert desk.rows(*STANDING) == [("phone", "ADR", "closed", "unclassified", "1795604400.1")]


def test_a_request_opened_by_an_operator_stays_the_only_one(desk: Desk) -> None:
    with desk.site.database.begin() as connection:
        mine = Opening("phone", "DID", NOON + 30, "op117", call_id="1795604400.1")
        open_request(connection, Rules.of(desk.site.compiled), mine)
    done = desk.take(fact("handed_over", topic="ADR", priority=0), fact("ended", fate="answered", **ENDED))
    assert done.requests == 0
    assert desk.rows(*STANDING) == [("phone", "DID", "new", None, "1795604400.1")]


@pytest.mark.parametrize("second", ["the intake", "an operator"])
def test_simultaneous_openings_for_a_call_make_one_request(
    postgresql: Database, tmp_path: Path, compiled: Compiled, monkeypatch: pytest.MonkeyPatch, second: str
) -> None:
    """The second one checks before the first has committed; on SQLite only one of them can begin."""
    places = configured(tmp_path / "var", compiled)
    desk = Desk(Site(places, compiled, postgresql, keys.make(places)))
    monkeypatch.setenv("NUL_DATABASE", postgresql.url.render_as_string(hide_password=False))
    write(places, [fact("ended", "1.1", fate="answered", **ENDED)])
    words = ["--var", places.var, "open", "--topic", "DID", "--by", "op118", "--call", "1.1"]
    other = threading.Thread(target=desk.take if second == "the intake" else lambda: cli.main(words))
    with postgresql.begin() as first:
        lock_openings(first)
        open_request(first, Rules.of(compiled), Opening("phone", "DID", NOON + 30, "op117", call_id="1.1"))
        other.start()
        waits, deadline = text("SELECT count(*) FROM pg_locks WHERE NOT granted"), time.monotonic() + 30
        while True:
            with postgresql.read() as watch:
                if watch.scalar(waits):
                    break
            assert time.monotonic() < deadline, "waited for the second to wait for the first"
    other.join()
    assert desk.rows(request.c.call_id) == ["1.1"]


def test_abandoned_calls_make_no_request(desk: Desk) -> None:
    for number, fate in enumerate(("abandoned", "left_menu", "no_message", "refused")):
        desk.take(fact("ended", f"17956044{number:02d}.1", fate=fate, **ENDED))
    assert desk.count(request) == 0
    assert desk.count(schema.call_fact) == 4


def test_a_message_makes_a_call_back(desk: Desk) -> None:
    done = desk.take(message(id="m-anna"), fact("ended", fate="message", **ENDED))
    assert (done.requests, done.messages) == (1, 1)
    assert desk.rows(*STANDING) == [("voicemail", "ALTRO", "new", None, "1795604400.1")]
    assert desk.rows(callback.c.state, callback.c.next_try_at) == [("waiting", NOON)]
    assert desk.rows(schema.sla_clock.c.promise_code, schema.sla_clock.c.started_at) == [("CALLBACK", NOON)]
    left = schema.voicemail_message
    assert desk.rows(left.c.message_id, left.c.reason, left.c.seconds, left.c.empty) == [("m-anna", "closed", 12.5, 0)]
    number = number_of("m-anna").number
    assert number is not None
    assert desk.rows(schema.contact.c.phone_e164, schema.contact.c.phone_hash) == [
        (number, desk.site.keys.pseudonym(number))
    ]
    assert number not in str(desk.rows(schema.call_fact.c.data))


def test_the_same_number_twice_is_the_same_person(desk: Desk) -> None:
    desk.take(message("1.1", id="m-anna"), message("2.2", id="m-anna-again", at=NOON + 60))
    numbers = {number_of(each).number for each in ("m-anna", "m-anna-again")}
    assert desk.count(schema.contact) == len(numbers)
    assert desk.count(request) == 2


NUMBERS = {
    "number": StoredMessage("+390669812345", "cli", False, NOON),
    "none": StoredMessage(None, "none", False, NOON),
    "odd": StoredMessage("+39 <script>'; --", "typed", False, NOON),
    "gone": None,
}


@pytest.mark.parametrize("empty", [False, True])
@pytest.mark.parametrize("kind", NUMBERS)
def test_an_empty_message_without_a_number_is_closed_as_unreachable(desk: Desk, kind: str, empty: bool) -> None:
    desk.intake = Intake(desk.site, desk.said.append, lookup=lambda name: NUMBERS[kind])
    done = desk.take(message(empty=empty))
    closed = empty and kind in ("none", "gone")
    assert desk.rows(request.c.state, request.c.outcome) == [("closed", "unreachable") if closed else ("new", None)]
    assert desk.count(callback) == (0 if closed else 1)
    assert desk.count(schema.contact) == (1 if kind == "number" else 0)
    assert done.unknown_messages == (1 if kind == "gone" else 0)


def test_a_repeated_message_is_one_message(desk: Desk) -> None:
    desk.take(message(id="m1"))
    desk.take(message(id="m1")._replace(id="told by the recovery".replace(" ", "-")))
    assert (desk.count(request), desk.count(callback), desk.count(schema.call_fact)) == (1, 1, 2)


def test_the_installed_store_gives_the_number(desk: Desk) -> None:
    draft = Store(desk.places.messages).draft(
        call="1.1", reason="closed", number="+393331234567", number_source="typed", at=NOON
    )
    Path(draft.audio + ".wav").write_bytes(wav(tone(3)))
    published = draft.publish("dtmf")
    assert published is not None
    desk.intake = Intake(desk.site, desk.said.append)
    desk.take(Fact("told", "1.1", NOON + 20, "message", published.facts()))
    assert desk.rows(schema.contact.c.phone_e164) == ["+393331234567"]
    assert desk.rows(request.c.opened_at) == [NOON]  # when it was left, not when it was reported
    ask = message_lookup(desk.places)
    for wrong in ("../../../etc/passwd", "20261125T110000-000000000000", "", "\x00", "a" * 5000):
        assert ask(wrong) is None


NOTICE = fact("notice", at=NOON + 1, prompts={"recording-notice": 3}, campaign="qualita' <b>")
REFUSAL = fact("refusal", at=NOON + 2, of="recording")
ANSWERED = [
    fact("handed_over", at=NOON + 5, topic="ADR", priority=0),
    fact("ended", at=NOON + 9, fate="answered", **ENDED),
]


def test_a_recording_is_registered_with_its_notice(desk: Desk) -> None:
    desk.take(NOTICE, *ANSWERED)
    table = schema.recording
    assert desk.rows(table.c.call_id, table.c.campaign, table.c.notice_prompts, table.c.audio_ref) == [
        ("1795604400.1", "qualita' <b>", '{"recording-notice": 3}', "1795604400.1.wav")
    ]
    assert desk.rows(table.c.notice_ended_at, table.c.started_at) == [(NOON + 1, NOON + 5)]
    desk.take(REFUSAL)  # it arrived late
    assert desk.count(table) == 0


def test_a_recording_before_its_notice_cannot_be_registered(desk: Desk) -> None:
    row = {"recording_id": "r", "call_id": "c", "campaign": "q", "notice_prompts": "{}", "audio_ref": "c.wav"}
    with pytest.raises(IntegrityError, match="notice_first"), desk.site.database.begin() as connection:
        connection.execute(schema.recording.insert(), {**row, "notice_ended_at": NOON, "started_at": NOON - 1})


# --- the survey leads back to nobody ----------------------------------------------------------------------------------


def answer(question: str, value: int, call: str = "1795604400.1", at: float = NOON) -> Fact:
    return fact("survey", call, at, f"survey-{call}-{question}", version=2, question=question, value=value)


def test_answers_of_one_call_are_one_response(desk: Desk) -> None:
    desk.take(answer("clear", 5), answer("clear", 1, "2.2"))
    desk.take(answer("solved", 4), answer("clear", 5))
    table = schema.survey_answer
    assert desk.count(schema.survey_response) == 2
    assert desk.rows(table.c.question, table.c.value) == [("clear", 1), ("clear", 5), ("solved", 4)]
    assert desk.rows(schema.survey_response.c.version, schema.survey_response.c.taken_on) == [(2, "2026-11-25")] * 2


def test_survey_answers_cannot_be_traced(desk: Desk) -> None:
    told = answer("clear", 5, at=NOON + 1234.567)
    desk.take(told)
    table = schema.call_fact
    (row,) = desk.rows(table.c.fact_id, table.c.call_id, table.c.at, table.c.data)
    assert told.id not in row[0]
    assert row[1:] == ("", NOON - 12 * 3600, '{"version":2,"question":"clear","value":5}')
    assert desk.take(told).repeated == 1
    kept = [path.read_text() for path in Path(desk.places.taken_facts).rglob("*.jsonl")]
    assert len(kept) >= 1
    assert told.call not in str(kept)
    assert str(told.at)[:8] not in str(kept)
    everything = str([desk.rows(table) for table in (schema.survey_response, schema.survey_answer, schema.call_fact)])
    assert told.call not in everything


def test_archived_answers_can_be_taken_in_again(desk: Desk) -> None:
    """After a restore the answers of a call are still one response, although nobody knows whose."""
    desk.take(answer("clear", 5), answer("solved", 4), message())
    before = contents(desk)
    desk.intake.run(NOW + 3 * 86400)
    assert desk.count(schema.survey_salt) == 0
    with desk.site.database.begin() as connection:
        for table in (schema.survey_answer, schema.survey_response, schema.call_fact):
            connection.execute(table.delete())
    assert desk.intake.run_again("2026-11-25", NOW + 3 * 86400).facts == 3
    assert contents(desk) == before
    assert desk.intake.run_again("2026-11-25", NOW + 3 * 86400).repeated == 3


def test_the_salt_is_deleted_when_the_day_is_over(desk: Desk) -> None:
    desk.take(answer("clear", 5))
    assert desk.rows(schema.survey_salt.c.day) == ["2026-11-25"]
    desk.intake.run(NOW + 86400)
    assert desk.count(schema.survey_salt) == 1  # a segment of yesterday may still arrive
    desk.intake.run(NOW + 2 * 86400)
    assert desk.count(schema.survey_salt) == 0


# --- order, batches, repetition ---------------------------------------------------------------------------------------


def contents(desk: Desk) -> dict[str, list[Any]]:
    """Return all rows, without values that are random or depend on the order of arrival."""
    names = dict(zip(desk.rows(request.c.request_id), desk.rows(request.c.request_id), strict=True))
    assert len(names) == desk.count(request)
    left, answers = schema.voicemail_message, schema.survey_answer
    joined = select(answers.c.response_id, answers.c.question, answers.c.value)
    with desk.site.database.read() as connection:
        grouped: dict[str, list[Any]] = {}
        for response, *said in connection.execute(joined):
            grouped.setdefault(response, []).append(tuple(said))
    return {
        "request": desk.rows(*STANDING, request.c.opened_at, request.c.closed_at, request.c.version),
        "event": desk.rows(event.c.seq, event.c.at, event.c.action, event.c.to_state),
        "message": desk.rows(left.c.message_id, left.c.call_id, left.c.left_at, left.c.empty),
        "callback": desk.rows(callback.c.state, callback.c.next_try_at),
        "recording": desk.rows(schema.recording),
        "contact": desk.rows(schema.contact.c.phone_e164),
        "fact": desk.rows(schema.call_fact),
        "answers": sorted(sorted(each) for each in grouped.values()),
        "responses": desk.rows(schema.survey_response.c.version, schema.survey_response.c.taken_on),
    }


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory, sqlite_file: Path, shipped: Compiled) -> Callable[[], Desk]:
    """Desks for many examples, each with its own database in memory."""
    places = configured(tmp_path_factory.mktemp("desks"), shipped)
    made = keys.make(places)
    template = sqlite3.connect(sqlite_file)

    def desk() -> Desk:
        database = Database("sqlite://")
        raw = database.engine.raw_connection()
        template.backup(raw.driver_connection)  # type: ignore[arg-type]
        raw.close()
        return Desk(Site(places, shipped, database, made))

    return desk


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=calls(), chance=st.randoms(use_true_random=False), cuts=st.integers(1, 5))
def test_any_order_and_any_batches_give_the_same_rows(
    empty: Callable[[], Desk], facts: list[Fact], chance: random.Random, cuts: int
) -> None:
    whole, parts = empty(), empty()
    with whole.site.database.begin() as connection:
        taker(whole, connection).take_in(facts)
    shuffled = facts + chance.choices(facts, k=2)
    chance.shuffle(shuffled)
    size = len(shuffled) // cuts + 1
    for start in range(0, len(shuffled), size):
        with parts.site.database.begin() as connection:
            taker(parts, connection).take_in(shuffled[start : start + size])
    assert contents(parts) == contents(whole)
    for desk in (whole, parts):
        desk.site.database.close()


def taker(desk: Desk, connection: Connection) -> batch.Batch:
    return batch.Batch(connection, desk.site.keys, Rules.of(desk.site.compiled), number_of, NOW)


def test_a_request_that_a_person_changed_is_not_corrected(desk: Desk) -> None:
    over = fact("ended", at=NOON + 60, fate="answered", **ENDED)
    desk.take(over, over._replace(id="ended-2", call="2.2"))
    rules = Rules.of(desk.site.compiled)
    (touched,) = [name for name, call in desk.rows(request.c.request_id, request.c.call_id) if call == "2.2"]
    with desk.site.database.begin() as connection:
        perform_action(connection, rules, touched, "reopen", "op117", NOW)
    late = fact("handed_over", topic="DID", priority=0)
    done = desk.take(late, late._replace(id="late-2", call="2.2"))
    assert done.corrected == 1
    assert desk.rows(request.c.call_id, request.c.topic_code) == [("1795604400.1", "DID"), ("2.2", "ALTRO")]


def test_segments_are_archived_after_intake(desk: Desk) -> None:
    path = write(desk.places, [message()])
    desk.take()
    assert desk.waiting() == []
    assert [each.name for each in Path(desk.places.taken_facts, "2026-11-25").iterdir()] == [path.name]
    assert desk.rows(schema.intake_segment.c.name, schema.intake_segment.c.facts) == [(path.name, 1)]


def test_a_different_segment_of_the_same_name_is_taken_in(desk: Desk) -> None:
    write(desk.places, [message("1.1")], "0001795604400-1-a-1")
    desk.take()
    write(desk.places, [message("2.2")], "0001795604400-1-a-1")
    assert desk.take().facts == 1
    assert len(os.listdir(Path(desk.places.taken_facts, "2026-11-25"))) == 2


def test_the_segment_of_a_dead_writer_is_taken_in(desk: Desk) -> None:
    spool = Spool(desk.places.facts, lambda line, lost: None)
    spool.write(message())
    assert desk.take().facts == 0  # it is still being written
    os.close(spool.detach().descriptor)  # type: ignore[union-attr]
    assert desk.take().facts == 1


def test_after_a_restore_facts_are_taken_in_again(desk: Desk) -> None:
    desk.take(message(), *ANSWERED)
    before = contents(desk)
    done = desk.intake.run_again("2026-11-25", NOW)
    assert (done.facts, done.repeated) == (0, 3)
    with desk.site.database.begin() as connection:
        connection.execute(schema.call_fact.delete().where(schema.call_fact.c.kind == "ended"))
    assert desk.intake.run_again("2026-11-25", NOW).facts == 1
    assert desk.intake.run_again("2026-11-26", NOW).segments == 0
    assert contents(desk) == before


def test_only_one_intake_runs_at_a_time(desk: Desk) -> None:
    with desk.intake._locked(), pytest.raises(Refusal, match="another intake is running"):
        Intake(desk.site, desk.said.append, lookup=number_of).run(NOW)


# --- hostile, wrong, out of time --------------------------------------------------------------------------------------


def test_invalid_lines_do_not_hold_up_the_others(desk: Desk) -> None:
    (name := write(desk.places, [b"junk\n", message(), b'{"id":"torn'])).resolve()
    done = desk.take()
    assert (done.facts, done.poison) == (1, 2)
    assert Path(desk.places.poison, name.name).read_bytes() == b'junk\n{"id":"torn\n'
    assert "cut off" in Path(desk.places.poison, f"{name.name}.reason").read_text()
    assert len(desk.said) == 1
    assert f"{name.name}: 2 invalid lines" in desk.said[0]
    assert desk.waiting() == []


def test_a_file_that_is_not_a_segment_is_set_aside(desk: Desk) -> None:
    path = Path(desk.places.facts, "2026-11-25", "0001-x.jsonl")
    path.parent.mkdir(parents=True)
    path.symlink_to("/etc/hostname")
    assert desk.take().poison == 1
    assert os.listdir(desk.places.poison) == ["0001-x.jsonl", "0001-x.jsonl.reason"] or sorted(
        os.listdir(desk.places.poison)
    ) == ["0001-x.jsonl", "0001-x.jsonl.reason"]


def test_only_the_fact_that_the_database_refuses_is_set_aside(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unforeseen refusal, here of one call's request."""
    real = batch.open_requests

    def refusing(connection: Connection, rules: Rules, openings: Sequence[Opening]) -> Any:
        if any(each.call_id == "7.7" for each in openings):
            raise Refusal("cannot be")
        return real(connection, rules, openings)

    monkeypatch.setattr(batch, "open_requests", refusing)
    done = desk.take(*(message(f"{number}.{number}") for number in range(10)))
    assert (done.facts, done.poison, done.requests) == (9, 1, 9)
    (kept,) = Path(desk.places.poison).glob("*.jsonl")
    assert json.loads(kept.read_text())["call"] == "7.7"
    assert "the database refuses it: cannot be" in Path(f"{kept}.reason").read_text()
    monkeypatch.undo()
    kept.rename(Path(desk.places.facts, "2026-11-25", kept.name))  # after the cause is removed, back into the spool
    assert desk.take().facts == 1
    assert desk.count(request) == 10


EVIL = "'; DROP TABLE request; -- <script>alert(1)</script> %s {0} è \u202e"


def test_sql_and_html_are_stored_as_text(desk: Desk) -> None:
    desk.take(
        fact("something_new", said=EVIL), NOTICE._replace(data={"prompts": {EVIL: 1}, "campaign": EVIL}), *ANSWERED
    )
    data = [json.loads(each) for each in desk.rows(schema.call_fact.c.data)]
    assert {"said": EVIL} in data
    assert desk.rows(schema.recording.c.campaign) == [EVIL]
    assert desk.count(request) == 1


def test_an_unknown_topic_is_added(desk: Desk) -> None:
    ended = fact("ended", at=NOON + 1, fate="informed", **ENDED)
    desk.take(fact("informed", topic="NUOVO", whole=True), ended)
    desk.take(fact("informed", "2.2", topic="x-y", whole=True), ended._replace(id="e2", call="2.2"))
    assert desk.rows(request.c.topic_code) == ["ALTRO", "NUOVO"]


def test_facts_from_the_future_are_counted_and_dated_now(desk: Desk) -> None:
    done = desk.take(message(at=NOW + 400 * 86400), message("1970.1", at=5.0, id="m-other"))
    assert (done.facts, done.out_of_time, done.requests) == (2, 2, 2)
    opened = desk.rows(request.c.opened_at)
    assert opened == [NOON, NOON]  # as the store says; both are plausible
    assert sorted(desk.rows(schema.call_fact.c.at)) == [5.0, NOW + 400 * 86400]


def test_requests_are_dated_between_2016_and_now(desk: Desk) -> None:
    desk.intake = Intake(desk.site, desk.said.append, lookup=lambda name: None)
    desk.take(message(at=NOW + 400 * 86400), message("1970.1", at=5.0, id="m-other"))
    assert desk.rows(request.c.opened_at) == [NOW, NOW]
    assert {each[:8] for each in desk.rows(request.c.protocol)} == {"NUL-2026"}


def test_a_clock_set_back_loses_nothing(desk: Desk) -> None:
    desk.take(message("1.1"), now=NOW)
    done = desk.take(message("2.2", at=NOON), now=NOON - 7200)
    assert (done.facts, done.out_of_time) == (1, 0)
    desk.take(answer("clear", 3), now=NOON - 7200)
    assert desk.count(request) == 2
    assert desk.count(schema.survey_answer) == 1


# --- a database that fails --------------------------------------------------------------------------------------------


def test_after_a_failure_segments_stay_in_the_spool(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = batch.Batch._save_responses

    def failing(self: batch.Batch, facts: list[Fact]) -> None:
        raise Unavailable("not reachable")

    monkeypatch.setattr(batch.Batch, "_save_responses", failing)
    write(desk.places, [message()])
    with pytest.raises(Unavailable):
        desk.take()
    assert (desk.count(request), desk.count(schema.call_fact), len(desk.waiting())) == (0, 0, 1)
    monkeypatch.setattr(batch.Batch, "_save_responses", real)
    assert desk.take().requests == 1


def test_a_locked_database_is_reported_and_nothing_is_lost(sqlite: Database, tmp_path: Path, compiled: Compiled,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    places = configured(tmp_path / "var", compiled)
    desk = Desk(Site(places, compiled, sqlite, keys.make(places)))
    write(places, [message()])
    other = sqlite3.connect(sqlite.file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with sqlite.read() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 50")
    with pytest.raises(Unavailable, match="locked by another program"):
        desk.take()
    assert len(desk.waiting()) == 1
    other.execute("ROLLBACK")
    other.close()
    assert desk.take().facts == 1


def test_a_full_disk_is_reported_and_nothing_is_lost(sqlite: Database, tmp_path: Path, compiled: Compiled) -> None:
    places = configured(tmp_path / "var", compiled)
    desk = Desk(Site(places, compiled, sqlite, keys.make(places)))
    for number in range(300):
        told = [fact("choice", f"{number}.{part}", why="x" * 900) for part in range(5)]
        write(places, told, f"{number:013d}-1-a-1")
    sqlite.close()
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (900_000, 900_000))
            try:
                desk.take()
            except DatabaseError as problem:
                os._exit(7 if "disk" in str(problem) else 8)
            os._exit(9)
        os._exit(10)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    assert desk.waiting() != []
    assert desk.take().facts > 0
    assert desk.count(schema.call_fact) == 1500


# --- kill -9 ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def many(desk: Desk) -> Iterator[tuple[Desk, int]]:
    """Return a desk with segments of all kinds of facts, and the number of facts."""
    facts = [each for number in range(60) for each in (
        message(f"{number}.1", id=f"m{number}"), fact("handed_over", f"{number}.2", topic="DID", priority=0),
        fact("ended", f"{number}.2", NOON + 9, fate="answered", **ENDED), answer("clear", number % 6, f"{number}.2"),
    )]  # fmt: skip
    for number in range(0, len(facts), 4):
        write(desk.places, [*facts[number : number + 4], b"junk\n"], f"{number:013d}-1-a-1")
    yield desk, len(facts)


def test_a_kill_at_any_moment_loses_and_duplicates_nothing(
    many: tuple[Desk, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process kills itself at its nth renaming, statement or commit, for many n."""
    desk, count = many
    monkeypatch.setattr(intake, "MOST_SEGMENTS", 12)
    desk.site.database.close()
    kills = 0
    for moment in range(1, 170, 13):
        pid = os.fork()
        if pid == 0:
            die_at(moment, desk)
            with contextlib.suppress(BaseException):
                desk.take()
            os._exit(0)
        kills += os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    desk.take()
    assert kills >= 8
    assert desk.count(schema.call_fact) == count
    assert (desk.count(request), desk.count(callback), desk.count(schema.voicemail_message)) == (120, 60, 60)
    assert (desk.count(schema.survey_response), desk.count(schema.survey_answer)) == (60, 60)
    assert len(set(desk.rows(request.c.protocol))) == 120
    assert desk.waiting() == []
    assert len(os.listdir(desk.places.poison)) == 2 * count // 4
    taken = [name for _, _, names in os.walk(desk.places.taken_facts) for name in names]
    assert len(taken) == count // 4


def die_at(moment: int, desk: Desk) -> None:
    """Kill this process at its nth statement, commit or renaming."""
    left = [moment]

    def step(*words: Any, **more: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    real = os.rename

    def rename(source: str, target: str) -> None:
        step()
        real(source, target)
        step()

    os.rename = rename  # type: ignore[assignment]
    for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
        events.listen(desk.site.database.engine, name, step)
