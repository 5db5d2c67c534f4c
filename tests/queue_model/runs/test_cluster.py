"""A cluster gives the same results as threads, even if a worker dies; failures are reported before a deadline.

The scheduler and its workers are separate processes on this machine, on free ports. The workers run in another folder
with another configuration: everything they need is in the task.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.command_line import Refusal
from common.places import Places
from queue_model.cli import main
from queue_model.errors import ModelError
from queue_model.runs import cluster
from queue_model.runs.batches import StudyRun
from queue_model.runs.cache import RunCache
from queue_model.runs.cluster import Cluster
from queue_model.runs.compare import compare
from queue_model.runs.measures.measurer import Sums
from queue_model.runs.replication import replicate
from queue_model.runs.sweep import Interrupted, Point, grid, parse_axis, studies_of, sweep
from queue_model.scenario.study import Study
from tests.queue_model.example_scenarios import day, everything, study_of

DEADLINE = 60


class LocalCluster:
    """A scheduler, and workers that come and go."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.stack = folder, stack
        self.file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0")
        deadline = time.monotonic() + DEADLINE
        while not self.file.exists() or not self.file.read_text(encoding="utf-8").endswith("}"):
            assert time.monotonic() < deadline, "no scheduler"
            time.sleep(0.02)
        self.address: str = json.loads(self.file.read_text(encoding="utf-8"))["address"]

    def worker(self, *words: str) -> subprocess.Popen[bytes]:
        return self._start(
            "worker", "--no-nanny", "--nthreads", "1", "--host", "127.0.0.1", "--memory-limit", "0",
            "--death-timeout", str(DEADLINE), "--local-directory", str(self.folder), *words,
        )  # fmt: skip

    def _start(self, kind: str, *words: str) -> subprocess.Popen[bytes]:
        nowhere = {"IVR_CONFIG": str(self.folder / "nowhere"), "IVR_VAR": str(self.folder / "nowhere")}
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--no-dashboard", "--scheduler-file", str(self.file),
             *words],
            cwd=self.folder, env={**os.environ, **nowhere}, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.stack.callback(kill_process, process)
        return process


def kill_process(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(DEADLINE)


@contextmanager
def local_cluster(folder: Path) -> Iterator[LocalCluster]:
    with ExitStack() as stack:
        yield LocalCluster(folder, stack)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A scheduler with two workers, for tests that do not change them."""
    with local_cluster(tmp_path_factory.mktemp("cluster")) as found:
        for _ in range(2):
            found.worker()
        yield found


@pytest.fixture
def base(tmp_path: Path) -> str:
    path = tmp_path / "base.yaml"
    path.write_text(yaml.safe_dump(day(6, 3, replications=4)), encoding="utf-8")
    return str(path)


def points(base: str, *axes: str) -> list[Study]:
    """The studies of a grid."""
    return studies_of(base, grid([parse_axis(each) for each in axes]), Places())


def kept(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*.json")}


def plain(many: list[Sums]) -> list[Any]:
    """Sums as plain values, exact to the last bit."""
    parts = [
        {(part, name): (top.tobytes(), bottom.tobytes()) for part, found in each.parts.items()
         for name, (top, bottom) in found.items()}
        for each in many
    ]  # fmt: skip
    return [(each.whole, each.counts, part) for each, part in zip(many, parts, strict=True)]


def small_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send one task per replication, so that there are many."""
    monkeypatch.setattr(Cluster, "min_task_seconds", 0.0)


# --- the same results ------------------------------------------------------------------------------------------------


def test_a_sweep_is_the_same_to_the_last_byte_even_if_a_worker_is_killed(
    tmp_path: Path, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_tasks(monkeypatch)
    studies = points(base, "seats=4,5,6", "calls=300,400")
    serial = sweep(studies, RunCache(str(tmp_path / "serial")), jobs=1)
    with local_cluster(tmp_path) as found:
        doomed = found.worker()
        found.worker()
        killed: list[int] = []

        def kill(done: int, needed: int) -> None:
            if done == 2 and not killed:
                killed.append(doomed.pid)
                doomed.kill()

        with Cluster(found.address, DEADLINE) as executor:
            executor.wait_for(2, DEADLINE)
            spread = sweep(studies, RunCache(str(tmp_path / "spread")), executor=executor, progress=kill)
        assert killed
        assert doomed.wait(DEADLINE) != 0
    assert spread == serial
    assert kept(tmp_path / "spread") == kept(tmp_path / "serial")
    assert len(kept(tmp_path / "spread")) == 6


def test_replications_and_comparisons_are_the_same(shared: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    small_tasks(monkeypatch)
    first, second = (
        study_of(everything(2, menu={"walk": False}, operators={"reserve": reserve})) for reserve in (1, 2)
    )
    with Cluster(shared.address, DEADLINE) as executor:
        spread = replicate(first, replications=5, parts=("topic",), executor=executor)
        both = compare([first, second], replications=3, executor=executor)
    serial = replicate(first, replications=5, parts=("topic",), jobs=1)
    assert plain(spread.sums) == plain(serial.sums)
    assert both.difference("service_level", 0, 1) == compare([first, second], replications=3).difference(
        "service_level", 0, 1
    )


def test_the_command_prints_the_same(
    shared: LocalCluster, tmp_path: Path, base: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["sweep", base, "--set", "seats=4,6", "--out"]
    said = []
    for name, more in (("threads", []), ("cluster", ["--cluster", shared.address])):
        assert main(["--var", str(tmp_path / f"var {name}"), *asked, str(tmp_path / name), *more]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    files = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("threads", "cluster")]
    assert files[0] == files[1]
    assert main(["--var", str(tmp_path / "var cluster"), *asked, str(tmp_path / "threads")]) == 0
    assert "2 points, 2 of them kept from before" in capsys.readouterr().out


def test_a_stopped_sweep_resumes(
    shared: LocalCluster, tmp_path: Path, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_tasks(monkeypatch)
    studies, run_cache = points(base, "seats=3,4,5,6"), RunCache(str(tmp_path / "run_cache"))

    def stop(done: int, needed: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with Cluster(shared.address, DEADLINE) as executor:
        with pytest.raises(Interrupted) as stopped:
            sweep(studies, run_cache, executor=executor, progress=stop)
        assert 2 <= stopped.value.kept == len(kept(tmp_path / "run_cache"))
        again: list[Point] = sweep(studies, run_cache, executor=executor)
    assert sum(each.cached for each in again) == stopped.value.kept


def test_an_error_in_a_task_is_raised_and_stops_the_rest(shared: LocalCluster) -> None:
    with Cluster(shared.address, DEADLINE) as executor, pytest.raises(ValueError, match="math domain error"):
        executor.run(math.sqrt, [4.0, 1.0, -1.0, 9.0], lambda task, result: None)


def test_a_study_run_needs_no_file(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text("at,topic\n2026-02-02T10:10:00,ALTRO\n", encoding="utf-8")
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump(day(6, 1, arrivals={"trace": "calls.csv"})), encoding="utf-8")
    run = StudyRun(studies_of(str(path), [{}], Places())[0], 1, "kernel")
    packed, here = pickle.dumps(run), run.sums(0)
    for each in tmp_path.iterdir():
        each.unlink()
    elsewhere: StudyRun = pickle.loads(packed)
    assert plain([elsewhere.sums(0)]) == plain([here])
    assert here.counts["called"] == 1


# --- failures --------------------------------------------------------------------------------------------------------


def test_no_scheduler_at_the_address(base: str) -> None:
    with socket.socket() as held:  # bound, but not listening
        held.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{held.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(Refusal, match=rf"--cluster {address}: no scheduler there .*`dask scheduler`"):
            Cluster(address, deadline=0.5)
        assert time.monotonic() - started < DEADLINE


@pytest.mark.parametrize("address", ["", "nowhere", "xyz://1.2.3.4:5"])
def test_a_bad_address(address: str) -> None:
    with pytest.raises(Refusal, match=f"--cluster {address}: no scheduler there"):
        Cluster(address, deadline=0.5)


def stopped_by(
    found: LocalCluster, doomed: subprocess.Popen[bytes], said: str, base: str, run_cache: RunCache, patience: float
) -> None:
    """A sweep during which a process ends: finished points are kept."""
    studies = points(base, "seats=3,4,5,6,7,8")

    def kill(done: int, needed: int) -> None:
        if done == 1:
            doomed.kill()

    with Cluster(found.address, DEADLINE):
        pass  # wait for the worker
    with pytest.raises(Refusal, match=said), Cluster(found.address, DEADLINE, patience) as executor:
        sweep(studies, run_cache, executor=executor, progress=kill)
    assert 1 <= sum(each.cached for each in sweep(studies, run_cache)) < 6


def test_no_worker_or_one_without_the_program(tmp_path: Path) -> None:
    without = tmp_path / "without.py"  # preloaded by a worker, which then has no such program
    without.write_text("import sys\nsys.modules['queue_model'] = None\n", encoding="utf-8")
    with local_cluster(tmp_path) as found:
        with pytest.raises(Refusal, match=r"no worker for 0\.3 s; start some: dask worker tcp:"):
            Cluster(found.address, DEADLINE, patience=0.3)
        found.worker("--preload", str(without))
        said = "a worker has no queue_model.*; install there what is installed here, in the same version"
        with Cluster(found.address, DEADLINE) as executor, pytest.raises(Refusal, match=said):
            replicate(study_of(day(6, 1)), replications=1, executor=executor)


def test_the_last_worker_or_the_scheduler_goes_away(tmp_path: Path, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    small_tasks(monkeypatch)
    with local_cluster(tmp_path) as found:
        with monkeypatch.context() as impatient:
            impatient.setattr(cluster, "POLL", 0.2)
            run_cache = RunCache(str(tmp_path / "worker"))
            stopped_by(found, found.worker(), r"no worker for 0\.3 s", base, run_cache, 0.3)
        found.worker()
        said = "the scheduler went away; finished work is kept"
        stopped_by(found, found.scheduler, said, base, RunCache(str(tmp_path / "scheduler")), DEADLINE)


def test_another_version_is_refused(shared: LocalCluster, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[[], dict[str, str]] = cluster.versions
    monkeypatch.setattr(cluster, "versions", lambda: {**real(), "NumPy": "0.1"})
    said = r"the worker tcp://127.* differs from this machine: NumPy \S+ there, 0.1 here; install the same versions"
    with Cluster(shared.address, DEADLINE) as executor, pytest.raises(ModelError, match=said):
        replicate(study_of(day(6, 1)), replications=1, executor=executor)


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, base: str, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["sweep", base, "--set", "seats=4", "--cluster", "tcp://127.0.0.1:1"]) == 1
    said = capsys.readouterr().err
    assert "Dask distributed is not installed here; install it with pip install 'numero-unico-lavoro[cluster]'" in said


def test_jobs_and_cluster_exclude_each_other(base: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", base, "--jobs", "2", "--cluster", "tcp://127.0.0.1:1"]) == 1
    assert "--jobs: counts threads of this machine" in capsys.readouterr().err


def test_dask_is_not_imported_without_cluster() -> None:
    code = "import sys, queue_model.commands.sweep, queue_model.commands.run; print('distributed' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=DEADLINE, check=True)
    assert done.stdout == "False\n"
