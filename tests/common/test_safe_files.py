"""Writing files whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from common.safe_files import drafts, make_private_folder, open_truncated, sync_path, write_file, write_new_file
from tests.common.crash import every_step

LONG = 300_000  # bytes, more than one buffer


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize("single_writer", [False, True])
@pytest.mark.parametrize("content", ["perché no", "a\r\nb\n", b"\x00\xff"])
def test_a_file_is_written_as_given(tmp_path: Path, content: str | bytes, single_writer: bool) -> None:
    path = tmp_path / "a.json"
    write_file(str(path), "old")
    write_file(str(path), content, single_writer=single_writer)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_the_mode_is_exact(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "a"
    previous = os.umask(umask)
    try:
        for mode in (0o600, 0o640, 0o644):
            write_file(str(path), "x", mode)
            assert mode_of(path) == mode
            with drafts([str(path)], mode) as [draft]:
                assert mode_of(Path(draft)) == mode
            assert mode_of(path) == mode
    finally:
        os.umask(previous)


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_file("a", "x")
    write_new_file("b", "y")
    assert names(tmp_path) == ["a", "b"]


@pytest.mark.usefixtures("full_disk")
@pytest.mark.parametrize("single_writer", [False, True])
def test_a_full_disk_leaves_the_old_file_and_no_draft(tmp_path: Path, single_writer: bool) -> None:
    path = tmp_path / "a"
    write_file(str(path), "old", sync=False)
    with pytest.raises(OSError, match="No space left"):
        write_file(str(path), "new", single_writer=single_writer)
    assert (path.read_text(), names(tmp_path)) == ("old", ["a"])


def test_only_sync_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    write_file(str(tmp_path / "a"), "x", sync=False)
    with drafts([str(tmp_path / "a")], sync=False):
        pass
    assert not synced
    write_file(str(tmp_path / "a"), "x")
    assert len(synced) == 1


def test_the_content_is_on_the_disk_before_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        steps.append(f"sync {os.fstat(descriptor).st_size}")
        fsync(descriptor)

    def renamed(source: str, target: str) -> None:
        steps.append(f"rename {os.path.basename(target)}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    write_file(str(tmp_path / "a"), "12345")
    with drafts([str(tmp_path / "b"), str(tmp_path / "c")]) as fresh:
        for draft in fresh:
            Path(draft).write_text("1234567")
    assert steps == ["sync 5", "rename a", "sync 7", "sync 7", "rename b", "rename c"]


def test_a_link_with_the_name_of_a_draft_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "a.tmp").symlink_to(victim)
    write_file(str(tmp_path / "a"), "x", single_writer=True)
    assert victim.read_text() == "precious"
    assert (tmp_path / "a").read_text() == "x" and not (tmp_path / "a").is_symlink()
    assert names(tmp_path) == ["a", "victim"]


def test_a_link_in_the_place_of_the_file_is_replaced(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "a").symlink_to(victim)
    write_file(str(tmp_path / "a"), "x")
    assert victim.read_text() == "precious" and not (tmp_path / "a").is_symlink()


def test_a_crash_leaves_the_old_file_or_the_new_and_one_draft_at_most(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    for _ in every_step(lambda: lambda: write_file(str(path), "new", single_writer=True)):
        assert path.read_text() in ("old", "new")
        assert set(names(tmp_path)) <= {"a", "a.tmp"}
    assert (path.read_text(), names(tmp_path)) == ("new", ["a"])


def test_writers_at_the_same_time_leave_one_whole_file(tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    contents = [letter * LONG for letter in "abcdefgh"]
    threads = [threading.Thread(target=write_file, args=(path, content)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Path(path).read_text() in contents
    assert names(tmp_path) == ["a"]


# --- new files


def test_a_new_file_never_replaces_one(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_new_file(str(path), "first", 0o600)
    assert mode_of(path) == 0o600
    with pytest.raises(FileExistsError):
        write_new_file(str(path), "second", 0o600)
    assert (path.read_text(), names(tmp_path)) == ("first", ["keys.json"])


@pytest.mark.usefixtures("full_disk")
def test_a_new_file_on_a_full_disk_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        write_new_file(str(tmp_path / "a"), "x")
    assert names(tmp_path) == []


def test_a_crash_never_leaves_a_part_of_a_new_file(tmp_path: Path) -> None:
    def prepare() -> Callable[[], object]:
        (tmp_path / "a").unlink(missing_ok=True)
        return lambda: write_new_file(str(tmp_path / "a"), "x" * LONG)

    for _ in every_step(prepare):
        assert not (tmp_path / "a").exists() or (tmp_path / "a").stat().st_size == LONG


# --- several files


def test_drafts_replace_all_files_at_the_end_of_the_block(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_text("old")
    with drafts([str(a), str(b)]) as fresh:
        for draft in fresh:
            Path(draft).write_text("new")
        assert a.read_text() == "old" and not b.exists()
    assert (a.read_text(), b.read_text(), names(tmp_path)) == ("new", "new", ["a", "b"])


def test_an_error_in_the_block_changes_nothing(tmp_path: Path) -> None:
    a = tmp_path / "a"
    a.write_text("old")
    with pytest.raises(ValueError, match="half way"), drafts([str(a), str(tmp_path / "b")]) as fresh:
        Path(fresh[0]).write_text("new")
        raise ValueError("half way")
    assert (a.read_text(), names(tmp_path)) == ("old", ["a"])


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_changes_none_of_the_files(tmp_path: Path) -> None:
    a = tmp_path / "a"
    a.write_text("old")
    with pytest.raises(OSError, match="No space left"), drafts([str(a), str(tmp_path / "b")]):
        pass
    assert (a.read_text(), names(tmp_path)) == ("old", ["a"])


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing" / "a")
    with pytest.raises(FileNotFoundError):
        write_file(missing, "x")
    with pytest.raises(FileNotFoundError):
        write_new_file(missing, "x")
    with pytest.raises(FileNotFoundError), drafts([str(tmp_path / "a"), missing]):
        pass
    assert names(tmp_path) == []


# --- the rest


def test_a_truncated_file_is_not_opened_through_a_link(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("old lines")
    with open_truncated(str(path)) as file:
        file.write(b"new")
    assert path.read_text() == "new"
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(OSError, match="symbolic links"):
        open_truncated(str(tmp_path / "link"))


def test_files_and_folders_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("x")
    synced: list[int] = []

    def fsync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", fsync)
    sync_path(str(tmp_path / "a"))
    sync_path(str(tmp_path))
    assert synced == [(tmp_path / "a").stat().st_ino, tmp_path.stat().st_ino]


def test_nothing_heavy_is_imported() -> None:
    """Every AGI process that runs a flow itself imports this module."""
    before = "import contextlib, sys, typing; before = set(sys.modules)"
    code = f"{before}; import common.safe_files; print(*set(sys.modules) - before)"
    lean = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert set(lean.stdout.split()) <= {"common", "common.safe_files"}


def test_a_private_folder_is_closed_to_others_also_when_it_was_open(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    folder.chmod(0o775)
    make_private_folder(str(folder))
    assert folder.stat().st_mode & 0o777 == 0o770  # the group's rights may be the mask of an access list
    make_private_folder(str(tmp_path / "spool"))
    assert (tmp_path / "spool").stat().st_mode & 0o007 == 0
