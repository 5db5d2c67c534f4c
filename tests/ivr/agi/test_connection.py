"""States of a conversation: what may happen when, hang-ups, the end, the limits."""

from __future__ import annotations

from typing import Any

import pytest

from ivr.agi import (
    NEED_DATA,
    Answer,
    Closed,
    Command,
    CommandError,
    Connection,
    Digits,
    Event,
    Exec,
    GetData,
    GetVariable,
    Hangup,
    HangupCall,
    HungUp,
    LocalProtocolError,
    Noop,
    Played,
    RemoteProtocolError,
    Reply,
    Result,
    SetVariable,
    State,
    StreamFile,
    WaitForDigit,
)
from ivr.agi.connection import _SENT, LONGEST_SENT, MAX_ASIDES, MOST_SENT, TRANSITIONS
from ivr.agi.receive_buffer import MAX_BACKLOG
from tests.ivr.agi.talking import ENVIRONMENT, answered, asked, begun, broken, events

OK = b"200 result=0\n"
DEAD = b"511 Command Not Permitted on a dead channel or intercept routine\n"
USAGE = b"520-Invalid command syntax.  Proper usage follows:\nUsage\n520 End of proper usage.\n"


# The table


def test_the_table_lists_every_state_and_only_known_ones() -> None:
    states = {value for name, value in vars(State).items() if not name.startswith("_")}
    assert set(TRANSITIONS) == states
    assert {target for row in TRANSITIONS.values() for target in row.values()} == states - {State.ENVIRONMENT}


def test_a_fault_is_possible_in_every_state_and_is_final() -> None:
    assert {row["fault"] for row in TRANSITIONS.values()} == {State.ERROR}
    assert TRANSITIONS[State.ERROR] == {"fault": State.ERROR}


def test_a_command_is_sent_only_when_it_is_our_turn() -> None:
    assert [state for state, row in TRANSITIONS.items() if "send" in row] == [State.IDLE]


def test_the_states_of_a_call() -> None:
    connection = Connection()
    seen = [connection.state]
    events(connection, ENVIRONMENT)
    seen.append(connection.state)
    connection.send(GetVariable("A"))
    seen.append(connection.state)
    events(connection, b"200 result=1 (a\n")
    seen.append(connection.state)
    events(connection, b")\n")
    seen.append(connection.state)
    connection.send(Noop())
    events(connection, b"520-Usage\n")
    seen.append(connection.state)
    events(connection, b"520 End\n")
    seen.append(connection.state)
    events(connection, b"")
    seen.append(connection.state)
    assert seen == ["ENVIRONMENT", "IDLE", "AWAITING", "VALUE", "IDLE", "USAGE", "IDLE", "CLOSED"]


# Turn by turn


def test_a_command_and_its_reply() -> None:
    connection = begun()
    command = StreamFile("beep")
    assert connection.send(command) == b'STREAM FILE "beep" "" 0\n'
    assert connection.pending is command
    assert connection.next_event() is NEED_DATA
    assert events(connection, b"200 result=0 endpos=9\n") == [Reply(command, Played("", 9, False))]
    assert connection.pending is None


def test_no_pipelining() -> None:
    connection = asked(Noop())
    with pytest.raises(LocalProtocolError, match="one command at a time"):
        connection.send(Noop())
    assert events(connection, OK) == [Reply(Noop(), Result(0))]


@pytest.mark.parametrize("half", [b"", b"200 res", b"200 result=1 (a\n", b"520-Usage\n"])
def test_no_pipelining_while_a_reply_is_arriving(half: bytes) -> None:
    connection = asked(GetVariable("A"))
    events(connection, *([half] if half else []))
    with pytest.raises(LocalProtocolError, match="one command at a time"):
        connection.send(Noop())


def test_state_and_pending_command_survive_our_own_error() -> None:
    connection = begun()
    with pytest.raises(LocalProtocolError):
        connection.send(SetVariable("A", "\n"))
    assert (connection.state, connection.pending) == (State.IDLE, None)


@pytest.mark.parametrize(
    ("line", "command", "value"),
    [
        (OK, Noop(), Result(0)),
        (b"200 result=-1 endpos=0\n", StreamFile("x"), Played("", 0, True)),
        (b"200 result=1 (a (b) c)\n", GetVariable("A"), "a (b) c"),
        (b"100 Trying\n200 result=1 (x)\n", GetVariable("A"), "x"),
    ],
)
def test_a_reply_in_fragments(line: bytes, command: Command[Any], value: object) -> None:
    assert events(asked(command), *(line[at : at + 1] for at in range(len(line)))) == [Reply(command, value)]
    for cut in range(1, len(line)):
        assert events(asked(command), line[:cut], line[cut:]) == [Reply(command, value)]


def test_a_second_reply_in_the_same_segment_is_refused() -> None:
    assert "no reply was expected" in broken(asked(Noop()), OK + OK)


def test_a_second_reply_is_not_taken_for_the_answer_to_the_next_command() -> None:
    connection = asked(Noop())
    connection.receive_data(OK + b"200 result=1\n")
    assert connection.next_event() == Reply(Noop(), Result(0))
    with pytest.raises(RemoteProtocolError, match="no reply was expected"):
        connection.send(Answer())
    with pytest.raises(LocalProtocolError, match="broken"):
        connection.send(Answer())
    with pytest.raises(RemoteProtocolError, match="no reply was expected"):
        connection.next_event()


@pytest.mark.parametrize("half", [b"2", b"200 result=0", b"HANGUPS", b"H ", b"HANGUP\r1"])
def test_half_a_reply_before_its_command_is_refused(half: bytes) -> None:
    connection = asked(Noop())
    connection.receive_data(OK + half)
    assert connection.next_event() == Reply(Noop(), Result(0))
    with pytest.raises(RemoteProtocolError, match="no reply was expected"):
        connection.send(Answer())


def test_a_late_reply_to_nothing_is_refused() -> None:
    assert "no reply was expected" in broken(begun(), OK)


@pytest.mark.parametrize(
    "line",
    [b"", b"x", b"200", b"200 ", b"200 ok", b"200result=0", b"20 result=0", b"2000 result=0", b"0", b"42", b"000 x",
     b"250 x", b"hangup", b"HANGUP ", b" HANGUP", b"200\tresult=0", b"\xff\xfe", b"\0", b"agi_channel: x", b"+20 x"],
)  # fmt: skip
def test_a_line_that_is_not_a_reply_is_refused(line: bytes) -> None:
    assert "not a reply" in broken(asked(Noop()), line + b"\n")


def test_announcements_are_skipped() -> None:
    lines = b"100 Trying...\n100 result=0 Trying...\n101\n199-x\n200 result=0\n"
    assert events(asked(Noop()), lines) == [Reply(Noop(), Result(0))]


def test_lines_may_end_with_cr_lf() -> None:
    assert answered(StreamFile("x"), b"200 result=0 endpos=5\r\n") == Played("", 5)
    assert answered(GetVariable("A"), b"200 result=0\r\n") is None
    assert answered(GetData("x", 1, 2), b"200 result=12\r\n") == Digits("12")
    assert events(begun(), b"HANGUP\r\n") == [HungUp()]
    assert isinstance(answered(Noop(), USAGE.replace(b"\n", b"\r\n")), CommandError)


# Hang-ups


def test_hangup_before_a_reply_is_reported_and_the_reply_still_comes() -> None:
    connection = asked(StreamFile("x"))
    assert events(connection, b"HANGUP\n") == [HungUp()]
    assert connection.hung_up
    assert connection.state == State.AWAITING
    assert events(connection, b"200 result=-1 endpos=5\n") == [Reply(StreamFile("x"), Played("", 5, True))]


def test_hangup_between_two_replies() -> None:
    connection = begun()
    assert events(connection, b"HANGUP\n") == [HungUp()]
    assert connection.send(SetVariable("A", "b")) == b'SET VARIABLE "A" "b"\n'
    assert events(connection, b"200 result=1\n") == [Reply(SetVariable("A", "b"), Result(1))]


def test_hangup_in_the_same_segment_behind_a_reply() -> None:
    assert events(asked(HangupCall()), b"200 result=1\nHANGUP\n") == [Reply(HangupCall(), Result(1)), HungUp()]


def test_hangup_in_the_buffer_when_a_command_is_sent_is_reported_afterwards() -> None:
    connection = asked(Noop())
    connection.receive_data(OK + b"HANGUP\n")
    assert connection.next_event() == Reply(Noop(), Result(0))
    connection.send(Answer())
    assert connection.hung_up
    connection.receive_data(DEAD)
    assert connection.next_event() == HungUp()
    event = connection.next_event()
    assert isinstance(event, Reply)
    assert isinstance(event.value, Hangup)


@pytest.mark.parametrize("half", [b"H", b"HANGUP", b"HANGUP\r"])
def test_half_a_hangup_in_the_buffer_when_a_command_is_sent(half: bytes) -> None:
    connection = asked(Noop())
    connection.receive_data(OK + half)
    assert connection.next_event() == Reply(Noop(), Result(0))
    connection.send(Noop())
    assert events(connection, b"HANGUP\n"[len(half) :] if half[-1:] != b"\r" else b"\n", OK) == [
        HungUp(),
        Reply(Noop(), Result(0)),
    ]


def test_hangup_is_reported_once() -> None:
    connection = begun()
    assert events(connection, b"HANGUP\nHANGUP\n", b"HANGUP\n", b"") == [HungUp(), Closed(None)]


def test_511_raises_hangup_for_the_command() -> None:
    connection = asked(StreamFile("x"))
    (event,) = events(connection, DEAD)
    assert isinstance(event, Reply)
    assert isinstance(event.value, Hangup)
    assert str(event.value).startswith("STREAM FILE: 511 Command Not Permitted")
    assert connection.hung_up
    assert events(connection, b"HANGUP\n") == []


def test_after_511_the_outcome_can_still_be_written() -> None:
    connection = asked(StreamFile("x"))
    events(connection, DEAD)
    connection.send(SetVariable("IVR_OUTCOME", "done"))
    assert events(connection, b"200 result=1\n") == [Reply(SetVariable("IVR_OUTCOME", "done"), Result(1))]


@pytest.mark.parametrize(
    "command", [StreamFile("x"), WaitForDigit(1), GetData("x", 1, 1), Exec("Queue"), Answer(), HangupCall("x")]
)
def test_result_minus_1_is_not_a_hangup(command: Command[Any]) -> None:
    connection = asked(command)
    (event,) = events(connection, b"200 result=-1\n")
    assert isinstance(event, Reply)
    assert not isinstance(event.value, Exception)
    assert not connection.hung_up
    assert connection.state == State.IDLE


def test_queue_sets_continue_although_the_caller_has_hung_up() -> None:
    connection = asked(Exec("Queue", "nul,c"))
    assert events(connection, OK + b"HANGUP\n") == [Reply(Exec("Queue", "nul,c"), 0), HungUp()]
    connection.send(GetVariable("QUEUESTATUS"))
    assert events(connection, b"200 result=1 (CONTINUE)\n") == [Reply(GetVariable("QUEUESTATUS"), "CONTINUE")]
    assert connection.hung_up


# The end of the stream


def test_a_probe_that_connects_and_closes_is_not_an_error() -> None:
    assert events(Connection(), b"") == [Closed(None)]


def test_the_end_between_two_commands() -> None:
    connection = begun()
    assert events(connection, b"") == [Closed(None)]
    assert connection.next_event() == Closed(None)
    with pytest.raises(LocalProtocolError, match="closed"):
        connection.send(Noop())


def test_the_end_during_a_pending_command_names_it() -> None:
    assert events(asked(StreamFile("x")), b"") == [Closed(StreamFile("x"))]
    assert events(asked(StreamFile("x")), b"HANGUP\nHANGUP\n", b"") == [HungUp(), Closed(StreamFile("x"))]


def test_a_reply_right_before_the_end_is_not_lost() -> None:
    connection = asked(Noop())
    connection.receive_data(OK)
    connection.receive_data(b"")
    assert connection.next_event() == Reply(Noop(), Result(0))
    assert connection.next_event() == Closed(None)


@pytest.mark.parametrize(
    "half", [b"2", b"200 result=0", b"200 result=1 (a\n", b"200 result=1 (a\nb", b"HANGU", b"520-x\n"]
)
def test_the_end_in_the_middle_of_a_line_is_an_error(half: bytes) -> None:
    assert "closed in the middle of" in broken(asked(GetVariable("A")), half, b"")


def test_the_end_in_the_middle_of_the_environment_is_an_error() -> None:
    for cut in range(1, len(ENVIRONMENT)):
        assert "closed in the middle of" in broken(Connection(), ENVIRONMENT[:cut], b"")


def test_data_after_the_end_is_our_error() -> None:
    connection = begun()
    connection.receive_data(b"")
    connection.receive_data(b"")
    with pytest.raises(LocalProtocolError, match="after the end"):
        connection.receive_data(b"x")


def test_nothing_is_trusted_after_an_error() -> None:
    connection = begun()
    said = broken(connection, b"garbage\n")
    for chunk in (ENVIRONMENT, OK, b""):
        connection.receive_data(chunk)
        with pytest.raises(RemoteProtocolError) as raised:
            connection.next_event()
        assert str(raised.value) == said


# Limits


@pytest.mark.parametrize("chunk", [1000, 65536, 10_000_000])
def test_10_mb_without_a_line_feed_is_refused_in_bounded_memory(chunk: int) -> None:
    for connection in (asked(Noop()), begun(), asked(GetVariable("A"))):
        with pytest.raises(RemoteProtocolError, match="a line of more than"):
            events(connection, *[b"x" * chunk] * (10_000_000 // chunk))
        assert held(connection) == 0
        connection.receive_data(b"x" * 1000)
        assert held(connection) == 0


def test_a_peer_that_sends_without_being_asked_is_refused_in_bounded_memory() -> None:
    connection = begun()
    for _ in range(100):
        connection.receive_data(b"HANGUP\n" * 10_000)
        assert held(connection) <= MAX_BACKLOG
    with pytest.raises(RemoteProtocolError, match="at once"):
        connection.next_event()


def test_endless_hangups_and_announcements_are_refused() -> None:
    for line in (b"HANGUP\n", b"100 Trying\n"):
        connection = asked(Noop())
        with pytest.raises(RemoteProtocolError, match="and no reply"):
            events(connection, line * (MAX_ASIDES + 1))
        assert held(connection) == 0


def test_announcements_are_counted_for_each_reply() -> None:
    connection = begun()
    for _ in range(5):
        connection.send(Noop())
        assert events(connection, b"100 Trying\n" * MAX_ASIDES + OK) == [Reply(Noop(), Result(0))]


def test_many_short_lines_at_once_cost_no_more_than_their_bytes() -> None:
    connection = asked(Noop())
    with pytest.raises(RemoteProtocolError, match="more than"):
        events(connection, b"520-x\n" + b"\n" * 900_000)


def test_a_driver_may_use_its_buffer_again() -> None:
    data = bytearray(OK)
    connection = asked(Noop())
    connection.receive_data(data)  # type: ignore[arg-type]  # what a buffered protocol has at hand
    data[:] = b"x" * len(data)
    assert connection.next_event() == Reply(Noop(), Result(0))


def held(connection: Connection) -> int:
    """The bytes that a connection keeps of what its peer has sent."""
    return len(connection._received.data) + sum(map(len, connection._held))


def test_events_are_shown_and_compared() -> None:
    shown: list[Event] = [HungUp(), Closed(None), NEED_DATA, Reply(Noop(), Result(0))]
    assert repr(shown) == "[HungUp(), Closed(command=None), NEED_DATA, Reply(command=Noop(), value=Result(code=0))]"
    assert HungUp() == HungUp() != Closed()


# Sent again


def test_a_command_sent_again_is_the_same_line() -> None:
    for command in (
        SetVariable("A", 'say "x" \\'),
        SetVariable("A", "b"),
        Exec("Queue", "nul,c"),
        SetVariable("A", "b"),
    ):
        assert begun().send(command) == command.encode()


def test_a_refused_input_is_refused_each_time() -> None:
    for words in (("x\ny",), (["x"],), (None,)):
        command = Noop()
        command.words = words  # type: ignore[assignment]
        for _ in range(2):
            with pytest.raises(LocalProtocolError, match="NOOP"):
                begun().send(command)


def test_not_every_line_is_kept() -> None:
    for number in range(MOST_SENT + 10):
        begun().send(SetVariable("A", str(number)))
    begun().send(SetVariable("A", "x" * LONGEST_SENT))
    assert 0 < len(_SENT) <= MOST_SENT
    assert max(map(len, _SENT.values())) <= LONGEST_SENT
