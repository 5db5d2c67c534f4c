"""The file of the movable clock; test_folder.py tests that Asterisk follows it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from common.command_line import Refusal
from lab.switch.faketime import Clock, instant


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-12-24T10:00:00", 1798102800),  # winter: 09:00 UTC
        ("2026-07-01 10:00:00", 1782892800),  # summer: 08:00 UTC
        ("2026-12-24T10:00:00+00:00", 1798106400),
        ("2026-10-25T02:30:00", 1792888200),  # twice in Rome: the first
        ("2026-12-24", 1798066800),
    ],
)
def test_times_without_an_offset_are_in_rome(text: str, seconds: int) -> None:
    assert instant(text) == seconds


def test_an_invalid_time_is_refused() -> None:
    with pytest.raises(Refusal, match="'tomorrow' is not an instant; write it like 2026-12-24T10:00:00"):
        instant("tomorrow")


def test_the_file_has_an_offset_from_the_real_time(tmp_path: Path) -> None:
    clock = Clock(str(tmp_path / "clock"))
    for text in ("2036-12-24T10:00:00", "2016-12-24T10:00:00"):
        before = time.time()
        clock.move(text)
        after = time.time()
        written = (tmp_path / "clock").read_text()
        assert written[0] in "+-"
        assert instant(text) - after - 1e-3 <= float(written) <= instant(text) - before + 1e-3
    assert clock.environment["FAKETIME_TIMESTAMP_FILE"] == str(tmp_path / "clock")
