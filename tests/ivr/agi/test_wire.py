"""Encoding: quoting that the switch reads correctly, and everything that is refused before a byte is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.agi import (
    Connection,
    Environment,
    Exec,
    GetFullVariable,
    GetVariable,
    LocalProtocolError,
    Noop,
    SetCallerid,
    SetVariable,
    StreamFile,
    Verbose,
)
from ivr.agi.wire import MAX_LINE, MAX_WORDS, encode
from tests.fake_switch import split
from tests.ivr.agi.talking import begun

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0"), max_size=60)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("", b'""'),
        ("ciao", b'"ciao"'),
        ("menu principale", b'"menu principale"'),
        ('detto "Gigi"', rb'"detto \"Gigi\""'),
        ("C:\\dir\\", rb'"C:\\dir\\"'),
        ('\\"', rb'"\\\""'),
        ("tab\there", b'"tab\there"'),
        ("perché", '"perché"'.encode()),
        ("📞", '"📞"'.encode()),
    ],
)
def test_text_goes_between_quotes_with_quote_and_backslash_escaped(text: str, sent: bytes) -> None:
    assert SetVariable("NOTE", text).encode() == b'SET VARIABLE "NOTE" ' + sent + b"\n"


def test_numbers_go_as_they_are() -> None:
    assert StreamFile("beep", "", -5).encode() == b'STREAM FILE "beep" "" -5\n'


def test_a_callerid_with_quotes_arrives_whole() -> None:
    assert SetCallerid('"Rossi, Mario" <06>').encode() == b'SET CALLERID "\\"Rossi, Mario\\" <06>"\n'


@given(st.lists(TEXT | st.integers(), max_size=20))
def test_the_switch_reads_exactly_the_words_that_were_sent(words: list[str | int]) -> None:
    line = encode("EXEC", tuple(words)).decode()
    assert line.count("\n") == 1
    assert split(line[:-1]) == ["EXEC", *map(str, words)]


@given(st.text(max_size=80), st.sampled_from(["\n", "\r", "\0", "\r\n"]), st.text(max_size=80))
def test_text_that_would_end_the_command_is_refused(before: str, end: str, after: str) -> None:
    with pytest.raises(LocalProtocolError):
        SetVariable("NOTE", before + end + after).encode()


@given(st.text(max_size=200))
def test_any_text_gives_one_line_or_none(text: str) -> None:
    try:
        line = SetVariable("NOTE", text).encode()
    except LocalProtocolError:
        return
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert b"\0" not in line
    assert b"\r" not in line


def test_newline_injection_is_refused_and_the_conversation_continues() -> None:
    connection = begun()
    with pytest.raises(LocalProtocolError, match="line feed"):
        connection.send(SetVariable("N", 'x"\nEXEC System "touch /nowhere'))
    assert connection.send(Noop()) == b"NOOP\n"


def test_a_line_over_8191_bytes_is_refused_since_its_tail_would_run_as_a_command() -> None:
    head = len(b'SET VARIABLE "LONG" ""\n')
    assert len(SetVariable("LONG", "x" * (MAX_LINE - head)).encode()) == MAX_LINE
    with pytest.raises(LocalProtocolError, match="8192 bytes"):
        SetVariable("LONG", "x" * (MAX_LINE - head + 1)).encode()


def test_the_limit_counts_bytes_and_escapes_not_letters() -> None:
    for letter in ("è", '"', "\\"):
        with pytest.raises(LocalProtocolError, match="bytes"):
            SetVariable("LONG", letter * 4096).encode()


def test_127_words_are_refused_since_128_quoted_ones_crash_the_switch() -> None:
    assert len(split(encode("EXEC", ("x",) * (MAX_WORDS - 1)).decode().rstrip("\n"))) == MAX_WORDS
    with pytest.raises(LocalProtocolError, match="126 words"):
        encode("EXEC", ("x",) * MAX_WORDS)
    with pytest.raises(LocalProtocolError, match="126 words"):
        encode("SET VARIABLE", ("x",) * (MAX_WORDS - 1))


def test_text_full_of_quoted_words_is_one_word() -> None:
    assert split(SetVariable("NOTE", '" "x' * 130).encode().decode()[:-1]) == ["SET", "VARIABLE", "NOTE", '" "x' * 130]


@pytest.mark.parametrize("value", [None, b"bytes", 1.5, ["list"]])
def test_arguments_that_are_neither_text_nor_whole_numbers_are_refused(value: object) -> None:
    with pytest.raises(LocalProtocolError, match="convert it first"):
        SetVariable("N", value).encode()  # type: ignore[arg-type]


def test_half_a_surrogate_pair_is_our_error_not_a_crash() -> None:
    with pytest.raises(LocalProtocolError, match="surrogate"):
        Verbose("\udcff").encode()


@pytest.mark.parametrize(
    "name",
    ["QUEUE_PRIO", "_INHERITED", "__ALL", "CALLERID(num)", "QUEUE_MEMBER(q,free)", "DB(a/b c)", "TIMEOUT(absolute)"],
)
def test_names_of_variables_and_functions_are_constants(name: str) -> None:
    assert split(SetVariable(name, "x").encode().decode()[:-1])[2] == name
    assert split(GetVariable(name).encode().decode()[:-1])[2] == name
    assert split(GetFullVariable(f"a ${{{name}}} b").encode().decode()[:-1])[3] == f"a ${{{name}}} b"


@pytest.mark.parametrize(
    "name",
    [
        "", "1A", "A B", "A-B", "A=B", "è", "A(", "A)", "A(b", "A(b)c", "A(b)(c)", "A((b))", "(b)", "A('b')", 'A("b")',
        "A(b\\c)", "A(${b})", "A($b)", "A($[1+1])", "${A}", "A(b\nc)", "A\n", "A(b)\n", "A\0", None, 5,
    ],
)  # fmt: skip
def test_a_name_that_the_switch_might_evaluate_is_refused(name: object) -> None:
    for command in (SetVariable(name, "x"), GetVariable(name), Exec(name)):  # type: ignore[arg-type]
        with pytest.raises(LocalProtocolError, match="not a constant name"):
            command.encode()


@pytest.mark.parametrize("text", ["${A", "${SHELL(${B})}", "$[1+1]", "$", "a$b", "${}", "${A}$", "${A b}", "${${A}}"])
def test_an_expression_holds_constant_names_and_nothing_else(text: str) -> None:
    with pytest.raises(LocalProtocolError):
        GetFullVariable(text).encode()


def test_an_expression_that_is_not_text_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="not an expression"):
        GetFullVariable(None).encode()  # type: ignore[arg-type]


@given(st.text(max_size=40))
def test_no_name_made_of_caller_text_is_ever_evaluated(text: str) -> None:
    try:
        line = GetVariable(text).encode().decode()
    except LocalProtocolError:
        return
    assert "$" not in line
    assert split(line[:-1]) == ["GET", "VARIABLE", text]


def test_caller_text_in_a_value_is_data_even_when_it_looks_like_a_function() -> None:
    assert split(SetVariable("NOTE", "${SHELL(id)}").encode().decode()[:-1])[3] == "${SHELL(id)}"


def test_the_error_of_a_refused_command_names_it_and_the_remedy() -> None:
    with pytest.raises(LocalProtocolError, match=r"^SET VARIABLE: .*; shorten the arguments$"):
        SetVariable("LONG", "x" * 9000).encode()


def test_nothing_is_sent_before_the_environment_has_come() -> None:
    connection = Connection()
    with pytest.raises(LocalProtocolError, match="environment has not come"):
        connection.send(Noop())
    connection.receive_data(b"agi_channel: a\nagi_uniqueid: b\n\n")
    assert type(connection.next_event()) is Environment
    assert connection.send(Noop()) == b"NOOP\n"
