"""The compiled engine as a thing that is built, loaded, run by threads, and missed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import pytest

from common.places import ROOT
from queue_model.errors import ModelError
from queue_model.simulation import choose, kernel, reference
from queue_model.simulation.inputs import Inputs
from tests.queue_model.engines import SOURCE
from tests.queue_model.periods import full_days, plain_days


def test_it_is_compiled_here_and_its_source_runs_uncompiled() -> None:
    assert kernel.compiled, "not built: make setup"
    assert SOURCE.compiled is False


def test_the_interpreter_is_free_while_it_runs() -> None:
    """This thread counts on meanwhile; if the loop held the lock, it could not count at all."""
    asked = full_days(1000)
    room = kernel.Room(asked, kernel.Blank(asked))
    running = threading.Thread(target=room.run)
    running.start()
    counted = 0
    while running.is_alive():
        counted += 1
    running.join()
    assert counted > 1000


def test_many_at_once_give_what_each_gives_alone() -> None:
    asked = [full_days(5, seed=seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(kernel.simulate, asked * 4))
    for given, record in zip(asked * 4, together, strict=True):
        assert not record.same_as(kernel.simulate(given))


class TestChoice:
    def test_the_compiled_engine_is_preferred(self) -> None:
        assert choose.choose() is kernel.simulate
        assert choose.choose("simpy") is reference.simulate
        given = plain_days(1, 5)
        assert not choose.simulate(given).same_as(choose.simulate(given, "simpy"))

    def test_an_engine_that_is_not_there(self) -> None:
        with pytest.raises(ModelError, match="engine: 'simula'; there are auto, kernel, simpy"):
            choose.choose("simula")  # type: ignore[arg-type]

    def test_without_it_the_reference_serves_and_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(kernel, "compiled", False)
        with pytest.warns(
            choose.EngineWarning, match="not built here, so the reference engine serves: the same results"
        ):
            assert choose.choose() is reference.simulate
        with pytest.raises(ModelError, match="engine: the compiled engine was not built here"):
            choose.choose("kernel")


def checkout(folder: Path) -> Path:
    """What `setup.py` needs, elsewhere."""
    for name in ("setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(os.path.join(ROOT, name), folder)
    for package in ("queue_model", "charter", "ivr", "voicemail", "agi_scripts"):
        shutil.copytree(
            os.path.join(ROOT, package), folder / package, ignore=shutil.ignore_patterns("*.so", "__pycache__")
        )
    return folder


def python(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


RUN = (
    "import warnings; warnings.simplefilter('always')\n"
    "from queue_model.simulation import choose as engine, inputs\n"
    "print(len(engine.simulate(inputs.build(call_at=[1.0], **inputs.constant_staff(1))).calls))"
)


class TestInstallation:
    def test_without_a_compiler_it_succeeds_and_the_reference_serves(self, tmp_path: Path) -> None:
        folder = checkout(tmp_path)
        built = python(folder, "setup.py", "-q", "build_ext", "--inplace", CC="/nonexistent/cc")
        assert built.returncode == 0, built.stderr
        assert not list(folder.glob("queue_model/*.so"))
        ran = python(folder, "-c", RUN)
        assert (ran.returncode, ran.stdout) == (0, "1\n"), ran.stderr
        assert "EngineWarning: the compiled engine was not built here" in ran.stderr

    def test_without_cython_it_succeeds_and_the_reference_serves(self, tmp_path: Path) -> None:
        folder = checkout(tmp_path)
        hidden = "raise ModuleNotFoundError('hidden for a test', name=__name__.partition('.')[0].lower())\n"
        (folder / "Cython").mkdir()
        (folder / "Cython" / "__init__.py").write_text(hidden)
        (folder / "cython.py").write_text(hidden)
        built = python(folder, "setup.py", "-q", "build_ext", "--inplace")
        assert built.returncode == 0, built.stderr
        ran = python(folder, "-c", RUN)
        assert (ran.returncode, ran.stdout) == (0, "1\n"), ran.stderr
        assert "EngineWarning" in ran.stderr

    def test_loading_it_costs_little_beside_numpy(self) -> None:
        """At most 0.1 s; it is about 0.03. The shortest of five, in interpreters of their own."""
        timed = (
            "import time, numpy\nbegun = time.process_time()\nimport queue_model.simulation.kernel\n"
            "print(time.process_time() - begun)"
        )
        assert min(float(python(Path(ROOT), "-c", timed).stdout) for _ in range(5)) < 0.1


def test_no_input_is_left_unread() -> None:
    """A feature that the kernel lacked would have to be refused by name; there is none."""
    room = Path(str(reference.__file__)).parent
    source = "".join(room.joinpath(name).read_text() for name in ("kernel.py", "kernel_rows.py", "second_level.py"))
    assert [each.name for each in fields(Inputs) if f".{each.name}" not in source] == []
