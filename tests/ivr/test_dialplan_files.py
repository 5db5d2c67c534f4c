"""How Asterisk's files reach the disk: only changes, in one step, old files kept, passwords private."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ivr import dialplan
from ivr.dialplan import Change


def test_only_the_owner_may_read_files_with_passwords(files: dict[str, str], tmp_path: Path) -> None:
    dialplan.write(files, str(tmp_path))
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    private = {"manager.conf", "pjsip_nul.conf", "extensions_nul.conf"}  # the last has the engine's key
    assert {name for name, mode in modes.items() if mode == 0o600} == private
    assert set(modes.values()) == {0o600, 0o644}
    secrets = [name for name, text in files.items() if "secret-of-" in text or "very-secret" in text]
    assert sorted(secrets) == ["manager.conf", "pjsip_nul.conf"]


def test_only_changes_are_written_and_old_files_are_kept(tmp_path: Path) -> None:
    folder = str(tmp_path)
    assert [change.before for change in dialplan.write({"a.conf": "1\n", "b.conf": "2\n"}, folder, "t1")] == [
        None,
        None,
    ]
    untouched = (tmp_path / "b.conf").stat()
    (tmp_path / "a_custom.conf").write_text("mine\n", encoding="utf-8")
    altered = dialplan.write({"a.conf": "3\n", "b.conf": "2\n"}, folder, "t2")
    assert altered == [Change("a.conf", "1\n", "3\n")]
    assert (tmp_path / "b.conf").stat().st_ino == untouched.st_ino
    assert (tmp_path / "replaced/t2/a.conf").read_text(encoding="utf-8") == "1\n"
    assert (tmp_path / "a_custom.conf").read_text(encoding="utf-8") == "mine\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.conf", "a_custom.conf", "b.conf", "replaced"]
    assert dialplan.write({"a.conf": "3\n"}, folder, "t3") == []
    assert not (tmp_path / "replaced/t3").exists()


def test_a_full_disk_leaves_every_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dialplan.write({"a.conf": "1\n", "b.conf": "2\n"}, str(tmp_path))
    written: list[int] = []

    def fsync(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="No space left"):
        dialplan.write({"a.conf": "3\n", "b.conf": "4\n"}, str(tmp_path), "t")
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {
        "a.conf": "1\n",
        "b.conf": "2\n",
    }


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious", encoding="utf-8")
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "a.conf").symlink_to(victim)
    dialplan.write({"a.conf": "1\n"}, str(etc))
    assert victim.read_text(encoding="utf-8") == "precious"
    assert not (etc / "a.conf").is_symlink()


def test_a_diff_hides_passwords() -> None:
    before, after = "[ivr]\nsecret = old\nread = all\n", "[ivr]\nsecret = new\nread = call\n"
    diff = Change("manager.conf", before, after).diff()
    assert "old" not in diff
    assert "new" not in diff
    assert "-read = all\n+read = call\n" in diff
    assert "--- manager.conf (now)" in diff
