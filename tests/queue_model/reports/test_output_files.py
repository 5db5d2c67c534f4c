"""Results written to a file, a device, a link or a pipe."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from common.command_line import Refusal
from queue_model.reports.output_files import write_output


def test_a_result_replaces_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    for text in ("old\n", "new\n"):
        write_output(text, str(path))
        assert path.read_text(encoding="utf-8") == text
    assert os.listdir(tmp_path) == ["run.csv"]


def test_a_link_keeps_its_target(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "report.html").symlink_to("shared/report.html")
    write_output("one\n", str(tmp_path / "report.html"))
    write_output("two\n", str(tmp_path / "report.html"))
    assert (tmp_path / "report.html").is_symlink()
    assert (tmp_path / "shared" / "report.html").read_text(encoding="utf-8") == "two\n"


def test_a_pipe_is_written_into_and_stays(tmp_path: Path) -> None:
    path, read = tmp_path / "pipe", list[str]()
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: read.append(path.read_text(encoding="utf-8")), daemon=True)
    reader.start()
    write_output("figures\n", str(path))
    reader.join(10)
    assert read == ["figures\n"]
    assert path.is_fifo()


def test_a_full_disk_is_reported(tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.symlink_to("/dev/full")  # through a link, so that a bug cannot replace the device
    with pytest.raises(Refusal, match=r"full: not written: No space left on device; what was there before is still"):
        write_output("figures\n", str(full))
    assert os.path.realpath(full) == "/dev/full"
