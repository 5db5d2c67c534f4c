"""Arrival times, times entered later, complete lists, reminders, deadlines by their last day."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import select

from ivr.configuration.compiled import Compiled
from registry.db import schema
from tests.conftest import rome
from tests.registry.commands.terminal import ONE, TWO, Terminal, listed, opened
from tests.registry.request_steps import DAY, HOUR

SATURDAY = rome("2026-11-21 10:30")


@pytest.mark.parametrize(
    ("channel", "due"),
    [("email", "Mon 23 Nov 2026 10:30"), ("web_form", "Mon 23 Nov 2026 10:30"), ("voicemail", "by Mon 23 Nov 2026")],
)
def test_the_clock_of_every_channel_starts_at_arrival(terminal: Terminal, channel: str, due: str) -> None:
    shown = opened(terminal, channel, "--arrived", "2026-11-21 10:30")
    expected = "Mon 23 Nov 2026 18:00" if channel == "voicemail" else due  # nine service hours: the whole Monday
    assert f"new, level 1, due {expected} (version 1)" in shown
    (row,) = terminal.rows(schema.sla_clock)
    assert row.started_at == SATURDAY
    assert "open by op117 -> new level 1 (audience other, channel " in terminal.run("show", ONE)
    assert "entered 2026-11-24T10:00:00+01:00" in terminal.run("show", ONE)


def test_an_email_answered_late_and_typed_later_still_is_late(terminal: Terminal) -> None:
    opened(terminal, "email", "--arrived", "2026-11-21", "--outcome", "informed")
    (row,) = terminal.rows(schema.sla_clock)
    assert (row.started_at, row.stopped_at, row.stop_reason) == (rome("2026-11-21 00:00"), terminal.now, "answered")
    figure = json.loads(terminal.run("stats", "--json"))["on_time"][0]
    assert (figure["numerator"], figure["denominator"]) == (0, 1)


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        ("2026-11-24 10:00:01", "is in the future"),
        ("2015-12-31 23:59:59", "is before the service began (2016-01-01T00:00:00+01:00)"),
    ],
)
def test_impossible_arrivals_are_refused(terminal: Terminal, time: str, reason: str) -> None:
    said = terminal.run("open", "--topic", "DID", "--by", "op117", "--channel", "email", "--arrived", time, status=1)
    assert said.startswith("registry open: arrived: 20") and reason in said
    assert terminal.rows(schema.request) == []


@pytest.mark.parametrize("time", ["2026-11-24 10:00", "2016-01-01 00:00"])
def test_the_bounds_of_an_arrival_are_possible(terminal: Terminal, time: str) -> None:
    opened(terminal, "email", "--arrived", time)
    assert len(terminal.rows(schema.request)) == 1


def test_an_action_typed_later_counts_from_when_it_happened(terminal: Terminal) -> None:
    opened(terminal, "email", "--arrived", "2026-11-22 10:00")
    answer = ("answer", ONE, "--by", "op117", "--at")
    assert "at: 2026-11-24T10:00:01+01:00 is in the future" in terminal.run(*answer, "2026-11-24 10:00:01", status=1)
    assert "is before the last action on" in terminal.run(*answer, "2026-11-22 09:59", status=1)
    terminal.run(*answer, "2026-11-24 09:59")
    (row,) = terminal.rows(schema.sla_clock)
    assert row.stopped_at == rome("2026-11-24 09:59") < row.due_at
    assert "answer by op117 -> answered (entered 2026-11-24T10:00:00+01:00, owner op117)" in terminal.run("show", ONE)


def test_lists_are_complete_unless_a_person_reads_them(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        opened(terminal, "email")
    monkeypatch.setattr("registry.commands.shared.request_view.ON_A_SCREEN", 2)
    assert len(listed(terminal)) == 3 and terminal.run("list").count("\n") == 4 and terminal.run("due").count("\n") == 4
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert terminal.run("list", more=1).count("\n") == 3
    assert terminal.run("due", more=1).count("\n") == 3
    assert len(listed(terminal)) == 3
    assert terminal.run("list", "--limit", "3").count("\n") == 4  # exactly as many as there are: none left out
    document = json.loads(terminal.run("due", "--limit", "1", "--json", more=2))
    assert (len(document["due"]), document["more"]) == (1, 2)


def test_a_request_without_a_promise_is_listed_after_some_days(terminal: Terminal) -> None:
    opened(terminal)
    assert listed(terminal)[0]["queue"] == "level_1"
    assert terminal.later(5 * DAY - 1).run("due") == "Nothing falls due.\n"
    assert terminal.later(1).run("due").splitlines()[1].split() == [
        "Sun", "29", "Nov", "2026", "10:00", "in", "0", "min", "OPEN", ONE, "DID", "1", "new", "level_1",
    ]  # fmt: skip
    terminal.run("take", ONE, "--by", "op118")
    assert terminal.run("due") == "Nothing falls due.\n"
    assert listed(terminal)[0]["queue"] is None
    assert "late by 1 d 0 h" in terminal.later(6 * DAY).run("due", "--late")
    terminal.run("answer", ONE, "--by", "op118")  # answered, and nobody closes it
    assert terminal.later(5 * DAY).run("due").splitlines()[1].endswith("answered  op118")
    terminal.run("close", ONE, "--outcome", "resolved", "--by", "op118")
    assert terminal.later(50 * DAY).run("due") == "Nothing falls due.\n"


def test_a_request_that_waits_for_the_citizen_is_listed_past_the_limit(terminal: Terminal) -> None:
    opened(terminal, "email")
    terminal.run("take", ONE, "--by", "op117")
    terminal.run("wait", ONE, "--by", "op117")
    terminal.run("classify", ONE, "--topic", "ADR", "--by", "op118")
    assert terminal.later(15 * DAY - 1).run("due") == "Nothing falls due.\n"
    (row,) = json.loads(terminal.later(1).run("due", "--json"))["due"]
    assert (row["promise"], row["protocol"], row["state"]) == ("WAITING", ONE, "waiting_contact")
    assert json.loads(terminal.run("due", "--late", "--json"))["due"] == [row]
    terminal.run("resume", ONE, "--by", "op117")
    assert [each["promise"] for each in json.loads(terminal.run("due", "--json"))["due"]] == ["EMAIL"]


def test_an_escalated_request_is_due_by_its_last_day(terminal: Terminal) -> None:
    terminal.now = rome("2026-11-04 11:00")
    opened(terminal)
    assert "due by Sat 14 Nov 2026 (version 2)" in terminal.run("escalate", ONE, "--by", "op117")
    assert terminal.run("list").splitlines()[1].endswith("by Sat 14 Nov 2026")
    assert terminal.run("due").splitlines()[1].startswith("by Sat 14 Nov 2026  in 10 d 13 h")
    (row,) = listed(terminal)
    assert (row["due_at"], row["due_on"]) == ("2026-11-15T00:00:00+01:00", "2026-11-14")
    assert "10 giorni solari: entro sabato 14/11/2026 compreso" in terminal.run("show", ONE, "--language", "it")
    assert "10 calendar days: by Saturday 14/11/2026 (" in terminal.run("show", ONE)


def test_no_json_has_epoch_seconds(terminal: Terminal) -> None:
    opened(terminal, "email", "--name", "Anna Rossi", "--email", "anna@example.it", "--note", "x")
    terminal.run("take", ONE, "--by", "op118")
    commands = [
        ("list",), ("due",), ("stats",), ("show", ONE, "--person", "--by", "op118", "--why", "x"),
        ("find", "--email", "anna@example.it", "--why", "x"), ("release", ONE, "--by", "op118"),
        ("open", "--topic", "DID", "--by", "op117"), ("classify", TWO, "--topic", "ADR", "--by", "op117"),
    ]  # fmt: skip
    for words in commands:
        assert not re.search(r"\b1[789][0-9]{8}\b", terminal.run(*words, "--json")), words


def test_a_closure_added_later_moves_the_deadlines(terminal: Terminal, shipped: Compiled) -> None:
    opened(terminal, "voicemail")
    opened(terminal, "email")
    assert listed(terminal)[0]["due_at"] == "2026-11-25T10:00:00+01:00"
    closed = json.loads(json.dumps(shipped))
    closed["service"]["holidays"]["extra_closures"] = [
        {"first": "2026-11-25", "last": "2026-11-26", "reason": "Chiusura"}
    ]
    closed["revision"] = "0123456789abcdef"
    Path(terminal.places.compiled).write_text(json.dumps(closed), encoding="utf-8")
    terminal.later(HOUR)
    assert [each["due_at"] for each in listed(terminal)] == ["2026-11-27T10:00:00+01:00", "2026-11-26T10:00:00+01:00"]
    assert (
        "recalculate by clock -> new (due 2026-11-27T10:00:00+01:00, promise CALLBACK, was 2026-11-25T10:00:00+01:00)"
    ) in terminal.run("show", ONE)
    with terminal.database.read() as connection:
        actions = list(connection.scalars(select(schema.request_event.c.action)))
        revisions = set(connection.scalars(select(schema.sla_clock.c.calendar_rev)))
    assert sorted(actions) == ["open", "open", "recalculate"]  # the 48 hours of an e-mail never stop
    assert revisions == {"0123456789abcdef"}
    terminal.run("take", ONE, "--by", "op118", "--version", "2")
