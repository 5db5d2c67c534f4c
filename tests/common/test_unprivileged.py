"""Giving up root. Run as root, the tests show that it works; otherwise, that it is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

import pytest

from common import unprivileged
from common.unprivileged import Account, account_for, choose_account, find_obstacle

ROOT = os.geteuid() == 0
NOBODY = Account("nobody", 65534, 65534)


@pytest.fixture
def folder() -> Iterator[str]:
    """A folder that everybody may enter, unlike those of pytest."""
    path = tempfile.mkdtemp(prefix="ivr-test-")
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path)


def test_only_root_changes_the_account(folder: str) -> None:
    found = account_for(folder)
    assert (found is not None) == ROOT
    if found:
        assert found.name == "nobody"
        os.chown(folder, 12345, 12345)
        assert account_for(folder) == ("user 12345", 12345, 12345)  # a container's volume


def test_the_obstacle_names_the_closed_folder(folder: str) -> None:
    closed = os.path.join(folder, "closed", "inner")
    os.makedirs(closed)
    os.chmod(os.path.dirname(closed), 0o700)
    if ROOT:
        assert find_obstacle(NOBODY, ["/bin/true"], [folder]) is None
        assert find_obstacle(NOBODY, ["/bin/false"], []) == "/bin/false does not run as nobody (exit status 1)"
        said = f"nobody may not enter {closed} (it, or a folder above it, is closed to others)"
        assert find_obstacle(NOBODY, ["/bin/true"], [folder, closed]) == said
    else:
        said = "this process cannot become nobody ([Errno 1] Operation not permitted"
        assert str(find_obstacle(NOBODY, ["/bin/true"], [folder])).startswith(said)


@pytest.mark.skipif(not ROOT, reason="only root gives files away")
class TestAsRoot:
    def write_as_nobody(self, path: str) -> bool:
        command = ["/bin/sh", "-c", 'echo said > "$1"', "sh", path]
        return subprocess.run(command, capture_output=True, check=False, **NOBODY.popen()).returncode == 0

    def test_give_ownership_does_not_follow_links(self, folder: str) -> None:
        outside = os.path.join(folder, "outside")
        given = os.path.join(folder, "given")
        os.makedirs(os.path.join(given, "inner"))
        for path in (outside, os.path.join(given, "inner", "file")):
            with open(path, "w", encoding="ascii"):
                pass
        os.symlink(outside, os.path.join(given, "link"))
        unprivileged.give_ownership(given, NOBODY)
        assert os.stat(os.path.join(given, "inner", "file")).st_uid == NOBODY.uid
        assert os.lstat(os.path.join(given, "link")).st_uid == NOBODY.uid
        assert os.stat(outside).st_uid == 0

    def test_both_accounts_write_in_a_shared_folder_and_in_later_ones(self, folder: str) -> None:
        shared = os.path.join(folder, "shared")
        os.makedirs(os.path.join(shared, "before"))  # the unpacked programs, say
        assert unprivileged.share_folder(shared, NOBODY)
        before = os.umask(0o077)  # whatever root's habits are
        try:
            os.mkdir(os.path.join(shared, "later"), 0o770)
            os.mkdir(os.path.join(shared, "private"), 0o755)
        finally:
            os.umask(before)
        for inner in ("", "later"):
            assert self.write_as_nobody(os.path.join(shared, inner, "file"))
        for inner in ("before", "private"):
            assert not self.write_as_nobody(os.path.join(shared, inner, "file"))
        assert os.stat(shared).st_uid == 0

    def test_a_new_shared_folder_is_closed_to_others(self, folder: str) -> None:
        shared = os.path.join(folder, "messages")
        assert unprivileged.share_folder(shared, NOBODY)
        assert os.stat(shared).st_mode & 0o007 == 0
        assert self.write_as_nobody(os.path.join(shared, "file"))

    def test_an_unshared_folder_stays_closed(self, folder: str) -> None:
        assert not self.write_as_nobody(os.path.join(folder, "file"))

    def test_the_account_is_chosen_that_can_run_every_probe(self, folder: str) -> None:
        assert choose_account(folder, [["/bin/true"], ["/bin/true"]], [folder], []) == (NOBODY, None)
        found, why = choose_account(folder, [["/bin/true"], ["/bin/false"]], [folder], [])
        assert (found, why) == (None, "/bin/false does not run as nobody (exit status 1)")
