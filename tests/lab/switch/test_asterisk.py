"""A switch is started, killed, stopped, and refuses to start; always in real processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from common.command_line import Refusal
from common.places import ROOT, Places
from common.ports import Ports
from lab.switch.asterisk import Switch
from lab.switch.by_name import find_switch
from lab.switch.installation import Installation
from tests.lab.switch.probes import DEADLINE, SHARED, answers_sip, login, processes_of, until

pytestmark = pytest.mark.switch


class TestLife:
    def test_two_side_by_side(self, make: Callable[..., Switch]) -> None:
        first, second = make("one"), make("two")
        assert first.start(DEADLINE)
        assert second.start(DEADLINE)
        assert set(first.ports).isdisjoint(second.ports)
        for one in (first, second):
            assert one.cli("core show version").startswith(f"Asterisk {one.installation.asterisk_version}")
            assert "Success" in login(one)
            assert answers_sip(one)
            media = one.cli("rtp show settings").split()
            assert {str(one.ports.rtp_first), str(one.ports.rtp_last)} < set(media)
            assert "ERROR" not in Path(one.log, "console.log").read_text()
            assert one.status() == (True, one.pid, one.status().user, "22.10.1", one.ports, one.status().note)
        assert first.stop()
        assert not Path(first.run).exists()
        assert (first.pid, second.pid is not None) == (None, True)
        assert "Success" in login(second)  # the other still runs

    def test_a_console_that_disconnects_during_the_start_does_not_end_it(
        self, make: Callable[..., Switch], installation: Installation, folder: Path
    ) -> None:
        """Asterisk answers on its socket shortly before it ignores SIGPIPE itself."""
        program = folder / "asterisk"
        program.write_text('#!/bin/sh\n[ "$1" = -V ] || { grep SigIgn /proc/self/status; exit 1; }\n')
        program.chmod(0o755)
        one = make(installation=replace(installation, lines={"asterisk": [str(program)]}))
        with pytest.raises(Refusal, match=r"SigIgn:\s+\w+") as refused:
            one.start(DEADLINE)
        ignored = int(str(refused.value).split("SigIgn:")[1].split()[0], 16)
        assert ignored >> (signal.SIGPIPE - 1) & 1

    def test_stop_leaves_no_process_and_no_port(self, make: Callable[..., Switch]) -> None:
        one = make()
        one.start(DEADLINE)
        pid, ports = one.pid, one.ports
        assert processes_of(one.folder) == [pid]
        began = time.monotonic()
        assert one.stop(15)
        assert time.monotonic() - began < 15
        assert processes_of(one.folder) == []
        assert not Path(f"/proc/{pid}").exists()
        for port in (ports.ami, ports.http):
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", port)) != 0
        assert one.status() == (False, None, None, one.installation.asterisk_version, ports, "")
        assert not one.stop()

    def test_starting_twice(self, make: Callable[..., Switch]) -> None:
        one = make()
        assert one.start(DEADLINE)
        pid = one.pid
        assert not one.start(DEADLINE)
        one.prepare()  # as for a new configuration: ports and password stay
        again = Switch(one.installation, one.folder)
        assert not again.start(DEADLINE)
        assert (again.pid, again.ports, again.ami) == (pid, one.ports, one.ami)
        assert again.stop()
        assert one.pid is None

    def test_a_restart_keeps_ports_and_password(self, make: Callable[..., Switch]) -> None:
        one = make()
        one.start(DEADLINE)
        ports, ami = one.ports, one.ami
        one.stop()
        one.start(DEADLINE)  # without another prepare
        assert (one.ports, one.ami) == (ports, ami)
        assert "Success" in login(one)

    def test_a_killed_switch_is_reported_and_starts_again(self, make: Callable[..., Switch]) -> None:
        one = make()
        one.start(DEADLINE)
        pid = one.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until(lambda: one.pid is None)
        assert Path(one.run, "asterisk.ctl").exists()  # it had no time to clean up
        status = one.status()
        assert not status.running
        assert f"process {pid} has ended without being stopped" in status.note
        with pytest.raises(Refusal, match="is it running"):
            one.cli("core show version")
        assert one.start(DEADLINE)
        assert one.pid != pid
        assert one.status().note in ("", "runs as root")

    def test_stopping_a_killed_switch_cleans_up(self, make: Callable[..., Switch]) -> None:
        one = make()
        one.start(DEADLINE)
        pid = one.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until(lambda: one.pid is None)
        assert not one.stop()
        assert not Path(one.run).exists()
        assert one.status().note == ""

    def test_another_process_with_the_recorded_pid_is_left_alone(self, make: Callable[..., Switch]) -> None:
        one = make()
        path = Path(one.folder, "state.json")
        with subprocess.Popen(["/bin/sh", "-c", "read line"], stdin=subprocess.PIPE) as stranger:
            state = json.loads(path.read_text())
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            path.write_text(json.dumps(state | {"process": {"pid": stranger.pid, "born": 1, "boot": boot}}))
            assert one.pid is None
            assert not one.stop()
            assert stranger.poll() is None
            stranger.communicate(b"\n")

    def test_a_switch_that_does_not_respond_is_killed_at_the_deadline(self, make: Callable[..., Switch]) -> None:
        one = make()
        one.start(DEADLINE)
        pid = one.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        assert one.stop(deadline=2)
        assert not Path(f"/proc/{pid}").exists()

    def test_two_starts_at_once(self, make: Callable[..., Switch]) -> None:
        """Two processes act like `lab switch start`: one starts the switch, the other finds it running."""
        one = make()
        program = (
            "import sys; from common.places import Places; from lab.switch.asterisk import Switch\n"
            "from lab.switch.installation import installed\n"
            "one = Switch(installed(Places(var=sys.argv[1])), sys.argv[2])\n"
            "with one.alone():\n one.pid or one.prepare(); print(one.start())"
        )
        command = [sys.executable, "-c", program, SHARED.var, one.folder]
        starts = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)]
        assert sorted(start.communicate(timeout=DEADLINE)[0].strip() for start in starts) == ["False", "True"]
        assert len(processes_of(one.folder)) == 1

    def test_it_outlives_the_process_that_started_it(self, make: Callable[..., Switch]) -> None:
        one = make()
        one.stop()  # releases the ports; now the switch of another test may take them
        program = (
            "import sys; from common.places import Places; from lab.switch.asterisk import Switch\n"
            "from lab.switch.installation import installed\n"
            "one = Switch(installed(Places(var=sys.argv[1])), sys.argv[2])\n"
            "one.prepare(); one.start()"
        )
        command = [sys.executable, "-c", program, SHARED.var, one.folder]
        subprocess.run(command, check=True, cwd=ROOT, timeout=DEADLINE)
        assert "Success" in login(one)
        assert one.stop()


class TestRefused:
    def test_a_switch_that_was_not_prepared(self, installation: Installation, folder: Path) -> None:
        one = Switch(installation, str(folder / "new"))
        for ask in (lambda: one.ports, lambda: one.ami, one.start):
            with pytest.raises(Refusal, match="prepare"):
                ask()
        assert one.status() == (False, None, None, None, None, "")
        assert not one.stop()

    def test_an_asterisk_that_ends_at_once_says_why(self, make: Callable[..., Switch]) -> None:
        one = make()
        Path(one.etc, "modules.conf").write_text("[modules]\nautoload=no\nrequire = no_such_module.so\n")
        with pytest.raises(Refusal, match=r"Asterisk ended at once .*no_such_module.*console\.log"):
            one.start(DEADLINE)
        assert processes_of(one.folder) == []
        assert one.status().note == ""

    def test_an_asterisk_that_is_not_ready_in_time_is_ended(self, make: Callable[..., Switch]) -> None:
        one = make()
        with pytest.raises(Refusal, match=r"not ready after 0\.01 s"):
            one.start(0.01)
        assert processes_of(one.folder) == []
        assert one.start(DEADLINE)

    def test_warnings_at_the_start_are_reported(self, installation: Installation, folder: Path) -> None:
        reports: list[str] = []
        one = Switch(installation, str(folder / "one"), report=reports.append)
        one.prepare()
        with Path(one.etc, "modules.conf").open("a") as file:
            file.write("load = no_such_module.so\n")
        try:
            one.start(DEADLINE)
        finally:
            one.stop()
        assert any("complains" in line and "no_such_module" in line for line in reports)

    def test_rendered_files_are_not_started_on_other_ports(self, make: Callable[..., Switch]) -> None:
        first = make("one")
        second = Switch(first.installation, str(Path(first.folder).parent / "two"))
        second.prepare(lambda one: Path(one.etc, "modules.conf").write_text("[modules]\n; rendered\n") and None)
        second.stop()  # releases its ports, and another switch takes them
        state = Path(second.folder, "state.json")
        state.write_text(json.dumps(json.loads(state.read_text()) | {"ports": first.ports._asdict()}))
        third = Switch(first.installation, second.folder)
        assert third.ports == first.ports
        with pytest.raises(Refusal, match="are in use by another switch; stop that one, or render etc/ again"):
            third.prepare()
        rendered: list[Ports] = []
        third.prepare(lambda one: rendered.append(one.ports))
        assert rendered == [third.ports]
        assert third.ports != first.ports

    def test_an_unknown_console_command_is_refused(self, make: Callable[..., Switch]) -> None:
        one = make()
        one.start(DEADLINE)
        with pytest.raises(Refusal, match="No such command 'make coffee'"):
            one.cli("make coffee")

    def test_invalid_names_are_refused(self, installation: Installation, folder: Path) -> None:
        for name in ("tree", "../up", "", "a b", ".install"):
            with pytest.raises(Refusal, match="not a valid name"):
                find_switch(SHARED, name)
        with pytest.raises(Refusal, match="not installed; run `lab switch install`"):
            find_switch(Places(var=str(folder)))
        assert find_switch(Places(var=str(folder)), needed=False).pid is None
