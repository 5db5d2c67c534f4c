"""A real Asterisk for these tests, downloaded once from the machine's own mirror, and switches for each test."""

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
    """The installation, shared by this test run and later ones."""
    return install(SHARED)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can enter, unlike pytest's, so that root's switches can run as another user."""
    path = Path(tempfile.mkdtemp(prefix="ivr-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def make(installation: Installation, folder: Path) -> Iterator[Callable[..., Switch]]:
    """Prepared switches by name; all are stopped at the end."""
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
