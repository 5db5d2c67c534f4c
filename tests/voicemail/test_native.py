"""Native recordings: each is taken in once, whatever its name, also after crashes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.places import Places
from ivr.configuration.compiled import Compiled
from ivr.facts import Fact
from tests.common.crash import every_step
from tests.voicemail.sounds import silence, tone, unfinished, wav
from voicemail.message import ID, REASONS
from voicemail.native import HousekeepingError, RecordingName, housekeeping, intake
from voicemail.store import Store

NOW = time.time()  # by the clock of the file system, which no test can move
NAME = "1770196530-pbx-1770196530.12-0612345678-closed"
SPOKEN = wav(tone(3))


class Site:
    """A native spool and a store; collects facts and alarms."""

    def __init__(self, folder: Path) -> None:
        self.native = folder / "native"
        self.native.mkdir(parents=True)
        self.store = Store(str(folder / "messages"))
        self.facts: list[Fact] = []
        self.alarms: list[str] = []
        self.keeps_facts = True

    def record(self, name: str = NAME, content: bytes = SPOKEN, *, done: bool = True) -> Path:
        path = self.native / f"{name}.wav"
        path.write_bytes(content)
        if done:
            path.with_suffix(".done").write_text("1\n")
        return path

    def report(self, fact: Fact) -> bool:
        if self.keeps_facts:
            self.facts.append(fact)
        return self.keeps_facts

    def intake(self, now: float = NOW) -> list[str]:
        return intake(str(self.native), self.store, now, self.report, alarm=self.alarms.append)

    def left(self) -> list[str]:
        return sorted(os.listdir(self.native))

    def rejected(self) -> list[str]:
        return sorted(path.name for path in (self.native / "rejected").glob("*/*"))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_recording_becomes_a_message(site: Site) -> None:
    site.record()
    (id,) = site.intake()
    (message,) = site.store.list()
    assert message.id == id and id.startswith("20260204T091530-")
    assert (message.call, message.reason, message.number, message.number_source, message.left_at) == (
        "pbx-1770196530.12", "closed", "+390612345678", "cli", 1770196530.0,
    )  # fmt: skip
    assert (message.seconds, message.empty, message.ended_by, message.state) == (3.0, False, "native", "new")
    assert Path(site.store.audio(id)).read_bytes() == SPOKEN
    assert site.left() == [] and site.alarms == []
    (fact,) = site.facts
    assert (fact.kind, fact.call, fact.at) == ("message", "pbx-1770196530.12", 1770196530.0)
    assert fact.data == {
        "message_id": id, "reason": "closed", "seconds": 3.0, "empty": False, "ended_by": "native", "source": "native",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("digits", "number"),
    [("none", None), ("3331234567", "+393331234567"), ("+4930123456", "+4930123456"), ("110", None), ("+", None)],
)
def test_a_number_that_cannot_be_called_is_left_out(site: Site, digits: str, number: str | None) -> None:
    site.record(f"1770196530-1770196530.12-{digits}-all_busy")
    site.intake()
    (message,) = site.store.list()
    assert (message.number, message.number_source) == (number, "cli" if number else "none")
    assert message.reason == "all_busy"


def test_a_recording_without_sound_is_kept_as_empty(site: Site) -> None:
    site.record("1770196530-1.1-0612345678-closed", wav(silence(4)))
    site.record("1770196531-1.2-0612345678-closed", wav(b""))
    site.record("1770196532-1.3-0612345678-closed", b"")
    assert len(site.intake()) == 3
    assert all(message.empty and message.number for message in site.store.list())


def test_an_unfinished_recording_is_not_taken_in(site: Site) -> None:
    path = site.record(done=False, content=unfinished(tone(1)))
    assert site.intake() == [] and site.left() == [path.name]
    os.utime(path, (NOW - 1000, NOW - 1000))  # the switch died
    assert len(site.intake()) == 1
    assert site.store.list()[0].seconds == 1.0


def test_a_recording_is_taken_in_once(site: Site) -> None:
    site.record()
    first = site.intake()
    assert site.intake() == []
    site.record()  # the same file again, as after a crash before it was removed
    assert site.intake() == first
    assert len(site.store.list()) == 1
    assert len({fact.id for fact in site.facts}) == 1, "the same fact, which readers count once"
    assert site.left() == []


def test_a_second_intake_keeps_the_state_of_the_message(site: Site) -> None:
    site.record()
    (id,) = site.intake()
    site.store.mark(id, "called_back", by="anna", at=NOW)
    os.unlink(site.store.audio(id))  # erased in due time
    site.record()
    assert site.intake() == [id]
    assert site.store.get(id).state == "called_back" and site.left() == []


def test_another_sound_of_the_same_call_and_time_is_rejected_not_deleted(site: Site) -> None:
    site.record()
    site.intake()
    site.record(content=wav(tone(4)))
    assert site.intake() == []
    assert site.rejected() == [f"{NAME}.wav"]
    assert len(site.alarms) == 1 and "another sound" in site.alarms[0]


def test_a_recording_is_kept_until_its_fact_is_written(site: Site) -> None:
    site.record()
    site.keeps_facts = False
    assert site.intake() == [] and site.left() == [f"{NAME}.done", f"{NAME}.wav"]
    assert len(site.alarms) == 1 and "tries again" in site.alarms[0]
    site.keeps_facts = True
    assert len(site.intake()) == 1 == len(site.store.list())
    assert len(site.facts) == 1 and site.left() == []


def test_a_recording_is_kept_when_the_disk_is_full(site: Site, tmp_path: Path) -> None:
    (tmp_path / "messages").write_text("a file where the store should be")
    site.record()
    assert site.intake() == [] and f"{NAME}.wav" in site.left()
    assert len(site.alarms) == 1


HOSTILE = {
    "no dashes": b"hello.wav",
    "elsewhere": b"1770196530-..-none-closed-..wav",
    "reason": b"1770196530-1.1-none-because.wav",
    "number": b"1770196530-1.1-DROP TABLE-closed.wav",
    "line feed": b"1770196530-1.1-none-closed\n.wav",
    "not UTF-8": b"1770196530-1.1-none-\xff\xfe-closed.wav",
    "escape": b"\x1b[2J1770196530-1.1-none-closed.wav",
    "epoch": b"99999999999999999999-1.1-none-closed.wav",
    "long": b"1770196530-" + b"1" * 200 + b"-none-closed.wav",
    "kind": b"1770196530-1.1-none-closed.WAV",
    "hidden": b".1770196530-1.1-none-closed.wav",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_file_with_another_name_is_rejected(site: Site, kind: str) -> None:
    path = os.path.join(os.fsencode(site.native), HOSTILE[kind])
    with open(path, "wb") as file:
        file.write(SPOKEN)
    os.utime(path, (NOW - 1000, NOW - 1000))
    site.record()
    assert len(site.intake()) == 1, "the others are taken in"
    assert site.left() == ["rejected"]
    assert [os.fsencode(name) for name in site.rejected()] == [HOSTILE[kind]]
    (alarm,) = site.alarms
    assert alarm.isprintable(), "whatever the name, a log and a terminal can show it"


def test_links_and_folders_are_rejected_and_never_followed(site: Site, tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(SPOKEN)
    os.symlink(secret, site.native / "1770196530-1.1-none-closed.wav")
    os.mkfifo(site.native / "1770196530-1.2-none-closed.wav")
    (site.native / "1770196530-1.3-none-closed.wav").mkdir()
    for call in "123":
        (site.native / f"1770196530-1.{call}-none-closed.done").touch()
    assert site.intake() == [] and len(site.alarms) == 3
    assert site.rejected() == [f"1770196530-1.{call}-none-closed.wav" for call in "123"]
    assert secret.exists() and site.store.list() == []


def test_files_without_sound_are_rejected_side_by_side(site: Site) -> None:
    for _ in range(2):
        site.record(content=b"<html>not a recording</html>")
        assert site.intake() == []
    assert site.rejected() == [f"{NAME}.wav"] * 2
    assert "not a WAV file" in site.alarms[0]


def test_without_a_spool_there_is_nothing_to_do(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "messages"))
    assert intake(str(tmp_path / "none"), store, NOW, lambda fact: True, alarm=pytest.fail) == []


@given(st.text(max_size=80))
def test_any_name_can_be_parsed(name: str) -> None:
    named = RecordingName.parse(name, "IT")
    if named is not None:
        message = named.message()
        assert ID.fullmatch(message.id) and message.reason in REASONS


@given(
    st.integers(0, 9999999999),
    st.from_regex(r"[A-Za-z0-9._-]{1,40}", fullmatch=True),
    st.sampled_from(["none", "0612345678", "+44201234567"]),
    st.sampled_from(REASONS),
)
def test_names_of_the_dialplan_are_parsed(epoch: int, call: str, number: str, reason: str) -> None:
    named = RecordingName.parse(f"{epoch}-{call}-{number}-{reason}", "IT")
    assert named is not None
    assert (named.epoch, named.call, named.reason) == (epoch, call, reason)
    assert (named.number is None) == (number == "none")
    assert named.message() == named.message()


def test_after_a_kill_at_any_step_nothing_is_lost_or_duplicated(tmp_path: Path) -> None:
    sites: list[Site] = []
    log = tmp_path / "facts"

    def prepare() -> Callable[[], object]:
        site = Site(tmp_path / str(len(sites)))
        sites.append(site)
        site.record()
        site.record("1770196599-9.9-none-caller_choice", unfinished(tone(2.5)))
        log.write_text("")

        def take_in() -> None:
            def keep(fact: Fact) -> bool:
                with log.open("a") as file:
                    file.write(fact.line().decode())
                return True

            intake(str(site.native), site.store, NOW, keep, alarm=pytest.fail)

        return take_in

    steps = 0
    for _ in every_step(prepare):
        site, steps = sites[-1], steps + 1
        before = set(log.read_text().splitlines())
        site.store.recover(NOW + 3600, report=lambda message: None, alarm=site.alarms.append)
        site.intake()
        site.intake(NOW + 3600)  # a mark without its recording waits for its time
        assert site.alarms == [] and site.left() == []
        assert sorted(message.seconds for message in site.store.list()) == [2.5, 3.0]
        assert sorted(os.listdir(site.store.folder)) == [message.id for message in site.store.list()]
        facts = before | {fact.line().decode().strip() for fact in site.facts}
        assert len(facts) == 2, "each message has one fact, perhaps reported twice"
    assert steps > 20


def test_housekeeping_takes_in_everything_possible_and_reports_the_rest(compiled: Compiled, tmp_path: Path) -> None:
    places = Places(var=str(tmp_path))
    store = Store(places.messages)
    dead = store.draft(call="2.2", reason="closed", number=None, number_source="none", at=1770196000.0)
    Path(dead.audio + ".wav").write_bytes(SPOKEN)
    dead.abandon()
    os.makedirs(places.native_messages)
    Path(places.native_messages, f"{NAME}.wav").write_bytes(SPOKEN)
    Path(places.native_messages, f"{NAME}.done").touch()
    Path(places.native_messages, "strange").touch()
    facts: list[Fact] = []

    def keep(fact: Fact) -> bool:
        facts.append(fact)
        return True

    with pytest.raises(HousekeepingError, match="'strange': not a name that the dialplan writes"):
        housekeeping(places, compiled, keep, NOW + 3600)
    assert [message.ended_by for message in store.list()] == ["crash", "native"]
    assert [fact.data["source"] for fact in facts] == ["recovered", "native"]
    housekeeping(places, compiled, keep, NOW + 3600)
    assert len(facts) == 2
