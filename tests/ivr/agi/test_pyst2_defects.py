"""The defects of pyst2's AGI class, by number, and that `SafeAGI` does not have them.

Each of these was reproduced with pyst2 0.5.1 against a real switch. The number that is missing concerns its FastAGI
server, which is not used at all.
"""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import ivr.agi as agi
from ivr.agi import NEED_DATA, Closed, CommandError, Connection, Hangup, HungUp, LocalProtocolError, Reply
from tests.fake_switch import FakeSwitch, split
from tests.ivr.agi.talking import ENVIRONMENT, answered, asked, begun, environment, events

ROOT = Path(agi.__file__).parents[2]


def words(command: agi.Command[Any]) -> list[str]:
    return split(command.encode().decode().removesuffix("\n"))


def test_defect_01_quote_and_backslash_arrive() -> None:
    assert words(agi.SetVariable("N", 'detto "Gigi"'))[3] == 'detto "Gigi"'
    assert words(agi.SetVariable("N", "C:\\dir\\"))[3] == "C:\\dir\\"
    for value in (None, b"x"):
        with pytest.raises(LocalProtocolError):
            agi.SetVariable("N", value).encode()  # type: ignore[arg-type]


def test_defect_02_a_newline_does_not_start_a_new_command() -> None:
    with pytest.raises(LocalProtocolError):
        agi.SetVariable("N", 'x"\nEXEC System "touch /nowhere').encode()


def test_defect_03_no_line_is_long_enough_for_its_tail_to_be_run() -> None:
    switch = FakeSwitch()
    switch.receive_data(b'SET VARIABLE LONG "' + b"x" * 8171 + b'"SET VARIABLE PWNED yes\n')
    switch.receive_data(b"\n")
    assert switch.variables["PWNED"] == "yes"  # so the switch does, and so we must not send it
    with pytest.raises(LocalProtocolError):
        agi.SetVariable("LONG", "x" * 8171 + "SET VARIABLE PWNED yes").encode()


def test_defect_04_quoted_words_do_not_crash_the_switch() -> None:
    assert len(words(agi.SetVariable("NOTE", '" "x' * 130))) == 4


@pytest.mark.parametrize(
    "command",
    [
        agi.StreamFile("menu principale"), agi.GetData("menu principale", 1, 1), agi.SetContext("a b"),
        agi.SetExtension("a b"), agi.HangupCall("a b"), agi.ChannelStatus("a b"), agi.SetCallerid("Mario Rossi <06>"),
        agi.Exec("Queue", "nul c"), agi.GetOption("a b", ""), agi.RecordFile("a b", "wav", "#", 1), agi.SendText("a b"),
        agi.SendImage("a b"), agi.ControlStreamFile("a b"), agi.DatabaseGet("a b", "c d"), agi.SetPriority("a b"),
    ],
)  # fmt: skip
def test_defect_05_every_argument_is_quoted(command: agi.Command[Any]) -> None:
    verb = command.verb.split()
    assert words(command) == [*verb, *map(str, command.words)]


def test_defect_06_names_in_the_database_are_quoted_once() -> None:
    switch = FakeSwitch()
    switch.receive_data(agi.DatabasePut("fam ily", 'k"ey', "v").encode())
    assert switch.receive_data(agi.DatabaseGet("fam ily", 'k"ey').encode()) == b"200 result=1 (v)\n"


def test_defect_07_database_deltree_is_inverted_by_the_switch() -> None:
    assert answered(agi.DatabaseDeltree("a"), b"200 result=0\n") is True
    assert answered(agi.DatabaseDeltree("a"), b"200 result=1\n") is False


def test_defect_08_the_end_of_the_stream_and_hangup_are_not_value_errors() -> None:
    assert events(asked(agi.Noop()), b"") == [Closed(agi.Noop())]
    assert events(asked(agi.Noop()), b"HANGUP\n", b"200 result=0\n") == [HungUp(), Reply(agi.Noop(), agi.Result(0))]


def test_defect_09_520_neither_loops_at_the_end_of_the_stream_nor_waits_after_one_line() -> None:
    with pytest.raises(agi.RemoteProtocolError):
        events(asked(agi.Noop()), b"520-Usage\n", b"")
    one_line = b"520 Invalid command syntax.  Proper usage not available.\n"
    assert isinstance(answered(agi.Noop(), one_line), CommandError)


def test_defect_10_511_is_a_hangup() -> None:
    (event,) = events(asked(agi.Answer()), b"511 Command Not Permitted on a dead channel\n")
    assert isinstance(event, Reply)
    assert isinstance(event.value, Hangup)


def test_defect_11_a_value_equal_to_hangup_is_a_value() -> None:
    assert answered(agi.DatabaseGet("a", "b"), b"200 result=1 (hangup)\n") == "hangup"
    connection = asked(agi.ReceiveChar(1))
    assert events(connection, b"200 result=-1 (hangup)\n") == [Reply(agi.ReceiveChar(1), "")]
    assert not connection.hung_up


def test_defect_12_minus_1_of_queue_and_voicemail_is_a_number() -> None:
    assert answered(agi.Exec("Queue", "nul"), b"200 result=-1\n") == -1
    assert answered(agi.Exec("VoiceMail", "800"), b"200 result=-1\n") == -1


def test_defect_13_a_value_with_a_line_feed_is_whole_and_the_next_reply_is_the_next() -> None:
    connection = asked(agi.GetFullVariable("${A}"))
    assert events(connection, b"200 result=1 (root\n)\n") == [Reply(agi.GetFullVariable("${A}"), "root\n")]
    connection.send(agi.Noop())
    assert events(connection, b"200 result=0\n") == [Reply(agi.Noop(), agi.Result(0))]


def test_defect_14_a_timeout_of_get_data_is_not_a_hash() -> None:
    command = agi.GetData("x", 5000, 11)
    typed = [answered(command, b"200 result=" + rest + b"\n") for rest in (b"12", b"12 (timeout)", b"", b" (timeout)")]
    assert typed == [agi.Digits("12"), agi.Digits("12", True), agi.Digits(""), agi.Digits("", True)]
    with pytest.raises(TypeError):
        agi.GetData("x")  # type: ignore[call-arg]  # no default of 2 s and 255 digits


def test_defect_15_a_recording_reports_its_ending_and_length() -> None:
    command = agi.RecordFile("x", "wav", "#", 1)
    assert answered(command, b"200 result=0 (timeout) endpos=800\n") == agi.Recorded("timeout", "", 800)
    assert answered(command, b"200 result=-1 (hangup) endpos=800\n") == agi.Recorded("hangup", "", 800)


def test_defect_16_unset_and_empty_variables_are_distinguished() -> None:
    assert answered(agi.GetVariable("A"), b"200 result=0\n") is None
    assert answered(agi.GetVariable("A"), b"200 result=1 ()\n") == ""


def test_defect_17_it_runs_in_any_thread_and_leaves_signals_alone() -> None:
    before = signal.getsignal(signal.SIGHUP)
    seen: list[agi.Event] = []
    thread = threading.Thread(target=lambda: seen.extend(events(asked(agi.Noop()), b"200 result=0\n")))
    thread.start()
    thread.join()
    assert seen == [Reply(agi.Noop(), agi.Result(0))]
    assert signal.getsignal(signal.SIGHUP) is before


def test_defect_18_every_kind_of_hangup_is_one_class() -> None:
    connection = asked(agi.StreamFile("x"))
    told = events(connection, b"200 result=-1 endpos=5\n", b"HANGUP\n")
    connection.send(agi.Answer())
    told += events(connection, b"511 dead\n")
    values = [event.value for event in told if isinstance(event, Reply)]
    assert [isinstance(value, Exception) for value in values] == [False, True]
    assert isinstance(values[-1], Hangup)


def test_defect_19_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    events(asked(agi.SetCallerid("Mario <06>")), b"200 result=1\n", b"HANGUP\n", b"")
    assert capfd.readouterr() == ("", "")


def test_defect_20_bytes_that_are_invalid_utf_8_do_not_end_the_call() -> None:
    assert environment(b"agi_calleridname: Nicol\xf2")["agi_calleridname"].startswith("Nicol")
    assert answered(agi.GetVariable("A"), b"200 result=1 (Nicol\xc3)\n").startswith("Nicol")


def test_defect_21_half_an_environment_is_an_error_and_a_long_one_too() -> None:
    with pytest.raises(agi.RemoteProtocolError, match="closed in the middle"):
        events(Connection(), ENVIRONMENT[:100], b"")
    with pytest.raises(agi.RemoteProtocolError, match="more than"):
        events(Connection(), b"agi_channel: x\n" + b"agi_arg_1: y\n" * 100_000)


def test_defect_22_it_binds_no_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("agi_channel: x\n\n"))
    assert Connection().next_event() is NEED_DATA
    assert sys.stdin.read(3) == "agi"


def test_defect_23_a_zone_without_a_format_is_not_taken_for_one() -> None:
    said = words(agi.SayDatetime(0, "", zone="Europe/Rome"))
    assert said[-2:] == ["ABdY 'digits/at' IMp", "Europe/Rome"]


def test_the_import_loads_nothing_slow() -> None:
    slow = ["asyncio", "collections", "dataclasses", "enum", "inspect", "re", "signal", "socket", "typing", "urllib"]
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import ivr.agi; print(*set({slow}) & set(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_begun_needs_nothing_but_bytes() -> None:
    assert begun().send(agi.Answer()) == b"ANSWER\n"
