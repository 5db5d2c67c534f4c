"""The installed scripts with the real engine: what a caller hears must not depend on where the flow runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ivr.configuration.compiled import load
from ivr.flows.plugins import installed_flows
from tests.agi_scripts.switch import CLOCK, Listener, Site, environment
from tests.ivr.engine_lines import EngineHarness, run, running_engine, until

TOLD = environment(str(CLOCK), "call-1")


def walk(site: Site, name: str, told: bytes, *keys: str) -> tuple[list[str], dict[str, str]]:
    listener = Listener(*keys)
    with site.start(name, told) as script:
        commands = script.converse(listener)
        assert script.wait() == 0
        assert script.errors() == ""
    return commands, listener.variables


def kinds(harness: EngineHarness) -> list[str]:
    return harness.kinds("call-1")


def test_the_same_call_with_the_engine_and_without(tmp_path: Path) -> None:
    site = Site(tmp_path)
    calls = [
        ("menu", TOLD, ("9", "", "0")),
        ("survey", TOLD, ("5", "4", "1")),
        ("ended", environment(str(CLOCK), "call-1", "answered", "survey", "CONTINUE", "80"), ()),
    ]
    alone = [walk(site, name, told, *keys) for name, told, keys in calls]

    async def main() -> None:
        async with running_engine(load(site.places.compiled), flows=installed_flows()) as harness:
            before = kinds(harness)
            relayed = [await asyncio.to_thread(walk, site, name, told, *keys) for name, told, keys in calls]
            assert relayed == alone
            await until(lambda: sorted(kinds(harness)) == sorted(before * 2), "the same facts again")
            assert harness.metrics.flows["menu"].endings["done"] == 1, "it was the engine"

    run(main())


def test_a_hang_up_reaches_the_engine(tmp_path: Path) -> None:
    site = Site(tmp_path)

    async def main() -> None:
        async with running_engine(load(site.places.compiled), flows=installed_flows()) as harness:
            with site.start("menu", TOLD) as script:
                assert await asyncio.to_thread(script.command) == "ANSWER"
                script.say(b"200 result=0\n")
                assert await asyncio.to_thread(script.command) == "WAIT FOR DIGIT 400"
                script.say(b"200 result=0\n")
                assert (await asyncio.to_thread(script.command)).startswith("STREAM FILE")
                script.hang_up()
                script.say(b"200 result=-1 endpos=4000\n")
                assert await asyncio.to_thread(script.converse, lambda command: "511 dead") == []
                assert await asyncio.to_thread(script.wait) == 0
            await until(lambda: harness.metrics.flows["menu"].endings["hangup"] == 1)
            assert kinds(harness) == ["answered"]

    run(main())
