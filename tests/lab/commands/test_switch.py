"""`lab switch`, as ops type it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.places import ROOT, Places
from lab import cli
from lab.switch.by_name import find_switch, switch_names
from lab.switch.installation import Installation
from tests.lab.switch.probes import DEADLINE, processes_of

pytestmark = pytest.mark.switch


@pytest.fixture
def site(installation: Installation, folder: Path) -> Iterator[Places]:
    """A new var/ with the shared tree."""
    places = Places(var=str(folder / "var"))
    os.makedirs(os.path.dirname(places.tree))
    os.symlink(installation.tree, places.tree)
    yield places
    for name in switch_names(places):
        find_switch(places, name, needed=False).stop()
        assert processes_of(places.switch(name)) == []


class Terminal:
    def __init__(self, places: Places, capsys: pytest.CaptureFixture[str]) -> None:
        self._places, self._capsys = places, capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Exit status, standard output, standard error."""
        status = cli.main(["--var", self._places.var, "switch", *words])
        output = self._capsys.readouterr()
        return status, output.out, output.err


@pytest.fixture
def lab_switch(site: Places, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(site, capsys)


def test_start_status_console_and_stop(lab_switch: Terminal, site: Places) -> None:
    status, output, _ = lab_switch("start")
    assert status == 0
    assert re.search(r"^Asterisk 22\.[\d.]+ is up( as \w+)? \(process \d+, \d+\.\d s\)$", output, re.M)
    ports = find_switch(site).ports
    assert f"SIP 127.0.0.1:{ports.sip} (UDP), AMI 127.0.0.1:{ports.ami} (TCP)" in output

    status, output, _ = lab_switch("start")
    assert status == 0
    assert output.startswith("the switch 'main' is already running (process ")

    status, output, _ = lab_switch("status")
    assert status == 0
    assert output.startswith("main: Asterisk 22.")

    status, output, _ = lab_switch("console", "core", "show", "version")
    assert status == 0
    assert output.startswith("Asterisk 22.")

    status, output, _ = lab_switch("stop")
    assert status == 0
    assert output.startswith("the switch 'main' is stopped (")

    status, output, _ = lab_switch("stop")
    assert (status, output) == (0, "the switch 'main' was not running\n")

    status, output, _ = lab_switch("status")
    assert (status, output) == (3, "main: not running\n")


def test_two_by_name(lab_switch: Terminal) -> None:
    assert lab_switch("start", "--name", "one")[0] == 0
    assert lab_switch("start", "--name", "two")[0] == 0
    status, output, _ = lab_switch("status", "--name", "one")
    assert status == 0
    assert output.endswith("other switches here: two (--name)\n")
    assert lab_switch("stop", "--name", "one")[0] == 0
    assert lab_switch("status", "--name", "one")[0] == 3
    assert lab_switch("status", "--name", "two")[0] == 0


def test_the_console_needs_a_terminal(lab_switch: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lab_switch("start")[0] == 0
    with open(os.devnull, encoding="ascii") as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        status, _, error = lab_switch("console")
    assert status == 1
    assert "the console needs a terminal; pass one command as arguments instead" in error


def test_the_console_in_a_terminal(lab_switch: Terminal, site: Places) -> None:
    assert lab_switch("start")[0] == 0
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "lab.cli", "--var", site.var, "switch", "console"]
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, cwd=ROOT, start_new_session=True) as console:
        os.close(its)
        try:
            seen = b""
            while b"CLI> " not in seen:
                seen += os.read(ours, 4096)
            os.write(ours, b"core show version\nexit\n")
            assert console.wait(DEADLINE) == 0
        finally:
            console.kill()
            os.close(ours)
    assert lab_switch("status")[0] == 0  # leaving the console does not stop the switch


def test_a_running_switch_is_stopped_even_when_its_tree_is_gone(lab_switch: Terminal, site: Places) -> None:
    assert lab_switch("start")[0] == 0
    os.remove(site.tree)  # the link
    assert lab_switch("start")[0] == 1
    assert lab_switch("status")[0] == 0
    assert lab_switch("stop", "--deadline", "4")[0] == 0
    assert processes_of(site.switch("main")) == []


def test_nothing_installed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(Places(var=str(folder / "empty")), capsys)
    status, _, error = terminal("start")
    assert (status, error) == (1, "lab switch: the private switch is not installed; run `lab switch install`\n")
    assert terminal("status")[0] == 3
    assert terminal("stop")[0] == 0


def test_a_var_that_cannot_be_written(lab_switch: Terminal, site: Places) -> None:
    with open(os.path.join(os.path.dirname(site.tree), "taken"), "w", encoding="ascii"):
        pass
    status, _, error = lab_switch("start", "--name", "taken")
    assert status == 1
    assert "switch/taken" in error
    assert "choose another folder with --var" in error


def test_install_reports_the_installed_version(lab_switch: Terminal) -> None:
    status, output, _ = lab_switch("install")
    assert status == 0
    assert output.startswith("already installed: Asterisk 22.")


def test_help_names_every_action(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["switch", "--help"])
    output = capsys.readouterr().out
    assert all(action in output for action in ("install", "start", "stop", "status", "console"))


def test_a_refusal_is_a_sentence_also_when_run_as_a_module(folder: Path) -> None:
    command = [sys.executable, "-m", "lab.cli", "--var", str(folder), "switch", "start"]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert outcome.returncode == 1
    assert outcome.stderr == "lab switch: the private switch is not installed; run `lab switch install`\n"
