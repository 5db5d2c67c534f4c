"""The environment, and everything that a caller's name or a port scanner can put into it."""

from __future__ import annotations

import pytest

from ivr.agi import NEED_DATA, Connection, Environment, HungUp, RemoteProtocolError
from ivr.agi.environment import MAX_BYTES, MAX_LINES
from tests.ivr.agi.talking import ENVIRONMENT, environment, events

NEEDED = b"agi_channel: PJSIP/1\nagi_uniqueid: u.1\n"


def refused(*chunks: bytes) -> str:
    connection = Connection()
    with pytest.raises(RemoteProtocolError) as raised:
        events(connection, *chunks)
    with pytest.raises(RemoteProtocolError) as again:
        connection.next_event()
    assert str(again.value) == str(raised.value)
    return str(raised.value)


def test_the_environment_of_a_real_switch() -> None:
    (call,) = events(Connection(), ENVIRONMENT)
    assert type(call) is Environment
    assert len(call) == 25
    assert call["agi_version"] == "22.10.1"
    assert call["agi_accountcode"] == ""
    assert call.script == "menu"
    assert call.channel == "PJSIP/trunk-00000001"
    assert call.uniqueid == "test-1795333570.0"
    assert call.callerid == "0612345678"
    assert [call.arg(number) for number in (1, 2, 3)] == ["1795333570", "test-1795333570.0", "closed"]


def test_no_environment_before_the_blank_line() -> None:
    assert events(Connection(), ENVIRONMENT[:-1]) == []


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_fragments_make_the_same_environment(size: int) -> None:
    chunks = [ENVIRONMENT[at : at + size] for at in range(0, len(ENVIRONMENT), size)]
    assert events(Connection(), *chunks) == events(Connection(), ENVIRONMENT)


def test_a_line_without_a_colon_is_skipped() -> None:
    assert environment(b"agi_calleridname: Mario", b"Rossi") == environment(b"agi_calleridname: Mario")


def test_a_value_keeps_its_colons() -> None:
    assert environment(b"agi_arg_1: sip:a@b:5060")["agi_arg_1"] == "sip:a@b:5060"
    assert environment(b"agi_arg_1:sip: a")["agi_arg_1"] == "sip: a"
    assert environment(b"agi_arg_1:::")["agi_arg_1"] == "::"


def test_a_value_may_be_empty_or_lack_its_space() -> None:
    call = environment(b"agi_arg_1: ", b"agi_arg_2:", b"agi_arg_3:x")
    assert [call.arg(number) for number in (1, 2, 3)] == ["", "", "x"]


def test_a_value_keeps_its_own_spaces() -> None:
    assert environment(b"agi_arg_1:   two  ").arg(1) == "  two  "


def test_lines_may_end_with_cr_lf() -> None:
    connection = Connection()
    assert events(connection, ENVIRONMENT.replace(b"\n", b"\r\n")) == events(Connection(), ENVIRONMENT)


def test_the_first_blank_line_ends_it_whatever_ends_the_lines() -> None:
    connection = Connection()
    connection.receive_data(ENVIRONMENT.replace(b"\n", b"\r\n") + b"HANGUP\n\n")
    assert type(connection.next_event()) is Environment
    assert type(connection.next_event()) is HungUp
    with pytest.raises(RemoteProtocolError, match="b'' came"):
        connection.next_event()


def test_cr_lf_in_single_bytes() -> None:
    block = ENVIRONMENT.replace(b"\n", b"\r\n")
    assert events(Connection(), *(block[at : at + 1] for at in range(len(block)))) == events(Connection(), block)


def test_a_latin_1_name_does_not_end_the_call() -> None:
    assert environment(b"agi_calleridname: Nicol\xf2")["agi_calleridname"] == "Nicol\N{REPLACEMENT CHARACTER}"


def test_a_name_cut_inside_a_character_does_not_end_the_call_nor_eat_the_next_line() -> None:
    call = environment(b"agi_calleridname: Nicol\xc3", b"agi_arg_1: x")
    assert call["agi_calleridname"] == "Nicol\N{REPLACEMENT CHARACTER}"
    assert call.arg(1) == "x"


@pytest.mark.parametrize("tail", [b"\xe2", b"\xe2\x82", b"\xf0\x9f\x93", b"\xed\xa0\x80", b"\xff\xfe", b"\xc0\x80"])
def test_no_broken_utf_8_swallows_a_line_feed(tail: bytes) -> None:
    assert environment(b"agi_calleridname: x" + tail, b"agi_arg_1: y").arg(1) == "y"


@pytest.mark.parametrize(
    "name", ['"Rossi, Mario"', "<b>", "x'; DROP TABLE calls; --", "${SHELL(id)}", "📞\u202e", "x" * 10_000]
)
def test_an_odd_name_is_only_a_name(name: str) -> None:
    assert environment(b"agi_calleridname: " + name.encode())["agi_calleridname"] == name


@pytest.mark.parametrize("separator", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\r"])
def test_only_a_line_feed_ends_a_line(separator: str) -> None:
    call = environment(f"agi_calleridname: a{separator}agi_arg_1: b".encode())
    assert call.arg(1) == ""
    assert call["agi_calleridname"] == f"a{separator}agi_arg_1: b"


def test_a_name_that_comes_twice_with_two_values_is_refused() -> None:
    # A line feed in a caller's name would let the caller choose what the dialplan has chosen.
    said = refused(NEEDED + b"agi_calleridname: Mario\nagi_arg_1: 0\nagi_arg_1: 1795333570\n\n")
    assert "'agi_arg_1' comes twice" in said


def test_a_name_that_comes_twice_with_the_same_value_counts_once() -> None:
    assert environment(b"agi_arg_1: x", b"agi_arg_1: x") == environment(b"agi_arg_1: x")


@pytest.mark.parametrize("missing", ["agi_channel", "agi_uniqueid"])
def test_an_environment_without_its_channel_is_refused(missing: str) -> None:
    lines = [line for line in NEEDED.splitlines(keepends=True) if not line.startswith(missing.encode())]
    assert f"no {missing}" in refused(b"".join(lines) + b"\n")


def test_an_optional_name_that_is_missing_is_empty() -> None:
    call = environment()
    assert (call.callerid, call.arg(1), call.query) == (None, "", {})
    assert Environment().channel == Environment().uniqueid == ""


@pytest.mark.parametrize(
    "first", [b"\n", b"\r\n", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01", b"agx", b"HANGUP\n", b" agi_channel: x\n"]
)
def test_what_does_not_begin_like_agi_is_refused_at_once(first: bytes) -> None:
    assert "is not AGI" in refused(first)
    assert "is not AGI" in refused(*(first[at : at + 1] for at in range(len(first))))


def test_as_many_bytes_as_allowed_and_one_more() -> None:
    filled = NEEDED + b"agi_arg_1: "
    filled += b"x" * (MAX_BYTES - len(filled))
    (call,) = events(Connection(), filled + b"\n\n")
    assert type(call) is Environment
    (call,) = events(Connection(), *(chunk for chunk in (filled, b"\n", b"\n")))
    assert type(call) is Environment
    assert "more than" in refused(filled + b"x\n\n")
    assert "more than" in refused(filled, b"x", b"\n", b"\n")


def test_as_many_lines_as_allowed_and_one_more() -> None:
    filled = NEEDED + b"".join(b"agi_arg_%d: x\n" % number for number in range(1, MAX_LINES - 1))
    assert filled.count(b"\n") == MAX_LINES
    for chunks in ([filled + b"\n"], [filled, b"\n"], [bytes([byte]) for byte in filled + b"\n"]):
        (call,) = events(Connection(), *chunks)
        assert type(call) is Environment
    for chunks in ([filled + b"one: more\n\n"], [filled, b"one: more\n", b"\n"]):
        assert "more than" in refused(*chunks)


def test_an_environment_that_never_ends_is_refused_before_it_fills_the_memory() -> None:
    assert "more than" in refused(NEEDED, *[b"x" * 1000] * 70)
    assert "more than" in refused(NEEDED, *[b"agi_x: y\n"] * 10_000)


# The script's name


@pytest.mark.parametrize("name", ["menu", "m", "call-back", "call_back2"])
def test_a_plain_name_is_a_script(name: str) -> None:
    assert environment(f"agi_network_script: {name}".encode()).script == name
    assert environment(f"agi_network_script: {name}?a=../x".encode()).script == name


@pytest.mark.parametrize(
    "name",
    [
        "", "?a=b", "../menu", "menu/", "menu/../x", "/menu", "%2e%2e/menu", "menu%00", "Menu", "1menu", "-menu",
        "_menu", ".", "..", "me nu", "menu\r\r", "menù", "menu;x", "\\menu", "x" * 8192 + "/",
    ],
)  # fmt: skip
def test_a_script_name_that_is_not_plain_is_refused(name: str) -> None:
    call = environment(f"agi_network_script: {name}".encode())
    with pytest.raises(RemoteProtocolError, match=r"agi_network_script: .*not a flow's name") as raised:
        _ = call.script
    assert len(str(raised.value)) < 200


def test_a_missing_script_name_is_refused_with_the_remedy() -> None:
    with pytest.raises(RemoteProtocolError, match=r"missing: .*write AGI\(agi://HOST/menu\)"):
        _ = environment().script


def test_a_query_of_8_kb_is_read() -> None:
    call = environment(b"agi_network_script: menu?a=" + b"x" * 8192)
    assert call.script == "menu"
    assert call.query == {"a": "x" * 8192}


@pytest.mark.parametrize(
    ("query", "read"),
    [
        ("", {}),
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a", {"a": ""}),
        ("a=1=2", {"a": "1=2"}),
        ("&&=x&a=", {"a": ""}),
        ("a=1&a=2", {"a": "1"}),
        ("a=%2e%2E%2f", {"a": "../"}),
        ("a=%C3%A8", {"a": "è"}),
        ("a=%c3", {"a": "\N{REPLACEMENT CHARACTER}"}),
        ("a=%&b=%2&c=%zz&d=%2 0", {"a": "%", "b": "%2", "c": "%zz", "d": "%2 0"}),
        ("n=+39061234", {"n": "+39061234"}),
        ("a=x?y", {"a": "x?y"}),
    ],
)
def test_a_query_is_parsed(query: str, read: dict[str, str]) -> None:
    assert environment(f"agi_network_script: menu?{query}".encode()).query == read


def test_arguments_outside_the_list_are_empty() -> None:
    call = environment(b"agi_arg_1: x")
    assert (call.arg(0), call.arg(-1), call.arg(2)) == ("", "", "")


# The caller's number


@pytest.mark.parametrize("number", ["0612345678", "+390612345678", "3331234567", "100", "sip:mario@example.org"])
@pytest.mark.parametrize("presentation", ["0", "1", "2", "3"])
def test_a_number_that_may_be_shown(number: str, presentation: str) -> None:
    call = environment(f"agi_callerid: {number}".encode(), f"agi_callingpres: {presentation}".encode())
    assert call.callerid == number


@pytest.mark.parametrize("number", ["", "unknown", "anonymous", "Anonymous", "private", "restricted", "unavailable"])
def test_a_missing_number(number: str) -> None:
    assert environment(f"agi_callerid: {number}".encode(), b"agi_callingpres: 0").callerid is None


@pytest.mark.parametrize("presentation", ["32", "33", "34", "35", "64", "67", "96", "-1", "", "x", "²", "9" * 5000])
def test_a_withheld_number_is_unknown(presentation: str) -> None:
    call = environment(b"agi_callerid: 0612345678", f"agi_callingpres: {presentation}".encode())
    assert call.callerid is None


def test_hangup_right_behind_the_environment() -> None:
    connection = Connection()
    call, *rest = events(connection, ENVIRONMENT + b"HANGUP\n")
    assert type(call) is Environment
    assert [repr(each) for each in rest] == ["HungUp()"]
    assert connection.hung_up
    assert connection.next_event() is NEED_DATA
