"""Downloads: progress, resuming, a full disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.command_line import Refusal
from lab.debian import download
from lab.debian.download import Meter, fetch, need_space, sha256
from tests.lab.debian.repository import Repository


def test_progress_in_a_log_has_four_lines() -> None:
    reports: list[str] = []
    meter = Meter(10_000_000, reports.append)
    for _ in range(1000):
        meter.add(10_000)
    assert reports == [f"  {count} MB of 10.0 MB ({percent} %)" for count, percent in
                    (("2.5", 25), ("5.0", 50), ("7.5", 75), ("10.0", 100))]  # fmt: skip


def test_progress_in_a_terminal_has_one_moving_line(capsys: pytest.CaptureFixture[str]) -> None:
    meter = Meter(200, print, moving=True)
    for _ in range(200):
        meter.add(1)
    meter.close()
    shown = capsys.readouterr().out
    assert shown.count("\r") == 101  # one for each percent from 0 to 100
    assert shown.count("\n") == 1
    assert shown.endswith("\r  0.0 MB of 0.0 MB (100 %)\x1b[K\n")


def test_discarded_bytes_are_subtracted_from_the_progress() -> None:
    meter = Meter(100, lambda line: None)
    meter.add(60)
    meter.add(-60)
    meter.add(100)
    assert meter.done == 100


def test_nothing_to_download_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    Meter(0, print, moving=True).close()
    assert capsys.readouterr().out == ""


def test_a_resumed_download_counts_the_whole_file(tmp_path: Path) -> None:
    repository = Repository()
    repository.files["x"] = bytes(range(256)) * 1000
    whole = tmp_path / "whole"
    whole.write_bytes(repository.files["x"])
    Path(f"{tmp_path}/x.part").write_bytes(repository.files["x"][:1000])
    meter = Meter(256_000, lambda line: None)
    with repository.served() as url:
        fetch(f"{url}/x", str(tmp_path / "x"), digest=sha256(str(whole)), meter=meter)
    assert (meter.done, repository.requests) == (256_000, [("x", "bytes=1000-")])
    assert (tmp_path / "x").read_bytes() == repository.files["x"]


def test_a_full_disk_during_a_download(tmp_path: Path) -> None:
    """`/dev/full` refuses every byte, like a full disk."""
    repository = Repository()
    repository.files["x"] = bytes(100_000)
    (tmp_path / "x.part").symlink_to("/dev/full")
    with (
        repository.served() as url,
        pytest.raises(Refusal, match=r"No space left on device; the disk is full; make room on it; .*--var"),
    ):
        fetch(f"{url}/x", str(tmp_path / "x"), digest="0" * 64)
    assert len(repository.requests) == 1  # it is not tried again


def test_free_space_is_checked_before(tmp_path: Path) -> None:
    need_space(str(tmp_path), 1)
    with pytest.raises(Refusal, match=r"1000000000000\.0 MB are needed and \d+\.\d MB are free"):
        need_space(str(tmp_path), 10**18)


def test_sizes_are_printed_in_megabytes() -> None:
    assert download.megabytes(51_920_000) == "51.9 MB"
