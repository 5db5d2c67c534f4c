"""Every command of Asterisk 22: none is missing, its encoding, and the values of its replies."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import ivr.agi as agi
from ivr.agi import COMMANDS, Command, CommandError, RemoteProtocolError
from tests.ivr.agi.talking import answered


class Documented(NamedTuple):
    dead: bool
    required: list[str]
    optional: list[str]


def documented() -> dict[str, Documented]:
    """The list that was taken from a real Asterisk: `VERB | dead or live | required [optional]`."""
    found = {}
    for line in (Path(__file__).parent / "commands-22.txt").read_text().splitlines():
        if not line.startswith("#"):
            verb, life, *rest = line.split(" | ")
            arguments = rest[0].split() if rest else []
            optional = [each for each in arguments if each.startswith("[")]
            found[verb] = Documented(life == "dead", [each for each in arguments if each not in optional], optional)
    return found


DOCUMENTED = documented()

# One of each, with the fewest arguments and with all of them.
SMALLEST: list[Command[Any]] = [
    agi.Answer(), agi.AsyncAgiBreak(), agi.ChannelStatus(), agi.ControlStreamFile("f"), agi.DatabaseDel("a", "b"),
    agi.DatabaseDeltree("a"), agi.DatabaseGet("a", "b"), agi.DatabasePut("a", "b", "c"), agi.Exec("NoOp"),
    agi.GetData("f", 1000, 3), agi.GetFullVariable("${A}"), agi.GetOption("f", "1"), agi.GetVariable("A"),
    agi.Gosub("c", "s", 1), agi.HangupCall(), agi.Noop(), agi.ReceiveChar(5), agi.ReceiveText(5),
    agi.RecordFile("f", "wav", "#", 1000), agi.SayAlpha("a"), agi.SayDate(0), agi.SayDatetime(0), agi.SayDigits("12"),
    agi.SayNumber(3), agi.SayPhonetic("a"), agi.SayTime(0), agi.SendImage("i"), agi.SendText("ciao"),
    agi.SetAutohangup(9), agi.SetCallerid("06"), agi.SetContext("c"), agi.SetExtension("s"), agi.SetMusic(True),
    agi.SetPriority(1), agi.SetVariable("A", "b"), agi.SpeechActivateGrammar("g"), agi.SpeechCreate("e"),
    agi.SpeechDeactivateGrammar("g"), agi.SpeechDestroy(), agi.SpeechLoadGrammar("g", "p"),
    agi.SpeechRecognize("p", 5), agi.SpeechSet("n", "v"), agi.SpeechUnloadGrammar("g"), agi.StreamFile("f"),
    agi.TddMode("on"), agi.Verbose("m"), agi.WaitForDigit(5),
]  # fmt: skip
LARGEST: list[Command[Any]] = [
    agi.ChannelStatus("c"), agi.ControlStreamFile("f", "1", 1000, "6", "4", "5", 10), agi.DatabaseDeltree("a", "b"),
    agi.Exec("Playback", "a&b"), agi.GetFullVariable("${A}", "c"), agi.GetOption("f", "1", 10),
    agi.Gosub("c", "s", "label", "x,y"), agi.HangupCall("c"),
    agi.RecordFile("f", "wav", "#", -1, 8000, beep=True, silence_s=5), agi.SayDatetime(0, "1", "A", "Europe/Rome"),
    agi.SayNumber(1, "1", "f"), agi.SetMusic(False, "default"), agi.SpeechRecognize("p", 5, 10),
    agi.StreamFile("f", "1", 10),
]  # fmt: skip


def test_there_is_one_class_for_each_of_the_47_commands_and_no_other() -> None:
    assert sorted(COMMANDS) == sorted(DOCUMENTED)
    assert len(DOCUMENTED) == 47
    assert sorted(type(each).verb for each in SMALLEST) == sorted(DOCUMENTED)


@pytest.mark.parametrize("command", SMALLEST, ids=lambda command: command.verb)
def test_the_required_arguments_are_always_sent(command: Command[Any]) -> None:
    _, required, optional = DOCUMENTED[command.verb]
    assert len(required) <= len(command.words) <= len(required) + len(optional)


@pytest.mark.parametrize("command", LARGEST, ids=lambda command: command.verb)
def test_all_optional_arguments_can_be_sent(command: Command[Any]) -> None:
    _, required, optional = DOCUMENTED[command.verb]
    assert len(command.words) == len(required) + len(optional)


def test_no_command_with_optional_arguments_was_forgotten() -> None:
    at_most = {type(each).verb: len(each.words) for each in (*SMALLEST, *LARGEST)}
    assert at_most == {verb: len(entry.required) + len(entry.optional) for verb, entry in DOCUMENTED.items()}


@pytest.mark.parametrize("verb", DOCUMENTED)
def test_a_class_is_named_after_its_command(verb: str) -> None:
    name = "HangupCall" if verb == "HANGUP" else "".join(word.capitalize() for word in verb.split())
    assert COMMANDS[verb].__name__.lower() == name.lower()
    assert getattr(agi, COMMANDS[verb].__name__) is COMMANDS[verb]


@pytest.mark.parametrize("verb", DOCUMENTED)
def test_the_commands_that_run_on_a_dead_channel_are_those_of_the_switch(verb: str) -> None:
    assert COMMANDS[verb].dead_capable is DOCUMENTED[verb].dead


@pytest.mark.parametrize("command", SMALLEST, ids=lambda command: command.verb)
def test_every_argument_has_a_name_and_a_type(command: Command[Any]) -> None:
    for parameter in inspect.signature(type(command).__init__).parameters.values():
        assert parameter.name == "self" or parameter.annotation is not inspect.Parameter.empty


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (agi.Answer(), b"ANSWER"),
        (agi.HangupCall(), b"HANGUP"),
        (agi.StreamFile("nul/welcome"), b'STREAM FILE "nul/welcome" "" 0'),
        (agi.GetData("nul/number", 5000, 11), b'GET DATA "nul/number" 5000 11'),
        (agi.RecordFile("/m/x", "wav", "#", 180000), b'RECORD FILE "/m/x" "wav" "#" 180000 0'),
        (
            agi.RecordFile("/m/x", "wav", "#", 180000, beep=True, silence_s=5),
            b'RECORD FILE "/m/x" "wav" "#" 180000 0 "BEEP" "s=5"',
        ),
        (agi.RecordFile("/m/x", "wav", "#", -1, silence_s=5), b'RECORD FILE "/m/x" "wav" "#" -1 0 "s=5"'),
        (agi.SetMusic(True), b'SET MUSIC "on" ""'),
        (agi.SetMusic(False), b'SET MUSIC "off" ""'),
        (agi.Exec("Queue", "nul,c,,,20"), b'EXEC "Queue" "nul,c,,,20"'),
        (agi.DatabaseGet("a b", "c"), b'DATABASE GET "a b" "c"'),
        (agi.SayDatetime(9, zone="Europe/Rome"), b'SAY DATETIME 9 "" "ABdY \'digits/at\' IMp" "Europe/Rome"'),
        (agi.SayDatetime(9, form="A"), b'SAY DATETIME 9 "" "A"'),
        (agi.SetPriority("label"), b'SET PRIORITY "label"'),
        (agi.SayDigits(12), b'SAY DIGITS 12 ""'),
    ],
)
def test_a_command_is_encoded(command: Command[Any], line: bytes) -> None:
    assert command.encode() == line + b"\n"


# Replies as a real Asterisk 22.10.1 gave them, and what a flow gets to see.
REPLIES: list[tuple[Command[Any], bytes, Any]] = [
    (agi.Answer(), b"200 result=0", agi.Result(0)),
    (agi.Answer(), b"200 result=-1", agi.Result(-1)),
    (agi.AsyncAgiBreak(), b"200 result=0", agi.Result(0)),
    (agi.ChannelStatus(), b"200 result=6", 6),
    (agi.ChannelStatus("nobody"), b"200 result=-1", -1),
    (agi.ControlStreamFile("f"), b"200 result=0 endpos=-1", agi.Played("", -1, False)),
    (agi.ControlStreamFile("f", "1"), b"200 result=49 endpos=1200", agi.Played("1", 1200, False)),
    (agi.DatabaseDel("a", "b"), b"200 result=1", True),
    (agi.DatabaseDel("a", "b"), b"200 result=0", False),
    (agi.DatabaseDeltree("a"), b"200 result=0", True),
    (agi.DatabaseDeltree("a"), b"200 result=1", False),
    (agi.DatabaseGet("a", "b"), b"200 result=1 (v (x) y)", "v (x) y"),
    (agi.DatabaseGet("a", "b"), b"200 result=1 ()", ""),
    (agi.DatabaseGet("a", "b"), b"200 result=0", None),
    (agi.DatabasePut("a", "b", "c"), b"200 result=1", True),
    (agi.DatabasePut("a", "b", "c"), b"200 result=0", False),
    (agi.Exec("NoOp"), b"200 result=0", 0),
    (agi.Exec("Queue"), b"200 result=-1", -1),
    (agi.Exec("Nope"), b"200 result=-2", -2),
    (agi.GetData("f", 1, 4), b"200 result=1234", agi.Digits("1234", False)),
    (agi.GetData("f", 1, 4), b"200 result=12 (timeout)", agi.Digits("12", True)),
    (agi.GetData("f", 1, 4), b"200 result= (timeout)", agi.Digits("", True)),
    (agi.GetData("f", 1, 4), b"200 result=", agi.Digits("", False)),
    (agi.GetData("f", 1, 4), b"200 result=-1", agi.Digits("", False, failed=True)),
    (agi.GetData("f", 1, 4), b"200 result=*1AD", agi.Digits("*1AD", False)),
    (agi.GetData("f", 1, 4), b"200 result=" + b"7" * 1024, agi.Digits("7" * 1024, False)),
    (agi.GetFullVariable("${A}"), b"200 result=1 (Local/s@park-0;1|1795333572)", "Local/s@park-0;1|1795333572"),
    (agi.GetFullVariable("${A}", "nobody"), b"200 result=0", None),
    (agi.GetOption("f", "1"), b"200 result=0 endpos=3404", agi.Played("", 3404, False)),
    (agi.GetOption("f", "1"), b"200 result=49 endpos=12", agi.Played("1", 12, False)),
    (agi.GetVariable("A"), b"200 result=1 (x)", "x"),
    (agi.GetVariable("A"), b"200 result=1 ()", ""),
    (agi.GetVariable("A"), b"200 result=0", None),
    (agi.Gosub("c", "s", 1), b"100 result=0 Trying...\n200 result=0 Gosub complete", agi.Result(0)),
    (agi.Gosub("c", "s", 1), b"200 result=-1 Gosub label not found", agi.Result(-1)),
    (agi.Gosub("c", "s", 1), b"100 result=0 Trying...\n200 result=-1 Gosub failed", agi.Result(-1)),
    (agi.HangupCall(), b"200 result=1", agi.Result(1)),
    (agi.HangupCall("nobody"), b"200 result=-1", agi.Result(-1)),
    (agi.Noop(), b"200 result=0", agi.Result(0)),
    (agi.ReceiveChar(1), b"200 result=65", "A"),
    (agi.ReceiveChar(1), b"200 result=0 (timeout)", ""),
    (agi.ReceiveChar(1), b"200 result=-1 (hangup)", ""),
    (agi.ReceiveText(1), b"200 result=1 (ciao a tutti)", "ciao a tutti"),
    (agi.ReceiveText(1), b"200 result=-1", None),
    (agi.RecordFile("f", "wav", "#", 9), b"200 result=35 (dtmf) endpos=30560", agi.Recorded("dtmf", "#", 30560)),
    (agi.RecordFile("f", "wav", "#", 9), b"200 result=0 (timeout) endpos=24000", agi.Recorded("timeout", "", 24000)),
    (agi.RecordFile("f", "wav", "#", 9), b"200 result=35 (timeout) endpos=9", agi.Recorded("timeout", "", 9)),
    (agi.RecordFile("f", "wav", "#", 9), b"200 result=-1 (hangup) endpos=9", agi.Recorded("hangup", "", 9)),
    (agi.RecordFile("f", "wav", "#", 9), b"200 result=-1 (waitfor) endpos=9", agi.Recorded("waitfor", "", 9)),
    (agi.RecordFile("f", "wav", "#", 9), b"200 result=-1 (writefile)", agi.Recorded("writefile", "", 0)),
    (agi.RecordFile("f", "wav", "#", 9), b"200 result=-1 (randomerror) endpos=0", agi.Recorded("randomerror", "", 0)),
    (agi.RecordFile("f", "wav", "#", 9), b"200 result=35 (randomerror) endpos=0", agi.Recorded("randomerror", "#", 0)),
    (agi.RecordFile("f", "wav", "#", 9), b"200 result=-1", agi.Recorded("randomerror", "", 0)),
    (agi.SayAlpha("a"), b"200 result=0", agi.Played()),
    (agi.SayDate(0), b"200 result=0", agi.Played()),
    (agi.SayDatetime(0), b"200 result=50", agi.Played("2")),
    (agi.SayDigits("1", "12"), b"200 result=50", agi.Played("2")),
    (agi.SayNumber(1), b"200 result=-1", agi.Played("", 0, True)),
    (agi.SayPhonetic("a"), b"200 result=0", agi.Played()),
    (agi.SayTime(0), b"200 result=0", agi.Played()),
    (agi.SendImage("i"), b"200 result=0", agi.Result(0)),
    (agi.SendText("t"), b"200 result=0", agi.Result(0)),
    (agi.SetAutohangup(0), b"200 result=0", agi.Result(0)),
    (agi.SetCallerid("06"), b"200 result=1", agi.Result(1)),
    (agi.SetContext("c"), b"200 result=0", agi.Result(0)),
    (agi.SetExtension("s"), b"200 result=0", agi.Result(0)),
    (agi.SetMusic(True), b"200 result=0", agi.Result(0)),
    (agi.SetPriority(1), b"200 result=0", agi.Result(0)),
    (agi.SetVariable("A", "b"), b"200 result=1", agi.Result(1)),
    (agi.SpeechActivateGrammar("g"), b"200 result=0", False),
    (agi.SpeechCreate("e"), b"200 result=1", True),
    (agi.SpeechDeactivateGrammar("g"), b"200 result=1", True),
    (agi.SpeechDestroy(), b"200 result=0", False),
    (agi.SpeechLoadGrammar("g", "p"), b"200 result=1", True),
    (agi.SpeechRecognize("p", 1), b"200 result=0", agi.Recognized("")),
    (agi.SpeechRecognize("p", 1), b"200 result=1 (timeout) endpos=7", agi.Recognized("timeout", "", 7)),
    (agi.SpeechRecognize("p", 1), b"200 result=1 (hangup) endpos=7", agi.Recognized("hangup", "", 7)),
    (agi.SpeechRecognize("p", 1), b"200 result=1 (digit) digit=5 endpos=7", agi.Recognized("digit", "5", 7)),
    (
        agi.SpeechRecognize("p", 1),
        b'200 result=1 (speech) endpos=7 results=2 score0=900 text0="a grammar0=b" grammar0=g'
        b' score1=-1 text1="" grammar1=h',
        agi.Recognized("speech", "", 7, (agi.Utterance(900, "a grammar0=b", "g"), agi.Utterance(-1, "", "h"))),
    ),
    (agi.SpeechSet("n", "v"), b"200 result=1", True),
    (agi.SpeechUnloadGrammar("g"), b"200 result=0", False),
    (agi.StreamFile("f"), b"200 result=0 endpos=3404", agi.Played("", 3404, False)),
    (agi.StreamFile("f", "5"), b"200 result=53 endpos=9280", agi.Played("5", 9280, False)),
    (agi.StreamFile("f"), b"200 result=-1 endpos=0", agi.Played("", 0, True)),
    (agi.TddMode("on"), b"200 result=0", False),
    (agi.Verbose("m"), b"200 result=1", agi.Result(1)),
    (agi.WaitForDigit(1), b"200 result=0", ""),
    (agi.WaitForDigit(1), b"200 result=35", "#"),
    (agi.WaitForDigit(1), b"200 result=-1", ""),
    (agi.WaitForDigit(1), b"200 result=1", ""),  # interrupted
]


@pytest.mark.parametrize(("command", "line", "value"), REPLIES)
def test_a_reply_is_parsed(command: Command[Any], line: bytes, value: object) -> None:
    assert answered(command, line + b"\n") == value
    assert type(answered(command, line + b"\n")) is type(value)


def test_every_command_has_an_example_reply() -> None:
    assert {type(command).verb for command, _, _ in REPLIES} == set(DOCUMENTED)


@pytest.mark.parametrize("command", SMALLEST, ids=lambda command: command.verb)
@pytest.mark.parametrize(
    "line", [b"200 result=x", b"200 result=1 (x) endpos=x", b"200 result=" + b"9" * 5000, b"200 result=\xff (\xff"]
)
def test_an_invalid_reply_is_the_peers_error_or_a_value(command: Command[Any], line: bytes) -> None:
    try:
        answered(command, line + b"\n)\n" if command.carries_value and b"(" in line else line + b"\n")
    except RemoteProtocolError as problem:
        assert "whole number" in str(problem)


def test_speech_with_a_score_that_is_not_a_number_is_the_peers_error() -> None:
    with pytest.raises(RemoteProtocolError, match="score"):
        answered(agi.SpeechRecognize("p", 1), b"200 result=1 (speech) endpos=0 results=1 score0=x\n")


def test_commands_are_values() -> None:
    assert agi.StreamFile("a", "1") == agi.StreamFile("a", "1", 0)
    assert agi.StreamFile("a") != agi.StreamFile("b")
    assert agi.SetContext("a") != agi.SetExtension("a")
    assert len({agi.Noop(), agi.Noop(), agi.Answer()}) == 2
    assert repr(agi.StreamFile("a", "1")) == "StreamFile('a', '1', 0)"
    assert agi.StreamFile("a") != "a"


def test_replies_are_values() -> None:
    assert agi.Played("1", 2, False) == agi.Played("1", 2)
    assert agi.Played("1") != agi.Digits("1")
    assert len({agi.Result(0), agi.Result(0), agi.Result(1)}) == 2
    assert repr(agi.Played("1", 2)) == "Played(digit='1', endpos=2, failed=False)"
    match agi.Recorded("dtmf", "#", 5):
        case agi.Recorded(ended_by, "#", samples):
            assert (ended_by, samples) == ("dtmf", 5)
        case other:
            pytest.fail(repr(other))
    assert agi.Result(-1).failed
    assert not agi.Result(1).failed


@pytest.mark.parametrize("silence", [0, -1])
def test_a_silence_that_the_switch_would_ignore_is_refused(silence: int) -> None:
    with pytest.raises(agi.LocalProtocolError, match="silence_s"):
        agi.RecordFile("f", "wav", "#", 1000, silence_s=silence)


def test_a_command_without_parse_cannot_be_used() -> None:
    with pytest.raises(NotImplementedError):
        Command[int]().parse(agi.RawReply("0"))


def test_a_command_error_names_the_command_and_the_first_line() -> None:
    error = CommandError(agi.StreamFile("f"), 520, "Invalid command syntax.  Proper usage follows:\nUsage\n")
    assert str(error) == "STREAM FILE: 520 Invalid command syntax.  Proper usage follows:"
