"""The store: when messages become visible, who may write where, what is reported."""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.common.crash import every_step
from tests.voicemail.sounds import silence, tone, unfinished, wav
from voicemail.message import Message, StoreError, new_id
from voicemail.recording import Draft
from voicemail.store import Store

AT = 1770196530.25  # 2026-02-04 09:15:30 UTC
SPOKEN, BROKEN_OFF = wav(tone(3)), unfinished(tone(2.5))
MUCH_LATER = time.time() + 3600  # by the clock of the file system, which no test can move


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "messages"))


def draft(store: Store, **changes: object) -> Draft:
    known: dict[str, object] = {"call": "1.1", "reason": "closed", "number": "+39061234567", "number_source": "cli"}
    return store.draft(**{**known, "at": AT, **changes})  # type: ignore[arg-type]


def speak(draft: Draft, content: bytes) -> None:
    Path(draft.audio + ".wav").write_bytes(content)


def left(store: Store) -> list[str]:
    """The folders in the store, including hidden ones."""
    return sorted(os.listdir(store.folder)) if os.path.isdir(store.folder) else []


def recover(store: Store, now: float = MUCH_LATER) -> list[Message]:
    alarms: list[str] = []
    recovered = store.recover(now, report=lambda message: None, alarm=alarms.append)
    assert alarms == []
    return recovered


def published(store: Store, content: bytes = wav(tone(3))) -> Message:
    begun = draft(store)
    speak(begun, content)
    message = begun.publish("dtmf")
    assert message is not None
    return message


def mode(path: str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


# --- leaving a message


def test_a_message_is_visible_when_it_is_complete(store: Store) -> None:
    begun = draft(store)
    speak(begun, wav(tone(3) + silence(0.4)))
    assert store.list() == [] and left(store) == [f".recording-{begun.sheet.id}"]
    message = begun.publish("dtmf")
    assert message == Message(
        begun.sheet.id, "1.1", "closed", "+39061234567", "cli", AT, 3.4, message.sound_seconds if message else 0,
        False, "dtmf", "new",
    )  # fmt: skip
    assert message is not None and message.sound_seconds == pytest.approx(3, abs=0.1)
    assert store.list() == [message] == [store.get(message.id)]
    assert left(store) == [message.id]
    assert sorted(os.listdir(os.path.join(store.folder, message.id))) == ["message.json", "message.wav"]
    assert Path(store.audio(message.id)).read_bytes() == wav(tone(3) + silence(0.4))


def test_a_little_sound_is_kept_and_marked_empty(store: Store) -> None:
    message = published(store, wav(silence(3) + tone(0.5)))
    assert message.empty and message.seconds == pytest.approx(1.0, abs=0.1), "the silence is cut"
    assert store.list() == [message]


def test_a_recording_without_samples_is_removed(store: Store) -> None:
    for content in (b"", wav(b"")):
        begun = draft(store)
        speak(begun, content)
        assert begun.publish("hangup") is None
    assert draft(store).publish("hangup") is None
    discarded = draft(store)
    speak(discarded, wav(tone(3)))
    discarded.discard()
    assert left(store) == []


def test_messages_are_listed_oldest_first(store: Store) -> None:
    ids = []
    for at in (AT + 60, AT, AT + 3600):
        begun = draft(store, at=at)
        speak(begun, wav(tone(3)))
        begun.publish("dtmf")
        ids.append(begun.sheet.id)
    assert [message.id for message in store.list()] == sorted(ids)
    assert [message.left_at for message in store.list()] == [AT, AT + 60, AT + 3600]


def test_the_switch_may_write_only_while_it_records(store: Store) -> None:
    previous = os.umask(0o077)  # the harshest of umasks must not lock the switch out
    try:
        os.makedirs(store.folder)
        os.chmod(store.folder, 0o2770)
        begun = draft(store)
        assert mode(begun.folder) == 0o2770
        speak(begun, wav(tone(3)))
        message = begun.publish("dtmf")
        assert message is not None
        folder = os.path.join(store.folder, message.id)
        assert mode(folder) == 0o2750
        assert mode(store.audio(message.id)) == 0o640
    finally:
        os.umask(previous)
    sheet = os.path.join(os.path.join(store.folder, published(store).id), "message.json")
    assert mode(sheet) == 0o640


def test_a_full_disk_is_refused_before_the_caller_speaks(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs
    os.makedirs(store.folder)
    free = real(store.folder).f_frsize * 100

    def nearly_full(path: str) -> os.statvfs_result:
        parts = list(real(path))
        parts[4] = 100  # f_bavail, in blocks
        return os.statvfs_result(parts)

    monkeypatch.setattr(os, "statvfs", nearly_full)
    assert free < 180 * 16000
    with pytest.raises(OSError, match="no room for a recording") as problem:
        draft(store, longest_seconds=180)
    assert problem.value.errno == errno.ENOSPC
    assert left(store) == []


def test_a_store_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "messages").write_text("a file")
    with pytest.raises(OSError, match="messages"):
        draft(Store(str(tmp_path / "messages")))


def test_a_message_that_cannot_be_published_is_kept_for_later(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = draft(store)
    speak(begun, wav(tone(3)))

    def no_rename(*paths: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", no_rename)
        with pytest.raises(OSError, match="No space"):
            begun.publish("dtmf")
    assert store.list() == []
    (message,) = recover(store)
    assert not message.empty and store.list() == [message]


def test_everything_is_synced_before_it_is_visible(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a loss of power, only synced data exists; a test cannot simulate that with a process."""
    for content in (SPOKEN, BROKEN_OFF):
        begun, done = draft(store), list[str]()
        speak(begun, content)
        fsync, rename = os.fsync, os.rename

        def synced(descriptor: int, done: list[str] = done, fsync: Callable[[int], None] = fsync) -> None:
            done.append(f"sync {os.path.basename(os.readlink(f'/proc/self/fd/{descriptor}'))}")
            fsync(descriptor)

        def renamed(source: str, target: str, done: list[str] = done, rename: Callable[..., None] = rename) -> None:
            done.append(f"rename to {os.path.basename(target)}")
            rename(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", synced)
            patch.setattr(os, "rename", renamed)
            message = begun.publish("dtmf")
        assert message is not None
        visible = done.index(f"rename to {message.id}")
        assert {"sync message.wav", "sync message.json.tmp", f"sync .recording-{message.id}"} <= set(done[:visible])
        assert done[visible - 1] == f"sync .recording-{message.id}", "the folder, when its files have their names"
        assert done[visible + 1 :] == ["sync messages"]


# --- finding a message


@given(st.text(max_size=60))
def test_only_ids_become_paths(text: str) -> None:
    store = Store("/nowhere/at/all")
    for wrong in (text, f"../{text}", f"{text}/message.json", "..", ".", ""):
        for act in (store.get, store.audio, lambda id: store.mark(id, "listened", by="a", at=AT)):
            with pytest.raises(StoreError, match="no message"):
                act(wrong)


def test_a_link_out_of_the_store_is_not_a_message(store: Store, tmp_path: Path) -> None:
    message = published(store)
    elsewhere = tmp_path / "elsewhere"
    os.rename(os.path.join(store.folder, message.id), elsewhere)
    os.symlink(elsewhere, os.path.join(store.folder, message.id))
    with pytest.raises(StoreError, match="no message"):
        store.get(message.id)


def test_a_unique_start_of_an_id_is_enough(store: Store) -> None:
    ids = []
    for at in (AT, AT + 1, AT + 86400):
        begun = draft(store, at=at)
        speak(begun, wav(tone(3)))
        begun.publish("dtmf")
        ids.append(begun.sheet.id)
    assert store.find("20260205") == ids[2]
    assert store.find(ids[0]) == ids[0]
    with pytest.raises(StoreError, match=r"2 messages start with '20260204': .*; give more of the id"):
        store.find("20260204")
    for unknown in ("2027", "../..", "x"):
        with pytest.raises(StoreError, match="no message"):
            store.find(unknown)
    begun = draft(store, at=AT + 200000)
    with pytest.raises(StoreError, match="no message"):
        store.find(begun.sheet.id)


def test_damage_is_reported_and_hides_no_other_message(store: Store) -> None:
    good, torn, missing = published(store), published(store), published(store)
    Path(store.folder, torn.id, "message.json").write_text('{"id": ')
    os.unlink(Path(store.folder, missing.id, "message.json"))
    found, problems = store.scan()
    assert found == [good]
    assert len(problems) == 2
    assert all("message.json: " in problem for problem in problems)


# --- marking a message


def test_marks_are_kept_as_history(store: Store) -> None:
    message = published(store)
    store.mark(message.id, "listened", by="anna", at=AT + 60)
    store.mark(message.id, "unreachable", by="anna", at=AT + 120, note="occupato")
    marked = store.mark(message.id, "called_back", by="bruno", at=AT + 7200)
    assert store.get(message.id) == marked
    assert [(mark.by, mark.state, mark.note) for mark in marked.history] == [
        ("anna", "listened", ""), ("anna", "unreachable", "occupato"), ("bruno", "called_back", ""),
    ]  # fmt: skip
    with pytest.raises(StoreError, match="is called_back by bruno"):
        store.mark(message.id, "called_back", by="anna", at=AT + 7201)
    assert store.get(message.id) == marked


def test_of_concurrent_marks_one_succeeds(store: Store) -> None:
    message = published(store)
    refusals: list[str] = []
    gate = threading.Barrier(8)

    def settle(who: str) -> None:
        gate.wait()
        try:
            store.mark(message.id, "called_back", by=who, at=AT)
        except StoreError as problem:
            refusals.append(str(problem))

    threads = [threading.Thread(target=settle, args=(f"operator {n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    (mark,) = store.get(message.id).history
    assert len(refusals) == 7 and all(f"is called_back by {mark.by}" in text for text in refusals)


# --- crashes


def test_after_a_kill_at_any_step_a_message_is_complete_or_recovered(tmp_path: Path) -> None:
    stores: list[Store] = []

    def prepare_call() -> Callable[[], object]:
        store = Store(str(tmp_path / str(len(stores))))
        stores.append(store)

        def leave() -> None:
            begun = draft(store)
            speak(begun, unfinished(tone(1)))
            begun.replace()
            speak(begun, wav(silence(1) + tone(2)))
            begun.publish("hangup")

        return leave

    spoken = 0
    for _ in every_step(prepare_call):
        store = stores[-1]
        visible = store.list()
        assert all(_whole(store, message) for message in visible)
        assert len(recover(store)) + len(visible) <= 1
        assert all(name[0] != "." for name in left(store)), "nothing temporary is left"
        messages = store.list()
        assert all(_whole(store, message) for message in messages)
        spoken += len(messages)
        assert recover(store) == [] and store.list() == messages
    assert spoken > 10, "most of the steps come after the first word"
    assert len(stores[-1].list()) == 1


def _whole(store: Store, message: Message) -> bool:
    assert message.state == "new" and message.ended_by in ("hangup", "crash")
    assert not [name for name in os.listdir(os.path.join(store.folder, message.id)) if name.startswith("take-")]
    with wave.open(store.audio(message.id)) as file:
        return bool(file.getnframes() / 8000 == message.seconds > 0)


def test_recovery_can_be_killed_and_repeated(tmp_path: Path) -> None:
    stores: list[Store] = []

    def prepare() -> Callable[[], object]:
        store = Store(str(tmp_path / str(len(stores))))
        stores.append(store)
        for content in (BROKEN_OFF, SPOKEN, b""):
            begun = draft(store)
            speak(begun, content)
            begun.next()
            speak(begun, content)
            begun.abandon()
        os.mkdir(os.path.join(store.folder, f".new-{new_id(AT)}"))
        return lambda: recover(store)

    for _ in every_step(prepare):
        store = stores[-1]
        recover(store)
        assert sorted(message.seconds for message in store.list()) == [5.5, 6.5]
        assert all(_whole(store, message) for message in store.list())
        assert len(left(store)) == 2


def test_after_a_kill_during_a_mark_a_message_is_unchanged_or_marked(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    seen: set[tuple[str, int]] = set()

    def prepare() -> Callable[[], object]:
        message = published(store)
        return lambda: store.mark(message.id, "listened", by="anna", at=AT)

    for _ in every_step(prepare):
        message = store.list()[-1]
        seen.update((message.state, len(message.history)) for message in store.list())
        if message.state == "new":
            store.mark(message.id, "listened", by="anna", at=AT)  # and can be marked again
    assert seen == {("new", 0), ("listened", 1)}


def test_a_running_call_is_not_recovered(store: Store) -> None:
    begun = draft(store)
    speak(begun, wav(tone(3)))
    assert recover(store) == []
    message = begun.publish("dtmf")
    assert message is not None and recover(store) == []
    assert store.list() == [message]


def test_a_recording_that_the_switch_still_writes_is_not_recovered(store: Store) -> None:
    begun = draft(store)
    speak(begun, unfinished(tone(3)))
    begun.abandon()  # the engine died; Asterisk goes on recording
    assert recover(store, now=time.time() + 5) == []
    (message,) = recover(store, now=time.time() + 60)
    assert message.ended_by == "crash" and message.seconds == 3.0


def test_what_cannot_be_recovered_is_reported_and_kept(store: Store) -> None:
    strange, torn, good = draft(store), draft(store), draft(store, at=AT + 60)
    for begun in (strange, torn, good):
        speak(begun, wav(tone(3)))
        begun.abandon()
    speak(strange, b"this is no sound, but somebody may know what it is")
    Path(torn.folder, "message.json").write_text("{")
    alarms: list[str] = []
    recovered = store.recover(MUCH_LATER, report=lambda message: None, alarm=alarms.append)
    assert [message.id for message in recovered] == [good.sheet.id]
    assert len(alarms) == 2 and all("cannot be recovered" in alarm for alarm in alarms)
    assert os.path.exists(strange.audio + ".wav") and os.path.exists(torn.audio + ".wav")


def test_a_message_is_reported_before_it_is_visible(store: Store) -> None:
    begun = draft(store)
    speak(begun, wav(tone(3)))
    begun.abandon()

    def refuse(message: Message) -> None:
        assert store.list() == []
        raise OSError("the fact cannot be kept")

    alarms: list[str] = []
    assert store.recover(MUCH_LATER, report=refuse, alarm=alarms.append) == []
    assert len(alarms) == 1 and store.list() == []
    assert len(recover(store)) == 1


def test_calls_and_recoveries_do_not_disturb_each_other(store: Store) -> None:
    stop = threading.Event()
    alarms: list[str] = []

    def recover_always() -> None:
        while not stop.is_set():
            store.recover(MUCH_LATER, report=lambda message: None, alarm=alarms.append)

    threads = [threading.Thread(target=recover_always) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for n in range(40):
            begun = draft(store, at=AT + n)
            speak(begun, wav(tone(0.1)))
            assert begun.publish("dtmf") is not None
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
    assert alarms == []
    assert [message.left_at for message in store.list()] == [AT + n for n in range(40)]
    assert len(left(store)) == 40
