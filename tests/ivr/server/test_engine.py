"""The service around the calls: configuration, spool, housekeeping, draining, one engine per `var/`."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import socket
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from common.places import Places
from ivr.configuration.compiled import Compiled, CompiledError
from ivr.drivers.sockets import SPARE_DESCRIPTORS, ListeningError, listen_tcp, listen_unix, session_capacity
from ivr.facts import Fact, read
from ivr.flows.menu import menu
from ivr.server.engine import Engine, notify_systemd
from ivr.server.instance import Instance
from tests.ivr.engine_lines import PATIENCE, EngineHarness, caller, run, running_engine, until


def revised(compiled: Compiled, revision: str = "revised") -> Any:
    document: Any = copy.deepcopy(compiled)
    document["revision"] = revision
    return document


# where it is found


def test_the_state_file_has_the_address_and_is_removed_at_the_end(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled, metrics_port=0) as harness:
            state = json.loads(Path(harness.places.engine_state).read_text())
            assert state["pid"] == os.getpid()
            assert state["host"] == "127.0.0.1"
            assert state["port"] == harness.port > 0
            assert state["metrics_port"] > 0
            assert state["revision"] == compiled["revision"]
            socket.create_connection(("127.0.0.1", state["port"])).close()
        assert not os.path.exists(harness.places.engine_state)
        assert not os.path.exists(harness.places.socket)

    run(main())


def test_its_own_socket_is_for_the_owner_and_the_group(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            mode = os.stat(harness.places.socket).st_mode
            assert stat.S_ISSOCK(mode)
            assert stat.S_IMODE(mode) == 0o660

    run(main())


def test_a_dead_engine_s_socket_is_replaced(compiled: Compiled) -> None:
    async def main() -> None:
        path = compiled["paths"]["socket"]
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(path)
        async with running_engine(compiled) as harness:
            assert len(await (await harness.dial_locally()).play()) == 4

    run(main())


def test_two_starts_of_the_same_service(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            second = Engine(harness.places, {}, log=harness.pipe.log, port=0)
            with pytest.raises(ListeningError, match=rf"engine is running already, process {os.getpid()}; stop it"):
                await second.start()
            # The first one has not been touched.
            assert len(await (await harness.dial_locally()).play()) == 4
            assert json.loads(Path(harness.places.engine_state).read_text())["port"] == harness.port
        async with running_engine(compiled) as harness:  # and when it has gone its place is free
            assert len(await (await harness.dial()).play()) == 4

    run(main())


def test_two_services_beside_each_other(compiled: Compiled, tmp_path: Path) -> None:
    async def main() -> None:
        neighbour: Any = copy.deepcopy(compiled)
        places = Places(var=str(tmp_path / "neighbour"))
        neighbour["paths"].update(facts=places.facts, socket=places.socket)
        async with running_engine(compiled) as harness, running_engine(neighbour) as other:
            assert harness.port != other.port
            assert len(await (await harness.dial()).play()) == len(await (await other.dial()).play()) == 4

    run(main())


def test_a_port_that_is_taken_is_named_with_the_remedy(compiled: Compiled) -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with EngineHarness(compiled, port=port) as harness, pytest.raises(ListeningError) as refused:
                await harness.engine.start()
            assert f"engine.port: cannot listen on 127.0.0.1:{port}: Address" in str(refused.value)
            with EngineHarness(compiled, metrics_port=port) as harness, pytest.raises(ListeningError) as refused:
                await harness.engine.start()
            assert f"engine.metrics_port: cannot listen on {port}: Address" in str(refused.value)
        async with running_engine(compiled) as harness:  # a start that failed leaves nothing behind
            assert len(await (await harness.dial()).play()) == 4

    run(main())


def test_a_folder_too_deep_for_a_socket_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ListeningError, match="a shorter `--var DIR` may help"):
        listen_unix(str(tmp_path / ("x" * 200)))


def test_a_host_that_is_not_ours_is_named() -> None:
    with pytest.raises(ListeningError, match=r"engine.host, engine.port: cannot listen on 192.0.2.1:0"):
        listen_tcp("192.0.2.1", 0)


def test_an_ipv6_host() -> None:
    with listen_tcp("::1", 0) as listener, socket.create_connection(listener.getsockname()[:2]):
        pass


def test_releasing_what_was_never_claimed_removes_nothing(tmp_path: Path) -> None:
    places = Places(var=str(tmp_path))
    (tmp_path / "engine.json").write_text("another engine's")
    Instance(places).release()
    assert (tmp_path / "engine.json").exists()


# the configuration


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("menu"), "menu: Expected `object`, got `null`"),
        (lambda d: d["menu"].update(start="nowhere"), "menu.start: no node named 'nowhere'"),
        (lambda d: d["menu"]["nodes"].update(x={"kind": "dance"}), "menu.nodes.x.kind: 'dance' is not one of hours, "),
        (lambda d: d["menu"]["nodes"].update(x={"kind": "play"}), "x: Object missing required field `prompts`"),
        (lambda d: d["service"]["engine"].update(allow=["here"]), "'here' does not appear to be an IPv4 or IPv6"),
        (lambda d: d["service"]["engine"].update(most_sessions="many"), "service: Expected `int`, got `str`"),
        (lambda d: d["paths"].update(facts="elsewhere"), "paths.facts: elsewhere belongs to another var/"),
        (lambda d: d.update(format=99), "format 99, but this program reads"),
        (lambda d: d["survey"].pop("questions"), "survey: Object missing required field `questions`"),
    ],
)
def test_a_configuration_that_is_invalid_is_refused_at_the_start(compiled: Compiled, change: Any, message: str) -> None:
    async def main() -> None:
        document = revised(compiled)
        change(document)
        with EngineHarness(compiled) as harness, pytest.raises(CompiledError) as raised:
            harness.write(document)
            await harness.engine.start()
        assert message in str(raised.value)
        assert harness.places.compiled in str(raised.value)
        assert "run `ivr compile` again" in str(raised.value)

    run(main())


def test_no_configuration_at_all_is_refused_at_the_start(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(CompiledError, match="not there yet; run `ivr compile`"):
            await Engine(Places(var=str(tmp_path)), {}).start()

    run(main())


def test_27_a_configuration_loaded_in_the_middle_of_a_call_that_removes_its_menu(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled, flows={"menu": menu}) as harness:
            line = await harness.dial("menu", call="1785000000.1")
            command = await line.command()
            document = revised(compiled)
            document["menu"] = {"start": "bye", "nodes": {"bye": {"kind": "hangup", "prompts": ["goodbye"]}}}
            harness.write(document)
            harness.engine.reload()
            # The call under way goes its old way to the queue.
            commands = await line.play(caller("5"), command)
            assert "queue" in commands[-1]
            # The next one finds the new menu.
            commands = await (await harness.dial("menu", call="1785000000.2")).play(caller("5"))
            assert "done" in commands[-1]
            assert any("nul/goodbye" in command for command in commands)
            assert harness.metrics.reloads == {"done": 1, "refused": 0}
            assert json.loads(Path(harness.places.engine_state).read_text())["revision"] == "revised"
            answered = {fact.call: fact.data["revision"] for fact in harness.facts() if fact.kind == "answered"}
            assert answered == {"1785000000.1": compiled["revision"], "1785000000.2": "revised"}

    run(main())


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": 1}', "\x00" * 100, '{"format": 1, "menu": {"nodes": 3}}']
)
def test_27_a_broken_file_at_reload_changes_nothing(compiled: Compiled, content: str) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            harness.write(content)
            harness.engine.reload()
            assert harness.metrics.reloads == {"done": 0, "refused": 1}
            [entry] = harness.pipe.lines("reload_refused")
            assert "compiled.json" in entry["error"]
            assert len(await (await harness.dial()).play()) == 4
            harness.write(revised(compiled))
            harness.engine.reload()
            assert harness.metrics.reloads == {"done": 1, "refused": 1}

    run(main())


def test_limits_and_peers_change_with_a_reload_and_ports_do_not(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            document = revised(compiled)
            document["service"]["engine"].update(allow=["192.0.2.1"], port=1)
            harness.write(document)
            harness.engine.reload()
            assert await (await harness.dial()).command() == ""
            assert harness.metrics.refused["peer"] == 1
            assert len(harness.pipe.lines("restart_needed")) == 1

    run(main())


# facts


def test_facts_are_sealed_while_calls_continue(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            line = await harness.dial()
            await line.command()
            await until(lambda: [fact.kind for fact in read(harness.places.facts)] == ["answered"] or poke(line))
            assert harness.open == 1

    def poke(line: Any) -> bool:
        if not line.__dict__.setdefault("poked", False):
            line.poked = True
            line.send(b"200 result=0\n")
        return False

    run(main())


def test_facts_are_sealed_at_the_end(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            harness.engine.SEAL_SECONDS = 1000.0  # type: ignore[misc]
            await (await harness.dial()).play()
        assert [fact.kind for fact in read(harness.places.facts)] == ["answered"]
        assert [name for name in os.listdir(harness.places.facts) if name.endswith(".open")] == []

    run(main())


def test_facts_of_a_dead_engine_are_recovered_at_the_start(compiled: Compiled) -> None:
    async def main() -> None:
        left = Path(compiled["paths"]["facts"])
        left.mkdir(parents=True)
        (left / "1.open").write_bytes(Fact("1", "1785000000.1", 1.0, "answered", {}).line())
        async with running_engine(compiled) as harness:
            assert [fact.id for fact in read(harness.places.facts)] == ["1"]
            assert len(harness.pipe.lines("facts_recovered")) == 1

    run(main())


def test_with_an_unwritable_spool_calls_continue_and_the_alarm_is_counted(compiled: Compiled) -> None:
    async def main() -> None:
        facts = Path(compiled["paths"]["facts"])
        facts.parent.mkdir(parents=True)
        facts.write_text("a file where the folder should be")
        async with running_engine(compiled) as harness:
            assert len(await (await harness.dial(call="1785000000.5")).play()) == 4
            assert harness.metrics.facts_failed == 1
            assert harness.metrics.alarms["facts"] == 1
            [entry] = [line for line in harness.pipe.lines("alarm") if line["what"] == "facts"]
            assert entry["level"] == "error"
            assert entry["fact"]["kind"] == "answered"  # nothing is lost: the log has it
            assert entry["call"] == entry["fact"]["call"] == "1785000000.5"
            facts.unlink()  # mended while it runs
            await (await harness.dial(call="1785000000.6")).play()
            assert harness.kinds("1785000000.6") == ["answered"]

    run(main())


def test_a_disk_that_does_not_seal_is_an_alarm_and_is_retried(
    compiled: Compiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    async def main() -> None:
        async with running_engine(compiled) as harness:
            with monkeypatch.context() as patch:
                patch.setattr(os, "fdatasync", refuse)
                await (await harness.dial()).play()
                await until(lambda: harness.metrics.alarms["sealing"])
                assert list(read(harness.places.facts)) == []
            async with asyncio.timeout(PATIENCE):
                while not list(read(harness.places.facts)):  # the first housekeeping may still be at it
                    await harness.engine._run_housekeeping()
            assert harness.kinds() == ["answered"]

    run(main())


# housekeeping


def test_the_hooks_are_called_at_the_start_with_all_they_need(compiled: Compiled) -> None:
    seen: list[Any] = []

    def hook(places: Places, document: Compiled, report: Any, now: float) -> None:
        seen.append((places, document["revision"], now, threading.current_thread() is threading.main_thread()))
        assert report(Fact("9", "1785000000.9", now, "message", {})) is True

    async def main() -> None:
        async with running_engine(compiled, hooks={"native": hook}, clock=lambda: 1785000000.0) as harness:
            await until(lambda: harness.kinds() == ["message"])
            assert seen == [(harness.places, compiled["revision"], 1785000000.0, False)]
            await until(lambda: len(list(read(harness.places.facts))) == 1)  # sealed with it, not later

    run(main())


def test_a_hook_that_fails_is_an_alarm_and_the_others_are_called(compiled: Compiled) -> None:
    called: list[str] = []

    def bad(*_: Any) -> None:
        called.append("bad")
        raise RuntimeError("the store is full, ask 3331234567")

    async def main() -> None:
        async with running_engine(compiled, hooks={"a": bad, "b": lambda *_: called.append("good")}) as harness:
            await until(lambda: len(called) == 2)
            assert called == ["bad", "good"]
            assert harness.metrics.alarms["housekeeping"] == 1
            [entry] = harness.pipe.lines("alarm")
            assert entry["hook"] == "a"
            assert "RuntimeError" in entry["trace"]
            assert "3331234567" not in str(entry)
            await harness.engine._run_housekeeping()
            assert called == ["bad", "good"] * 2  # and it is called again
            assert len(await (await harness.dial()).play()) == 4

    run(main())


def test_a_slow_hook_delays_no_call(compiled: Compiled) -> None:
    go_on = threading.Event()

    async def main() -> None:
        async with running_engine(compiled, hooks={"slow": lambda *_: go_on.wait(20)}) as harness:
            assert len(await (await harness.dial()).play()) == 4
            go_on.set()

    run(main())


# the end


def test_a_drain_finishes_the_current_call_and_accepts_no_other(compiled: Compiled) -> None:
    async def main() -> None:
        with EngineHarness(compiled) as harness:
            await harness.engine.start()
            line, local = await harness.dial(), await harness.dial_locally()
            await line.command()
            await local.command()
            serving = asyncio.create_task(harness.engine.serve())
            harness.engine.stop()
            await until(lambda: not os.path.exists(harness.places.socket))
            with pytest.raises(ConnectionRefusedError):
                await harness.connect()
            assert not serving.done()
            assert len(await line.play(caller("5"), "ANSWER")) == 4
            assert len(await local.play(caller("5"), "ANSWER")) == 4
            await serving
            assert [fact.kind for fact in read(harness.places.facts)] == ["answered", "answered"]
            assert harness.pipe.lines("stopped")[0]["cut_off"] == 0

    run(main())


def test_a_drain_has_an_end(compiled: Compiled) -> None:
    async def main() -> None:
        compiled["service"]["engine"]["drain_seconds"] = 0.1
        with EngineHarness(compiled) as harness:
            await harness.engine.start()
            line = await harness.dial()
            await line.command()
            harness.engine.stop()
            await harness.engine.serve()
            assert await line.command() == ""
            assert harness.metrics.flows["short"].endings["drained"] == 1
            assert harness.pipe.lines("stopped")[0]["cut_off"] == 1

    run(main())


def test_a_second_stop_ends_at_once(compiled: Compiled) -> None:
    async def main() -> None:
        with EngineHarness(compiled) as harness:
            await harness.engine.start()
            line = await harness.dial()
            await line.command()
            harness.engine.stop()
            harness.engine.stop()
            began = asyncio.get_running_loop().time()
            await harness.engine.serve()
            assert asyncio.get_running_loop().time() - began < 5  # drain_seconds is 60

    run(main())


# systemd


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_notified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool) -> None:
    name = f"@ivr-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + name[1:] if abstract else name)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        notify_systemd("READY=1")
        assert systemd.recv(100) == b"READY=1"


def test_without_systemd_nothing_is_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify_systemd("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    notify_systemd("READY=1")  # a systemd that does not listen costs nothing either


# descriptors


def test_no_more_sessions_than_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = [(1024, 4096)]

    def set_limits(_: int, wanted: tuple[int, int]) -> None:
        limits.append(wanted)

    monkeypatch.setattr("ivr.drivers.sockets.resource.getrlimit", lambda _: limits[-1])
    monkeypatch.setattr("ivr.drivers.sockets.resource.setrlimit", set_limits)
    assert session_capacity(500) == 500
    assert limits == [(1024, 4096)]  # enough as it is
    assert session_capacity(2000) == 2000
    assert limits[-1][0] >= 2000
    assert session_capacity(100_000) == 4096 - SPARE_DESCRIPTORS


def test_too_few_descriptors_are_reported_and_lower_the_limit(
    compiled: Compiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ivr.drivers.fastagi.session_capacity", lambda sessions: 1)

    async def main() -> None:
        async with running_engine(compiled) as harness:
            assert harness.pipe.lines("few_descriptors")[0]["most_sessions"] == 1
            await (await harness.dial()).command()
            assert await (await harness.dial()).command() == ""
            assert harness.metrics.refused["full"] == 1

    run(main())
