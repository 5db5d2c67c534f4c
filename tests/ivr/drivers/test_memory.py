"""What a conversation leaves behind: nothing that only the garbage collector can free, however it ends."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Iterator, Mapping
from typing import cast

import pytest

from ivr.configuration.compiled import Compiled
from ivr.drivers.fastagi import ConnectionManager, Conversation
from ivr.drivers.session import Session
from ivr.facts import Fact
from ivr.flows.call import Call, FlowFunction
from ivr.flows.menu import menu
from ivr.flows.survey import survey
from ivr.telemetry.logs import Log
from ivr.telemetry.metrics import Metrics
from tests.conftest import OPEN, rome
from tests.ivr.engine_lines import SMALL, environment, run, running_engine, until
from voicemail.flow import voicemail

FLOWS: Mapping[str, FlowFunction] = {"menu": menu, "survey": survey, "voicemail": voicemail, **SMALL}

ENDS: Mapping[str, list[bytes]] = {
    "the switch closes": [],
    "hang-up, then the reply": [b"HANGUP\n", b"200 result=-1\n"],
    "hang-up, and no reply": [b"HANGUP\n"],
    "hang-up and reply in one segment": [b"HANGUP\n200 result=-1\n"],
    "a dead channel": [b"511 Command Not Permitted on a dead channel or intercept routine\n"],
    "a refused command": [b"520 Invalid command syntax.\n"],
    "garbage": [b"GET / HTTP/1.1\n"],
    "half a reply": [b"200 resu"],
}


class Transport:
    """A connection that keeps what is written to it."""

    def __init__(self) -> None:
        self.last = b""

    def get_extra_info(self, name: str) -> tuple[str, int]:
        return "127.0.0.1", 1

    def write(self, data: bytes) -> None:
        self.last = data

    def close(self) -> None:
        self.last = b""

    abort = close


@pytest.fixture
def log() -> Iterator[Log]:
    descriptor = os.open(os.devnull, os.O_WRONLY)
    yield Log(descriptor)
    os.close(descriptor)


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("end", ENDS)
def test_a_call_that_ends_in_mid_command_waits_for_no_garbage_collection(
    compiled: Compiled, log: Log, flow: str, end: str
) -> None:
    def ignore(fact: Fact) -> None:
        return None

    async def main() -> list[tuple[int, int]]:
        board = ConnectionManager(FLOWS, compiled, ignore, log, Metrics(tuple(FLOWS)), lambda: rome(OPEN))
        left = []
        for replies in (0, 0, 1, 2, 4, 7):  # the first conversation fills caches
            gc.collect()
            _converse(board.answer_network(), flow, replies, ENDS[end])
            left.append((replies, gc.collect()))
        return left

    gc.disable()
    gc.freeze()  # so that each collection looks only at what is new
    try:
        left = asyncio.run(main())
    finally:
        gc.unfreeze()
        gc.enable()
    assert [each for each in left[1:] if each[1]] == []


def _converse(conversation: Conversation, flow: str, replies: int, end: list[bytes]) -> None:
    transport = Transport()
    conversation.connection_made(cast(asyncio.Transport, transport))
    conversation.data_received(environment(flow, arguments=["closed"]))
    for _ in range(replies):
        if not transport.last:
            break
        conversation.data_received(_reply(transport.last))
    for data in end:
        conversation.data_received(data)
    conversation.connection_lost(None)


def _reply(command: bytes) -> bytes:
    if command.startswith(b"STREAM"):
        return b"200 result=0 endpos=8000\n"
    return b"200 result=53\n" if command.startswith(b"WAIT") else b"200 result=1\n"


def test_a_hundred_callers_who_hang_up_leave_no_conversation_behind(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled, flows={"menu": menu}) as harness:

            def living() -> int:
                return sum(isinstance(each, (Conversation, Session, Call)) for each in gc.get_objects())

            gc.collect()
            before = living()
            gc.disable()
            try:
                for number in range(100):
                    line = await harness.dial("menu", call=f"1785000000.{number}")
                    await line.command()
                    assert await line.reply("HANGUP\n200 result=-1") == ""
                    line.close()
                await until(lambda: harness.open == 0)
                assert living() == before
            finally:
                gc.enable()

    run(main())
