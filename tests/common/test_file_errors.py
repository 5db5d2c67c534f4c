"""Remedies fit the cause, in both languages, and destroy nothing."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from common import file_errors
from common.file_errors import describe, remedy
from common.places import ROOT
from common.texts import reading_in


def problem(number: int, path: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), path) if path else OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, "make room"),
        (errno.EROFS, "mounted read-only"),
        (errno.ENOTDIR, "must be a folder"),
        (errno.EISDIR, "must be a file"),
        (errno.EADDRINUSE, "choose another port"),
        (errno.EMFILE, "raise its limit"),
    ],
)
def test_a_remedy_fits_its_cause(number: int, expected: str) -> None:
    assert expected in remedy(problem(number))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_a_missing_right_names_the_owner(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "seats.json"
    path.touch()
    mine = describe(problem(number, str(path)))
    assert "run this as the account that owns it" in mine
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    assert "run this as " in describe(problem(number, str(path)))
    assert "`sudo -u " in describe(problem(number, str(path / "below" / "it")))


def test_no_remedy_destroys() -> None:
    for number in errno.errorcode:
        for language in ("en", "it"):
            with reading_in("it" if language == "it" else "en"):
                text = remedy(problem(number, "/nowhere"))
            assert not {"delete", "remove", "rm", "cancelli", "elimini"} & set(text.replace(",", " ").split()), text


def test_an_unknown_cause_has_no_remedy() -> None:
    assert describe(OSError("something"), "/a/file") == "/a/file: something"


def test_operators_read_it_in_italian() -> None:
    with reading_in("it"):
        assert "liberi spazio" in describe(problem(errno.ENOSPC, "/a/file"))
    assert set(file_errors.ITALIAN) >= set(file_errors._REMEDIES.values())


def test_it_is_light() -> None:
    program = (
        "import sys, common.file_errors; print(sorted({'typing', 'pwd', 'contextlib', 'argparse'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True, cwd=ROOT,
        env={"PYTHONPATH": ROOT},
    )  # fmt: skip
    assert done.stdout == "[]\n"
