"""A real Asterisk for these tests: fetched from the machine's own mirror once; and each test's own switches of it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.switch.asterisk import Switch
from lab.switch.installation import Installation, install
from tests.lab.switch.probes import SHARED, processes_of


@pytest.fixture(scope="session")
def installation() -> Installation:
    """For the whole test run, and the next ones."""
    return install(SHARED)


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that everybody may enter, unlike those of pytest: so root's switches run as somebody else."""
    path = Path(tempfile.mkdtemp(prefix="ivr-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def make(installation: Installation, folder: Path) -> Iterator[Callable[..., Switch]]:
    """Prepared switches by name; all are stopped in the end."""
    made: list[Switch] = []

    def prepared(name: str = "one", installation: Installation = installation) -> Switch:
        one = Switch(installation, str(folder / name), prompts=str(folder / "prompts"))
        one.prepare()
        made.append(one)
        return one

    yield prepared
    for one in made:
        one.stop()
        assert processes_of(one.folder) == []
