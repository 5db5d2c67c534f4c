"""Hostile and faulty peers, kind by kind. The kinds that concern a server, a configuration or AMI are tested there."""

from __future__ import annotations

from typing import Any

import pytest

import ivr.agi as agi
from ivr.agi import (
    NEED_DATA,
    Closed,
    Command,
    CommandError,
    Connection,
    Digits,
    Environment,
    Hangup,
    HungUp,
    LocalProtocolError,
    Played,
    Recorded,
    RemoteProtocolError,
    Reply,
)
from tests.fake_switch import FakeSwitch
from tests.ivr.agi.talking import ENVIRONMENT, answered, asked, begun, environment, events


def replies(switch: FakeSwitch, *commands: Command[Any]) -> list[Any]:
    """The values that a flow gets for these commands, one after the other."""
    connection = Connection()
    events(connection, switch.greeting())
    found = []
    for command in commands:
        for event in events(connection, switch.receive_data(connection.send(command))):
            if type(event) is Reply:
                found.append(event.value)
    return found


def test_kind_01_a_tcp_probe_is_closed_without_an_error() -> None:
    assert events(Connection(), b"") == [Closed()]


@pytest.mark.parametrize(
    "hello",
    [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"SSH-2.0-x\r\n", b"OPTIONS sip:x SIP/2.0"],
)
def test_kind_02_a_port_scanner_is_refused_at_its_first_bytes(hello: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="is not AGI"):
        events(Connection(), hello[:4])


def test_kind_03_an_environment_byte_by_byte_is_awaited_and_costs_little() -> None:
    connection = Connection()
    for at in range(len(ENVIRONMENT) - 1):
        assert events(connection, ENVIRONMENT[at : at + 1]) == []
    assert [type(event) for event in events(connection, ENVIRONMENT[-1:])] == [Environment]


@pytest.mark.parametrize("block", [b"agi_x: " + b"y" * 1_000_000, b"agi_x: y\n" * 10_000, b"agi_x\n" * 10_000])
def test_kind_04_an_environment_that_never_ends_is_refused(block: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="more than"):
        events(Connection(), block)


def test_kind_05_the_end_inside_the_environment_is_an_error() -> None:
    with pytest.raises(RemoteProtocolError, match="closed in the middle of"):
        events(Connection(), ENVIRONMENT[:-1], b"")


def test_kind_06_odd_lines_in_the_environment_are_read_or_skipped() -> None:
    call = environment(b"nothing here", b"agi_arg_1: a:b: c", b"agi_arg_2:", b"agi_arg_3: x\r")
    assert [call.arg(number) for number in (1, 2, 3)] == ["a:b: c", "", "x"]


def test_kind_07_a_latin_1_name_is_read() -> None:
    assert environment(b"agi_calleridname: Citt\xe0")["agi_calleridname"] == "Citt\N{REPLACEMENT CHARACTER}"


def test_kind_08_a_name_cut_inside_a_character_is_read() -> None:
    name = ("è" * 200).encode()[:255]
    assert environment(b"agi_calleridname: " + name)["agi_calleridname"] == "è" * 127 + "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    "name", ['"a"', "<b>", "a,b", "${SHELL(id)}", "📞", "x" * 255, "\u202eoiraM", "'; DROP TABLE x;--"]
)
def test_kind_09_a_name_that_means_something_elsewhere_is_only_text(name: str) -> None:
    read = environment(b"agi_calleridname: " + name.encode())["agi_calleridname"]
    assert read == name
    switch = FakeSwitch()
    replies(switch, agi.SetVariable("IVR_NAME", read))
    assert switch.variables == {"IVR_NAME": name}


def test_kind_09_a_name_with_a_line_feed_cannot_speak_for_the_dialplan() -> None:
    switch = FakeSwitch(arguments=["1795333570"], environment={"agi_calleridname": "x\nagi_arg_1: 0"})
    with pytest.raises(RemoteProtocolError, match="twice"):
        events(Connection(), switch.greeting())


@pytest.mark.parametrize(
    ("number", "presentation", "known"),
    [
        ("unknown", "67", None),
        ("anonymous", "0", None),
        ("+390612345678", "0", "+390612345678"),
        ("0612345678", "35", None),
    ],
)
def test_kind_10_a_withheld_number_is_not_known(number: str, presentation: str, known: str | None) -> None:
    call = environment(f"agi_callerid: {number}".encode(), f"agi_callingpres: {presentation}".encode())
    assert call.callerid == known


@pytest.mark.parametrize("script", [None, "", "../menu", "%2e%2e/menu", "menu?" + "a" * 8192, "nothing-of-ours"])
def test_kind_11_a_strange_route_is_a_name_or_an_error(script: str | None) -> None:
    (call,) = events(Connection(), FakeSwitch(script).greeting())
    assert type(call) is Environment
    if script is None or not script.partition("?")[0].replace("-", "").isalpha():
        with pytest.raises(RemoteProtocolError, match="agi_network_script"):
            _ = call.script
    else:
        assert call.script == script.partition("?")[0]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([b"HANGUP\n", b"200 result=0\n"], ["HungUp", "Reply"]),
        ([b"200 result=0\n", b"HANGUP\n"], ["Reply", "HungUp"]),
        ([b"HANGUP\n", b""], ["HungUp", "Closed"]),
        ([b"HANGUP\n", b"HANGUP\n", b""], ["HungUp", "Closed"]),
        ([b"HANGUP\n", b"511 dead\n", b"HANGUP\n", b""], ["HungUp", "Reply", "Closed"]),
    ],
)
def test_kind_12_hangup_before_between_and_instead_of_a_reply(lines: list[bytes], told: list[str]) -> None:
    assert [type(event).__name__ for event in events(asked(agi.Noop()), *lines)] == told


def test_kind_13_511_after_the_hangup() -> None:
    switch = FakeSwitch()
    connection = Connection()
    events(connection, switch.greeting(), switch.hang_up())
    (event,) = events(connection, switch.receive_data(connection.send(agi.StreamFile("x"))))
    assert isinstance(event, Reply)
    assert isinstance(event.value, Hangup)


def test_kind_13_511_at_once_on_a_dead_channel_and_the_outcome_is_still_written() -> None:
    switch = FakeSwitch("ended")
    switch.hung_up = True
    dead, written = replies(switch, agi.Answer(), agi.SetVariable("IVR_FATE", "abandoned"))
    assert isinstance(dead, Hangup)
    assert written == agi.Result(1)
    assert switch.variables == {"IVR_FATE": "abandoned"}


def test_kind_14_520_with_lines_that_look_like_replies_cut_and_in_one_line() -> None:
    lines = b"520-Invalid command syntax.  Proper usage follows:\n200 result=0\n200 result=1 (x)\n520 End.\n"
    assert isinstance(answered(agi.Noop(), lines), CommandError)
    assert isinstance(answered(agi.Noop(), b"520 Invalid command syntax.  Proper usage not available.\n"), CommandError)
    with pytest.raises(RemoteProtocolError):
        events(asked(agi.Noop()), lines[:-10], b"")


def test_kind_15_510_for_a_command_that_the_version_lacks() -> None:
    error, after = replies(
        FakeSwitch(replies={"GOSUB": "510 Invalid or unknown command"}), agi.Gosub("a", "s", 1), agi.Noop()
    )
    assert (error.code, after) == (510, agi.Result(0))


@pytest.mark.parametrize("value", ["a\nb", ")", "result=-1", "x" * 8192, "a\0b", "hangup", "-1", "200 result=0"])
def test_kind_16_a_value_is_whatever_it_is(value: str) -> None:
    assert answered(agi.GetFullVariable("${A}"), f"200 result=1 ({value})\n".encode()) == value


def test_kind_17_minus_1_on_a_live_channel_is_no_hangup() -> None:
    switch = FakeSwitch(
        missing=["lost"],
        replies={"EXEC Queue": "200 result=-1", "RECORD FILE": "200 result=-1 (writefile)"},
    )
    record = agi.RecordFile("/readonly/x", "wav", "#", 1000)
    assert replies(switch, agi.StreamFile("lost"), agi.Exec("Queue", "nul"), record, agi.StreamFile("found")) == [
        Played("", 0, True),
        -1,
        Recorded("writefile"),
        Played("", 8000),
    ]


@pytest.mark.parametrize(
    ("keys", "digits"),
    [
        ("*#", Digits("*")), ("#", Digits("")), ("ABCD#", Digits("ABCD")), (" ", Digits("", True)),
        ("12 ", Digits("12", True)), ("7" * 1030, Digits("7" * 1024)),
    ],
)  # fmt: skip
def test_kind_18_whatever_is_typed(keys: str, digits: Digits) -> None:
    assert replies(FakeSwitch(keys=keys), agi.GetData("x", 5000, 1024)) == [digits]


def test_kind_19_continue_from_queue_when_the_caller_has_gone() -> None:
    connection = asked(agi.Exec("Queue", "nul,c"))
    told = events(connection, b"200 result=0\nHANGUP\n")
    assert told == [Reply(agi.Exec("Queue", "nul,c"), 0), HungUp()]


def test_kind_20_fragments_two_replies_in_one_segment_and_a_late_one() -> None:
    assert events(asked(agi.Noop()), b"2", b"00 result", b"=0", b"\n") == [Reply(agi.Noop(), agi.Result(0))]
    with pytest.raises(RemoteProtocolError, match="no reply was expected"):
        events(asked(agi.Noop()), b"200 result=0\n200 result=0\n")
    with pytest.raises(RemoteProtocolError, match="no reply was expected"):
        events(begun(), b"200 result=0 endpos=5\n")


def test_kind_21_no_reply_for_minutes_is_not_an_error() -> None:
    connection = asked(agi.Exec("Queue", "nul"))
    assert [connection.next_event() for _ in range(1000)] == [NEED_DATA] * 1000


@pytest.mark.parametrize("connection", [begun(), asked(agi.StreamFile("x"))])
def test_kind_22_the_switch_is_restarted_during_a_call(connection: Connection) -> None:
    (event,) = events(connection, b"")
    assert type(event) is Closed
    with pytest.raises(LocalProtocolError, match="closed"):
        connection.send(agi.Noop())


@pytest.mark.parametrize("text", ['"', "\\", ",", "a\tb", '" "x' * 130, "'", "${X}", "$[1]", "|", ";"])
def test_kind_24_caller_text_in_exec_and_set_is_one_word(text: str) -> None:
    switch = FakeSwitch()
    replies(switch, agi.Exec("NoOp", text), agi.SetVariable("A", text))
    assert switch.commands == [["EXEC", "NoOp", text], ["SET", "VARIABLE", "A", text]]


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\0b", "x" * 9000])
def test_kind_24_caller_text_that_cannot_be_sent_is_refused(text: str) -> None:
    for command in (agi.Exec("NoOp", text), agi.SetVariable("A", text)):
        with pytest.raises(LocalProtocolError):
            begun().send(command)


def test_kind_25_a_missing_prompt_and_a_full_disk_are_replies() -> None:
    assert answered(agi.StreamFile("x"), b"200 result=-1 endpos=0\n") == Played("", 0, True)
    full = b"200 result=-1 (writefile)\n"
    assert answered(agi.RecordFile("x", "wav", "#", 1), full).ended_by == "writefile"


# Facts of the wire that are no kind of their own


def test_a_line_never_begins_with_failure_which_would_end_the_agi() -> None:
    assert not any(verb.lower().startswith("failure") for verb in agi.COMMANDS)


def test_get_variable_may_be_cut_inside_a_character_at_1023_bytes() -> None:
    value = ("è" * 600).encode()[:1023]
    assert answered(agi.GetVariable("A"), b"200 result=1 (" + value + b")\n") == "è" * 511 + "\N{REPLACEMENT CHARACTER}"


def test_several_commands_in_one_segment_would_get_one_reply() -> None:
    switch = FakeSwitch()
    assert switch.receive_data(b"NOOP\nNOOP\nNOOP\n").count(b"\n") == 1
    assert switch.receive_data(b"NOOP\n").count(b"\n") == 3
    connection = asked(agi.Noop())
    with pytest.raises(LocalProtocolError):
        connection.send(agi.Noop())
