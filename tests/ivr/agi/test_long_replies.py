"""Replies that are more than a number: refusals, manuals of many lines, values with any content."""

from __future__ import annotations

import pytest

from ivr.agi import (
    CommandError,
    DatabaseGet,
    Exec,
    GetFullVariable,
    GetVariable,
    Noop,
    RemoteProtocolError,
    Reply,
    Result,
)
from ivr.agi.connection import MAX_REPLY
from tests.ivr.agi.talking import answered, asked, begun, broken, events

OK = b"200 result=0\n"
USAGE = b"520-Invalid command syntax.  Proper usage follows:\nUsage\n520 End of proper usage.\n"


# Refusals


def test_510_is_the_error_of_its_command() -> None:
    error = answered(Noop(), b"510 Invalid or unknown command\n")
    assert isinstance(error, CommandError)
    assert (error.code, error.text, error.command) == (510, "Invalid or unknown command", Noop())


def test_503_is_the_error_of_its_command() -> None:
    assert answered(Exec("x"), b"503 result=-2 Memory allocation failure\n").code == 503


def test_520_of_one_line_does_not_wait_for_more() -> None:
    error = answered(Noop(), b"520 Invalid command syntax.  Proper usage not available.\n")
    assert isinstance(error, CommandError)
    assert error.text == "Invalid command syntax.  Proper usage not available."


def test_520_of_many_lines_is_one_error() -> None:
    error = answered(Noop(), USAGE)
    assert isinstance(error, CommandError)
    assert error.code == 520
    assert error.text.splitlines()[1:] == ["Usage", "520 End of proper usage."]


@pytest.mark.parametrize(
    "text",
    [b"200 result=0", b"511 dead", b"510 x", b"HANGUP", b"100 Trying", b"520-again", b"521 x", b"5200 x", b"520x", b""],
)
def test_520_may_hold_lines_that_look_like_something_else(text: bytes) -> None:
    connection = asked(Noop())
    (event,) = events(connection, b"520-Usage\n" + text + b"\n520 End of proper usage.\n")
    assert isinstance(event, Reply)
    assert isinstance(event.value, CommandError)
    assert text in event.value.text.encode()
    assert not connection.hung_up
    connection.send(Noop())
    assert events(connection, OK) == [Reply(Noop(), Result(0))]


def test_520_cut_by_the_end_of_the_stream() -> None:
    for cut in range(1, len(USAGE)):
        assert "closed in the middle of" in broken(asked(Noop()), USAGE[:cut], b"")


def test_520_of_too_many_bytes_is_refused() -> None:
    connection = asked(Noop())
    lines = [b"520-Usage\n", *[b"x" * 1000 + b"\n"] * 100]
    assert "more than" in broken(connection, *lines)


# Values


@pytest.mark.parametrize(
    "value",
    ["", " ", "a b", ")", "(", "()", "a) endpos=5", "result=-1", "200 result=0", "hangup", "HANGUP", "-1", "è ✓ 📞",
     "x" * 8192, "(timeout)", "a\nb", "\n", "a\n", "a\n\nb", "root\n", "a\nHANGUP\nb", "a\n200 result=0\nb",
     "a\n511 dead\nb", "a\r\nb", "\r", "\0", "\t", "a(\n(b"],
)  # fmt: skip
def test_a_value_may_be_anything(value: str) -> None:
    line = f"200 result=1 ({value})\n".encode()
    for command in (GetVariable("A"), GetFullVariable("${A}"), DatabaseGet("a", "b")):
        assert answered(command, line) == value
        assert events(asked(command), *(line[at : at + 1] for at in range(len(line)))) == [Reply(command, value)]


def test_a_value_that_is_invalid_utf_8_is_decoded_as_far_as_possible() -> None:
    assert answered(GetVariable("A"), b"200 result=1 (Nicol\xf2)\n") == "Nicol\N{REPLACEMENT CHARACTER}"
    assert answered(GetVariable("A"), b"200 result=1 (Nicol\xc3)\n") == "Nicol\N{REPLACEMENT CHARACTER}"


def test_the_reply_behind_a_value_with_line_feeds_is_not_off_by_one() -> None:
    connection = asked(GetFullVariable("${A}"))
    assert events(connection, b"200 result=1 (root\n)\n") == [Reply(GetFullVariable("${A}"), "root\n")]
    connection.send(GetVariable("B"))
    assert events(connection, b"200 result=1 (b)\n") == [Reply(GetVariable("B"), "b")]


def test_a_value_that_contains_its_own_end_is_detected() -> None:
    # `a)` LF `b`: the first line looks complete. What is left of it must never answer the next command.
    assert "no reply was expected" in broken(asked(GetVariable("A")), b"200 result=1 (a)\nb)\n")


def test_a_value_that_never_ends_is_refused() -> None:
    assert "more than" in broken(asked(GetVariable("A")), b"200 result=1 (a\n", *[b"x" * 1000 + b"\n"] * 100)


def test_the_limit_is_that_of_one_value() -> None:
    connection = begun()
    for _ in range(3):
        connection.send(GetVariable("A"))
        (event,) = events(connection, b"200 result=1 (a\n" + b"x" * (MAX_REPLY // 2), b")\n")
        assert type(event) is Reply


@pytest.mark.parametrize("size", [MAX_REPLY, MAX_REPLY + 1])
@pytest.mark.parametrize("middle", [b"x", b"\n"])
def test_the_limit_of_a_value_does_not_depend_on_how_it_comes(size: int, middle: bytes) -> None:
    head = b"200 result=1 (" + middle
    line = head + b"x" * (size - len(head) - 1) + b")\n"
    outcomes = []
    for chunks in ([line], [line[:20], line[20:]], [line[:-1], line[-1:]]):
        try:
            outcomes.append(len(events(asked(GetVariable("A")), *chunks)))
        except RemoteProtocolError:
            outcomes.append(0)
    assert outcomes == [int(size == MAX_REPLY)] * 3
