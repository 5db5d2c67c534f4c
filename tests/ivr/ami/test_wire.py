"""The protocol without I/O: bytes cut anywhere, arbitrary bytes, values that contain other actions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.ami.errors import ProtocolError, Unsendable
from ivr.ami.wire import MOST_BYTES, Message, Reader, encode

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
VALUES = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=30)
KEYS = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,10}", fullmatch=True).filter(lambda key: key not in ("Event", "Response"))


def fed(data: bytes, cut: int = 0) -> list[Message]:
    reader = Reader()
    pieces = [data[at : at + (cut or len(data))] for at in range(0, len(data), cut or len(data))]
    return [message for piece in pieces for message in reader.feed(piece)]


@settings(max_examples=40)
@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=3), max_size=4), st.integers(1, 40))
def test_messages_do_not_depend_on_how_the_network_cuts_them(messages: list[dict[str, str]], cut: int) -> None:
    sent = [{"Event": "Some", **fields} for fields in messages]
    wire = b"".join(b"".join(f"{key}: {value}\r\n".encode() for key, value in each.items()) + b"\r\n" for each in sent)
    assert fed(GREETING + wire, cut) == sent


def test_the_version_is_that_of_the_greeting() -> None:
    reader = Reader()
    assert reader.feed(GREETING[:9]) == []
    assert reader.version is None
    assert reader.feed(GREETING[9:]) == []
    assert reader.version == "11.0.0"


def test_a_key_that_comes_again_adds_a_line() -> None:
    (message,) = fed(GREETING + b"Response: Success\r\nOutput: one\r\nOutput: \r\nOutput: three\r\n\r\n")
    assert message["Output"] == "one\n\nthree"


def test_a_caller_name_that_looks_like_a_reply_is_a_name() -> None:
    event = b"Event: Newchannel\r\nCallerIDName: status will follow\r\nMessage: Response: Error\r\n\r\n"
    (message,) = fed(GREETING + event)
    assert message == {"Event": "Newchannel", "CallerIDName": "status will follow", "Message": "Response: Error"}


def test_bytes_that_are_no_utf8_are_replaced_and_the_rest_is_kept() -> None:
    (message,) = fed(GREETING + b"Event: X\r\nName: Nicol\xf2\r\nUniqueid: 1.1\r\n\r\n")
    assert message == {"Event": "X", "Name": "Nicol\ufffd", "Uniqueid": "1.1"}


def test_a_line_without_a_colon_spoils_no_other() -> None:
    (message,) = fed(GREETING + b"Event: X\r\nbroken value goes on\r\nQueue: nul\r\nEmpty:\r\n\r\n")
    assert (message["Queue"], message["Empty"]) == ("nul", "")


@pytest.mark.parametrize(
    "garbage", [b"HTTP/1.1 400 Bad Request\r\n", b"\0\0\0\0", b"SSH-2.0-x\r\n", b"Asterisk Call Manager/" + b"1" * 300]
)
def test_another_greeting_is_refused(garbage: bytes) -> None:
    with pytest.raises(ProtocolError, match="not Asterisk's manager"):
        fed(garbage)


def test_a_message_that_is_neither_reply_nor_event_is_refused() -> None:
    with pytest.raises(ProtocolError, match="neither"):
        fed(GREETING + b"Hello: world\r\n\r\n")


def test_an_endless_line_ends_in_an_error_and_not_in_the_memory() -> None:
    reader = Reader()
    reader.feed(GREETING + b"Event: X\r\nName: ")
    with pytest.raises(ProtocolError, match="more than"):
        for _ in range(2 * MOST_BYTES // 4096):
            reader.feed(b"x" * 4096)


def test_an_endless_message_that_ends_after_all_is_refused_too() -> None:
    with pytest.raises(ProtocolError, match="more than"):
        fed(GREETING + b"Event: X\r\n" + b"A: b\r\n" * (MOST_BYTES // 5) + b"\r\n")


@given(st.binary(max_size=300), st.integers(1, 20))
def test_any_bytes_end_in_messages_or_in_the_typed_error(data: bytes, cut: int) -> None:
    try:
        for message in fed(GREETING + data, cut):
            assert "Event" in message or "Response" in message
    except ProtocolError as problem:
        assert str(problem)


@given(KEYS, VALUES)
def test_an_encoded_value_is_decoded_unchanged(key: str, value: str) -> None:
    if "\0" in value:
        with pytest.raises(Unsendable):
            encode("Some", "1", {key: value})
        return
    wire = encode("Some", "1", {key: value})
    assert fed(GREETING + b"Response: x\r\n" + wire)[0][key] == value


@pytest.mark.parametrize("value", ["a\r\nAction: Command", "a\nb", "a\rb", "a\0b", "\udc80"])
def test_a_value_that_would_be_a_second_action_is_not_sent(value: str) -> None:
    for action, fields in ((value, {}), ("Originate", {"Exten": value}), ("Originate", {"Variable": ["A=1", value]})):
        with pytest.raises(Unsendable, match="nothing was sent"):
            encode(action, "1", fields)


def test_a_key_must_be_a_word() -> None:
    with pytest.raises(Unsendable, match="not a key"):
        encode("Originate", "1", {"Exten: 1\r\nAction": "x"})
    assert encode("A", "7", {"Variable": ["X=1", "Y=2"], "Priority": 1}) == (
        b"Action: A\r\nActionID: 7\r\nVariable: X=1\r\nVariable: Y=2\r\nPriority: 1\r\n\r\n"
    )
