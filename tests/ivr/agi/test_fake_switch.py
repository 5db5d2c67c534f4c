"""The simulated switch: it knows the commands of the real one, and behaves in the same way."""

from __future__ import annotations

from typing import Any

import pytest

import ivr.agi as agi
from ivr.agi import Command, CommandError, Connection, Digits, Environment, Hangup, Played, Recorded, Reply
from tests.fake_switch import DEAD_CAPABLE, Crashed, FakeSwitch, split
from tests.ivr.agi.talking import events
from tests.ivr.agi.test_commands import SMALLEST


def call(switch: FakeSwitch) -> Connection:
    connection = Connection()
    (event,) = events(connection, switch.greeting())
    assert type(event) is Environment
    return connection


def ask(switch: FakeSwitch, connection: Connection, command: Command[Any]) -> Any:
    told = events(connection, switch.receive_data(connection.send(command)))
    (reply,) = [event for event in told if isinstance(event, Reply)]
    return reply.value


def test_it_sends_the_environment() -> None:
    (event,) = events(Connection(), FakeSwitch("voicemail", ["1", "2", "closed"], caller=None).greeting())
    assert isinstance(event, Environment)
    assert (event.script, event.arg(3), event.callerid) == ("voicemail", "closed", None)


@pytest.mark.parametrize("command", SMALLEST, ids=lambda command: command.verb)
def test_it_answers_every_command(command: Command[Any]) -> None:
    switch = FakeSwitch()
    assert not isinstance(ask(switch, call(switch), command), Exception)


def test_it_refuses_on_a_dead_channel_what_the_real_one_refuses() -> None:
    refused = set()
    for command in SMALLEST:
        switch = FakeSwitch()
        connection = call(switch)
        switch.hang_up()
        if isinstance(ask(switch, connection, command), Hangup):
            refused.add(command.verb)
    assert refused == {verb for verb, kind in agi.COMMANDS.items() if not kind.dead_capable}
    assert set(DEAD_CAPABLE) == set(agi.COMMANDS) - refused


def test_its_caller_presses_keys() -> None:
    switch = FakeSwitch(keys="2 13#456#")
    connection = call(switch)
    assert ask(switch, connection, agi.StreamFile("x")) == Played("", 8000)  # not a key of this sound
    assert ask(switch, connection, agi.StreamFile("x", "12")) == Played("2", 8000)
    assert ask(switch, connection, agi.WaitForDigit(5000)) == ""
    assert ask(switch, connection, agi.WaitForDigit(5000)) == "1"
    assert ask(switch, connection, agi.GetData("x", 1, 9)) == Digits("3")
    assert ask(switch, connection, agi.GetData("x", 1, 3)) == Digits("456")
    assert ask(switch, connection, agi.RecordFile("x", "wav", "#", 1)) == Recorded("dtmf", "#", 16000)
    assert ask(switch, connection, agi.RecordFile("x", "wav", "#", 1)) == Recorded("timeout", "", 24000)


def test_it_gives_the_prepared_replies() -> None:
    switch = FakeSwitch(
        replies={
            "STREAM FILE": "200 result=0 endpos=1",
            "STREAM FILE x": ["200 result=-1 endpos=0", "200 result=0 endpos=2"],
            "EXEC Queue": lambda words: f"200 result={len(words)}",
            "NOOP": None,
        }
    )
    connection = call(switch)
    assert [ask(switch, connection, agi.StreamFile(name)).endpos for name in "yxxx"] == [1, 0, 2, 2]
    assert ask(switch, connection, agi.Exec("Queue", "a b")) == 3
    assert switch.receive_data(agi.Noop().encode()) == b""


def test_it_hangs_up_and_remembers() -> None:
    switch = FakeSwitch()
    connection = call(switch)
    ask(switch, connection, agi.HangupCall())
    assert switch.hung_up
    assert connection.hung_up
    assert switch.commands == [["HANGUP"]]
    assert switch.lines == [b"HANGUP"]


def test_it_explains_a_wrong_command() -> None:
    switch = FakeSwitch()
    assert switch.receive_data(b"print me\n").startswith(b"510 ")
    connection = call(switch)
    connection.send(agi.Noop())
    (event,) = events(connection, switch.receive_data(b"STREAM FILE x\n"))
    assert isinstance(event, Reply)
    assert isinstance(event.value, CommandError)


def test_too_many_quoted_words_kill_it_and_too_many_plain_ones_do_not() -> None:
    assert len(split("a " * 200)) == 127
    with pytest.raises(Crashed):
        split('"a" ' * 128)


def test_it_expands_variables_and_deletes_trees() -> None:
    switch = FakeSwitch()
    connection = call(switch)
    ask(switch, connection, agi.SetVariable("A", "x"))
    assert ask(switch, connection, agi.GetFullVariable("${A}-${B}")) == "x-"
    assert ask(switch, connection, agi.GetFullVariable("${A}", "nobody")) is None
    for key in ("a/b", "a", "ab"):
        ask(switch, connection, agi.DatabasePut("f", key, "x"))
    assert [ask(switch, connection, agi.DatabaseDeltree("f", "a")) for _ in "12"] == [True, False]
    assert list(switch.database) == [("f", "ab")]
