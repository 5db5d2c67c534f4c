"""Short helpers for conversations in the tests of the protocol."""

from __future__ import annotations

from typing import Any

import pytest

from ivr.agi import (
    NEED_DATA,
    Closed,
    Command,
    Connection,
    Environment,
    Event,
    RemoteProtocolError,
    Reply,
    State,
)

ENVIRONMENT = (
    b"agi_network: yes\nagi_network_script: menu\nagi_request: agi://127.0.0.1/menu\n"
    b"agi_channel: PJSIP/trunk-00000001\nagi_language: it\nagi_type: PJSIP\nagi_uniqueid: test-1795333570.0\n"
    b"agi_version: 22.10.1\nagi_callerid: 0612345678\nagi_calleridname: Mario Rossi\nagi_callingpres: 0\n"
    b"agi_callingani2: 0\nagi_callington: 0\nagi_callingtns: 0\nagi_dnid: 800000039\nagi_rdnis: unknown\n"
    b"agi_context: incoming\nagi_extension: 800000039\nagi_priority: 2\nagi_enhanced: 0.0\nagi_accountcode: \n"
    b"agi_threadid: 139938379716288\nagi_arg_1: 1795333570\nagi_arg_2: test-1795333570.0\nagi_arg_3: closed\n\n"
)


def begun() -> Connection:
    """A connection after the environment, on which it is our turn."""
    connection = Connection()
    connection.receive_data(ENVIRONMENT)
    assert type(connection.next_event()) is Environment
    return connection


def asked(command: Command[Any]) -> Connection:
    """A connection that waits for the reply to a command."""
    connection = begun()
    connection.send(command)
    return connection


def answered(command: Command[Any], lines: bytes) -> Any:
    """The value of a reply to a command; nothing else may be left in the buffer."""
    connection = asked(command)
    connection.receive_data(lines)
    event = connection.next_event()
    assert type(event) is Reply
    assert event.command is command
    assert connection.next_event() is NEED_DATA
    return event.value


def events(connection: Connection, *chunks: bytes) -> list[Event]:
    """All events while these chunks arrive, one after the other."""
    found: list[Event] = []
    for chunk in chunks:
        connection.receive_data(chunk)
        while (event := connection.next_event()) is not NEED_DATA:
            found.append(event)
            if type(event) is Closed:
                break
    return found


def broken(connection: Connection, *chunks: bytes) -> str:
    """The error that these bytes cause."""
    with pytest.raises(RemoteProtocolError) as raised:
        events(connection, *chunks)
    assert connection.state == State.ERROR
    return str(raised.value)


def environment(*lines: bytes) -> Environment:
    """The environment of these lines, with those that every switch sends."""
    connection = Connection()
    connection.receive_data(
        b"agi_channel: PJSIP/1\nagi_uniqueid: u.1\n" + b"".join(each + b"\n" for each in lines) + b"\n"
    )
    event = connection.next_event()
    assert type(event) is Environment
    return event
