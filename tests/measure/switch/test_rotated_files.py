"""Rotated, compressed, truncated and damaged files are read once and to their end."""

from __future__ import annotations

import gzip
import os
import re
import shutil

import pytest

from registry.db.connection import Unavailable
from tests.measure.switch_log import MORNING, SwitchLog, counted, day, visit


def test_a_rotated_file_is_read_to_its_end_once(plain: SwitchLog) -> None:
    lines = visit(1, MORNING)
    plain.write(lines[:2])
    plain.take()
    plain.write(lines[2:3])
    plain.path.rename(plain.path.with_name("queue_log.0"))
    plain.write(lines[3:])
    assert counted(plain.take()) == (2, 2, 0, 0)
    assert plain.fates == ["answered"]
    plain.path.with_name("queue_log.0").rename(plain.path.with_name("queue_log.1"))
    assert counted(plain.take()) == (0, 0, 0, 0)


def test_a_file_that_is_copied_and_truncated_loses_nothing(plain: SwitchLog) -> None:
    lines = visit(1, MORNING)
    plain.write(lines[:2])
    plain.take()
    plain.write(lines[2:3])
    shutil.copy(plain.path, plain.path.with_name("queue_log.1"))
    os.truncate(plain.path, 0)
    assert counted(plain.take()) == (3, 1, 2, 0)
    plain.write([*lines[3:], *visit(5, MORNING + 100)])
    assert counted(plain.take()) == (5, 5, 0, 0)
    assert plain.fates == ["answered", "answered"]


def test_a_compressed_file_is_read(plain: SwitchLog) -> None:
    with gzip.open(plain.path.with_name("queue_log-20261123.gz"), "wt") as file:
        file.writelines(visit(1, MORNING - 86400))
    plain.write(visit(1, MORNING))
    assert counted(plain.take()) == (8, 8, 0, 0)
    assert counted(plain.take()) == (0, 0, 0, 0)


def test_other_files_in_the_folder_are_ignored(plain: SwitchLog) -> None:
    for name in ("queue_log.bak", "queue_log2", "queue_log_archive", "messages.log"):
        plain.path.with_name(name).write_text("".join(visit(1, MORNING)))
    assert counted(plain.take()) == (0, 0, 0, 0)


def test_a_reused_inode_is_a_new_file(plain: SwitchLog) -> None:
    plain.write(visit(1, MORNING))
    plain.take()
    with plain.path.open("w", encoding="utf-8") as file:  # the same inode, and longer than before
        file.writelines([*visit(5, MORNING + 100), *visit(9, MORNING + 200)])
    assert counted(plain.take()) == (8, 8, 0, 0)
    assert len(plain.fates) == 3


def test_lines_after_an_overwriting_backup_are_read(plain: SwitchLog) -> None:
    lines = day(40)
    plain.write(lines[:60])
    plain.take()
    with plain.path.open("w", encoding="utf-8") as file:  # a backup of 40 lines; same inode, same first bytes
        file.writelines(lines[:40])
    plain.write(visit(1, MORNING + 9000) + visit(5, MORNING + 9500, answered=False) + lines[60:])
    report = plain.take()
    assert report.count.new == len(lines) - 60 + 6
    assert len(plain.rows("queue_event")) == len(lines) + 6


def test_a_damaged_file_is_reported_and_its_lines_stay(plain: SwitchLog) -> None:
    whole = gzip.compress("".join(day(400)).encode())
    plain.path.with_name("queue_log.1.gz").write_bytes(whole[: len(whole) // 2])
    plain.write(visit(1, MORNING))
    (problem,) = plain.take().unread
    assert re.search(r"queue_log\.1\.gz: .*(restore it, or move it|whole, and readable)", problem)


def test_a_file_is_not_damaged_because_the_database_is_locked(
    plain: SwitchLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain.write(day(4))
    plain.path.rename(plain.path.with_name("queue_log.1"))
    monkeypatch.setattr("registry.db.connection.BUSY_SECONDS", 0.05)
    with plain.database.begin(), pytest.raises(Unavailable):
        plain.take()
    assert (plain.take().unread, len(plain.visits)) == ([], 4)


def test_a_temporary_error_is_reported_once_and_the_file_tried_again(
    plain: SwitchLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many open files do not change the file."""
    plain.write(day(4))
    plain.path.rename(plain.path.with_name("queue_log.1"))

    def too_many(path: str, mode: str) -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr("builtins.open", too_many)
        assert [len(plain.take().unread) for _ in range(2)] == [1, 0]
    assert (plain.take().unread, len(plain.visits)) == ([], 4)


def test_a_damaged_file_does_not_block_others_and_is_tried_again_after_a_change(plain: SwitchLog) -> None:
    older, whole = plain.path.with_name("queue_log.1.gz"), gzip.compress("".join(day(4)).encode())
    older.write_bytes(whole[:-9])
    os.utime(older, (MORNING, MORNING))
    plain.write(visit(1, MORNING + 7000))
    report = plain.take()
    assert (len(report.unread), plain.visits[-1].entered_at) == (1, MORNING + 7000)
    plain.write(visit(5, MORNING + 8000))
    report = plain.take()
    assert (report.unread, report.count.new) == ([], 4)
    older.write_bytes(whole)
    report = plain.take()
    assert (report.unread, len(plain.visits)) == ([], 6)
