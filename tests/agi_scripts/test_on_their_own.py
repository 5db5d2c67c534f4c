"""The installed scripts when the engine is down, does not answer, or refuses: real processes, with pyst2."""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
import threading
from pathlib import Path

import pytest

from common.places import ROOT
from ivr.facts import Fact, read
from tests.agi_scripts.switch import (
    CLOCK,
    CLOSED_CLOCK,
    DEADLINE,
    Engine,
    Listener,
    Script,
    Site,
    environment,
    read_environment,
)

TOLD = environment(str(CLOCK), "call-1")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def facts(site: Site) -> list[Fact]:
    """The sealed facts, in order; nothing may be left unsealed."""
    assert not [name for name in os.listdir(site.places.facts) if name.endswith(".open")]
    return list(read(site.places.facts))


def kinds(site: Site) -> list[str]:
    return [fact.kind for fact in facts(site)]


def test_a_whole_menu(site: Site) -> None:
    caller = Listener("0")
    with site.start("menu", TOLD) as script:
        commands = script.converse(caller)
        assert script.wait() == 0
        assert script.errors() == ""
    assert commands[0] == "ANSWER"
    assert list(caller.variables)[-1] == "IVR_OUTCOME"
    assert caller.variables["IVR_OUTCOME"] == "queue"
    assert kinds(site) == ["answered", "choice", "handed_over"]
    assert {fact.call for fact in facts(site)} == {"call-1"}
    assert all(abs(fact.at - CLOCK) < DEADLINE for fact in facts(site)), "the clock of the switch, not ours"


def test_the_menu_when_closed(site: Site) -> None:
    caller = Listener()
    with site.start("menu", environment(str(CLOSED_CLOCK), "call-1")) as script:
        script.converse(caller)
        assert script.wait() == 0
    assert (caller.variables["IVR_OUTCOME"], caller.variables["IVR_REASON"]) == ("voicemail", "closed")


def test_a_survey(site: Site) -> None:
    caller = Listener("5", "4", "1")
    with site.start("survey", TOLD) as script:
        script.converse(caller)
        assert script.wait() == 0
    assert [fact.data["value"] for fact in facts(site)] == [5, 4, 1]
    assert caller.variables == {"IVR_ASKED": "3", "IVR_OUTCOME": "done"}


def test_a_notice(site: Site) -> None:
    caller = Listener()
    with site.start("notice", TOLD) as script:
        script.converse(caller)
        assert script.wait() == 0
    assert list(caller.variables) == ["IVR_RECORD", "IVR_OUTCOME"]


def test_the_end_of_a_call(site: Site) -> None:
    caller = Listener()
    with site.start("ended", environment(str(CLOCK), "call-1", "answered", "survey", "CONTINUE", "80")) as script:
        script.converse(caller)
        assert script.wait() == 0
    (fact,) = facts(site)
    assert (fact.kind, fact.data["fate"], fact.data["seconds"]) == ("ended", "answered", 80)


def test_a_message_left_by_somebody_who_hangs_up(site: Site) -> None:
    """The hang-up comes as a signal while the tone sounds; the message's fate is still written."""
    caller = Listener("1", "1")
    with site.start("voicemail", environment(str(CLOCK), "call-1", "closed")) as script:
        while not (command := script.command()).startswith("RECORD FILE"):
            assert command, "it ended before the tone"
            script.say(caller(command).encode() + b"\n")
        script.hang_up()
        script.say(b"200 result=-1 (hangup) endpos=0\n")
        script.converse(lambda command: caller(command) if command.startswith("SET") else "511 dead")
        assert script.wait() == 0
    assert caller.variables == {"IVR_FATE": "no_message", "IVR_OUTCOME": "done"}
    assert "message" in kinds(site)


# Why it is on its own


def test_the_engine_refuses_the_call(site: Site) -> None:
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        heard.append(read_environment(connection))

    with Engine(site.places.socket, serve), site.start("menu", TOLD) as script:
        script.converse(Listener("0"))
        assert script.wait() == 0
    assert heard and kinds(site) == ["answered", "choice", "handed_over"]


def test_the_engine_hangs(site: Site) -> None:
    left = threading.Event()

    def serve(connection: socket.socket) -> None:
        read_environment(connection)
        assert connection.recv(1) == b""  # says nothing until the script has gone
        left.set()

    with Engine(site.places.socket, serve), site.start("menu", TOLD) as script:
        script.converse(Listener("0"))
        assert left.wait(DEADLINE)
        assert script.wait() == 0
    assert kinds(site) == ["answered", "choice", "handed_over"]


def test_the_caller_hangs_up_while_the_engine_hangs(site: Site) -> None:
    reached = threading.Event()

    def serve(connection: socket.socket) -> None:
        read_environment(connection)
        reached.set()
        connection.recv(1)

    with Engine(site.places.socket, serve), site.start("menu", TOLD) as script:
        assert reached.wait(DEADLINE)
        script.hang_up()
        assert script.converse(lambda command: "511 dead") == []
        assert script.wait() == 0


def test_the_engine_has_died_and_left_its_socket(site: Site) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(site.places.socket)
    with site.start("menu", TOLD) as script:
        assert script.command() == "ANSWER"


def test_the_engine_is_too_busy_to_accept(site: Site) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(site.places.socket)
        listener.listen(0)
        waiting = []
        for _ in range(3):
            waiting.append(one := socket.socket(socket.AF_UNIX))
            one.setblocking(False)
            if one.connect_ex(site.places.socket):
                break
        with site.start("menu", TOLD) as script:
            assert script.command() == "ANSWER"
        for one in waiting:
            one.close()


# How a call ends


def test_a_hang_up_while_a_prompt_plays(site: Site) -> None:
    with site.start("menu", TOLD) as script:
        assert script.command() == "ANSWER"
        script.say(b"200 result=0\n")
        assert script.command() == "WAIT FOR DIGIT 400"
        script.say(b"200 result=0\n")
        assert script.command().startswith("STREAM FILE")
        script.hang_up()
        script.say(b"200 result=-1 endpos=4000\n")
        assert script.converse(lambda command: "511 dead") == []
        assert script.wait() == 0
        assert script.errors().count("\n") <= 1
    assert kinds(site) == ["answered"]


def test_a_hang_up_without_a_signal(site: Site) -> None:
    """AGISIGHUP=no: the first command that a dead channel refuses shows it."""
    with site.start("menu", TOLD) as script:
        assert script.command() == "ANSWER"
        script.say(b"511 Command Not Permitted on a dead channel or intercept routine\n")
        assert script.converse(lambda command: "511 dead") == []
        assert script.wait() == 0


def test_the_switch_closes(site: Site) -> None:
    with site.start("menu", TOLD) as script:
        assert script.command() == "ANSWER"
        script.say(b"200 result=0\n")
        assert script.command() == "WAIT FOR DIGIT 400"
        script.say(b"200 result=0\n")
        assert script.command().startswith("STREAM FILE")
        script.close()
        assert script.command() == ""
        assert script.wait() == 0
    assert kinds(site) == ["answered"]


def test_the_switch_no_longer_reads(site: Site) -> None:
    """SIGPIPE must not prevent the sealing of facts."""
    with site.start("menu", TOLD) as script:
        assert script.command() == "ANSWER"
        assert script.process.stdout is not None
        script.process.stdout.close()
        script.say(b"200 result=0\n")
        assert script.wait() == 0
    assert kinds(site) == ["answered"]


def test_the_signal_at_the_end_does_no_harm(site: Site) -> None:
    """Asterisk also sends SIGHUP when a call has ended: while the script still writes to the disk."""
    with site.start("ended", environment(str(CLOCK), "call-1", "informed", "menu")) as script:
        assert script.command().startswith('SET VARIABLE "IVR_OUTCOME"')
        script.say(b"200 result=1\n")
        assert script.command() == ""
        script.hang_up()
        assert script.wait() == 0
    assert kinds(site) == ["ended"]


# What may be wrong around it


def own(site: Site, body: str) -> str:
    """Install a site's own script, with the flow `mine`."""
    source = site.folder.joinpath("agi-bin", "menu").read_text()
    site.folder.joinpath("own.py").write_text(f"import os\nfrom ivr.agi import *\ndef mine(call):\n{body}")
    source = source.replace("ivr.flows.menu:menu", "own:mine").replace(
        "sys.path.append(", f"sys.path += [{str(site.folder)!r}]\nsys.path.append("
    )
    site.install("own", source)
    return "own"


def test_a_mistake_in_a_flow(site: Site) -> None:
    name = own(site, "    yield Answer()\n    call.report('answered')\n    raise ValueError('3331234567 and a name')\n")
    with site.start(name, TOLD) as script:
        assert script.converse(lambda command: "200 result=0") == ["ANSWER"]
        assert script.wait() == 1
        told = [json.loads(line) for line in script.errors().splitlines()]
    assert [(line["event"], line["call"]) for line in told] == [("flow_failed", "call-1")]
    assert "3331234567" not in str(told)
    assert kinds(site) == ["answered"]


def test_a_stray_print_is_not_a_command(site: Site) -> None:
    body = "    print('HANGUP')\n    os.write(1, b'NOOP\\n')\n    os.system('echo EXEC')\n    yield Answer()\n"
    with site.start(own(site, body), TOLD) as script:
        assert script.converse(lambda command: "200 result=0") == ["ANSWER"]
        assert script.wait() == 0
        assert sorted(script.errors().split()) == ["EXEC", "HANGUP", "NOOP"]


@pytest.mark.parametrize("without", [(2,), (0, 2)])
def test_without_standard_error(site: Site, without: tuple[int, ...]) -> None:
    """Alarms must not end up in the spool's file, or in the stream to the switch."""
    Path(site.places.facts).parent.mkdir(parents=True)
    Path(site.places.facts).write_text("no folder")
    with site.start("menu", TOLD, without=without) as script:
        if 0 in without:
            assert script.command() == ""
            assert script.wait() == 1
            return
        caller = Listener("0")
        commands = script.converse(caller)
        assert script.wait() == 0
    assert commands[0] == "ANSWER" and caller.variables["IVR_OUTCOME"] == "queue"
    assert Path(site.places.facts).read_text() == "no folder"


def test_a_spool_that_cannot_be_written(site: Site) -> None:
    """The call continues; the alarm contains the fact, since no other place is left."""
    Path(site.places.facts).parent.mkdir(parents=True)
    Path(site.places.facts).write_text("no folder")
    caller = Listener("0")
    with site.start("menu", TOLD) as script:
        script.converse(caller)
        assert script.wait() == 0
        told = [json.loads(line) for line in script.errors().splitlines()]
    assert caller.variables["IVR_OUTCOME"] == "queue"
    assert [line["fact"]["kind"] for line in told] == ["answered", "choice", "handed_over"]
    assert {line["event"] for line in told} == {"alarm"}


@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "it_IT.UTF-8"},
        {"LC_ALL": "it_IT.ISO-8859-1", "PYTHONIOENCODING": "ascii:strict"},
        {"HOME": "/proc/nowhere"},
        {"PYTHONPATH": "/proc/nowhere", "PYTHONHOME": "/proc/nowhere", "PYTHONSTARTUP": "/proc/nowhere"},
    ],
)
def test_any_environment_of_asterisk(site: Site, variables: dict[str, str]) -> None:
    told = TOLD[:-1] + b"agi_rdnis: Citt\xe0 \xc3\n\n"
    with site.start("menu", told, variables=variables) as script:
        assert script.converse(Listener("0"))[0] == "ANSWER"
        assert script.wait() == 0
        assert script.errors() == ""
    assert kinds(site) == ["answered", "choice", "handed_over"]


def test_a_module_beside_the_caller_is_not_imported(site: Site, tmp_path: Path) -> None:
    """-ISE: neither the working folder nor PYTHONPATH may bring another `asterisk`."""
    trap = tmp_path / "trap"
    trap.mkdir()
    for name in ("asterisk.py", "json.py", "ivr.py"):
        trap.joinpath(name).write_text("raise SystemExit('trapped')\n")
    with site.start("menu", TOLD, variables={"PYTHONPATH": str(trap)}) as script:
        assert script.command() == "ANSWER"


@pytest.mark.parametrize("text", [None, "", "{", '{"format": 99}', "[]"])
def test_a_configuration_that_cannot_be_used(site: Site, text: str | None) -> None:
    """No command, no outcome: the dialplan's last fallback takes the call. The log gives the remedy."""
    path = Path(site.places.compiled)
    path.unlink()
    if text is not None:
        path.write_text(text)
    with site.start("menu", TOLD) as script:
        assert script.command() == ""
        assert script.wait() == 1
        assert "ivr compile" in script.errors()


@pytest.mark.parametrize("told", [b"", b"\n", b"GET / HTTP/1.1\r\n\r\n", TOLD[:50], b"agi_x: y\n" * 20_000 + b"\n"])
def test_no_switch_at_the_other_end(site: Site, told: bytes) -> None:
    with site.start("menu", told) as script:
        script.close()
        assert script.command() == ""
        assert script.wait() in (0, 1)
        assert "Traceback" not in script.errors()


def test_from_the_checkout(site: Site) -> None:
    """Started from the repository, without `ivr render`: paths from its own location and $IVR_VAR."""
    command = [sys.executable, os.path.join(ROOT, "agi_scripts", "menu")]
    with Script(command, TOLD, variables={"IVR_VAR": str(site.folder)}) as script:
        assert script.converse(Listener("0"))[0] == "ANSWER"
        assert script.wait() == 0
    assert kinds(site) == ["answered", "choice", "handed_over"]


def test_the_scripts_are_executable_and_short() -> None:
    for name in ("menu", "voicemail", "survey", "notice", "ended"):
        path = Path(ROOT, "agi_scripts", name)
        assert path.stat().st_mode & stat.S_IXUSR
        assert len(path.read_text().splitlines()) < 20
