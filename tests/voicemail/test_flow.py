"""The flow `voicemail`: every branch, and a hang-up at every command of every branch."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest

from ivr.agi import Noop, RecordFile, SetVariable
from ivr.configuration.compiled import Compiled
from ivr.configuration.service import compile as compile_configuration
from ivr.drivers.rehearsal import Rehearsal, ScriptedCaller
from tests.ivr.edited_config import EditedConfig
from tests.voicemail.caller import AT, WAYS, Line, Refused, Step, Take, Way, samples
from tests.voicemail.sounds import silence, tone, unfinished
from voicemail import audio
from voicemail.flow import voicemail
from voicemail.message import Message
from voicemail.store import Store

LONG, SHORT, OTHER = tone(5), tone(0.8), tone(3, 300)
QUIET = silence(5)
PAUSED = silence(0.3)  # shorter than what is cut at the end
YES = "vm-confirm-number:1"
SEND = "vm-review:1"


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests do not sync to the disk; test_store.py tests that real messages do."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def store(compiled: Compiled) -> Store:
    return Store(compiled["paths"]["messages"])


@pytest.fixture
def config(tmp_path: Path) -> EditedConfig:
    return EditedConfig(tmp_path)


def only(store: Store) -> Message:
    (message,) = store.list()
    return message


def audible(store: Store) -> bytes:
    return samples(store.audio(only(store).id))


# --- the straight way


def test_a_message_and_a_number(compiled: Compiled, store: Store) -> None:
    line = Line(compiled, (Take(LONG), SEND, YES))
    line.run()
    assert line.heard == [
        "vm-closed", "vm-privacy", "vm-record", "tone", "vm-review",
        "vm-your-number-is", "digits 0612345678", "vm-confirm-number", "vm-saved",
    ]  # fmt: skip
    message = only(store)
    assert (message.call, message.reason, message.number, message.number_source, message.left_at) == (
        "1795510800.5", "closed", "+390612345678", "cli", 1795510800.0,
    )  # fmt: skip
    assert (message.seconds, message.empty, message.ended_by, message.state) == (5.0, False, "dtmf", "new")
    assert audible(store) == LONG
    assert line.fact("number") == {"source": "cli", "attempts": 0}
    assert line.fact("message") == {
        "message_id": message.id, "reason": "closed", "seconds": 5.0, "empty": False, "ended_by": "dtmf",
    }  # fmt: skip
    assert list(line.variables.items()) == [("IVR_FATE", "message"), ("IVR_OUTCOME", "done")]
    assert line.logged == []


def test_the_recording_follows_the_settings(compiled: Compiled) -> None:
    compiled["service"]["voicemail"].update({"longest_seconds": 90, "silence_seconds": 4})
    line = Line(compiled, (Take(LONG), SEND, YES))
    line.run()
    (command,) = [command for command in line.commands if isinstance(command, RecordFile)]
    path = str(command.words[0])
    assert command == RecordFile(path, "wav", "#", 90_000, beep=True, silence_s=4)
    assert path.startswith(compiled["paths"]["messages"] + "/.recording-")


def test_the_file_is_read_after_the_switch_has_closed_it(compiled: Compiled) -> None:
    line = Line(compiled, (Take(LONG), SEND, YES))
    line.run()
    after = next(n for n, command in enumerate(line.commands) if isinstance(command, RecordFile)) + 1
    assert line.commands[after] == Noop()


@pytest.mark.parametrize(
    ("given", "said", "kept"),
    [
        ("closed", "vm-closed", "closed"),
        ("all_busy", "vm-all-busy", "all_busy"),
        ("caller_choice", "vm-choice", "caller_choice"),
        ("", "vm-all-busy", "all_busy"),
        ("../etc", "vm-all-busy", "all_busy"),
    ],
)
def test_the_caller_hears_the_reason(compiled: Compiled, store: Store, given: str, said: str, kept: str) -> None:
    line = Line(compiled, (Take(LONG), SEND, YES), reason=given)
    line.run()
    assert line.heard[0] == said
    assert only(store).reason == kept
    assert [event for event, _ in line.logged] == ([] if given == kept else ["unknown_reason"])


# --- the number

Steps = tuple[Step, ...]
TAKEN: Steps = (Take(LONG), SEND)
ROME, MOBILE = "+390612345678", "+393331234567"

# number shown; steps; what is kept: number, source, attempts; the farewell
NUMBERS: dict[str, tuple[str | None, Steps, str | None, str, int, str]] = {
    "confirmed": ("0612345678", (*TAKEN, YES), ROME, "cli", 0, "vm-saved"),
    "confirmed while it is said": ("0612345678", (*TAKEN, "digits 0612345678:1"), ROME, "cli", 0, "vm-saved"),
    "no key means yes": ("0612345678", TAKEN, ROME, "cli", 0, "vm-saved"),
    "wrong keys mean yes": (
        "0612345678", (*TAKEN, "vm-confirm-number:5", "vm-confirm-number:*"), ROME, "cli", 0, "vm-saved",
    ),
    "another one": (
        "0612345678",
        (*TAKEN, "vm-your-number-is:2", "vm-type-number:3331234567#", "digits 3331234567:1"),
        MOBILE, "typed", 1, "vm-saved",
    ),
    "withheld": (None, ("vm-type-number:3331234567#", YES, *TAKEN), MOBILE, "typed", 1, "vm-saved"),
    "not a number to call back": (
        "110", ("vm-type-number:021234567#", YES, *TAKEN), "+39021234567", "typed", 1, "vm-saved",
    ),
    "without #": (None, ("vm-type-number:3331234567", YES, *TAKEN), MOBILE, "typed", 1, "vm-saved"),
    "begun again with *": (None, ("vm-type-number:06*3331234567#", YES, *TAKEN), MOBILE, "typed", 1, "vm-saved"),
    "mistyped once": (
        None, ("vm-type-number:123#", "vm-type-number:3331234567#", YES, *TAKEN), MOBILE, "typed", 2, "vm-saved",
    ),
    "typed over the reproach": (
        None, ("vm-type-number:123#", "vm-number-wrong:3331234567#", YES, *TAKEN), MOBILE, "typed", 2, "vm-saved",
    ),
    "refused once": (
        None,
        ("vm-type-number:3331234567#", "vm-confirm-number:2", "vm-type-number:3337654321#", YES, *TAKEN),
        "+393337654321", "typed", 2, "vm-saved",
    ),
    "given up": (
        None, ("vm-type-number:1#", "vm-type-number:2#", "vm-type-number:3#", *TAKEN), None, "none", 3, "vm-saved",
    ),
    "nothing typed": (None, TAKEN, None, "none", 3, "vm-saved"),
    "refused each time": (
        "0612345678",
        (*TAKEN, "vm-confirm-number:2", *(2 * ("vm-type-number:3331234567#", "vm-confirm-number:2")),
         "vm-type-number:9#"),
        None, "none", 3, "vm-not-called-back",
    ),
    "from abroad, with an Italian number": (
        "+4930123456", ("vm-type-number:3331234567#", YES, *TAKEN), MOBILE, "typed", 1, "vm-saved",
    ),
    "from abroad, without": ("+4930123456", TAKEN, "+4930123456", "cli", 3, "vm-not-called-back"),
    "a foreign number typed": (
        None, (*(3 * ("vm-type-number:004930123456#",)), *TAKEN), "+4930123456", "typed", 3, "vm-not-called-back",
    ),
    "a foreign number typed, then an Italian one": (
        None, ("vm-type-number:004930123456#", "vm-number-foreign:3331234567#", YES, *TAKEN),
        MOBILE, "typed", 2, "vm-saved",
    ),
    "another number, but a foreign one": (
        "0612345678",
        (*TAKEN, "vm-confirm-number:2", *(3 * ("vm-type-number:004930123456#",))),
        "+4930123456", "typed", 3, "vm-not-called-back",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
def test_the_number_to_call_back(compiled: Compiled, store: Store, name: str) -> None:
    shown, steps, number, source, attempts, farewell = NUMBERS[name]
    line = Line(compiled, steps, number=shown)
    line.run()
    assert (only(store).number, only(store).number_source) == (number, source)
    assert line.fact("number") == {"source": source, "attempts": attempts}
    assert ("vm-number-hidden" in line.heard) == (shown in (None, "110"))
    assert line.heard[-1] == farewell
    assert line.variables["IVR_FATE"] == "message", "the message is taken anyway"


def test_a_caller_from_abroad_is_told_before_the_message_that_nobody_can_call_back(compiled: Compiled) -> None:
    line = Line(compiled, TAKEN, number="+4930123456")
    line.run()
    assert line.heard[2] == "vm-number-foreign"
    assert "vm-your-number-is" not in line.heard
    assert "vm-saved" not in line.heard


def test_a_number_abroad_is_said_with_its_plus_where_it_may_be_called(compiled: Compiled) -> None:
    compiled["call_back_prefixes"] = ["+39", "+49"]
    line = Line(compiled, (*TAKEN, YES), number="+4930123456")
    line.run()
    assert line.heard[5:8] == ["vm-your-number-is", "vm-plus", "digits 4930123456"]
    assert line.heard[-1] == "vm-saved"


def test_the_prefixes_are_those_of_the_countries(config: EditedConfig) -> None:
    config.edit("service", 'countries: ["IT"]', 'countries: ["IT", "CH", "SM"]')
    assert compile_configuration(config.places)["call_back_prefixes"] == ["+378", "+39", "+41"]


# --- the notice


@pytest.mark.parametrize("prompt", ["vm-closed", "vm-privacy", "vm-record"])
def test_the_rest_of_the_notice_is_played_by_its_key(compiled: Compiled, prompt: str) -> None:
    compiled["prompts"]["privacy-controller"]["text"] = "Il titolare dei dati è il Ministero."
    line = Line(compiled, (f"{prompt}:5", *TAKEN, YES))
    line.run()
    at = line.heard.index(prompt)
    assert line.heard[at + 1 : at + 4] == ["vm-privacy-full", "privacy-controller", "vm-record"]
    assert line.heard[-1] == "vm-saved"


def test_settings_that_are_null_are_not_spoken(compiled: Compiled) -> None:
    line = Line(compiled, ("vm-privacy:5", *TAKEN))
    line.run()
    assert line.heard[2:4] == ["vm-privacy-full", "vm-record"]


# --- silence


def test_after_a_silence_the_caller_can_continue(compiled: Compiled, store: Store) -> None:
    pause = (Take(LONG + silence(5), "timeout", ""), "vm-continue:1")
    line = Line(compiled, (*pause, Take(OTHER), SEND, YES))
    line.run()
    assert line.heard[2:7] == ["vm-record", "tone", "vm-continue", "tone", "vm-review"]
    assert audible(store).startswith(LONG) and audible(store).endswith(OTHER)
    assert only(store).seconds == pytest.approx(5 + 0.5 + 0.5 + 3, abs=0.15)
    records = [command for command in line.commands if isinstance(command, RecordFile)]
    assert [int(command.words[3]) for command in records] == [180_000, 170_000]  # together no longer than one


@pytest.mark.parametrize("answer", [(), ("vm-continue:2",)])
def test_a_caller_who_does_not_continue_has_finished(compiled: Compiled, store: Store, answer: Steps) -> None:
    line = Line(compiled, (Take(LONG + silence(5), "timeout", ""), *answer, SEND, YES))
    line.run()
    assert line.heard.count("vm-continue") == 1
    assert line.heard[-1] == "vm-saved"
    assert only(store).seconds == pytest.approx(5.5, abs=0.1)


def test_a_message_of_full_length_is_not_continued(compiled: Compiled) -> None:
    compiled["service"]["voicemail"]["longest_seconds"] = 10
    line = Line(compiled, (Take(tone(10), "timeout", ""), SEND, YES))
    line.run()
    assert "vm-continue" not in line.heard


def test_the_continuations_of_a_caller_who_never_ends_are_limited(compiled: Compiled) -> None:
    pause: Steps = (Take(LONG + silence(5), "timeout", ""), "vm-continue:1")
    line = Line(compiled, (*(5 * pause), Take(LONG + silence(5), "timeout", ""), SEND, YES))
    line.run()
    assert line.heard.count("vm-continue") == 5


def test_a_replaced_message_is_gone_and_a_continued_one_is_whole(compiled: Compiled, store: Store) -> None:
    pause: Steps = (Take(OTHER + silence(5), "timeout", ""), "vm-continue:1")
    line = Line(compiled, (Take(LONG), "vm-review:3", *pause, Take(OTHER), SEND, YES))
    line.run()
    assert LONG not in audible(store)
    assert only(store).seconds == pytest.approx(3 + 0.5 + 0.5 + 3, abs=0.15)


def test_as_many_attempts_as_configured(compiled: Compiled) -> None:
    compiled["service"]["voicemail"]["number_attempts"] = 1
    line = Line(compiled, ("vm-type-number:1#", *TAKEN), number=None)
    line.run()
    assert line.heard.count("vm-type-number") == 1


def test_facts_hold_no_number(compiled: Compiled) -> None:
    line = Line(compiled, ("vm-type-number:3331234567#", YES, Take(LONG), SEND), number=None)
    line.run()
    assert "3331234567" not in repr(line.facts) + repr(line.logged)


# --- the message

MESSAGES: dict[str, tuple[tuple[Step, ...], list[bytes], str]] = {
    # what happens, what is in the message, the last prompt
    "sent": ((Take(LONG), SEND), [LONG], "vm-saved"),
    "no key": ((Take(LONG),), [LONG], "vm-saved-anyway"),
    "wrong keys": ((Take(LONG), "vm-review:9", "vm-review:0"), [LONG], "vm-saved-anyway"),
    "a second #": ((Take(LONG), "vm-review:#", SEND), [LONG], "vm-saved"),
    "ended by silence": ((Take(LONG + PAUSED, "timeout", ""), SEND), [LONG + PAUSED], "vm-saved"),
    "heard": ((Take(LONG), "vm-review:2", SEND), [LONG], "vm-saved"),
    "heard, sent while it plays": ((Take(LONG), "vm-review:2", "take-01:1"), [LONG], "vm-saved"),
    "again": ((Take(LONG), "vm-review:3", Take(OTHER), SEND), [OTHER], "vm-saved"),
    "again, and heard": ((Take(LONG), "vm-review:3", Take(OTHER), "vm-review:2", "take-02:1"), [OTHER], "vm-saved"),
    "again and again": (
        (Take(LONG), "vm-review:3", Take(OTHER), "vm-review:3", Take(LONG), SEND), [LONG], "vm-saved"
    ),
    "again, but nothing said": ((Take(LONG), "vm-review:3", Take(QUIET), SEND), [LONG], "vm-saved"),
    "again, but hardly a word": ((Take(LONG), "vm-review:3", Take(SHORT), SEND), [LONG, SHORT], "vm-saved"),
    "nothing heard at first": ((Take(QUIET), Take(LONG), SEND), [LONG], "vm-saved"),
    "a word, then the rest": ((Take(SHORT), Take(LONG), SEND), [SHORT, LONG], "vm-saved"),
    "# in the tone": ((Refused("randomerror", "#"), Take(LONG), SEND), [LONG], "vm-saved"),
    "no tone to play": ((Refused("randomerror"), Take(LONG), SEND), [LONG], "vm-saved"),
    "the file at the second try": ((Refused("writefile"), Take(LONG), SEND), [LONG], "vm-saved"),
    "never done": ((Take(LONG), *(6 * ("vm-review:2",))), [LONG], "vm-saved-anyway"),
    "nothing said": ((Take(QUIET), Take(QUIET)), [QUIET], "vm-not-left"),
    "a word is no message": ((Take(QUIET), Take(SHORT)), [SHORT], "vm-not-left"),
    "# twice": ((Refused("randomerror", "#"), Refused("randomerror", "#")), [], "vm-not-left"),
    "the switch cannot": ((Refused("writefile"), Refused("writefile")), [], "vm-store-failed"),
    "the switch does not understand": ((Refused("520"), Refused("520")), [], "vm-store-failed"),
    "the switch cannot again": (
        (Take(LONG), "vm-review:3", Refused("writefile"), Refused("writefile")), [LONG], "vm-saved-anyway"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
def test_review_of_the_message(compiled: Compiled, store: Store, name: str) -> None:
    steps, kept, farewell = MESSAGES[name]
    line = Line(compiled, steps)
    line.run()
    assert line.heard[-1] == farewell
    assert line.alarms == [] if farewell != "vm-store-failed" and "cannot" not in name else len(line.alarms) == 1
    fact = line.fact("message")
    fine = sum(map(len, kept)) >= 2 * 2 * 8000 and kept != [QUIET]
    assert line.variables == {"IVR_FATE": "message" if fine else "no_message", "IVR_OUTCOME": "done"}
    assert fact["empty"] is not fine
    if kept:
        assert audible(store) == audio.PAUSE.join(kept)
        assert fact["message_id"] == only(store).id and fact["seconds"] == only(store).seconds
    else:
        assert store.list() == [] and fact["message_id"] is None
    assert all(name[0] != "." for name in os.listdir(store.folder)), "nothing temporary is left"


def test_a_replaced_recording_is_deleted(compiled: Compiled, store: Store) -> None:
    line = Line(compiled, (Take(LONG), "vm-review:3", Take(OTHER), SEND, YES))
    line.run()
    assert sorted(os.listdir(os.path.dirname(store.audio(only(store).id)))) == ["message.json", "message.wav"]


def test_silence_is_reported_and_the_caller_can_try_once_more(compiled: Compiled) -> None:
    line = Line(compiled, (Take(QUIET), Take(LONG), SEND, YES))
    line.run()
    assert line.heard[2:7] == ["vm-record", "tone", "vm-nothing-heard", "vm-record", "tone"]


def test_the_second_try_records_without_a_tone(compiled: Compiled) -> None:
    line = Line(compiled, (Refused("randomerror"), Take(LONG), SEND, YES))
    line.run()
    assert line.heard[3:5] == ["tone", "no tone"]
    assert line.logged == [("record_failed", {"ended_by": "randomerror", "tone": True})]


# --- when the disk or the rights fail


def failed(line: Line) -> None:
    assert line.heard[-1] == "vm-store-failed"
    assert line.variables == {"IVR_FATE": "no_message", "IVR_OUTCOME": "done"}
    assert len(line.alarms) == 1 and line.alarms[0]["what"] == "messages"
    assert line.fact("message")["message_id"] is None and line.fact("message")["ended_by"] == "failed"


def test_a_store_that_cannot_be_written(compiled: Compiled, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    compiled["paths"]["messages"] = str(tmp_path / "file" / "messages")
    line = Line(compiled, ())
    line.run()
    failed(line)
    assert line.alarms[0]["path"] == compiled["paths"]["messages"]


def test_a_full_disk(compiled: Compiled, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs

    def full(path: str) -> os.statvfs_result:
        parts = list(real(path))
        parts[4] = 0
        return os.statvfs_result(parts)

    monkeypatch.setattr(os, "statvfs", full)
    line = Line(compiled, ())
    line.run()
    failed(line)
    assert "no room" in line.alarms[0]["error"]


def test_a_disk_that_fills_up_while_the_caller_speaks(compiled: Compiled, store: Store) -> None:
    line = Line(compiled, (Take(LONG, lost=32000),))
    line.run()
    assert audible(store) == LONG[:-32000], "what has reached it is kept"
    assert line.heard[-1] == "vm-saved-anyway" and line.variables["IVR_FATE"] == "message"
    assert "3.0 of 5.0 s have reached the disk" in line.alarms[0]["error"]


def test_a_disk_that_is_full_when_the_caller_has_spoken(
    compiled: Compiled, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asterisk 22 does not report failed writes: `endpos` is the end of the file, not of what the caller said."""
    real = os.statvfs
    looks: list[str] = []

    def fills_up(path: str) -> os.statvfs_result:
        parts = list(real(path))
        parts[4] = 0 if looks else parts[4]
        looks.append(path)
        return os.statvfs_result(parts)

    monkeypatch.setattr(os, "statvfs", fills_up)
    line = Line(compiled, (Take(LONG),))
    line.run()
    assert audible(store) == LONG, "what has reached it is kept"
    assert line.heard[-1] == "vm-saved-anyway" and line.variables["IVR_FATE"] == "message"
    assert "the disk is full" in line.alarms[0]["error"]
    assert line.fact("message")["ended_by"] == "failed"


def test_a_disk_that_is_full_from_the_start(compiled: Compiled, store: Store) -> None:
    line = Line(compiled, (Take(LONG, lost=len(LONG)),))
    line.run()
    failed(line)
    assert os.listdir(store.folder) == []


def test_a_message_that_cannot_be_published_is_recovered_later(
    compiled: Compiled, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    line = Line(compiled, (Take(LONG), SEND, YES))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        line.run()
    failed(line)
    assert store.list() == []
    (message,) = store.recover(4e9, report=lambda message: None, alarm=pytest.fail)
    assert only(store) == message and audible(store) == LONG


# --- a hang-up at every command of every way through the flow

PATHS: dict[str, tuple[str | None, tuple[Step, ...]]] = {
    **{f"number: {name}": (shown, steps) for name, (shown, steps, *_) in NUMBERS.items()},
    **{f"message: {name}": ("0612345678", steps) for name, (steps, *_) in MESSAGES.items()},
}


@pytest.mark.parametrize("path", PATHS)
def test_a_hang_up_at_any_point_keeps_what_was_said(compiled: Compiled, tmp_path: Path, path: str) -> None:
    number, steps = PATHS[path]
    for way in WAYS:
        for at in range(1, 1000):
            compiled["paths"]["messages"] = str(tmp_path / way / str(at))
            line = Line(compiled, steps, number)
            if not line.run(at, way):
                break
            _nothing_is_lost(line, Store(compiled["paths"]["messages"]), way)
        assert at > 8


def _nothing_is_lost(line: Line, store: Store, way: Way) -> None:
    left = os.listdir(store.folder) if os.path.isdir(store.folder) else []
    assert all(name[0] != "." for name in left), "nothing temporary is left"
    messages, fact = store.list(), line.fact("message")
    assert len(messages) <= 1
    assert fact["message_id"] == (messages[0].id if messages else None)
    assert len([fact for fact in line.facts if fact.kind == "number"]) <= 1
    fate = "message" if messages and not messages[0].empty else "no_message"
    if way in ("reply", "late", "refused"):
        assert list(line.variables.items())[-2:] == [("IVR_FATE", fate), ("IVR_OUTCOME", "done")]
        assert isinstance(line.commands[-1], SetVariable)
    spoken = [part for part in line.said if audio.measure_samples(part).sounding]
    if not spoken:
        assert fate == "no_message"
        return
    (message,) = messages
    kept = samples(store.audio(message.id))
    assert spoken[-1] in kept, "the end is kept"
    if line.broken_off and len(spoken) > 1:
        before = [part for part in spoken[:-1] if audio.measure_samples(part).sounding >= 2]
        assert not before or before[-1] in kept, "and those before, unless they were replaced by finished ones"
    assert message.seconds == fact["seconds"] == round(len(kept) / 16000, 3)
    if line.broken_off:
        assert fact["ended_by"] == "hangup"


def test_a_hang_up_before_the_tone_leaves_no_message_but_a_fact(compiled: Compiled, store: Store) -> None:
    steps = ("vm-type-number:3331234567#", YES, Take(LONG), SEND)
    whole = Line(compiled, steps, number=None)
    whole.run()
    compiled["paths"]["messages"] += "-2"
    line = Line(compiled, steps, number=None)
    line.run(_records(whole)[0], "refused")
    assert line.fact("number") == {"source": "typed", "attempts": 1}
    assert line.fact("message") == {
        "message_id": None, "reason": "closed", "seconds": 0.0, "empty": True, "ended_by": "hangup",
    }  # fmt: skip
    assert line.variables == {"IVR_FATE": "no_message", "IVR_OUTCOME": "done"}
    assert os.listdir(compiled["paths"]["messages"]) == []


def _records(line: Line) -> list[int]:
    """Return the positions of the commands that record."""
    return [number for number, command in enumerate(line.commands, 1) if isinstance(command, RecordFile)]


@pytest.mark.parametrize("way", ["reply", "late"])
def test_hanging_up_in_the_second_attempt_leaves_both(compiled: Compiled, way: Way) -> None:
    steps = (Take(LONG), "vm-review:3", Take(OTHER), SEND, YES)
    whole = Line(compiled, steps)
    whole.run()
    compiled["paths"]["messages"] += "-2"
    line = Line(compiled, steps)
    line.run(_records(whole)[1], way)
    found = Store(compiled["paths"]["messages"])
    assert audible(found) == LONG + audio.PAUSE + line.said[-1]
    assert only(found).ended_by == "hangup" and not only(found).empty


def test_a_crash_of_everything_while_the_caller_speaks(compiled: Compiled, store: Store) -> None:
    """Engine and switch die together: what Asterisk has written so far is a message after the next start."""

    def die(path: str) -> None:
        Path(path).write_bytes(unfinished(OTHER))
        os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        try:
            line = Line(compiled, (Take(LONG), SEND, YES))
            line.on_record = die
            line.run()
        finally:
            os._exit(70)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert store.list() == []
    (message,) = store.recover(4e9, report=lambda message: None, alarm=pytest.fail)
    assert message.ended_by == "crash" and message.number == "+390612345678"
    assert audible(store) == OTHER


def test_a_rehearsed_caller_leaves_a_message_too(compiled: Compiled, store: Store) -> None:
    """The rehearsal driver records into files of its own."""
    caller = ScriptedCaller("11", says=(4.0,))
    rehearsal = Rehearsal(compiled, caller, at=AT)
    done = rehearsal.run("voicemail", voicemail, "caller_choice")
    assert done.variables == {"IVR_FATE": "message", "IVR_OUTCOME": "done"}
    assert (only(store).seconds, only(store).reason, only(store).left_at) != (0.0, "closed", 0.0)
    assert caller.heard[-1] == "vm-saved"
