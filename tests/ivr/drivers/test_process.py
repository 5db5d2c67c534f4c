"""SafeAGI against a hostile wire, and its flows beside those of a Session. The processes are in tests/agi_scripts."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest
from asterisk.agi import (
    AGI,
    AGIAppError,
    AGIDBError,
    AGIError,
    AGIHangup,
    AGIInvalidCommand,
    AGIUnknownError,
    AGIUsageError,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.agi import Answer, CommandError, Hangup, LocalProtocolError, RemoteProtocolError, SetVariable, StreamFile
from ivr.configuration.compiled import Compiled
from ivr.drivers.process import CallerGone, SafeAGI, run_flow
from ivr.drivers.session import FlowFunction, Session, flow_starter
from ivr.facts import Fact
from ivr.flows.call import Call, Flow
from ivr.flows.ended import ended
from ivr.flows.menu import menu
from ivr.flows.notice import notice
from ivr.flows.survey import survey

ENVIRONMENT = (
    b"agi_network_script: menu\nagi_request: menu\nagi_channel: PJSIP/citizen-00000001\nagi_uniqueid: 1794218400.1\n"
    b"agi_callerid: 0612345678\nagi_callingpres: 0\nagi_arg_1: 1794218400\nagi_arg_2: call-1\n\n"
)
OK = b"200 result=0\n"

Chunk = bytes | Callable[[], bytes]


class Switch:
    """stdin and stdout of a script: each read gives the next chunk, then the end; what was written is in `lines`."""

    def __init__(self, *chunks: Chunk, environment: bytes = ENVIRONMENT) -> None:
        self.chunks: list[Chunk] = [environment, *chunks]
        self.lines: list[bytes] = []
        self.agi = SafeAGI(self, self)  # type: ignore[arg-type]

    def read(self, size: int) -> bytes:
        chunk = self.chunks.pop(0) if self.chunks else b""
        return chunk if isinstance(chunk, bytes) else chunk()

    def write(self, data: bytes) -> int:
        self.lines.append(data)
        return len(data)

    def flush(self) -> None:
        pass

    def hangs_up(self, then: bytes) -> Callable[[], bytes]:
        """SIGHUP while the script waits, then that."""

        def chunk() -> bytes:
            self.agi._handle_sighup(signal.SIGHUP, None)
            return then

        return chunk


def sent(call: Callable[[SafeAGI], Any], reply: bytes = OK, *more: bytes) -> bytes:
    """The first line that a method sends."""
    switch = Switch(reply, *more)
    call(switch.agi)
    return switch.lines[0]


# What goes out: pyst2's methods with arguments that pyst2 would send as they are


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda agi: agi.set_variable("N", 'detto "Gigi"'), rb'SET VARIABLE "N" "detto \"Gigi\""'),
        (lambda agi: agi.set_variable("N", "C:\\dir\\"), rb'SET VARIABLE "N" "C:\\dir\\"'),
        (lambda agi: agi.set_variable("N", "perché €"), 'SET VARIABLE "N" "perché €"'.encode()),
        (lambda agi: agi.set_variable("N", ""), b'SET VARIABLE "N" ""'),
        (lambda agi: agi.set_variable("N", 7), b'SET VARIABLE "N" "7"'),
        (lambda agi: agi.stream_file("menu principale", "12"), b'STREAM FILE "menu principale" "12" 0'),
        (lambda agi: agi.stream_file("a", [1, "2", 3]), b'STREAM FILE "a" "123" 0'),
        (lambda agi: agi.stream_file('x" "y'), rb'STREAM FILE "x\" \"y" "" 0'),
        (lambda agi: agi.send_image("foto mia"), b'SEND IMAGE "foto mia"'),
        (lambda agi: agi.get_option("a b", "12", 500), b'GET OPTION "a b" "12" 500'),
        (lambda agi: agi.get_data("a b", 500, 3), b'GET DATA "a b" 500 3'),
        (lambda agi: agi.set_context("a b"), b'SET CONTEXT "a b"'),
        (lambda agi: agi.set_extension("8 0"), b'SET EXTENSION "8 0"'),
        (lambda agi: agi.set_priority(3), b"SET PRIORITY 3"),
        (lambda agi: agi.set_callerid("Mario Rossi <06>"), b'SET CALLERID "Mario Rossi <06>"'),
        (lambda agi: agi.set_callerid('"Rossi, Mario" <06>'), rb'SET CALLERID "\"Rossi, Mario\" <06>"'),
        (lambda agi: agi.appexec("Queue", "operatori,c, ,x y"), b'EXEC "Queue" "operatori,c, ,x y"'),
        (lambda agi: agi.exec_command("Playback", "a b", "noanswer"), b'EXEC "Playback" "a b,noanswer"'),
        (lambda agi: agi.hangup(), b"HANGUP"),
        (lambda agi: agi.hangup("SIP/a b"), b'HANGUP "SIP/a b"'),
        (lambda agi: agi.channel_status(), b"CHANNEL STATUS"),
        (lambda agi: agi.channel_status("SIP/a b"), b'CHANNEL STATUS "SIP/a b"'),
        (lambda agi: agi.say_datetime(1, "", "", "Europe/Rome"), b"SAY DATETIME"),
        (lambda agi: agi.say_digits("12", "#"), b'SAY DIGITS "12" "#"'),
        (lambda agi: agi.say_number(12), b'SAY NUMBER "12" ""'),
        (lambda agi: agi.say_alpha("a b"), b'SAY ALPHA "a b" ""'),
        (lambda agi: agi.say_phonetic("a b"), b'SAY PHONETIC "a b" ""'),
        (lambda agi: agi.say_date(1), b'SAY DATE 1 ""'),
        (lambda agi: agi.say_time(1), b'SAY TIME 1 ""'),
        (lambda agi: agi.control_stream_file("a b"), b'CONTROL STREAM FILE "a b" "" "3000" "" "" ""'),
        (lambda agi: agi.wait_for_digit(100), b"WAIT FOR DIGIT 100"),
        (lambda agi: agi.receive_char(100), b"RECEIVE CHAR 100"),
        (lambda agi: agi.send_text('a "b"'), rb'SEND TEXT "a \"b\""'),
        (lambda agi: agi.set_autohangup(60), b"SET AUTOHANGUP 60"),
        (lambda agi: agi.verbose("a b", 2), b'VERBOSE "a b" 2'),
        (lambda agi: agi.noop(), b"NOOP"),
        (lambda agi: agi.answer(), b"ANSWER"),
    ],
)  # fmt: skip
def test_every_argument_is_one_word(call: Callable[[SafeAGI], Any], line: bytes) -> None:
    found = sent(call)
    assert found.endswith(b"\n") and found.count(b"\n") == 1
    assert found[:-1] == line or (line == b"SAY DATETIME" and found.startswith(line))


def test_a_zone_without_a_format_stays_a_zone() -> None:
    line = sent(lambda agi: agi.say_datetime(1, "#", zone="Europe/Rome"))
    assert line == b'SAY DATETIME 1 "#" "ABdY \'digits/at\' IMp" "Europe/Rome"\n'


@pytest.mark.parametrize(
    "call",
    [
        lambda agi: agi.set_variable("N", 'x"\nEXEC System "rm'),
        lambda agi: agi.set_variable("N", "x\r"),
        lambda agi: agi.set_variable("N", "x\0y"),
        lambda agi: agi.set_variable("N", "x" * 9000),
        lambda agi: agi.set_variable("SHELL(id)${X}", "x"),
        lambda agi: agi.get_variable("${SHELL(id)}"),
        lambda agi: agi.get_full_variable("${SHELL(${X})}"),
        lambda agi: agi.set_variable("N", None),
        lambda agi: agi.set_variable("N", b"x"),
        lambda agi: agi.appexec("System\n", "x"),
        lambda agi: agi.exec_command("System(x)y", "x"),
        lambda agi: agi.execute("NOOP", *["x"] * 128),
        lambda agi: agi.send_command("SET VARIABLE", "N", "a\nb"),
        lambda agi: agi.database_put("fam\nily", "k", "v"),
        lambda agi: agi.database_get("fam", "k\0"),
        lambda agi: agi.stream_file("a\nb"),
        lambda agi: agi.execute("NOOP", "\ud800"),
    ],
)
def test_what_must_not_be_sent_is_our_own_error_and_nothing_is_sent(call: Callable[[SafeAGI], Any]) -> None:
    switch = Switch(OK)
    with pytest.raises(LocalProtocolError):
        call(switch.agi)
    assert switch.lines == []
    switch.agi.noop()
    assert switch.lines == [b"NOOP\n"], "the conversation goes on"


def test_a_verb_cannot_hold_a_second_line() -> None:
    assert sent(lambda agi: agi.execute("get\nvariable", "X")) == b'GET VARIABLE "X"\n'


@pytest.mark.parametrize(
    ("argument", "word"),
    [
        ("a b", b'"a b"'),
        ('"a b"', b'"a b"'),
        (r'"a \"b\" c"', rb'"a \"b\" c"'),
        (r'"C:\\dir"', rb'"C:\\dir"'),
        ('"a" "b"', rb'"\"a\" \"b\""'),  # one argument is one word
        ('"', rb'"\""'),
        ('detto "Gigi"', rb'"detto \"Gigi\""'),
    ],
)
def test_an_argument_that_a_script_quoted_itself_is_quoted_once(argument: str, word: bytes) -> None:
    assert sent(lambda agi: agi.execute("STREAM FILE", argument, '""')) == b"STREAM FILE " + word + b' ""\n'


def test_quotation_marks_as_text_go_through_quote() -> None:
    assert sent(lambda agi: agi.execute("VERBOSE", agi._quote('"a b"'))) == rb'VERBOSE "\"a b\""' + b"\n"


@pytest.mark.parametrize("argument", ['"a\nb"', '"a\0b"'])
def test_quotes_do_not_carry_a_second_command(argument: str) -> None:
    switch = Switch(OK)
    with pytest.raises(LocalProtocolError):
        switch.agi.execute("STREAM FILE", argument, '""')
    assert switch.lines == []


def test_the_words_that_killed_asterisk_are_one_word() -> None:
    line = sent(lambda agi: agi.set_variable("NOTE", '" "x' * 130))
    assert line.replace(b'\\"', b"").count(b'"') == 4


# What comes in


def test_values_of_every_kind() -> None:
    def value(*reply: bytes) -> Any:
        return Switch(*reply).agi.get_variable("X")

    assert value(b"200 result=1 (abc)\n") == "abc"
    assert value(b"200 result=1 (hangup)\n") == "hangup"
    assert value(b"200 result=1 (a) result=-1 (b)\n") == "a) result=-1 (b"
    assert value(b"200 result=1 (root\n)\n") == "root\n"
    assert value(b"200 result=1 (a\nHANGUP\n511 x\n)\n") == "a\nHANGUP\n511 x\n"
    assert value(b"200 result=1 ()\n") == value(b"200 result=0\n") == ""
    assert value(b"200 result=1 (caf\xe9)\n") == "caf\ufffd"
    assert value(b"200 result=1 (" + b"x" * 8172 + b")\n") == "x" * 8172
    assert value(*(bytes([byte]) for byte in b"200 result=1 (a\nb)\n")) == "a\nb"


def test_the_reply_after_a_value_with_a_line_feed_is_the_next_one() -> None:
    switch = Switch(b"200 result=1 (a\nb)\n", b"200 result=1 (c)\n")
    assert (switch.agi.get_variable("X"), switch.agi.get_variable("Y")) == ("a\nb", "c")


def test_a_database_that_has_the_word_hangup() -> None:
    assert Switch(b"200 result=1 (hangup)\n").agi.database_get("f", "k") == "hangup"


def test_the_database() -> None:
    line = sent(lambda agi: agi.database_get("mia fam", 'k"'), b"200 result=1 (v)\n")
    assert line == rb'DATABASE GET "mia fam" "k\""' + b"\n"
    with pytest.raises(AGIDBError):
        Switch(b"200 result=0\n").agi.database_get("f", "k")
    Switch(b"200 result=0\n").agi.database_deltree("f")
    with pytest.raises(AGIDBError):
        Switch(b"200 result=1\n").agi.database_deltree("f")
    Switch(b"200 result=1\n").agi.database_put("f", "k", "v")
    with pytest.raises(AGIDBError):
        Switch(b"200 result=0\n").agi.database_put("f", "k", "v")


def test_digits_and_how_they_ended() -> None:
    def typed(reply: bytes) -> tuple[str, bool]:
        digits = Switch(reply).agi.get_data("x")
        return digits, digits.timed_out

    assert typed(b"200 result=1234\n") == ("1234", False)
    assert typed(b"200 result=12 (timeout)\n") == ("12", True)
    assert typed(b"200 result= (timeout)\n") == ("", True)
    assert typed(b"200 result=\n") == ("", False)
    assert typed(b"200 result=*1A\n") == ("*1A", False)


def test_recordings() -> None:
    def ended_by(reply: bytes) -> str:
        return Switch(reply, OK).agi.record_file("/tmp/x", "wav", "#", 1000, silence=5)

    assert ended_by(b"200 result=35 (dtmf) endpos=8000\n") == "#"
    assert ended_by(b"200 result=0 (timeout) endpos=8000\n") == ""
    line = sent(
        lambda agi: agi.record_file("/tmp/a b", "wav", "#", 1000, silence=5), b"200 result=0 (timeout) endpos=1\n"
    )
    assert line == b'RECORD FILE "/tmp/a b" "wav" "#" 1000 0 "BEEP" "s=5"\n'
    with pytest.raises(AGIAppError):
        ended_by(b"200 result=-1 (writefile) endpos=0\n")


def test_keys() -> None:
    assert Switch(b"200 result=49 endpos=100\n").agi.stream_file("x", "1") == "1"
    assert Switch(b"200 result=42\n").agi.wait_for_digit() == "*"
    assert Switch(b"200 result=0\n").agi.wait_for_digit() == ""


def test_announcements_are_skipped() -> None:
    assert Switch(b"100 Trying\n200 result=49\n").agi.wait_for_digit() == "1"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"510 Invalid or unknown command\n", AGIInvalidCommand),
        (b"520 Invalid command syntax.  Proper usage not available.\n", AGIUsageError),
        (b"520-Invalid command syntax.  Proper usage follows:\n200 result=1 (x)\n\n511\n520 End of proper usage.\n",
         AGIUsageError),
        (b"503 Out of memory\n", AGIUnknownError),
    ],
)  # fmt: skip
def test_refusals(reply: bytes, kind: type[Exception]) -> None:
    switch = Switch(reply, b"200 result=1 (next)\n")
    with pytest.raises(kind):
        switch.agi.noop()
    assert switch.agi.get_variable("X") == "next"
    with pytest.raises(CommandError):
        Switch(reply).agi.run(Answer())


@pytest.mark.parametrize("line", [b"nonsense\n", b"200 OK\n", b"200 result=x\n", b"HTTP/1.1 400\n", b"x" * 70_000])
def test_a_peer_that_does_not_speak_agi(line: bytes) -> None:
    switch = Switch(line, OK)
    with pytest.raises(RemoteProtocolError):
        switch.agi.run(Answer())
    with pytest.raises((RemoteProtocolError, LocalProtocolError)):
        switch.agi.answer()


# -1


def test_minus_one_on_a_live_channel_is_a_failure() -> None:
    switch = Switch(b"200 result=-1 endpos=0\n", b"200 result=6\n", b"200 result=49\n")
    with pytest.raises(AGIAppError) as caught:
        switch.agi.stream_file("missing")
    assert not isinstance(caught.value, AGIHangup)
    assert switch.agi.wait_for_digit() == "1"
    assert switch.lines[1] == b"CHANNEL STATUS\n"


@pytest.mark.parametrize(
    "call",
    [
        lambda agi: agi.stream_file("x"),
        lambda agi: agi.wait_for_digit(),
        lambda agi: agi.get_data("x"),
        lambda agi: agi.record_file("x"),
        lambda agi: agi.receive_char(),
    ],
)
def test_minus_one_on_a_dead_channel_is_the_hang_up(call: Callable[[SafeAGI], Any]) -> None:
    with pytest.raises(CallerGone):
        call(Switch(b"200 result=-1 (hangup)\n", b"511 Command Not Permitted on a dead channel\n").agi)


def test_an_application_may_answer_what_it_likes() -> None:
    """Queue says -1 when the agent has hung up: the survey comes next."""
    assert Switch(b"200 result=-1\n").agi.appexec("Queue", "operatori") == "-1"
    with pytest.raises(AGIAppError):
        Switch(b"200 result=-2\n").agi.appexec("Queueue")
    assert Switch(b"200 result=-1\n").agi.channel_status("gone") == -1


# The hang-up: one class for one event


@pytest.mark.parametrize(
    "chunks",
    [
        (b"511 Command Not Permitted on a dead channel or intercept routine\n",),
        (b"HANGUP\n511 Command Not Permitted on a dead channel or intercept routine\n",),
        (b"HANGUP\n", b"HANGUP\n", b"511 gone\n"),
        (b"",),
        (b"HANGUP\n", b""),
        (b"200 res", b""),
        (b"520-Invalid\nusage\n", b""),
        (b"520-Invalid\n", b""),
    ],
)
@pytest.mark.parametrize("call", [lambda agi: agi.get_variable("X"), lambda agi: agi.run(SetVariable("X", "1"))])
def test_every_sign_of_a_hang_up_raises_caller_gone(call: Callable[[SafeAGI], Any], chunks: tuple[bytes, ...]) -> None:
    with pytest.raises(CallerGone) as caught:
        call(Switch(*chunks).agi)
    assert isinstance(caught.value, AGIHangup) and isinstance(caught.value, Hangup)


def test_a_value_cut_by_the_end_is_the_hang_up() -> None:
    with pytest.raises(CallerGone):
        Switch(b"200 result=1 (x\n", b"").agi.get_variable("X")


def test_the_line_hangup_is_a_note_and_the_reply_still_counts() -> None:
    switch = Switch(b"HANGUP\n", b"200 result=49\n")
    assert switch.agi.wait_for_digit() == "1"
    with pytest.raises(CallerGone):
        switch.agi.answer()
    assert switch.lines == [b"WAIT FOR DIGIT 2000\n"]


def test_a_signal_while_a_prompt_plays() -> None:
    switch = Switch()
    switch.chunks = [switch.hangs_up(b"200 result=-1 endpos=800\n"), b"200 result=1\n"]
    with pytest.raises(CallerGone):
        switch.agi.stream_file("x")
    with pytest.raises(CallerGone):
        switch.agi.test_hangup()
    switch.agi.set_variable("IVR_FATE", "left_menu")
    assert switch.lines[-1] == b'SET VARIABLE "IVR_FATE" "left_menu"\n', "the last words are still said"


def test_a_signal_in_the_middle_of_a_reply_is_seen_after_it() -> None:
    switch = Switch()
    switch.chunks = [b"200 result=1 (a\n", switch.hangs_up(b"b)\n")]
    assert switch.agi.get_variable("X") == "a\nb"
    assert switch.agi.hung_up


def test_a_signal_before_the_first_command() -> None:
    switch = Switch()
    switch.agi._handle_sighup(signal.SIGHUP, None)
    with pytest.raises(CallerGone):
        switch.agi.answer()
    assert switch.lines == []


def test_a_switch_that_no_longer_reads() -> None:
    switch = Switch(OK)

    def broken(data: bytes) -> int:
        raise BrokenPipeError(32, "Broken pipe")

    switch.agi.stdout = type("Pipe", (), {"write": staticmethod(broken)})()
    with pytest.raises(CallerGone):
        switch.agi.answer()
    assert switch.agi.closed


# The environment


def environment(*lines: bytes) -> bytes:
    return ENVIRONMENT[:-1] + b"".join(line + b"\n" for line in lines) + b"\n"


def test_names_that_are_no_utf8() -> None:
    agi = Switch(environment=environment(b"agi_calleridname: Citt\xe0", b"agi_rdnis: \xc3", b"nonsense", b":")).agi
    assert (agi.env["agi_calleridname"], agi.env["agi_rdnis"]) == ("Citt\ufffd", "\ufffd")
    assert agi.env["agi_callerid"] == "0612345678"


@pytest.mark.parametrize(
    "told",
    [
        b"",
        ENVIRONMENT[:40],
        ENVIRONMENT[:-1],
        b"\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"agi_x: y\n" * 10_000,
        b"agi_x: " + b"y" * 1_000_000,
    ],
)
def test_no_switch_on_stdin(told: bytes) -> None:
    with pytest.raises((RemoteProtocolError, CallerGone)):
        Switch(environment=told)


def test_what_a_relay_has_read_is_read_first() -> None:
    agi = SafeAGI(io.BytesIO(ENVIRONMENT[30:]), io.BytesIO(), told=ENVIRONMENT[:30])
    assert agi.environment.script == "menu"


def test_nothing_is_taken_from_the_process(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """No signal, no line on stderr with the caller's number, and stdin is looked up when it is wanted."""
    before = signal.getsignal(signal.SIGHUP)
    reading, writing = io.BytesIO(ENVIRONMENT), io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(reading))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(writing))
    agi = SafeAGI()
    reading.truncate(0)
    with pytest.raises(CallerGone):
        agi.answer()
    assert writing.getvalue() == b"ANSWER\n"
    assert signal.getsignal(signal.SIGHUP) is before
    assert capfd.readouterr().err == ""


def test_it_is_pyst2() -> None:
    assert issubclass(SafeAGI, AGI)
    with pytest.raises(AGIError, match="no command was sent"):
        Switch().agi.get_result()


# Flows


def played(call: Call) -> Flow:
    yield Answer()
    try:
        yield StreamFile("nul/welcome")
    finally:
        yield SetVariable("IVR_OUTCOME", "done")


def make_call(environment: Any, compiled: Compiled, facts: list[Fact]) -> Call:
    return Call(environment, compiled, facts.append, lambda event, **fields: None, lambda: 1794218400.0)


def test_a_flow_to_its_end(shipped: Compiled) -> None:
    switch = Switch(OK, OK, OK)
    assert run_flow(switch.agi, played(make_call(switch.agi.environment, shipped, []))) == "done"
    assert switch.lines == [b"ANSWER\n", b'STREAM FILE "nul/welcome" "" 0\n', b'SET VARIABLE "IVR_OUTCOME" "done"\n']


def test_a_broken_flow_is_heard_of(shipped: Compiled) -> None:
    def broken(call: Call) -> Flow:
        yield Answer()
        raise ZeroDivisionError

    switch = Switch(OK)
    with pytest.raises(ZeroDivisionError):
        run_flow(switch.agi, broken(make_call(switch.agi.environment, shipped, [])))


def test_a_flow_cleans_up_when_the_peer_sends_garbage(shipped: Compiled) -> None:
    told: list[str] = []

    def listening(call: Call) -> Flow:
        try:
            yield Answer()
        except Hangup:
            told.append("hangup")

    switch = Switch(b"nonsense\n")
    with pytest.raises(RemoteProtocolError):
        run_flow(switch.agi, listening(make_call(switch.agi.environment, shipped, [])))
    assert told == ["hangup"]


REPLIES = [
    b"200 result=0\n",
    b"200 result=0 endpos=8000\n",
    *(f"200 result={ord(key)} endpos=100\n".encode() for key in "0123459*#"),
    b"200 result=-1 endpos=0\n",
    b"200 result=1\n",
    b"510 Invalid or unknown command\n",
    b"520-Invalid command syntax.  Proper usage follows:\n200 result=1\n520 End of proper usage.\n",
    b"511 Command Not Permitted on a dead channel or intercept routine\n",
]
FLOWS: dict[str, FlowFunction] = {
    "menu": menu, "survey": survey, "notice": notice, "ended": ended, "played": played,
}  # fmt: skip


Course = tuple[list[bytes], list[Fact], str]


def through_a_session(name: str, replies: list[bytes], compiled: Compiled) -> Course:
    facts: list[Fact] = []
    session = Session(flow_starter(FLOWS, lambda environment: make_call(environment, compiled, facts)))
    out = [session.receive_data(ENVIRONMENT.replace(b"script: menu", b"script: " + name.encode()))]
    try:
        for reply in replies:
            if not session.finished:
                out.append(session.receive_data(reply))
    except CommandError as refusal:  # a flow need not put up with it
        return [line for line in out if line], facts, str(refusal)
    return [line for line in out if line], facts, session.ending


def through_a_process(name: str, replies: list[bytes], compiled: Compiled, by_signal: bool) -> Course:
    switch, facts = Switch(), list[Fact]()
    for reply in replies:
        rest = reply.removeprefix(b"HANGUP\n")
        switch.chunks.append(switch.hangs_up(rest) if by_signal and rest != reply else reply)
    try:
        ending = run_flow(switch.agi, FLOWS[name](make_call(switch.agi.environment, compiled, facts)))
    except CommandError as refusal:
        ending = str(refusal)
    return switch.lines, facts, ending


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(sorted(FLOWS)),
    st.lists(st.sampled_from(REPLIES), max_size=40),
    st.integers(0, 40),
    st.booleans(),
    st.booleans(),
)
def test_the_same_conversation_gives_the_same_commands_and_facts(
    shipped: Compiled, name: str, replies: list[bytes], hang_up: int, closes: bool, by_signal: bool
) -> None:
    """A Session, which FastAGI runs, and SafeAGI; the hang-up as a line or as a signal, or the end of the stream."""
    if hang_up < len(replies):
        replies[hang_up] = b"HANGUP\n" + replies[hang_up]
    replies += [b""] if closes else [b"511 gone\n"] * 500 + [b""]
    there = through_a_session(name, replies, shipped)
    here = through_a_process(name, replies, shipped, by_signal)
    assert here[0] == there[0]
    assert [fact[1:] for fact in here[1]] == [fact[1:] for fact in there[1]], "but for their ids"
    assert here[2] == there[2]
