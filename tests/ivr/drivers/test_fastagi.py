"""Conversations over real sockets: good calls, and every bad peer that was met in the wild (one test a kind)."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
from typing import Any

import pytest

from ivr.agi import Answer
from ivr.configuration.compiled import Compiled
from ivr.drivers.fastagi import Conversation, Peers
from ivr.drivers.session import Session
from ivr.flows.call import Call, Flow
from ivr.flows.menu import menu
from ivr.flows.survey import survey
from tests.conftest import OPEN, rome
from tests.ivr.engine_lines import Line, caller, environment, run, running_engine, until

CALL = ["ANSWER", "WAIT FOR DIGIT 5000", 'SET VARIABLE IVR_TOPIC "5"', 'SET VARIABLE IVR_OUTCOME "done"']


def plain(commands: list[str]) -> list[str]:
    """Commands without the quotes that the wire may or may not need."""
    return [command.replace('"', "") for command in commands]


# good calls


def test_a_call_from_its_first_command_to_its_outcome(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            line = await harness.dial(call="1785000000.7")
            assert plain(await line.play(caller("5"))) == plain(CALL)
            await until(lambda: harness.metrics.flows["short"].endings["done"] == 1)
            await until(lambda: harness.kinds() == ["answered"])
            assert harness.facts()[0].call == "1785000000.7"
            await until(lambda: harness.open == harness.metrics.flows["short"].open == 0)

    run(main())


def test_the_menu_of_the_service_leads_to_the_queue(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled, flows={"menu": menu}) as harness:
            commands = plain(await (await harness.dial("menu")).play(caller("5")))
            assert commands[0] == "ANSWER"
            assert commands[-1] == "SET VARIABLE IVR_OUTCOME queue"
            await until(lambda: harness.kinds() == ["answered", "choice", "handed_over"])

    run(main())


def test_a_query_behind_the_script_s_name_does_not_change_the_route(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            assert plain(await (await harness.dial("short?a=%2e%2e&b")).play(caller("5"))) == plain(CALL)

    run(main())


def test_scripts_reach_the_engine_by_its_own_socket(compiled: Compiled) -> None:
    async def main() -> None:
        compiled["service"]["engine"]["allow"] = ["192.0.2.0/24"]  # the file's mode decides there, not the network
        async with running_engine(compiled) as harness:
            assert plain(await (await harness.dial_locally()).play(caller("5"))) == plain(CALL)

    run(main())


def test_an_environment_byte_by_byte(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            line = await harness.connect()
            for byte in environment():
                line.send(bytes([byte]))
                await line.writer.drain()
            assert plain(await line.play(caller("5"))) == plain(CALL)

    run(main())


def test_a_hang_up_in_the_middle_of_a_call(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            line = await harness.dial()
            await line.command()
            assert (await line.reply()).startswith("WAIT FOR DIGIT")
            # The reply comes, and nothing more is sent: who has gone is not handed over.
            assert await line.reply("HANGUP\n200 result=-1") == ""
            await until(lambda: harness.open == 0)
            assert harness.metrics.flows["short"].endings["hangup"] == 1
            assert harness.metrics.failures.total() == 0

    run(main())


# peers that do not behave


def test_1_a_tcp_probe(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            for _ in range(20):
                (await harness.connect()).close()
            await until(lambda: harness.metrics.faults["no_call"] == 20)
            await until(lambda: harness.open == 0)
            assert len(await (await harness.dial()).play()) == 4

    run(main())


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: example.org\r\nUser-Agent: scanner\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) + b"\n\n",
        b"OPTIONS sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1\r\n\r\n",
        b"\n",
        b"\x00" * 5000 + b"\n\n",
    ],
)
def test_2_a_scanner_is_not_served(compiled: Compiled, said: bytes) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            line = await harness.connect()
            line.send(said)
            await line.closed()
            await until(lambda: harness.metrics.faults.total() == 1)
            await until(lambda: harness.open == 0)

    run(main())


def test_3_two_hundred_silent_connections_do_not_disturb_a_call(compiled: Compiled) -> None:
    async def main() -> None:
        compiled["service"]["engine"]["first_byte_seconds"] = 2.0
        async with running_engine(compiled) as harness:
            silent = [await harness.connect() for _ in range(200)]
            await until(lambda: harness.open == 200)
            assert len(await (await harness.dial()).play()) == 4
            assert harness.metrics.faults["late"] == 0  # the call did not wait for any of them
            await until(lambda: harness.metrics.faults["late"] == 200)
            for line in silent:
                await line.closed()
            await until(lambda: harness.open == 0)
            assert 0 < len(harness.pipe.lines("late")) <= 10

    run(main())


def test_3_a_slowloris_has_no_more_time_than_the_silent(compiled: Compiled) -> None:
    async def main() -> None:
        compiled["service"]["engine"]["first_byte_seconds"] = 0.4
        async with running_engine(compiled) as harness:
            line = await harness.connect()
            for byte in environment()[:-2]:
                if line.writer.is_closing() or harness.metrics.faults["late"]:
                    break
                line.send(bytes([byte]))
                await asyncio.sleep(0.01)
            await line.closed()
            assert harness.metrics.faults["late"] == 1

    run(main())


@pytest.mark.parametrize(
    "said",
    [
        b"agi_network: yes\n" + b"agi_arg_1: x\n" * 10_000,
        b"agi_network: yes\nagi_calleridname: " + b"x" * 1_000_000,
        b"agi_network: yes\n" + (b"agi_arg_1: " + b"y" * 5000 + b"\n") * 200,
    ],
    ids=["10,000 lines", "1 MB in a line", "1 MB in lines"],
)
def test_4_an_environment_that_never_ends(compiled: Compiled, said: bytes) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            line = await harness.connect()
            line.send(said)
            await line.closed()
            await until(lambda: harness.metrics.faults["garbage"] == 1)
            await until(lambda: harness.open == 0)

    run(main())


@pytest.mark.parametrize("reset", [False, True], ids=["EOF", "RST"])
@pytest.mark.parametrize("length", [1, 30, 200, -1])
def test_5_the_switch_goes_in_the_middle_of_the_environment(compiled: Compiled, reset: bool, length: int) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            line = await harness.connect()
            line.send(environment()[:length])
            await line.writer.drain()
            await until(lambda: harness.open == 1)
            if reset:
                line.reset()
            else:
                line.close()
            await until(lambda: harness.metrics.faults["no_call"] == 1)
            await until(lambda: harness.open == 0)
            assert harness.facts() == []

    run(main())


@pytest.mark.parametrize("script", ["nonesuch", "../short", "short/..", "%2e%2e/short", "", "x" * 8000, "SHORT"])
def test_11_an_unknown_route(compiled: Compiled, script: str) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            line = await harness.dial(script)
            assert await line.command() == ""
            assert harness.metrics.faults["unknown_flow"] + harness.metrics.faults["garbage"] == 1
            assert harness.metrics.failures.total() == 0

    run(main())


def test_11_no_route_at_all(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            line = await harness.connect()
            line.send(environment(None))
            assert await line.command() == ""
            [entry] = harness.pipe.lines("garbage")
            assert entry["peer"] == "127.0.0.1"
            assert "agi_network_script: missing" in entry["error"]

    run(main())


def test_20_two_replies_to_one_command(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            line = await harness.dial()
            await line.command()
            await line.reply("200 result=0\n200 result=0\n200 result=0")
            await line.closed()
            assert harness.metrics.faults["garbage"] == 1
            assert harness.metrics.flows["short"].endings["error"] == 1
            assert harness.kinds() == ["answered"]  # what was reported before stands

    run(main())


def test_20_a_reply_before_there_was_a_command(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            line = await harness.connect()
            line.send(b"200 result=0\n" + environment())
            await line.closed()
            await until(lambda: harness.open == 0)

    run(main())


def test_10_megabytes_without_a_line_feed(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            for begun in (False, True):
                line = await (harness.dial() if begun else harness.connect())
                if begun:
                    await line.command()
                line.send(b"x" * 10_000_000)
                await line.closed()
            await until(lambda: harness.metrics.faults["garbage"] == 2)
            await until(lambda: harness.open == 0)

    run(main())


def test_21_no_reply_for_long_is_a_call_like_any_other(compiled: Compiled) -> None:
    async def main() -> None:
        compiled["service"]["engine"]["first_byte_seconds"] = 0.5
        async with running_engine(compiled) as harness:
            line = await harness.dial()
            await line.command()
            await harness.connect()
            await until(lambda: harness.metrics.faults["late"] == 1)  # more time has passed than for an environment
            await until(lambda: harness.open == 1)
            assert len(await line.play(caller("5"), "ANSWER")) == 4

    run(main())


def test_21_the_longest_call_is_ended(compiled: Compiled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ivr.drivers.fastagi.MARGIN_SECONDS", 0.3)
    compiled["service"]["limits"]["longest_call_seconds"] = 0

    async def main() -> None:
        async with running_engine(compiled) as harness:
            line = await harness.dial(call="1785000000.9")
            await line.command()
            assert await line.command() == ""
            await until(lambda: harness.metrics.flows["short"].endings["too_long"] == 1)
            [entry] = harness.pipe.lines("session_too_long")
            assert entry["call"] == "1785000000.9"

    run(main())


def test_21_a_connection_half_open_is_found_by_keepalive(compiled: Compiled) -> None:
    import socket

    async def main() -> None:
        async with running_engine(compiled) as harness:
            line = await harness.dial()
            await line.command()
            [conversation] = harness.engine._board.open
            accepted: Any = conversation._transport.get_extra_info("socket")
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60

    run(main())


def test_22_the_switch_is_restarted_in_the_middle_of_calls(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            lines = [await harness.dial(call=f"1785000000.{number}") for number in range(50)]
            for number, line in enumerate(lines):
                await line.command()
                if number % 2:
                    assert (await line.reply()).startswith("WAIT")
            for number, line in enumerate(lines):
                (line.reset if number % 3 else line.close)()
            await until(lambda: harness.open == 0)
            assert harness.metrics.flows["short"].endings["hangup"] == 50
            assert harness.metrics.failures.total() == 0
            assert len(await (await harness.dial()).play()) == 4

    run(main())


def test_23_four_hundred_calls_in_one_second(compiled: Compiled) -> None:
    async def one(harness: Any, number: int) -> int:
        line: Line = await harness.dial("menu", call=f"1785000000.{number}")
        return len(await line.play(caller("5")))

    async def main() -> None:
        async with running_engine(compiled, flows={"menu": menu}) as harness:
            lengths = await asyncio.gather(*(one(harness, number) for number in range(400)))
            assert len(set(lengths)) == 1
            await until(lambda: harness.metrics.flows["menu"].endings["done"] == 400)
            assert len({fact.call for fact in harness.facts()}) == 400
            assert harness.metrics.faults.total() == harness.metrics.refused.total() == 0

    run(main())


def test_a_peer_that_never_reads_is_closed(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            line = await harness.dial("talkative")
            line.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await until(lambda: harness.metrics.flows["talkative"].open == 1)
            while harness.open and harness.metrics.faults["deaf"] == 0:
                line.send(b"200 result=0 endpos=0\n")
                await asyncio.sleep(0)
            await until(lambda: harness.open == 0)
            assert harness.metrics.faults["deaf"] == 1

    run(main())


def test_a_call_that_has_ended_leaves_nothing_to_the_garbage_collector(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled, flows={"menu": menu}) as harness:

            def living() -> dict[int, object]:
                kinds = (Conversation, Session, Call)
                return {id(each): each for each in gc.get_objects() if isinstance(each, kinds)}

            gc.collect()
            before = living()  # what the test runner keeps of earlier tests
            gc.disable()
            try:
                line = await harness.dial("menu")
                command = await line.command()
                await line.play(caller("5"), command)
                await until(lambda: harness.open == 0)
                assert living().keys() - before.keys() == set()
            finally:
                gc.enable()

    run(main())


@pytest.mark.parametrize("proof", ["", "?proof=", "?proof=0", "?proof=" + "0" * 32, "?proof=%ff"])
def test_a_local_user_without_the_key_starts_no_flow(compiled: Compiled, proof: str) -> None:
    async def main() -> None:
        write_key(compiled, KEY)
        async with running_engine(compiled) as harness:
            line = await harness.dial("short" + proof)
            assert await line.command() == ""
            await until(lambda: harness.open == 0)
            assert harness.kinds() == []
            assert harness.metrics.faults["no_proof"] == 1
            assert KEY not in str(harness.pipe.lines())

    run(main())


def test_the_dialplan_proves_itself_for_its_own_call_only(compiled: Compiled) -> None:
    async def main() -> None:
        write_key(compiled, KEY)
        async with running_engine(compiled) as harness:
            proof = hashlib.md5(f"{KEY}1785000000.7{KEY}".encode()).hexdigest()
            line = await harness.dial(f"short?proof={proof}", call="1785000000.7")
            assert plain(await line.play(caller("5"))) == plain(CALL)
            other = await harness.dial(f"short?proof={proof}", call="1785000000.8")
            assert await other.command() == ""
            # The socket's mode and folder decide there.
            assert plain(await (await harness.dial_locally()).play(caller("5"))) == plain(CALL)

    run(main())


def test_a_new_key_counts_after_a_reload_and_a_damaged_one_is_refused(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            assert plain(await (await harness.dial()).play(caller("5"))) == plain(CALL)  # not rendered yet
            assert harness.pipe.lines("no_key")
            write_key(compiled, "short")
            harness.engine.reload()
            assert harness.metrics.reloads["refused"] == 1
            write_key(compiled, KEY)
            harness.engine.reload()
            assert await (await harness.dial()).command() == ""

    run(main())


KEY = "0123456789abcdef0123456789abcdef01234567"


def write_key(compiled: Compiled, key: str) -> None:
    folder = os.path.dirname(compiled["paths"]["socket"])
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "engine.key"), "w", encoding="ascii") as file:
        file.write(key + "\n")


def test_a_clock_that_is_set_back_is_counted_and_logged_with_the_remedy(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            now = int(rome(OPEN))
            for at in (now, now - 3, now - 603, now - 600):  # a slow call is no step
                line = await harness.dial(at=at)
                await line.play(caller("5"))
            steps = harness.metrics.clock_steps
            assert (steps["switch_back"], steps["switch_forward"]) == (1, 0)
            (logged,) = harness.pipe.lines("clock_stepped")
            assert logged["clock"] == "switch" and logged["seconds"] == pytest.approx(-600, abs=5)
            assert "queue reset stats" in logged["error"]

    run(main())


# flows that do not behave


def test_a_flow_that_raises_ends_its_own_call_only(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            other = await harness.dial(call="1785000000.1")
            await other.command()
            line = await harness.dial("broken", call="1785000000.2")
            commands = await line.play()
            assert commands == ["ANSWER"]  # and no IVR_OUTCOME: the dialplan goes on with its next ring
            [entry] = harness.pipe.lines("flow_failed")
            assert entry["call"] == "1785000000.2"
            assert entry["flow"] == "broken"
            assert "ZeroDivisionError" in entry["trace"]
            assert "3331234567" not in str(entry)
            assert harness.metrics.failures["broken"] == 1
            assert harness.metrics.flows["broken"].endings["error"] == 1
            assert len(await other.play(caller("5"), "ANSWER")) == 4

    run(main())


def test_a_flow_that_fails_at_the_hang_up_is_logged_too(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            line = await harness.dial("stubborn", call="1785000000.3")
            await line.command()
            await line.reply()
            line.close()
            await until(lambda: harness.metrics.failures["stubborn"] == 1)
            await until(lambda: harness.open == harness.metrics.flows["stubborn"].open == 0)
            [entry] = harness.pipe.lines("flow_failed")
            assert entry["call"] == "1785000000.3"

    run(main())


def test_a_command_that_the_switch_refuses_ends_a_flow_that_does_not_expect_it(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            line = await harness.dial()
            await line.command()
            assert await line.reply("510 Invalid or unknown command") == ""
            assert harness.metrics.failures["short"] == 1

    run(main())


def test_a_missing_prompt_is_counted_and_the_call_continues(compiled: Compiled) -> None:
    def deaf(command: str) -> str:
        return "200 result=-1 endpos=0" if command.startswith("STREAM FILE") else caller("")(command)

    async def main() -> None:
        async with running_engine(compiled, flows={"survey": survey}) as harness:
            commands = await (await harness.dial("survey", call="1785000000.4")).play(deaf)
            assert plain(commands)[-1] == "SET VARIABLE IVR_OUTCOME done"
            assert harness.metrics.events["prompt_failed"] > 0
            assert harness.pipe.lines("prompt_failed")[0]["call"] == "1785000000.4"

    run(main())


def test_a_flow_s_alarm_is_an_alarm_of_the_engine(compiled: Compiled) -> None:
    def worried(call: Call) -> Flow:
        call.log("alarm", what="messages", error="no space", path="messages/1785000000")
        yield Answer()

    async def main() -> None:
        async with running_engine(compiled, flows={"worried": worried}) as harness:
            await (await harness.dial("worried", call="1785000000.8")).play()
            assert harness.metrics.alarms["messages"] == 1
            [entry] = harness.pipe.lines("alarm")
            assert (entry["level"], entry["what"], entry["call"]) == ("error", "messages", "1785000000.8")

    run(main())


# limits


def test_a_stranger_is_closed_at_once_and_logged_now_and_then(compiled: Compiled) -> None:
    async def main() -> None:
        compiled["service"]["engine"]["allow"] = ["192.0.2.0/24", "2001:db8::/32"]
        async with running_engine(compiled) as harness:
            for _ in range(50):
                line = await harness.dial()
                assert await line.command() == ""
            assert harness.metrics.refused["peer"] == 50
            await until(lambda: harness.open == 0)
            assert len(harness.pipe.lines("refused")) == 10
            assert harness.facts() == []

    run(main())


def test_one_call_too_many_is_closed_at_once(compiled: Compiled) -> None:
    async def main() -> None:
        compiled["service"]["engine"]["most_sessions"] = 3
        async with running_engine(compiled) as harness:
            lines = [await harness.dial() for _ in range(3)]
            for line in lines:
                await line.command()
            extra = await harness.dial()
            assert await extra.command() == ""
            assert harness.metrics.refused["full"] == 1
            assert len(await lines[0].play(caller("5"), "ANSWER")) == 4
            await until(lambda: harness.open == 2)
            assert len(await (await harness.dial()).play()) == 4

    run(main())


@pytest.mark.parametrize(
    ("address", "admitted"),
    [
        ("127.0.0.1", True),
        ("127.255.0.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("fe80::1%eth0", True),
        ("128.0.0.1", False),
        ("::2", False),
        ("::ffff:10.0.0.1", False),
        ("", False),
        ("localhost", False),
    ],
)
def test_only_listed_peers_are_admitted(address: str, admitted: bool) -> None:
    peers = Peers(["127.0.0.0/8", "::1", "fe80::/10"])
    assert peers.admits(address) is admitted
    assert peers.admits(address) is admitted  # from memory


def test_the_memory_of_peers_does_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ivr.drivers.fastagi.MOST_REMEMBERED", 10)
    peers = Peers(["10.0.0.0/8"])
    assert all(peers.admits(f"10.0.{n // 256}.{n % 256}") for n in range(1000))
    assert len(peers._known) <= 10
