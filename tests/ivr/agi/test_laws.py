"""Properties of the protocol, tested on generated conversations."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ivr.agi import (
    NEED_DATA,
    AgiError,
    Closed,
    Command,
    Connection,
    DatabaseGet,
    DatabasePut,
    Environment,
    Event,
    GetData,
    GetVariable,
    HungUp,
    Noop,
    RecordFile,
    RemoteProtocolError,
    Reply,
    SetVariable,
    StreamFile,
    WaitForDigit,
)
from ivr.agi.connection import MAX_REPLY
from tests.fake_switch import FakeSwitch
from tests.ivr.agi.talking import ENVIRONMENT, begun

# Conversations as a switch leads them

LINE = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=30)
VALUE = st.lists(LINE, min_size=1, max_size=4).map("\n".join).filter(lambda value: ")\n" not in value)
USAGE = st.lists(LINE.filter(lambda line: not line.startswith("520")), max_size=4)

TURN = st.one_of(
    st.tuples(st.just(Noop()), st.sampled_from(["200 result=0\n", "510 Invalid\n", "511 dead\n", "520 One line.\n"])),
    st.tuples(st.just(StreamFile("x")), st.integers(-1, 127).map(lambda key: f"200 result={key} endpos=7\n")),
    st.tuples(st.just(WaitForDigit(1)), st.integers(-1, 127).map(lambda key: f"200 result={key}\n")),
    st.tuples(st.just(GetData("x", 1, 9)), st.text("0123456789*#ABCD", max_size=9).map(lambda d: f"200 result={d}\n")),
    st.tuples(st.just(RecordFile("x", "wav", "#", 9)), st.just("200 result=35 (dtmf) endpos=5\n")),
    st.tuples(st.just(GetVariable("A")), VALUE.map(lambda value: f"200 result=1 ({value})\n")),
    st.tuples(st.just(DatabaseGet("a", "b")), st.just("200 result=0\n")),
    st.tuples(st.just(Noop()), USAGE.map(lambda usage: "\n".join(["520-Usage", *usage, "520 End.\n"]))),
)
ASIDES = st.lists(st.sampled_from(["HANGUP\n", "100 Trying\n"]), max_size=3).map("".join)
CONVERSATION = st.lists(st.tuples(TURN, ASIDES), max_size=6)
CUTS = st.lists(st.integers(0, 200), max_size=12)

Turns = list[tuple[tuple[Command[Any], str], str]]


def chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data, split at these positions (everywhere if there are none)."""
    places = sorted({cut % len(data) for cut in cuts} | {0, len(data)}) if cuts else range(len(data) + 1)
    return [piece for piece in map(lambda a, b: data[a:b], places[:-1], places[1:]) if piece]


def run(turns: Turns, cuts: list[int] | None) -> list[Event]:
    """All events of a conversation, its bytes split like this (None: each reply at once)."""
    connection = Connection()
    found = drained(connection, ENVIRONMENT, cuts)
    for (command, reply), asides in turns:
        connection.send(command)
        found += drained(connection, (asides + reply).encode(), cuts)
    connection.receive_data(b"")
    return [*found, connection.next_event()]


def drained(connection: Connection, data: bytes, cuts: list[int] | None) -> list[Event]:
    found: list[Event] = []
    for chunk in [data] if cuts is None else chunks(data, cuts):
        connection.receive_data(chunk)
        while (event := connection.next_event()) is not NEED_DATA:
            found.append(event)
    return found


def shown(events: list[Event]) -> list[str]:
    """Exceptions compare by identity; their text says all."""
    return list(map(repr, events))


@given(CONVERSATION, CUTS)
def test_fed_in_any_chunks_a_conversation_gives_the_same_events(turns: Turns, cuts: list[int]) -> None:
    whole = run(turns, None)
    assert shown(run(turns, cuts)) == shown(whole)
    assert [event.command for event in whole if type(event) is Reply] == [command for (command, _), _ in turns]
    assert sum(type(event) is HungUp for event in whole) <= 1
    assert type(whole[0]) is Environment
    assert type(whole[-1]) is Closed


@given(VALUE)
def test_a_value_comes_back_exactly(value: str) -> None:
    events = run([((GetVariable("A"), f"200 result=1 ({value})\n"), "")], [])
    assert events[1] == Reply(GetVariable("A"), value)


# What a switch would never say

FRAGMENT = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [b"\n", b"\r\n", b"\n\n", b"agi_", b"agi_channel: x\nagi_uniqueid: y\n", b"HANGUP", b"HANGUP\n", b"200 result=",
         b"200 result=0\n", b"200 result=1 (", b")", b")\n", b" (timeout)\n", b"endpos=", b"100 ", b"510 x\n",
         b"511 x\n", b"520-", b"520 ", b"520 End\n", b"-1", b"\0", b"\xc3", ENVIRONMENT, b"x" * 70_000,
         b"agi_x: y\n" * 300]
    ),
)  # fmt: skip
NOISE = st.lists(FRAGMENT, max_size=12).map(b"".join)
COMMANDS: list[Command[Any]] = [
    Noop(),
    GetVariable("A"),
    StreamFile("x"),
    GetData("x", 1, 1),
    RecordFile("x", "w", "", 1),
]


def outcome(connection: Connection, pieces: list[bytes]) -> list[str]:
    """The outcome of these pieces: the kinds of events, and the kind of error if there is one."""
    found: list[str] = []
    try:
        for piece in pieces:
            connection.receive_data(piece)
            for _ in range(len(piece) + 2):
                event = connection.next_event()
                if event is NEED_DATA:
                    break
                found.append(type(event).__name__)
                if type(event) is Closed:
                    break
            else:
                raise AssertionError("more events than bytes")
            assert len(connection._received.data) + sum(map(len, connection._held)) <= 2 * MAX_REPLY + 4
    except AgiError as problem:
        found.append(type(problem).__name__)
        assert len(str(problem)) < 500
    return found


@given(NOISE, st.sampled_from([None, *COMMANDS]), CUTS, st.booleans())
def test_any_bytes_give_the_same_outcome_in_any_chunks(
    noise: bytes, command: Command[Any] | None, cuts: list[int], introduced: bool
) -> None:
    if not noise:
        return

    def connection() -> Connection:
        fresh = begun() if introduced else Connection()
        if introduced and command is not None:
            fresh.send(command)
        return fresh

    whole = outcome(connection(), [noise, b""])
    assert outcome(connection(), [*chunks(noise, cuts or [1]), b""]) == whole
    assert whole[-1] in ("Closed", "RemoteProtocolError")


@given(st.lists(FRAGMENT.filter(bool), max_size=12), st.sampled_from(COMMANDS))
def test_arbitrary_bytes_raise_nothing_but_our_own_errors(fragments: list[bytes], command: Command[Any]) -> None:
    connection = Connection()
    for fragment in fragments:
        try:
            connection.receive_data(fragment)
            while connection.next_event() is not NEED_DATA:
                if connection.state == "IDLE":
                    connection.send(command)
        except RemoteProtocolError:
            assert connection.state == "ERROR"
            assert not connection._received.data


# Both ends

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0"), max_size=40)
NAME = st.sampled_from(["IVR_TOPIC", "A", "CALLERID(name)"])
DEED = st.one_of(
    st.tuples(st.just("set"), NAME, TEXT.filter(lambda text: len(text.encode()) < 1000)),
    st.tuples(st.just("get"), NAME, st.just("")),
    st.tuples(st.just("put"), TEXT, TEXT),
    st.tuples(st.just("look"), TEXT, st.just("")),
)


@given(st.lists(DEED, max_size=15))
def test_what_we_write_on_the_switch_is_what_we_read_there(deeds: list[tuple[str, str, str]]) -> None:
    switch, connection = FakeSwitch(), begun()
    variables: dict[str, str] = {}
    database: dict[str, str] = {}
    for deed, name, value in deeds:
        command: Command[Any]
        if deed == "set":
            command, variables[name], due = SetVariable(name, value), value, None
        elif deed == "get":
            command, due = GetVariable(name), variables.get(name)
        elif deed == "put":
            command, database[name], due = DatabasePut("family", name, value), value, None
        else:
            command, due = DatabaseGet("family", name), database.get(name)
        connection.receive_data(switch.receive_data(connection.send(command)))
        event = connection.next_event()
        assert type(event) is Reply
        if deed in ("get", "look"):
            assert event.value == due
    assert switch.variables == variables
    assert len(switch.lines) == len(deeds)


@given(CONVERSATION)
def test_the_fast_path_gives_the_same_reply(turns: Turns) -> None:
    long, short = begun(), begun()
    for (command, reply), asides in turns:
        data = (asides + reply).encode()
        assert long.send(command) == short.send(command)
        events = drained(long, data, None)
        value = short.receive_reply(data)
        if value is NEED_DATA:  # nothing has been taken in
            assert repr(drained(short, data, None)) == repr(events)  # errors are equal by what they say
        else:
            (event,) = events
            assert repr(Reply(command, value)) == repr(event)
        assert (short.state, short.hung_up, short.pending) == (long.state, long.hung_up, long.pending)


@given(st.binary(max_size=40))
def test_the_fast_path_never_accepts_more_than_the_full_parser(noise: bytes) -> None:
    long, short = begun(), begun()
    for connection in (long, short):
        connection.send(StreamFile("x"))
    try:
        value = short.receive_reply(b"200 result=" + noise)
    except RemoteProtocolError as problem:
        assert problem.args == said(long, b"200 result=" + noise).args
    else:
        if value is not NEED_DATA:
            (event,) = drained(long, b"200 result=" + noise, None)
            assert event == Reply(StreamFile("x"), value)


def said(connection: Connection, data: bytes) -> RemoteProtocolError:
    """The error of the full parser."""
    try:
        drained(connection, data, None)
    except RemoteProtocolError as problem:
        return problem
    raise AssertionError("the long way found nothing wrong")
