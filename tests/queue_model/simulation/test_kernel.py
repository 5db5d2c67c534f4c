"""The compiled engine: how it is built, loaded and run by threads, and what happens without it."""

from __future__ import annotations

import os
import re
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
from queue_model.simulation import engines, kernel, reference
from queue_model.simulation.engines import EngineWarning, engine
from queue_model.simulation.inputs import Inputs
from tests.queue_model.all_engines import SOURCE
from tests.queue_model.example_inputs import full_days


def test_it_is_compiled_and_its_source_also_runs_uncompiled() -> None:
    assert kernel.compiled, "not built: make setup"
    assert SOURCE.compiled is False


def test_the_interpreter_lock_is_released_while_it_runs() -> None:
    """This thread counts meanwhile; if the loop held the interpreter lock, it could not."""
    asked = full_days(1000)
    centre = kernel.ContactCentre(asked, kernel.BlankRows(asked))
    running = threading.Thread(target=centre.run)
    running.start()
    counted = 0
    while running.is_alive():
        counted += 1
    running.join()
    assert counted > 1000


def test_runs_in_parallel_give_the_same_as_alone() -> None:
    asked = [full_days(5, seed=seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(kernel.simulate, asked * 4))
    for given, record in zip(asked * 4, together, strict=True):
        assert not record.same_as(kernel.simulate(given))


class TestChoice:
    def test_the_compiled_engine_is_preferred(self) -> None:
        assert engine() == ("kernel", kernel.simulate)
        assert engine("kernel") == ("kernel", kernel.simulate)
        assert engine("simpy") == ("simpy", reference.simulate)

    def test_an_unknown_engine_is_refused(self) -> None:
        with pytest.raises(ModelError, match="engine: 'simula' is not an engine; use kernel or simpy"):
            engine("simula")

    @pytest.mark.parametrize(
        ("state", "message"),
        [
            ("missing", "the compiled engine was not built here; the reference engine gives the same results"),
            (
                "outdated",
                "queue_model/simulation/kernel.py has changed since it was compiled, so the compiled engine is not "
                "used: rebuild with `make setup`; the reference engine gives the same results",
            ),
        ],
    )
    def test_one_that_cannot_be_used(self, monkeypatch: pytest.MonkeyPatch, state: str, message: str) -> None:
        monkeypatch.setattr(engines, "state", lambda name: state)
        with pytest.warns(EngineWarning, match=re.escape(message)):
            assert engine() == ("simpy", reference.simulate)
        with pytest.raises(ModelError, match=re.escape(f"engine: {message}")):
            engine("kernel")
        assert engine("simpy") == ("simpy", reference.simulate)


def checkout(folder: Path) -> Path:
    """A copy of everything that `setup.py` needs."""
    for name in ("setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(os.path.join(ROOT, name), folder)
    for package in ("queue_model", "charter", "common", "ivr", "voicemail", "agi_scripts"):
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
    "from queue_model.simulation import engines, inputs\n"
    "print(len(engines.engine()[1](inputs.build(call_at=[1.0], **inputs.constant_staff(1))).calls))"
)


class TestInstallation:
    def test_without_a_compiler_it_succeeds_and_the_reference_is_used(self, tmp_path: Path) -> None:
        folder = checkout(tmp_path)
        built = python(folder, "setup.py", "-q", "build_ext", "--inplace", CC="/nonexistent/cc")
        assert built.returncode == 0, built.stderr
        assert not list(folder.glob("queue_model/**/*.so"))
        ran = python(folder, "-c", RUN)
        assert (ran.returncode, ran.stdout) == (0, "1\n"), ran.stderr
        assert "EngineWarning: the compiled engine was not built here" in ran.stderr

    def test_without_cython_it_succeeds_and_the_reference_is_used(self, tmp_path: Path) -> None:
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
        """At most 0.1 s; typically 0.03 s. The shortest of five, each in a new interpreter."""
        timed = (
            "import time, numpy\nbegun = time.process_time()\nimport queue_model.simulation.kernel\n"
            "print(time.process_time() - begun)"
        )
        assert min(float(python(Path(ROOT), "-c", timed).stdout) for _ in range(5)) < 0.1


def test_no_input_is_left_unread() -> None:
    """The kernel reads every field, so no feature has to be refused."""
    folder = Path(str(reference.__file__)).parent
    source = "".join(folder.joinpath(name).read_text() for name in ("kernel.py", "kernel_setup.py", "second_level.py"))
    assert [each.name for each in fields(Inputs) if f".{each.name}" not in source] == []
