"""One connection against a manager that does what it likes: replies swapped, late, never; the peer silent or gone."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.ami import (
    ActionRefused,
    AmiError,
    Connection,
    ConnectionLost,
    LoginRefused,
    NoAnswer,
    ProtocolError,
    TooManyEvents,
    Unreachable,
    Unsendable,
    connect,
)
from ivr.ami import client as client_module
from ivr.ami.account import Ami
from tests.ivr.ami.peer import GREETING, SECRET, Script, Visitor, manager

QUICK = 0.2  # s: for what never comes


def meeting(script: Script, use: Callable[[Connection], Awaitable[None]], seconds: float = 5.0) -> None:
    async def play() -> None:
        async with manager(script) as account, connect(account, seconds=seconds) as connection:
            await use(connection)

    asyncio.run(play())


async def nothing(connection: Connection) -> None:
    pass


def test_the_secret_is_never_on_the_wire() -> None:
    heard: list[Visitor] = []

    async def script(visitor: Visitor) -> None:
        heard.append(visitor)
        await visitor.send(GREETING, piece=1)
        await visitor.reply(await visitor.hear(), "Challenge: 4711")
        login = await visitor.hear()
        assert login["Key"] == hashlib.md5(f"4711{SECRET}".encode()).hexdigest()
        await visitor.reply(login, "Message: Authentication accepted")

    meeting(script, nothing)
    assert b"Login" in heard[0].said
    assert SECRET.encode() not in heard[0].said


def test_a_refused_login_names_the_user_and_the_file() -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.send(GREETING)
        await visitor.reply(await visitor.hear(), "Challenge: 1")
        await visitor.reply(await visitor.hear(), "Message: Authentication failed", kind="Response: Error")

    with pytest.raises(LoginRefused, match=r"login as nul refused \(Authentication failed\).*manager\.conf"):
        meeting(script, nothing)


def test_a_closed_port_is_reported_with_a_remedy() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # taken, and not listening

        async def play() -> None:
            async with connect(Ami("127.0.0.1", held.getsockname()[1], "nul", "x")):
                pass

        with pytest.raises(Unreachable, match="does Asterisk run"):
            asyncio.run(play())


def test_a_peer_that_never_greets_costs_the_deadline_and_no_more() -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.reader.read()

    with pytest.raises(Unreachable, match=r"no answer within 0\.2 s"):
        meeting(script, nothing, seconds=QUICK)


def test_replies_in_another_order_reach_their_actions() -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        asked = [await visitor.hear() for _ in range(50)]
        for each in reversed(asked):
            await visitor.reply(each, f"Value: {each['Variable']}")

    async def use(connection: Connection) -> None:
        replies = await asyncio.gather(*(connection.action("Getvar", {"Variable": f"V{n}"}) for n in range(50)))
        assert [reply["Value"] for reply in replies] == [f"V{n}" for n in range(50)]

    meeting(script, use)


def test_a_late_reply_is_dropped() -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        first, second = await visitor.hear(), await visitor.hear()
        await visitor.reply(first, "Value: late")
        await visitor.reply(second, "Value: right")

    async def use(connection: Connection) -> None:
        with pytest.raises(NoAnswer, match="Getvar within"):
            await connection.action("Getvar", seconds=QUICK)
        assert (await connection.action("Getvar"))["Value"] == "right"

    meeting(script, use)


def test_a_list_is_collected_to_its_end_and_other_events_pass_it_by() -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        asked = await visitor.hear()
        await visitor.reply(asked, "EventList: start", "Message: Queue status will follow")
        await visitor.reply(asked, "Name: op101", kind="Event: QueueMember")
        await visitor.send(b"Event: QueueCallerJoin\r\nUniqueid: 1.1\r\n\r\n")
        await visitor.reply(asked, "Name: op102", kind="Event: QueueMember")
        await visitor.reply(asked, "EventList: Complete", kind="Event: QueueStatusComplete")
        await visitor.reply(await visitor.hear(), "Message: nothing to list")

    async def use(connection: Connection) -> None:
        assert [each["Name"] for each in await connection.listed("QueueStatus")] == ["op101", "op102"]
        assert (await anext(connection.events()))["Uniqueid"] == "1.1"
        assert await connection.listed("Other") == []

    meeting(script, use)


def test_action_until_waits_for_the_event() -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        asked = await visitor.hear()
        await visitor.reply(asked, "Message: Originate successfully queued")
        await visitor.send(b"Event: OriginateResponse\r\nActionID: another\r\nResponse: Success\r\n\r\n")
        await visitor.reply(asked, "Response: Failure", "Reason: 3", kind="Event: OriginateResponse")

    async def use(connection: Connection) -> None:
        ended = await connection.action_until("Originate", {"Async": "true"}, "OriginateResponse", seconds=5)
        assert (ended["Response"], ended["Reason"]) == ("Failure", "3")

    meeting(script, use)


def test_a_refusal_contains_the_message_of_the_manager() -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        await visitor.reply(await visitor.hear(), "Message: Permission denied", kind="Response: Error")

    async def use(connection: Connection) -> None:
        with pytest.raises(ActionRefused, match="Permission denied"):
            await connection.listed("QueueStatus")

    meeting(script, use)


def test_a_line_break_is_refused_and_the_connection_continues() -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        await visitor.reply(asked := await visitor.hear())
        assert asked["Action"] == "Ping"
        assert b"PWNED" not in visitor.said

    async def use(connection: Connection) -> None:
        with pytest.raises(Unsendable):
            await connection.action("DBGet", {"Key": "x\r\n\r\nAction: PWNED"})
        await connection.action("Ping")

    meeting(script, use)


def test_pending_actions_fail_when_the_peer_closes() -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        await visitor.hear()

    async def use(connection: Connection) -> None:
        with pytest.raises(ConnectionLost, match="closed the connection"):
            await connection.action("Ping")
        with pytest.raises(ConnectionLost):
            await connection.action("Ping")
        with pytest.raises(ConnectionLost):
            await anext(connection.events())

    meeting(script, use)


def test_a_half_closed_peer_that_says_nothing_ends_the_connection() -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        visitor.writer.write_eof()
        await visitor.reader.read()

    async def use(connection: Connection) -> None:
        with pytest.raises(ConnectionLost):
            await connection.action("Ping")

    meeting(script, use)


@pytest.mark.parametrize(
    "garbage", [b"Event: X\r\nName: " + b"x" * 2**21, b"\xff" * 100 + b"\r\n\r\n", b"A: b\r\n\r\n"]
)
def test_garbage_ends_in_the_typed_error(garbage: bytes) -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        await visitor.hear()
        await visitor.send(garbage)
        await visitor.reader.read()

    async def use(connection: Connection) -> None:
        with pytest.raises(ProtocolError, match=r"manager 127\.0\.0\.1"):
            await connection.action("Ping")

    meeting(script, use)


def test_a_flood_of_unread_events_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "MOST_EVENTS", 100)

    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        await visitor.send(b"Event: Flood\r\nN: 1\r\n\r\n" * 101)
        await visitor.reader.read()

    async def use(connection: Connection) -> None:
        taken = 0
        with pytest.raises(TooManyEvents):
            async for _ in connection.events():
                taken += 1
                await asyncio.sleep(QUICK if taken == 1 else 0)
        assert 1 <= taken <= 101

    meeting(script, use)


def test_two_connections_stand_beside_each_other() -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        await visitor.reply(await visitor.hear(), "Ping: Pong")

    async def play() -> None:
        async with manager(script) as account, connect(account) as one, connect(account, events="off") as two:
            assert [(await each.action("Ping"))["Ping"] for each in (one, two)] == ["Pong", "Pong"]
            assert one.version == "11.0.0"

    asyncio.run(play())


@settings(max_examples=30)
@given(st.binary(max_size=200), st.booleans())
def test_whatever_a_peer_says_an_action_ends_in_a_reply_or_in_a_typed_error(said: bytes, goes: bool) -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        await visitor.hear()
        await visitor.send(said)
        if not goes:
            await visitor.reader.read()

    async def use(connection: Connection) -> None:
        with pytest.raises(AmiError):
            await connection.action("Ping", seconds=0.05)

    meeting(script, use)
