"""One demonstration at a time; the processes of a killed one are ended."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from common.command_line import Refusal
from common.places import Places
from ivr.server.instance import Instance
from lab.demo.leftovers import Children, alone, refuse_second_engine

SLEEP = ["/bin/sleep", "60"]


def test_children_of_a_killed_run_are_ended_by_the_next(tmp_path: Path) -> None:
    path = str(tmp_path / "processes.jsonl")
    with subprocess.Popen(SLEEP) as one, subprocess.Popen(SLEEP) as two:
        Children(path).note(one.pid)
        Children(path).note(two.pid)
        Children(path).end()
        assert (one.wait(5), two.wait(5)) == (-signal.SIGTERM, -signal.SIGTERM)
    assert not (tmp_path / "processes.jsonl").exists()


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.demo.leftovers.END_SECONDS", 0.1)
    children = Children(str(tmp_path / "processes.jsonl"))
    with subprocess.Popen(["/bin/sh", "-c", "trap '' TERM; echo ready; exec sleep 60"], stdout=-1) as stubborn:
        assert stubborn.stdout is not None
        assert stubborn.stdout.readline() == b"ready\n"
        children.note(stubborn.pid)
        children.end()
        assert stubborn.wait(5) == -signal.SIGKILL
        stubborn.stdout.close()


def test_another_process_with_the_same_pid_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "processes.jsonl"
    with subprocess.Popen(SLEEP) as other:
        path.write_text(f'[{other.pid}, 1, "an earlier boot"]\n[1, 2')  # and a line that was cut off
        Children(str(path)).end()
        assert other.poll() is None
        other.kill()


def test_no_process_was_recorded(tmp_path: Path) -> None:
    Children(str(tmp_path / "processes.jsonl")).end()


def test_two_demonstrations_in_one_var_are_refused(tmp_path: Path) -> None:
    places, folder = Places(var=str(tmp_path)), str(tmp_path / "demo")
    with alone(places, folder), pytest.raises(Refusal, match="runs here already; stop it, or use --var DIR"):
        alone(places, folder).__enter__()
    with alone(places, folder):
        pass


def test_another_running_engine_is_refused(tmp_path: Path) -> None:
    places = Places(var=str(tmp_path))
    engine = Instance(places)
    engine.claim()
    with pytest.raises(Refusal, match="an engine is running already, process"):
        refuse_second_engine(places)
    engine.release()
    refuse_second_engine(places)


def test_the_state_file_of_a_killed_engine_does_not_count(tmp_path: Path) -> None:
    places = Places(var=str(tmp_path))
    Path(places.engine_state).write_text('{"pid": 1}')
    refuse_second_engine(places)
    assert not Path(places.engine_state).exists()
