"""The call-back commands: registry and store agree; without a registry, messages stay accessible."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from common.ports import free_ports
from registry.db import schema
from registry.requests.actions import ActionDetails, perform_action
from registry.requests.opening import Opening, open_request
from tests.conftest import rome
from tests.voicemail.work import ROME, Work, in_english
from voicemail import cli
from voicemail.tables import notified

NIGHT = rome("2026-11-23 22:00")
MORNING = rome("2026-11-24 09:30")


class Terminal:
    """A person at a terminal; `now` is the time of the clock."""

    def __init__(self, work: Work, capsys: pytest.CaptureFixture[str]) -> None:
        self.work, self._capsys, self.now = work, capsys, MORNING

    def run(self, *words: str, status: int = 0) -> str:
        """Return what is printed, on standard error if it should fail."""
        assert cli.main(["--var", self.work.places.var, *in_english(words)], clock=lambda: self.now) == status
        out, err = self._capsys.readouterr()
        return err if status else out


@pytest.fixture
def terminal(desk_work: Work, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("NUL_DATABASE", str(desk_work.database.url))
    monkeypatch.delenv("NUL_AMI", raising=False)
    return Terminal(desk_work, capsys)


def test_the_list_shows_who_waits_and_the_due_date(terminal: Terminal) -> None:
    work = terminal.work
    assert terminal.run("list") == "Nobody waits for a call (`voicemail list --all`: all messages of the store).\n"
    first, _ = work.message(NIGHT), work.message(NIGHT + 3600)
    unnumbered = work.message(NIGHT - 86400, None)
    out = terminal.run("list")
    lines = out.splitlines()
    assert lines[0].endswith(f"same number, continued as {work.request(first).protocol}")
    assert lines[1].split() == ["PROTOCOL", "MESSAGE", "LEFT", "AGE", "DUE", "SECONDS", "TRIED", "STATE"]
    protocol = work.request(unnumbered).protocol
    assert lines[2].split("  ")[0] == protocol
    assert lines[2].endswith("15 h 30 min late  3        0      waiting  no number")
    assert lines[3].endswith("in 8 h 30 min     3        0      waiting  +1")
    assert ROME not in out
    document = json.loads(terminal.run("list", "--json"))
    assert [each["messages"][0] for each in document["waiting"]] == [unnumbered.id, first.id]
    assert document["not_taken_in"] == []


def test_a_call_back_from_the_list_to_the_end(terminal: Terminal) -> None:
    work = terminal.work
    message = work.message(NIGHT)
    protocol = work.request(message).protocol
    said = f"{protocol}: yours; `voicemail play {message.id}`, then `voicemail call {protocol} --by op117`\n"
    assert terminal.run("take", message.id, "--by", "op117") == said
    assert "taken by op117" in terminal.run("take", protocol, "--by", "op118", status=1)
    out = terminal.run("outcome", protocol, "busy", "--by", "op117", "--note", "risponde dopo le 12")
    assert out == f"{protocol}: waits; next try from Tue 24 Nov 12:00\n"
    assert work.store.get(message.id).state == "unreachable"
    assert "not before Tue 24 Nov 12:00" in terminal.run("list")
    terminal.now = rome("2026-11-24 12:10")
    terminal.run("take", protocol, "--by", "op118")
    assert terminal.run("outcome", protocol, "reached", "--by", "op118") == f"{protocol}: closed, resolved\n"
    sheet = work.store.get(message.id)
    assert (sheet.state, sheet.history[-1].by, sheet.history[-1].note) == (
        "called_back",
        "op118",
        f"{protocol}: reached",
    )
    assert "Nobody waits" in terminal.run("list")


def test_a_name_is_not_an_operator_code(terminal: Terminal) -> None:
    message = terminal.work.message(NIGHT)
    assert "is not an operator code" in terminal.run("take", message.id, "--by", "anna", status=1)
    assert terminal.work.entries()[0].state == "waiting"


def test_a_released_entry_can_be_taken_by_another_operator_who_can_keep_it(terminal: Terminal) -> None:
    message = terminal.work.message(NIGHT)
    protocol = terminal.work.request(message).protocol
    terminal.run("take", message.id, "--by", "op117")
    assert terminal.run("release", message.id, "--by", "op117") == f"{protocol}: waits for another operator\n"
    terminal.run("take", message.id, "--by", "op118")
    out = terminal.run("outcome", message.id, "reached", "--keep", "--by", "op118")
    assert out == f"{protocol}: stays with op118\n"


def test_a_call_without_a_switch_writes_no_attempt(terminal: Terminal) -> None:
    message = terminal.work.message(NIGHT)
    assert "not taken" in terminal.run("call", message.id, "--by", "op117", status=1)
    terminal.run("take", message.id, "--by", "op117")
    assert "prepare the switch first" in terminal.run("call", message.id, "--by", "op117", status=1)
    assert terminal.work.rows(schema.callback_attempt) == []


# --- registry and store -----------------------------------------------------------------------------------------------


def test_a_message_that_is_not_yet_in_the_registry_is_listed(terminal: Terminal) -> None:
    message = terminal.work.message(NIGHT, taken_in=False)
    out = terminal.run("list")
    assert "In the message store, not yet in the registry (`registry intake`)" in out
    assert message.id in out
    assert json.loads(terminal.run("list", "--json"))["not_taken_in"][0]["id"] == message.id
    assert "not in the registry" in terminal.run("take", message.id, "--by", "op117", status=1)
    terminal.run("mark", message.id, "closed", "--by", "op117")  # only the sheet exists
    assert message.id not in terminal.run("list")


def test_without_a_registry_the_store_is_listed_with_a_notice(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    message = terminal.work.message(NIGHT)
    for url in (f"sqlite:///{terminal.work.places.var}/none.db", "postgresql://nobody@127.0.0.1:1/none"):
        monkeypatch.setenv("NUL_DATABASE", url)
        assert cli.main(["--var", terminal.work.places.var, *in_english(("list",))], clock=lambda: MORNING) == 0
        out, err = capsys.readouterr()
        assert f"{message.id}  Mon 23 Nov 22:00" in out
        assert "the message store alone: " in err
        assert terminal.run("take", message.id, "--by", "op117", status=1).startswith("voicemail take: ")
    terminal.run("mark", message.id, "called_back", "--by", "op117")
    monkeypatch.setenv("NUL_DATABASE", str(terminal.work.database.url))
    assert "settled in the message store: called_back" in terminal.run("list")
    assert terminal.work.request(message).outcome == "unclassified"


def test_without_the_registry_packages_the_store_is_listed(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    message = terminal.work.message(NIGHT)
    monkeypatch.setitem(sys.modules, "voicemail.callback.service", None)
    assert message.id in terminal.run("list")
    assert "pip install 'numero-unico-lavoro[desk]'" in terminal.run("take", message.id, "--by", "op117", status=1)
    assert message.id in terminal.run("show", message.id)


def test_the_state_of_a_registered_message_is_not_marked_in_the_store(terminal: Terminal) -> None:
    message = terminal.work.message(NIGHT)
    protocol = terminal.work.request(message).protocol
    terminal.run("mark", message.id, "listened", "--by", "op117")
    for state in ("called_back", "closed", "unreachable", "new"):
        err = terminal.run("mark", message.id, state, "--by", "op117", status=1)
        assert f"is request {protocol} in the registry" in err
    assert terminal.work.store.get(message.id).state == "listened"
    assert terminal.work.entries()[0].state == "waiting"


def test_reading_or_hearing_a_message_is_logged(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    message = terminal.work.message(NIGHT)
    player = tmp_path / "bin" / "aplay"
    player.parent.mkdir()
    player.write_text("#!/bin/sh\n")
    player.chmod(0o755)
    monkeypatch.setenv("PATH", f"{player.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("LOGNAME", "sara")
    terminal.run("show", message.id)
    terminal.run("play", message.id)
    looks = [row for row in terminal.work.rows(schema.access_log) if row.object_kind == "message"]
    assert [(row.actor_ref, row.action, row.object_id) for row in looks] == [
        *(("sara", "show", message.id), ("sara", "play", message.id)),
    ]


def test_a_request_closed_in_the_registry_closes_the_message(terminal: Terminal) -> None:
    work = terminal.work
    message = work.message(NIGHT)
    protocol = work.request(message).protocol
    with work.database.begin() as connection:
        perform_action(connection, work.rules, protocol, "close", "op118", MORNING, ActionDetails(outcome="informed"))
    assert f"{protocol}: answered or closed elsewhere: closed" in terminal.run("list")
    assert work.store.get(message.id).state == "closed"


def test_a_sheet_that_a_crash_left_behind_is_updated_later(terminal: Terminal) -> None:
    work = terminal.work
    first, second = work.message(NIGHT), work.message(NIGHT + 3600)
    work.update(MORNING)
    work.take(first.id, MORNING)
    work.outcome(first.id, "reached", MORNING)  # without the update of the store
    assert work.store.get(second.id).state == "new"
    terminal.run("list")
    assert [work.store.get(each.id).state for each in (first, second)] == ["closed", "closed"]
    terminal.run("list")


# --- notify -----------------------------------------------------------------------------------------------------------


def test_a_dry_run_prints_the_letters(terminal: Terminal) -> None:
    terminal.work.message(NIGHT)
    assert "Numero Unico: un nuovo messaggio nella casella vocale" in terminal.run("notify", "--dry-run")
    assert "notification is null" in terminal.run("notify", status=1)
    assert terminal.work.rows(notified) == []


def test_notify_follows_serves_metrics_and_stops_on_sigterm(terminal: Terminal) -> None:
    terminal.work.message(NIGHT)
    (port,) = free_ports(1, "tcp")
    command = [sys.executable, "-m", "voicemail.cli", "--var", terminal.work.places.var, "notify", "--follow"]
    more = ["--every", "0.2", "--metrics-port", str(port)]
    with subprocess.Popen([*command, *more], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"metrics: http://127.0.0.1:{port}/metrics\n"
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                assert "voicemail_untouched 1.0" in answer.read().decode()
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_every_access_is_logged_while_the_database_is_away(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    work, places = terminal.work, terminal.work.places
    message = work.message(NIGHT)
    fresh = work.message(NIGHT + 60, taken_in=False)  # in the store only
    url = os.environ["NUL_DATABASE"]
    monkeypatch.setenv("NUL_DATABASE", f"sqlite:///{places.var}/away.db")
    for words in (("show", message.id), ("show", message.id, "--json"), ("show", fresh.id)):
        assert ROME in terminal.run(*words)
    monkeypatch.setenv("NUL_DATABASE", url)
    assert work.rows(schema.access_log) == []
    assert ROME not in Path(places.pending_accesses).read_text(encoding="utf-8")
    terminal.now += 60
    terminal.run("show", fresh.id)  # the database is back
    logged = [(row.at, row.action, row.object_kind, row.object_id) for row in work.rows(schema.access_log)]
    kept = [(MORNING, "show", "message", id) for id in (message.id, message.id, fresh.id)]
    # Two equal lines of the same instant are one access that was repeated: the log names it once.
    assert logged == [(MORNING + 60, "show", "message", fresh.id), kept[0], kept[2]]
    assert Path(places.pending_accesses).read_bytes() == b""


def test_nothing_is_shown_when_an_access_cannot_be_logged(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    message = terminal.work.message(NIGHT)
    Path(terminal.work.places.var, "accesses").write_text("a file where the folder should be")
    monkeypatch.setenv("NUL_DATABASE", f"sqlite:///{terminal.work.places.var}/away.db")
    said = terminal.run("show", message.id, status=1)
    assert "this access cannot be logged, so nothing is shown" in said and ROME not in said


def test_a_message_opened_by_hand_is_on_the_list_and_can_be_taken(terminal: Terminal) -> None:
    work = terminal.work
    with work.database.begin() as connection:
        request = open_request(connection, work.rules, Opening("voicemail", "DID", NIGHT, "op117"))
    assert request.protocol in terminal.run("list")
    assert "yours" in terminal.run("take", request.protocol, "--by", "op117")
    assert "closed, resolved" in terminal.run("outcome", request.protocol, "reached", "--by", "op117")


def test_a_closure_added_later_moves_the_next_try(terminal: Terminal) -> None:
    work, places = terminal.work, terminal.work.places
    protocol = work.request(work.message(NIGHT)).protocol
    terminal.run("take", protocol, "--by", "op117")
    terminal.run("outcome", protocol, "busy", "--by", "op117")
    before = json.loads(Path(places.compiled).read_text(encoding="utf-8"))
    closed = {**before, "service": {**before["service"], "holidays": {**before["service"]["holidays"]}}}
    closed["service"]["holidays"]["extra_closures"] = [
        {"first": "2026-11-24", "last": "2026-11-24", "reason": "Chiusura"}
    ]
    closed["revision"] = "0123456789abcdef"
    Path(places.compiled).write_text(json.dumps(closed), encoding="utf-8")
    terminal.now += 60
    out = terminal.run("list")
    assert f"{protocol}: the opening hours have changed, next try from 2026-11-25T09:00:00+01:00" in out
    assert "not before Wed 25 Nov 09:00" in out
    Path(places.compiled).write_text(json.dumps(before), encoding="utf-8")
    assert "not before Tue 24 Nov 12:00" in terminal.run("list")
