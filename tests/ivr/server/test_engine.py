"""The service around the calls: configuration, spool, housekeeping, drain, one engine a house."""

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
from tests.ivr.engine_lines import PATIENCE, House, caller, house, run, until


def revised(compiled: Compiled, revision: str = "revised") -> Any:
    document: Any = copy.deepcopy(compiled)
    document["revision"] = revision
    return document


# where it is found


def test_the_state_file_tells_where_the_engine_is_and_goes_with_it(compiled: Compiled) -> None:
    async def main() -> None:
        async with house(compiled, metrics_port=0) as it:
            state = json.loads(Path(it.places.engine_state).read_text())
            assert state["pid"] == os.getpid()
            assert state["host"] == "127.0.0.1"
            assert state["port"] == it.port > 0
            assert state["metrics_port"] > 0
            assert state["revision"] == compiled["revision"]
            socket.create_connection(("127.0.0.1", state["port"])).close()
        assert not os.path.exists(it.places.engine_state)
        assert not os.path.exists(it.places.socket)

    run(main())


def test_its_own_socket_is_for_the_owner_and_the_group(compiled: Compiled) -> None:
    async def main() -> None:
        async with house(compiled) as it:
            mode = os.stat(it.places.socket).st_mode
            assert stat.S_ISSOCK(mode)
            assert stat.S_IMODE(mode) == 0o660

    run(main())


def test_a_dead_engine_s_socket_is_replaced(compiled: Compiled) -> None:
    async def main() -> None:
        path = compiled["paths"]["socket"]
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(path)
        async with house(compiled) as it:
            assert len(await (await it.dial_locally()).play()) == 4

    run(main())


def test_two_starts_of_the_same_service(compiled: Compiled) -> None:
    async def main() -> None:
        async with house(compiled) as it:
            second = Engine(it.places, {}, log=it.pipe.log, port=0)
            with pytest.raises(ListeningError, match=rf"engine is running already, process {os.getpid()}; stop it"):
                await second.start()
            # The first one has not been touched.
            assert len(await (await it.dial_locally()).play()) == 4
            assert json.loads(Path(it.places.engine_state).read_text())["port"] == it.port
        async with house(compiled) as it:  # and when it has gone its place is free
            assert len(await (await it.dial()).play()) == 4

    run(main())


def test_two_services_beside_each_other(compiled: Compiled, tmp_path: Path) -> None:
    async def main() -> None:
        neighbour: Any = copy.deepcopy(compiled)
        places = Places(var=str(tmp_path / "neighbour"))
        neighbour["paths"].update(facts=places.facts, socket=places.socket)
        async with house(compiled) as it, house(neighbour) as other:
            assert it.port != other.port
            assert len(await (await it.dial()).play()) == len(await (await other.dial()).play()) == 4

    run(main())


def test_a_port_that_is_taken_is_named_with_the_remedy(compiled: Compiled) -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with House(compiled, port=port) as built, pytest.raises(ListeningError) as refused:
                await built.engine.start()
            assert f"engine.port: cannot listen on 127.0.0.1:{port}: Address" in str(refused.value)
            with House(compiled, metrics_port=port) as built, pytest.raises(ListeningError) as refused:
                await built.engine.start()
            assert f"engine.metrics_port: cannot listen on {port}: Address" in str(refused.value)
        async with house(compiled) as it:  # a start that failed leaves nothing behind
            assert len(await (await it.dial()).play()) == 4

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
        with House(compiled) as built, pytest.raises(CompiledError) as raised:
            built.write(document)
            await built.engine.start()
        assert message in str(raised.value)
        assert built.places.compiled in str(raised.value)
        assert "run `ivr compile` again" in str(raised.value)

    run(main())


def test_no_configuration_at_all_is_refused_at_the_start(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(CompiledError, match="not there yet; run `ivr compile`"):
            await Engine(Places(var=str(tmp_path)), {}).start()

    run(main())


def test_27_a_configuration_loaded_in_the_middle_of_a_call_that_removes_its_menu(compiled: Compiled) -> None:
    async def main() -> None:
        async with house(compiled, flows={"menu": menu}) as it:
            line = await it.dial("menu", call="1785000000.1")
            command = await line.command()
            document = revised(compiled)
            document["menu"] = {"start": "bye", "nodes": {"bye": {"kind": "hangup", "prompts": ["goodbye"]}}}
            it.write(document)
            it.engine.reload()
            # The call under way goes its old way to the queue.
            commands = await line.play(caller("5"), command)
            assert "queue" in commands[-1]
            # The next one finds the new menu.
            commands = await (await it.dial("menu", call="1785000000.2")).play(caller("5"))
            assert "done" in commands[-1]
            assert any("nul/goodbye" in command for command in commands)
            assert it.metrics.reloads == {"done": 1, "refused": 0}
            assert json.loads(Path(it.places.engine_state).read_text())["revision"] == "revised"
            answered = {fact.call: fact.data["revision"] for fact in it.facts() if fact.kind == "answered"}
            assert answered == {"1785000000.1": compiled["revision"], "1785000000.2": "revised"}

    run(main())


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": 1}', "\x00" * 100, '{"format": 1, "menu": {"nodes": 3}}']
)
def test_27_a_broken_file_at_reload_changes_nothing(compiled: Compiled, content: str) -> None:
    async def main() -> None:
        async with house(compiled) as it:
            it.write(content)
            it.engine.reload()
            assert it.metrics.reloads == {"done": 0, "refused": 1}
            [entry] = it.pipe.lines("reload_refused")
            assert "compiled.json" in entry["error"]
            assert len(await (await it.dial()).play()) == 4
            it.write(revised(compiled))
            it.engine.reload()
            assert it.metrics.reloads == {"done": 1, "refused": 1}

    run(main())


def test_limits_and_peers_change_with_a_reload_and_ports_do_not(compiled: Compiled) -> None:
    async def main() -> None:
        async with house(compiled) as it:
            document = revised(compiled)
            document["service"]["engine"].update(allow=["192.0.2.1"], port=1)
            it.write(document)
            it.engine.reload()
            assert await (await it.dial()).command() == ""
            assert it.metrics.refused["peer"] == 1
            assert len(it.pipe.lines("restart_needed")) == 1

    run(main())


# facts


def test_facts_are_sealed_while_calls_continue(compiled: Compiled) -> None:
    async def main() -> None:
        async with house(compiled) as it:
            line = await it.dial()
            await line.command()
            await until(lambda: [fact.kind for fact in read(it.places.facts)] == ["answered"] or poke(line))
            assert it.open == 1

    def poke(line: Any) -> bool:
        if not line.__dict__.setdefault("poked", False):
            line.poked = True
            line.send(b"200 result=0\n")
        return False

    run(main())


def test_facts_are_sealed_at_the_end(compiled: Compiled) -> None:
    async def main() -> None:
        async with house(compiled) as it:
            it.engine.SEAL_SECONDS = 1000.0  # type: ignore[misc]
            await (await it.dial()).play()
        assert [fact.kind for fact in read(it.places.facts)] == ["answered"]
        assert [name for name in os.listdir(it.places.facts) if name.endswith(".open")] == []

    run(main())


def test_facts_of_a_dead_engine_are_recovered_at_the_start(compiled: Compiled) -> None:
    async def main() -> None:
        left = Path(compiled["paths"]["facts"])
        left.mkdir(parents=True)
        (left / "1.open").write_bytes(Fact("1", "1785000000.1", 1.0, "answered", {}).line())
        async with house(compiled) as it:
            assert [fact.id for fact in read(it.places.facts)] == ["1"]
            assert len(it.pipe.lines("facts_recovered")) == 1

    run(main())


def test_with_an_unwritable_spool_calls_continue_and_the_alarm_is_counted(compiled: Compiled) -> None:
    async def main() -> None:
        facts = Path(compiled["paths"]["facts"])
        facts.parent.mkdir(parents=True)
        facts.write_text("a file where the folder should be")
        async with house(compiled) as it:
            assert len(await (await it.dial(call="1785000000.5")).play()) == 4
            assert it.metrics.facts_failed == 1
            assert it.metrics.alarms["facts"] == 1
            [entry] = [line for line in it.pipe.lines("alarm") if line["what"] == "facts"]
            assert entry["level"] == "error"
            assert entry["fact"]["kind"] == "answered"  # nothing is lost: the log has it
            assert entry["call"] == entry["fact"]["call"] == "1785000000.5"
            facts.unlink()  # mended while it runs
            await (await it.dial(call="1785000000.6")).play()
            assert it.kinds("1785000000.6") == ["answered"]

    run(main())


def test_a_disk_that_does_not_seal_is_an_alarm_and_is_retried(
    compiled: Compiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    async def main() -> None:
        async with house(compiled) as it:
            with monkeypatch.context() as patch:
                patch.setattr(os, "fdatasync", refuse)
                await (await it.dial()).play()
                await until(lambda: it.metrics.alarms["sealing"])
                assert list(read(it.places.facts)) == []
            async with asyncio.timeout(PATIENCE):
                while not list(read(it.places.facts)):  # the first housekeeping may still be at it
                    await it.engine._run_housekeeping()
            assert it.kinds() == ["answered"]

    run(main())


# housekeeping


def test_the_hooks_are_called_at_the_start_with_all_they_need(compiled: Compiled) -> None:
    seen: list[Any] = []

    def hook(places: Places, document: Compiled, report: Any, now: float) -> None:
        seen.append((places, document["revision"], now, threading.current_thread() is threading.main_thread()))
        assert report(Fact("9", "1785000000.9", now, "message", {})) is True

    async def main() -> None:
        async with house(compiled, hooks={"native": hook}, clock=lambda: 1785000000.0) as it:
            await until(lambda: it.kinds() == ["message"])
            assert seen == [(it.places, compiled["revision"], 1785000000.0, False)]
            await until(lambda: len(list(read(it.places.facts))) == 1)  # sealed with it, not later

    run(main())


def test_a_hook_that_fails_is_an_alarm_and_the_others_are_called(compiled: Compiled) -> None:
    called: list[str] = []

    def bad(*_: Any) -> None:
        called.append("bad")
        raise RuntimeError("the store is full, ask 3331234567")

    async def main() -> None:
        async with house(compiled, hooks={"a": bad, "b": lambda *_: called.append("good")}) as it:
            await until(lambda: len(called) == 2)
            assert called == ["bad", "good"]
            assert it.metrics.alarms["housekeeping"] == 1
            [entry] = it.pipe.lines("alarm")
            assert entry["hook"] == "a"
            assert "RuntimeError" in entry["trace"]
            assert "3331234567" not in str(entry)
            await it.engine._run_housekeeping()
            assert called == ["bad", "good"] * 2  # and it is called again
            assert len(await (await it.dial()).play()) == 4

    run(main())


def test_a_slow_hook_delays_no_call(compiled: Compiled) -> None:
    go_on = threading.Event()

    async def main() -> None:
        async with house(compiled, hooks={"slow": lambda *_: go_on.wait(20)}) as it:
            assert len(await (await it.dial()).play()) == 4
            go_on.set()

    run(main())


# the end


def test_a_drain_finishes_the_current_call_and_accepts_no_other(compiled: Compiled) -> None:
    async def main() -> None:
        with House(compiled) as built:
            await built.engine.start()
            line, local = await built.dial(), await built.dial_locally()
            await line.command()
            await local.command()
            serving = asyncio.create_task(built.engine.serve())
            built.engine.stop()
            await until(lambda: not os.path.exists(built.places.socket))
            with pytest.raises(ConnectionRefusedError):
                await built.connect()
            assert not serving.done()
            assert len(await line.play(caller("5"), "ANSWER")) == 4
            assert len(await local.play(caller("5"), "ANSWER")) == 4
            await serving
            assert [fact.kind for fact in read(built.places.facts)] == ["answered", "answered"]
            assert built.pipe.lines("stopped")[0]["cut_off"] == 0

    run(main())


def test_a_drain_has_an_end(compiled: Compiled) -> None:
    async def main() -> None:
        compiled["service"]["engine"]["drain_seconds"] = 0.1
        with House(compiled) as built:
            await built.engine.start()
            line = await built.dial()
            await line.command()
            built.engine.stop()
            await built.engine.serve()
            assert await line.command() == ""
            assert built.metrics.flows["short"].endings["drained"] == 1
            assert built.pipe.lines("stopped")[0]["cut_off"] == 1

    run(main())


def test_a_second_stop_ends_at_once(compiled: Compiled) -> None:
    async def main() -> None:
        with House(compiled) as built:
            await built.engine.start()
            line = await built.dial()
            await line.command()
            built.engine.stop()
            built.engine.stop()
            began = asyncio.get_running_loop().time()
            await built.engine.serve()
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
        async with house(compiled) as it:
            assert it.pipe.lines("few_descriptors")[0]["most_sessions"] == 1
            await (await it.dial()).command()
            assert await (await it.dial()).command() == ""
            assert it.metrics.refused["full"] == 1

    run(main())
