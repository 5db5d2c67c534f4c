"""`make audit`: a check that could not be made is never a success."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab import audit

CLEAN = {"name": "msgspec", "version": "0.19", "vulns": []}
FAULTY = {"name": "x", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
SKIPPED = {"name": "y", "skip_reason": "Dependency not found on PyPI and could not be audited: y (1)"}


def program(tmp_path: Path, output: str, errors: str = "", status: int = 0) -> str:
    path = tmp_path / "pip-audit"
    (tmp_path / "out").write_text(output)
    (tmp_path / "err").write_text(errors)
    path.write_text(f"#!/bin/sh\ncat {tmp_path}/out; cat {tmp_path}/err >&2; exit {status}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("dependencies", "status", "said"),
    [
        ([CLEAN], 0, "1 packages: no known fault"),
        ([CLEAN, FAULTY], 1, "x 1: PYSEC-1, fixed in 2"),
        ([CLEAN, SKIPPED], 2, "1 of 2 packages are unknown to the source of faults (y)"),
        ([FAULTY, SKIPPED], 2, "x 1: PYSEC-1"),
        ([], 2, "names no package"),
    ],
)
def test_the_status_says_what_is_known(
    tmp_path: Path, dependencies: list[object], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output = json.dumps({"dependencies": dependencies, "fixes": []})
    assert audit.main([program(tmp_path, output, status=status % 2), "requirements.lock"]) == status
    out, err = capsys.readouterr()
    assert said in out + err


def test_data_that_cannot_be_reached_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = program(tmp_path, "", "Traceback\nServiceError: connection refused\n", 1)
    assert audit.main([made, "requirements.lock"]) == 2
    assert "could not reach its data (ServiceError: connection refused)" in capsys.readouterr().err


def test_a_missing_program_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main([str(tmp_path / "nothing"), "requirements.lock"]) == 2
    assert "No such file or directory" in capsys.readouterr().err
