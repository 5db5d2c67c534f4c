"""A compiled module that is older than its source is noticed, and not used."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from common import command_line
from common.places import ROOT
from queue_model import compiled
from queue_model.cli import main
from queue_model.random import variates, variates_plain
from queue_model.simulation import kernel

NAMES = compiled.COMPILED


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """`state` remembers its answers; those given under a monkeypatch must not stay."""
    compiled.state.cache_clear()
    yield
    compiled.state.cache_clear()


def extension_of(module: ModuleType) -> Path:
    assert module.__file__ is not None
    return Path(module.__file__)


def copied(module: ModuleType, folder: Path) -> tuple[Path, Path]:
    """The extension of a module and its source, in another folder."""
    extension = Path(shutil.copy(extension_of(module), folder))
    source = folder / f"{extension.name.partition('.')[0]}.py"
    shutil.copy(extension_of(module).with_name(source.name), source)
    return extension, source


@pytest.mark.parametrize("name", NAMES)
def test_all_are_current_here(name: str) -> None:
    assert compiled.state(name) == "current", "rebuild with `make setup`"


def test_setup_compiles_them_all() -> None:
    setup = ast.parse((Path(ROOT) / "setup.py").read_text(encoding="utf-8"))
    values = {node.targets[0].id: node.value for node in setup.body if isinstance(node, ast.Assign)}  # type: ignore[attr-defined]
    assert ast.literal_eval(values["COMPILED"]) == compiled.COMPILED


def test_make_setup_learns_which_modules_are_outdated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compiled.main() == 0
    monkeypatch.setattr(compiled, "state", lambda name: "outdated" if name == "random.variates" else "missing")
    assert compiled.main() == 1
    assert capsys.readouterr().out == "queue_model/random/variates.py has changed since it was compiled\n"


def test_a_module_that_is_never_compiled() -> None:
    assert compiled.state("random.variates_plain") == "missing"


class TestOneExtension:
    def test_it_is_current_beside_its_source(self, tmp_path: Path) -> None:
        extension, _ = copied(kernel, tmp_path)
        assert compiled.is_current(extension)

    def test_it_is_outdated_when_the_source_changes(self, tmp_path: Path) -> None:
        extension, source = copied(kernel, tmp_path)
        source.write_text(source.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
        os.utime(source, (0, 0))  # the hash decides, not the time
        assert not compiled.is_current(extension)

    def test_it_is_outdated_when_it_carries_no_hash(self, tmp_path: Path) -> None:
        extension, _ = copied(kernel, tmp_path)
        extension.write_bytes(b"built before there were hashes")
        assert not compiled.is_current(extension)

    def test_it_is_current_in_an_installation_without_sources(self, tmp_path: Path) -> None:
        extension, source = copied(kernel, tmp_path)
        source.unlink()
        assert compiled.is_current(extension)


class TestCompiledOrPlain:
    def test_the_compiled_one_is_preferred(self) -> None:
        assert compiled.compiled_or_plain("random.variates") is variates

    def test_an_outdated_one_is_replaced_with_a_warning(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compiled, "is_current", lambda extension: False)
        with pytest.warns(
            compiled.EngineWarning,
            match="queue_model/random/variates.py has changed since it was compiled: rebuild with `make setup`",
        ):
            assert compiled.compiled_or_plain("random.variates") is variates_plain

    def test_a_missing_one_is_replaced_without_a_word(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compiled, "state", lambda name: "missing")
        assert compiled.compiled_or_plain("random.variates") is variates_plain


RUN = (
    "from queue_model.simulation import engines, inputs\n"
    "from queue_model.simulation.builder import array_loops\n"
    "from queue_model.random.streams import maker\n"
    "from queue_model.runs.measures.measurer import tally\n"
    "print(len(engines.engine()[1](inputs.build(call_at=[1.0], **inputs.constant_staff(1))).calls))\n"
    "print(*(module.__name__.rpartition('.')[2] for module in (array_loops, maker(), tally)))\n"
)


def run_in_copy(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), ROOT])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=folder,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with the whole package, extensions included."""
    shutil.copytree(Path(ROOT) / "queue_model", tmp_path / "queue_model", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_after_a_git_pull(copy: Path) -> None:
    """Everything is outdated, and one extension no longer even loads: the results stay, with a warning for each."""
    for name in NAMES:
        with open(copy / compiled.source_of(name), "a", encoding="utf-8") as file:
            file.write("# pulled\n")
    (extension,) = (copy / "queue_model" / "simulation").glob("array_loops.*.so")
    extension.write_bytes(b"cannot be loaded")
    ran = run_in_copy(copy)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == ["1", "array_loops_plain variates_plain tally_plain"]
    for name in NAMES:
        assert f"EngineWarning: {compiled.source_of(name)} has changed since it was compiled" in ran.stderr
    assert ran.stderr.count("rebuild with `make setup`") >= len(NAMES)


def test_an_installation_without_the_sources(copy: Path) -> None:
    """All extensions are used, without a warning."""
    for name in NAMES:
        (copy / compiled.source_of(name)).unlink()
    ran = run_in_copy(copy)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == ["1", "array_loops variates tally"]


def test_the_check_costs_little() -> None:
    """All four together at most 20 ms of processor time; it is about 2. The shortest of five."""
    extensions = [Path(ROOT, compiled.source_of(name)) for name in NAMES]
    paths = [next(source.parent.glob(f"{source.stem}.*.so")) for source in extensions]
    times = []
    for _ in range(5):
        begun = time.process_time()
        assert all(map(compiled.is_current, paths))
        times.append(time.process_time() - begun)
    print(f"{1000 * min(times):.2f} ms")
    assert min(times) < 0.02


def test_a_supervisor_is_warned_in_a_plain_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The commands go on, on the reference engine."""

    def warned(*_: object) -> int:
        warnings.simplefilter("always")
        warnings.warn("rebuild with `make setup`", compiled.EngineWarning, stacklevel=1)
        warnings.warn("a mistake of a library", DeprecationWarning, stacklevel=1)
        return 0

    monkeypatch.setattr(command_line, "run", warned)
    assert main([]) == 0
    first, second, *_ = capsys.readouterr().err.splitlines()
    assert first == "queue-model: rebuild with `make setup`"
    assert second.endswith("DeprecationWarning: a mistake of a library") and "test_compiled.py" in second


@pytest.mark.timeout(300)
def test_an_outdated_extension_is_built_again_whatever_its_time(tmp_path: Path) -> None:
    """Also when it is newer than its source, as a copy from elsewhere is."""
    for name in ("setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(Path(ROOT) / name, tmp_path)
    shutil.copytree(
        Path(ROOT) / "queue_model", tmp_path / "queue_model", ignore=shutil.ignore_patterns("__pycache__", "*.so")
    )
    setup = (tmp_path / "setup.py").read_text(encoding="utf-8")
    lines = [line if not line.startswith("COMPILED =") else 'COMPILED = ("runs.measures.tally",)' for line in
             setup.splitlines()]  # fmt: skip
    (tmp_path / "setup.py").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def build() -> Path:
        words = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
        built = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
        assert built.returncode == 0, built.stderr
        (extension,) = (tmp_path / "queue_model/runs/measures").glob("tally.*.so")
        return extension

    extension = build()
    assert compiled.is_current(extension)
    extension.write_bytes(b"an old one")
    os.utime(extension, (2e9, 2e9))
    assert compiled.is_current(build())
