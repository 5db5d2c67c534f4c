"""Personal data is found, exported, erased and purged in all stores at once."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from common.command_line import Refusal
from common.places import Places
from ivr.configuration.compiled import Compiled
from registry import cli, keys
from registry.db import schema
from registry.db.connection import Database, Unavailable
from registry.db.migrations import all_tables
from registry.people import personal_data
from registry.people.person import Person, find_person
from registry.requests import protocol_number
from registry.site import DAY, Site
from tests.voicemail.sounds import tone, wav
from voicemail.message import Message
from voicemail.personal import Messages
from voicemail.store import Store

NOW = 1795773600.0  # 27 November 2026
PROTOCOLS = {
    name: protocol_number.format_number(2026, n + 1) for n, name in enumerate(("anna", "bruno", "carla", "anna-again"))
}
ANNA, BRUNO = "+390612345678", "+393331234567"
QUEUED = "{at}|{channel}|nul|NONE|ENTERQUEUE||{number}|1\n"
CALLED_BACK = (
    '"","800000039","{number}","nul-callback","""Richiamata"" <800000039>","PJSIP/seat01-1","PJSIP/trunk-2","Dial",'
    '"PJSIP/{number}@trunk,45","{at}","","{at}",5\n'
)
CALLED = '"","{number}","800000039","nul-call","""x"" <{number}>","PJSIP/trunk","","Queue","nul","{at}","","{at}",5\n'


class FilledSite:
    """A service with data of two callers in all its stores."""

    def __init__(self, site: Site) -> None:
        self.site = site
        os.makedirs(os.path.join(site.places.switch_log, "cdr-csv"))
        os.makedirs(site.places.recordings)
        self.queue_log = Path(site.places.switch_log, "queue_log")
        self.cdr = Path(site.places.switch_log, "cdr-csv", "Master.csv")
        with site.database.begin() as connection:
            topic = {"topic_code": "DID", "label_it": "DID", "label_en": "DID"}
            connection.execute(insert(schema.topic).values(**topic))
        self.messages: dict[str, Message] = {}

    def row(self, table: str, **values: Any) -> None:
        with self.site.database.begin() as connection:
            connection.execute(insert(all_tables().tables[table]).values(**values))

    def rows(self, table: str, *names: str) -> list[Any]:
        columns = [all_tables().tables[table].c[name] for name in names]
        with self.site.database.read() as connection:
            return [row[0] if len(names) == 1 else tuple(row) for row in connection.execute(select(*columns))]

    def call(self, name: str, number: str, at: float, closed: bool = True) -> None:
        """A person calls, is recorded, leaves a message and gets a request with a note."""
        hashed, call = self.site.keys.pseudonym(number), f"{at:.0f}.1"
        self.row("contact", contact_id=name, kind="citizen", display_name=name, phone_e164=number, phone_hash=hashed,
                 created_at=at)  # fmt: skip
        end = {"state": "closed", "closed_at": at + 60, "outcome": "resolved"} if closed else {"state": "new"}
        self.row("request", request_id=f"r-{name}", protocol=PROTOCOLS[name], contact_id=name, channel="voicemail",
                 topic_code="DID", audience="other", level=1, opened_at=at, call_id=call, **end)  # fmt: skip
        self.row("request_note", request_id=f"r-{name}", note_no=1, at=at, actor_ref="op101", words=f"words of {name}")
        self.row("queue_visit", unique_id=call, visit_no=1, call_id=call, queue="nul", entered_at=at, fate="timeout",
                 in_service=1, caller_hash=hashed)  # fmt: skip
        self.row("queue_event", call_id=call, at=int(at), said="nul|NONE|ENTERQUEUE|||1", caller_hash=hashed)
        with open(self.queue_log, "a", encoding="ascii") as log:
            log.write(QUEUED.format(at=int(at), channel=call, number=number))
        with open(self.cdr, "a", encoding="ascii") as log:
            log.write(CALLED.format(at=_utc(at), number=number))
        recording = Path(self.site.places.recordings, f"{call}.wav")
        recording.write_bytes(b"voice")
        os.utime(recording, (at, at))
        message = self._leave(number, at, call)
        self.messages[name] = message
        self.row("voicemail_message", message_id=message.id, request_id=f"r-{name}", call_id=call, reason="closed",
                 left_at=at, seconds=3, empty=0, transcript=f"{name} speaks")  # fmt: skip

    def _leave(self, number: str, at: float, call: str) -> Message:
        store = Store(self.site.places.messages)
        draft = store.draft(call=call, reason="closed", number=number, number_source="cli", at=at)
        Path(draft.audio + ".wav").write_bytes(wav(tone(3)))
        message = draft.publish("dtmf")
        assert message is not None
        return message

    def who(self, number: str) -> Person:
        with self.site.database.read() as connection:
            return find_person(connection, self.site.keys, numbers=[number])

    def everything(self) -> str:
        """Return everything that is stored anywhere, as one text."""
        found = []
        for folder, _, names in os.walk(self.site.places.var):
            if not folder.endswith("keys"):
                found += [Path(folder, name).read_bytes().decode("latin-1") for name in names]
        if file := self.site.database.file:  # including free pages and the journal
            found += [path.read_bytes().decode("latin-1") for path in Path(file).parent.glob("registry.db*")]
        with self.site.database.read() as connection:
            for table in all_tables().sorted_tables:
                found += [str(tuple(row)) for row in connection.execute(select(table))]
        return "\n".join(found)


def _utc(at: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


@pytest.fixture
def filled(database: Database, tmp_path: Path, compiled: Compiled, monkeypatch: pytest.MonkeyPatch) -> FilledSite:
    for name in ("NUL_KEYS", "NUL_SWITCH_LOG", "NUL_RECORDINGS"):
        monkeypatch.delenv(name, raising=False)
    places = Places(var=str(tmp_path / "var"))
    filled = FilledSite(Site(places, compiled, database, keys.make(places)))
    filled.call("anna", ANNA, NOW - 3 * DAY)
    filled.call("bruno", BRUNO, NOW - 3 * DAY + 1)
    return filled


def test_a_person_is_found_in_every_store(filled: FilledSite) -> None:
    held = personal_data.find_data(filled.site, filled.who(ANNA))
    assert {each.store for each in held} == {"registry", "voicemail", "switch-logs", "recordings"}
    assert sorted(each.what for each in held) == [
        "contact: name and addresses",
        "note on a request",
        "number in a log",
        "number in a log",
        "number in a log",
        "pseudonym of a caller's number",
        "recording of a conversation",
        f"request {PROTOCOLS['anna']}, closed",
        "voicemail message, 3 s of sound",
    ]


def test_a_stranger_is_not_found(filled: FilledSite) -> None:
    assert personal_data.find_data(filled.site, filled.who("+390687654321")) == []


def test_an_export_has_only_the_persons_own_data(filled: FilledSite, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    written = [
        name for each in personal_data.stores() for name in each.export(filled.site, filled.who(ANNA), str(folder))
    ]
    message = filled.messages["anna"].id
    assert {f"{message}.wav", f"{message}.json", "registry.json", "switch-logs.txt"} < set(written)
    assert json.loads((folder / "registry.json").read_text())["contacts"][0]["display_name"] == "anna"
    everything = "".join(path.read_bytes().decode("latin-1") for path in folder.iterdir())
    assert ANNA in everything and "words of anna" in everything
    assert BRUNO not in everything and "bruno" not in everything


def test_an_erasure_removes_one_person_everywhere_and_no_other(filled: FilledSite) -> None:
    before = filled.queue_log.stat()
    done = personal_data.erase_person(filled.site, filled.who(ANNA), now=NOW, actor="dpo", why="asked by letter")
    assert all(done[name] for name in ("registry", "voicemail", "switch-logs", "recordings"))
    left = filled.everything()
    assert ANNA not in left and filled.site.keys.pseudonym(ANNA) not in left
    assert "words of anna" not in left and "anna speaks" not in left
    assert BRUNO in left and "words of bruno" in left and filled.site.keys.pseudonym(BRUNO) in left
    after = filled.queue_log.stat()
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size)
    assert len(filled.rows("request", "request_id")) == 2  # the figures stay
    assert filled.rows("access_log", "action", "actor_ref", "why") == [("erase", "dpo", "asked by letter")]
    assert personal_data.find_data(filled.site, filled.who(ANNA)) == []


def test_an_erasure_reports_files_that_cannot_be_flushed(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.db.connection.BUSY_SECONDS", 0.05)
    impatient = Database(sqlite.url.render_as_string())
    with sqlite.read() as reader:
        reader.execute(select(schema.contact)).all()
        with impatient.begin() as connection:
            connection.execute(insert(schema.survey_salt).values(day="2026-11-27", salt=b"x"))
        with pytest.raises(Unavailable, match="until `registry purge` runs again"):
            impatient.flush()
    impatient.flush()
    impatient.close()


def test_an_erasure_can_be_repeated(filled: FilledSite) -> None:
    someone = filled.who(ANNA)
    personal_data.erase_person(filled.site, someone, now=NOW, actor="dpo", why="x")
    left = filled.everything()
    done = personal_data.erase_person(filled.site, someone, now=NOW, actor="dpo", why="x")
    assert sum(done.values()) == 0
    assert filled.everything().replace("dpo", "") != "" and ANNA not in left


def test_a_person_restored_from_a_backup_is_erased_again(filled: FilledSite) -> None:
    contact = filled.rows("contact", *schema.contact.c.keys())[0]
    personal_data.erase_person(filled.site, filled.who(ANNA), now=NOW, actor="dpo", why="x")
    with filled.site.database.begin() as connection:  # as `registry restore` would
        old = dict(zip(schema.contact.c.keys(), contact, strict=True))
        connection.execute(schema.contact.update().where(schema.contact.c.contact_id == "anna").values(**old))
    assert ANNA in filled.everything()
    done = personal_data.purge_expired(filled.site, now=NOW + 1, actor="clock")
    assert [each.things for each in done if each.what == "erased again after a restore"] == [1]
    assert ANNA not in filled.everything()


def test_a_failed_repeat_does_not_stop_other_erasures(
    filled: FilledSite, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts = [
        dict(zip(schema.contact.c.keys(), row, strict=True)) for row in filled.rows("contact", *schema.contact.c.keys())
    ]
    for number in (ANNA, BRUNO):
        personal_data.erase_person(filled.site, filled.who(number), now=NOW, actor="dpo", why="x")
    with filled.site.database.begin() as connection:
        for old in contacts:
            same = schema.contact.c.contact_id == old["contact_id"]
            connection.execute(schema.contact.update().where(same).values(**old))
    real = Messages.erase

    def full(self: Messages, site: Site, someone: Person, now: float) -> int:
        if "anna" in someone.contacts:
            raise Refusal("one: No space left on device")
        return real(self, site, someone, now)

    monkeypatch.setattr(Messages, "erase", full)
    assert "voicemail: one: No space left on device" in run("purge", status=1)[1]
    assert ANNA not in filled.everything() and BRUNO not in filled.everything()
    with filled.site.database.read() as connection:
        evidence = connection.execute(
            select(schema.purge.c.things).where(schema.purge.c.what.startswith("erased again"))
        )
        assert evidence.scalars().all() == [2]


def test_a_call_after_the_erasure_stays(filled: FilledSite) -> None:
    personal_data.erase_person(filled.site, filled.who(ANNA), now=NOW, actor="dpo", why="x")
    filled.call("anna-again", ANNA, NOW + 10)
    personal_data.purge_expired(filled.site, now=NOW + 20, actor="clock")
    assert {each.id for each in personal_data.find_data(filled.site, filled.who(ANNA))} >= {"anna-again"}


@pytest.mark.parametrize(
    ("days", "gone"),
    [
        (0, set()),
        (8, {"caller_numbers"}),
        (29, {"caller_numbers"}),
        (31, {"caller_numbers", "voicemail_audio", "recording"}),
        (731, {"caller_numbers", "voicemail_audio", "recording", "contact"}),
    ],
)
def test_expired_data_is_purged_with_evidence(filled: FilledSite, days: int, gone: set[str]) -> None:
    done = personal_data.purge_expired(filled.site, now=NOW - 3 * DAY + days * DAY + 120, actor="clock")
    assert {each.what for each in done if each.things} == gone
    evidence = filled.rows("purge", "what", "things")
    assert {what for what, things in evidence if things} == gone
    assert len(evidence) == len(done)
    again = personal_data.purge_expired(filled.site, now=NOW - 3 * DAY + days * DAY + 120, actor="clock")
    assert not any(each.things for each in again)


def test_an_open_message_is_never_purged(filled: FilledSite) -> None:
    filled.call("carla", "+390211111111", NOW - 400 * DAY, closed=False)
    personal_data.purge_expired(filled.site, now=NOW, actor="clock")
    assert os.path.exists(Store(filled.site.places.messages).audio(filled.messages["carla"].id))
    assert "+390211111111" in str(filled.rows("contact", "phone_e164"))


def test_notes_without_a_contact_are_purged(filled: FilledSite) -> None:
    """A request without a contact that has a note."""
    for name, closed in (("old", NOW - 800 * DAY), ("young", NOW - DAY)):
        end = {"state": "closed", "closed_at": closed, "outcome": "informed"}
        self_made = {"request_id": name, "protocol": name, "channel": "phone", "topic_code": "DID", "audience": "other"}
        filled.row("request", **self_made, level=1, opened_at=closed - 60, **end)
        filled.row("request_note", request_id=name, note_no=1, at=closed, actor_ref="op101", words=f"{name} words")
    done = personal_data.purge_expired(filled.site, now=NOW, actor="clock")
    assert [each.things for each in done if each.what == "words"] == [1]
    words = set(filled.rows("request_note", "request_id", "words"))
    assert {("old", None), ("young", "young words")} < words


def test_notes_on_a_message_are_purged_with_its_sound(filled: FilledSite) -> None:
    store = Store(filled.site.places.messages)
    store.mark(filled.messages["anna"].id, "listened", by="op101", at=NOW, note="la signora Rossi di via Po 3")
    done = personal_data.purge_expired(filled.site, now=NOW + 40 * DAY, actor="clock")
    assert [each.things for each in done if each.what == "voicemail_audio"] == [2]
    assert "via Po" not in filled.everything()
    assert [mark.by for mark in store.get(filled.messages["anna"].id).history] == ["op101"]  # the evidence stays
    assert not any(each.things for each in personal_data.purge_expired(filled.site, now=NOW + 40 * DAY, actor="clock"))


def test_recordings_made_by_the_switch_are_found_and_erased(filled: FilledSite, tmp_path: Path) -> None:
    folder = Path(filled.site.places.native_messages)
    names = [f"{int(NOW)}-{NOW:.0f}.7-{number}-closed.wav" for number in ("0612345678", "3331234567", "none")]
    for name in (names[0], f"rejected/1/{names[0]}", *names[1:]):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"voice of " + name.encode())
        path.with_suffix(".done").write_bytes(b"")
    (folder / "rejected" / "x-0612345678.wav").write_bytes(b"no name of the dialplan's")
    held = [each for each in personal_data.find_data(filled.site, filled.who(ANNA)) if "switch" in each.what]
    assert [(each.id, each.since) for each in held] == [(names[0], NOW)] * 2
    copies = tmp_path / "copies"
    copies.mkdir()
    for each in personal_data.stores():
        each.export(filled.site, filled.who(ANNA), str(copies))
    assert (copies / "native-2.wav").read_bytes() == b"voice of " + f"rejected/1/{names[0]}".encode()
    personal_data.erase_person(filled.site, filled.who(ANNA), now=NOW + 1, actor="dpo", why="x")
    left = sorted(path.name for path in folder.rglob("*") if path.is_file() and path.name[0] == names[0][0])
    assert left == sorted(name for each in names[1:] for name in (each, each.replace(".wav", ".done")))


def test_a_failing_store_is_reported_and_the_others_erase(
    filled: FilledSite, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = Path(Store(filled.site.places.messages).audio(filled.messages["anna"].id)).with_name("message.json")
    draft = sheet.with_name(f"{sheet.name}.new")
    real = os.open

    def full(path: Any, *words: Any, **more: Any) -> int:
        if str(path).startswith(str(sheet)) and words[0] & os.O_WRONLY:
            raise OSError(28, "No space left on device", str(draft))
        return real(path, *words, **more)

    words = ("erase", "--number", ANNA, "--why", "x", "--yes")
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", full)
        _, err = run(*words, status=1)
    assert "No space left on device" in err and "everything else was erased" in err and "Traceback" not in err
    assert "words of anna" not in filled.everything()
    run("purge")
    assert ANNA not in filled.everything()


def test_the_journal_accepts_an_erasure_after_a_line_cut_off_by_a_crash(filled: FilledSite) -> None:
    journal = Path(keys.path(filled.site.places)).with_name("erased.jsonl")
    personal_data.erase_person(filled.site, filled.who(ANNA), now=NOW, actor="dpo", why="x")
    journal.write_bytes(journal.read_bytes() + b'{"until": 17957')
    personal_data.erase_person(filled.site, filled.who(BRUNO), now=NOW, actor="dpo", why="x")
    assert [json.loads(line)["contacts"] for line in journal.read_text().splitlines()] == [["anna"], ["bruno"]]
    assert journal.stat().st_mode & 0o077 == 0
    personal_data.purge_expired(filled.site, now=NOW + 1, actor="clock")


def test_a_journal_that_cannot_grow_is_reported_and_stays_intact(
    filled: FilledSite, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    personal_data.erase_person(filled.site, filled.who(BRUNO), now=NOW, actor="dpo", why="x")
    journal = Path(keys.path(filled.site.places)).with_name("erased.jsonl")
    whole = journal.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handled = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    real = personal_data.record_erasure

    def cramped(*words: Any) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 20, limits[1]))
        try:
            real(*words)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    monkeypatch.setattr(personal_data, "record_erasure", cramped)
    try:
        _, err = run("erase", "--number", ANNA, "--why", "x", "--yes", status=1)
    finally:
        signal.signal(signal.SIGXFSZ, handled)
    assert f"{journal}: No space left on device" in err and "nothing was erased" in err
    assert journal.read_bytes() == whole
    assert ANNA in filled.everything()


def test_a_journal_line_that_was_not_synced_is_removed(filled: FilledSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the next purge would erase a person although the command said that nothing was erased."""

    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched, pytest.raises(Refusal, match="nothing was erased"):
        patched.setattr(os, "fsync", broken)
        personal_data.erase_person(filled.site, filled.who(ANNA), now=NOW, actor="dpo", why="x")
    personal_data.purge_expired(filled.site, now=NOW + 1, actor="clock")
    assert "words of anna" in filled.everything()


def test_a_damaged_journal_is_reported(filled: FilledSite, run: Any) -> None:
    journal = Path(keys.path(filled.site.places)).with_name("erased.jsonl")
    journal.write_bytes(b"spoilt \xff\n")
    assert f"{journal}:1: not a line of the journal of erasures" in run("purge", status=1)[1]


def recorded(filled: FilledSite, name: str) -> str:
    """Register the recording of a call, as the intake does; return its id."""
    (call,) = [each for who, each in filled.rows("request", "contact_id", "call_id") if who == name]
    at = float(call)
    filled.row("recording", recording_id=call, call_id=call, campaign="q1", notice_prompts="{}",
              notice_ended_at=at, started_at=at, audio_ref=f"{call}.wav")  # fmt: skip
    return str(call)


def test_the_register_records_deleted_recordings(filled: FilledSite) -> None:
    anna, bruno = recorded(filled, "anna"), recorded(filled, "bruno")
    personal_data.erase_person(filled.site, filled.who(ANNA), now=NOW, actor="dpo", why="x")
    columns = ("recording_id", "audio_ref", "purged_at")
    assert sorted(filled.rows("recording", *columns)) == [(anna, None, NOW), (bruno, f"{bruno}.wav", None)]
    later = NOW + 40 * DAY
    personal_data.purge_expired(filled.site, now=later, actor="clock")
    assert sorted(filled.rows("recording", *columns)) == [(anna, None, NOW), (bruno, None, later)]


def test_a_failing_store_does_not_stop_the_purge_of_others(
    filled: FilledSite, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(store: Any, site: Site, now: float) -> list[Any]:
        raise PermissionError(13, "Permission denied", site.places.recordings)

    monkeypatch.setattr("measure.personal.Recordings.purge", failing)
    _, err = run("purge", status=1)
    assert f"recordings: {filled.site.places.recordings}: Permission denied" in err and "Traceback" not in err
    assert {"caller_numbers", "voicemail_audio", "contact"} <= set(filled.rows("purge", "what"))
    assert "recording" not in filled.rows("purge", "what")


def test_a_log_written_during_an_erasure_keeps_every_line(filled: FilledSite) -> None:
    with open(filled.queue_log, "a", encoding="ascii") as asterisk:
        personal_data.purge_expired(filled.site, now=NOW + 30 * DAY, actor="clock")
        asterisk.write("1795773600|9.9|nul|NONE|ABANDON|1|1|5\n")
    lines = filled.queue_log.read_text().splitlines()
    assert [line.split("|")[4] for line in lines] == ["ENTERQUEUE", "ENTERQUEUE", "ABANDON"]
    assert [line.split("|")[6] for line in lines[:2]] == ["+xxxxxxxxxxxx", "+xxxxxxxxxxxx"]


def test_numbers_in_text_logs_are_found_erased_and_purged(filled: FilledSite) -> None:
    """What Asterisk reports on its own, with both date formats, a continued line, and rotated files."""
    folder = Path(filled.site.places.switch_log)
    day, short = datetime.fromtimestamp(NOW - DAY).strftime("%Y-%m-%d %H:%M:%S"), "%b %d %H:%M:%S"
    report = "Call from 'nul-trunk' (127.0.0.1:5060) to extension '{number}' rejected"
    names = ("messages.log", "messages.log.1", "messages-20261126", "security.log", "console.log")
    for name in names:
        stamp = datetime.fromtimestamp(NOW - DAY).strftime(short) if name == "messages-20261126" else f"{day}.123"
        lines = [f"[{stamp}] NOTICE[77] res_pjsip.c: {report.format(number=number)}" for number in (ANNA, BRUNO)]
        Path(folder, name).write_text("\n".join([*lines, f"    from {ANNA[3:]}", ""]), encoding="ascii")
        os.utime(Path(folder, name), (NOW, NOW))
    found = [each for each in personal_data.find_data(filled.site, filled.who(ANNA)) if each.store == "switch-logs"]
    assert {each.id.partition(":")[0] for each in found} >= set(names)
    assert {each.since for each in found if each.id.startswith(names)} == {NOW - DAY}
    personal_data.erase_person(filled.site, filled.who(ANNA), now=NOW, actor="dpo", why="x")
    for name in names:
        text = Path(folder, name).read_text(encoding="ascii")
        assert ANNA[3:] not in text and text.count(BRUNO) == 1
        os.utime(Path(folder, name), (NOW, NOW))
    personal_data.purge_expired(filled.site, now=NOW, actor="clock")
    assert BRUNO in Path(folder, "messages.log").read_text(encoding="ascii")  # not old yet
    for name in names:
        os.utime(Path(folder, name), (NOW, NOW))
    personal_data.purge_expired(filled.site, now=NOW + 30 * DAY, actor="clock")
    assert [name for name in names if BRUNO in Path(folder, name).read_text(encoding="ascii")] == []


def test_a_number_that_an_operator_dialled_in_a_transfer_is_masked(filled: FilledSite) -> None:
    with open(filled.queue_log, "a", encoding="ascii") as log:
        log.write(f"{NOW - DAY:.0f}|7.7|nul|op117|BLINDTRANSFER|{ANNA}|nul-seats|3|20|1\n")
        log.write(f"{NOW - DAY:.0f}|7.8|nul|op117|CONNECT|3|1795773600.12|2\n")
    personal_data.erase_person(filled.site, filled.who(ANNA), now=NOW, actor="dpo", why="x")
    transfer, connect = filled.queue_log.read_text().splitlines()[-2:]
    assert transfer.endswith("|BLINDTRANSFER|+xxxxxxxxxxxx|nul-seats|3|20|1")
    assert connect.endswith("|CONNECT|3|1795773600.12|2")


def test_lines_without_a_number_are_left_alone(filled: FilledSite) -> None:
    hostile = b"1|2|3|4|ENTERQUEUE||<script>|1\n\xff\xfe|||||\n" + b"9" * 200_000 + b"\n|ENTERQUEUE||" + ANNA.encode()
    filled.queue_log.write_bytes(hostile)
    filled.cdr.write_bytes(b'"a,b\n"""",,,\n' + b'"' * 1000 + b"\n")
    assert all(each.store != "switch-logs" for each in personal_data.find_data(filled.site, filled.who(ANNA)))
    personal_data.purge_expired(filled.site, now=NOW, actor="clock")


def test_the_called_number_is_masked_but_not_the_services(filled: FilledSite) -> None:
    filled.cdr.write_text(CALLED_BACK.format(number=ANNA, at=_utc(NOW - DAY)), encoding="ascii")
    assert [each.what for each in personal_data.find_data(filled.site, filled.who(ANNA))].count("number in a log") == 3
    personal_data.erase_person(filled.site, filled.who(ANNA), now=NOW, actor="dpo", why="x")
    assert filled.cdr.read_text() == CALLED_BACK.format(number="+xxxxxxxxxxxx", at=_utc(NOW - DAY))


def test_a_call_id_cannot_lead_out_of_the_recordings(filled: FilledSite, tmp_path: Path) -> None:
    outside = tmp_path / "var" / "secret.wav"
    outside.write_bytes(b"not a recording")
    someone = Person(calls=frozenset({"../../../secret", "/etc/passwd"}))
    personal_data.erase_person(filled.site, someone, now=NOW, actor="dpo", why="x")
    assert outside.exists()


# --- the commands -----------------------------------------------------------------------------------------------------


@pytest.fixture
def run(filled: FilledSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.setenv("NUL_DATABASE", filled.site.database.url.render_as_string(hide_password=False))
    compiled = Path(filled.site.places.compiled)
    compiled.write_text(json.dumps(filled.site.compiled))

    def command(*words: str, status: int = 0) -> tuple[str, str]:
        assert cli.main(["--var", filled.site.places.var, *words]) == status
        out, err = capsys.readouterr()
        return out, err

    return command


def test_erase_shows_first_and_erases_with_yes(filled: FilledSite, run: Any) -> None:
    out, _ = run("erase", "--number", "06 12345678", "--why", "letter of 3 May", "--by", "dpo")
    assert "9 things would be erased" in out and ANNA in filled.everything()
    out, _ = run("erase", "--number", "06 12345678", "--why", "letter of 3 May", "--by", "dpo", "--yes")
    assert "erased: " in out and ANNA not in filled.everything()
    assert [each[0] for each in filled.rows("access_log", "action")] != []


def test_an_open_request_is_not_erased_by_mistake(filled: FilledSite, run: Any) -> None:
    filled.call("carla", "+390211111111", NOW - DAY, closed=False)
    _, err = run("erase", "--number", "0211111111", "--why", "x", "--yes", status=1)
    assert f"still open: {PROTOCOLS['carla']}; close them first, or erase with --open-too" in err
    run("erase", "--number", "0211111111", "--why", "x", "--yes", "--open-too")
    assert "+390211111111" not in filled.everything()


def test_every_search_is_logged(filled: FilledSite, run: Any) -> None:
    out, _ = run("find", "--protocol", "nul 2026 1 " + PROTOCOLS["anna"][-1], "--why", "a question", "--by", "op101")
    assert "contact: name and addresses" in out
    assert filled.rows("access_log", "actor_ref", "action", "object_id", "why") == [
        ("op101", "find", "anna", "a question")
    ]


def test_the_preview_of_an_erasure_is_logged(filled: FilledSite, run: Any) -> None:
    filled.call("carla", "+390211111111", NOW - DAY, closed=False)
    run("erase", "--number", "0211111111", "--why", "x", "--by", "dpo", status=1)  # refused, but shown
    run("erase", "--number", "06 99999999", "--why", "x", "--by", "dpo")  # nothing is held about this number
    logged = filled.rows("access_log", "actor_ref", "action", "object_id")
    assert logged == [("dpo", "preview of erasure", who) for who in ("carla", "nobody known")]


def test_erasing_the_number_of_somebody_without_a_request_is_logged(filled: FilledSite) -> None:
    personal_data.erase_person(filled.site, Person(numbers=frozenset({"+390699999999"})), now=NOW, actor="dpo", why="x")
    assert filled.rows("access_log", "action", "object_id") == [("erase", "nobody known")]


def test_the_user_behind_sudo_is_logged(filled: FilledSite, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "rossi")
    run("find", "--number", ANNA, "--why", "a question")
    assert filled.rows("access_log", "actor_ref") == ["rossi"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--number", "abc"], 'telephone: "abc" is not a number'),
        (["--number", "'; DROP TABLE contact; --"], "is not a number"),
        (["--protocol", "NUL-2026-000001-" + str((int(PROTOCOLS["anna"][-1]) + 1) % 10)], "a digit is wrong"),
        (["--protocol", protocol_number.format_number(2025, 1)], "no request has that number"),
        (["--tax-code", "RSSMRA80A01H501A"], "codice fiscale: a letter or digit is wrong"),
        (["--email", "anna(at)example.it"], "is not an address"),
        (["--number", ANNA, "--by", "dpo\nroot"], "by: "),
        (["--number", ANNA, "--why", " "], "why: empty"),
        ([], "no person is named"),
    ],
)
def test_invalid_input_is_refused(filled: FilledSite, run: Any, words: list[str], said: str) -> None:
    assert said in run("find", "--why", "x", *words, status=1)[1]
    assert filled.rows("access_log", "why") == []


def test_an_export_needs_a_new_folder(run: Any, tmp_path: Path) -> None:
    assert (
        "name a folder that does not exist yet"
        in run("export", "--number", ANNA, "--why", "x", "--output", str(tmp_path), status=1)[1]
    )
    out, _ = run("export", "--number", ANNA, "--why", "x", "--output", str(tmp_path / "anna"))
    assert "listed in contents.json" in out
    assert (tmp_path / "anna").stat().st_mode & 0o077 == 0


def test_an_export_has_a_page_for_the_person(filled: FilledSite, run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "anna"
    run("export", "--number", ANNA, "--why", "x", "--output", str(folder))
    page = (folder / "dati.html").read_text(encoding="utf-8")
    protocol = json.loads((folder / "registry.json").read_text())["requests"][0]["protocol"]
    for text in (
        '<html lang="it">',
        protocol,
        ANNA,
        "words of anna",
        "2026, ore ",
        "articolo 15",
    ):
        assert text in page, text
    assert BRUNO not in page and not re.search(r"\bop[0-9]+\b|voicemail_|in_progress|display_name", page)
    for file in folder.glob("*.json"):
        assert not re.search(r": 1[789][0-9]{8}(\.[0-9]+)?\b", file.read_text(encoding="utf-8")), file


def test_purge_prints_what_was_deleted(run: Any) -> None:
    out, _ = run("purge")
    assert "caller_numbers" in out and "voicemail_audio" in out
