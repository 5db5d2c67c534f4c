"""Calls that were seen: what a trace may say, and what is refused."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from queue_model.scenario.trace import TraceError, read_trace

ROME = "Europe/Rome"


def trace(folder: Path, text: str) -> str:
    path = folder / "calls.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def rome(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ROME)).timestamp()


def test_local_times_instants_and_topics(tmp_path: Path) -> None:
    path = trace(tmp_path, "topic,at\nADR,2026-10-05T09:00:01.5\n,2026-10-05 10:00:00+02:00\n,1791190800\n")
    found = read_trace(path, ROME)
    assert found.at == [rome("2026-10-05T09:00:01.5"), rome("2026-10-05 10:00"), 1791190800]
    assert found.topics == ["ADR", "", ""]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "at\n2026-10-05T09:00\n2026-10-05T08:59\n",
            "line 3: 2026-10-05T08:59 is earlier than the call before it; sort",
        ),
        ("at\n2026-10-25T02:30\n", "line 2: 2026-10-25T02:30 happened twice: .* write its offset, like \\+01:00"),
        ("at\n2026-03-29T02:30\n", "line 2: 2026-03-29T02:30 never happened"),
        ("at\nyesterday\n", 'line 2: "yesterday" is not a time; write 2026-10-05T09:03:12'),
        ("at\ninf\n", "line 2: inf is not a time"),
        ("when\n1\n", 'no column "at"; the first line names the columns'),
        ("at\n", "no calls"),
    ],
)
def test_a_bad_trace_is_refused_with_line_and_remedy(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TraceError, match=message):
        read_trace(trace(tmp_path, text), ROME)


def test_the_hour_that_happens_twice_with_its_offset(tmp_path: Path) -> None:
    found = read_trace(trace(tmp_path, "at\n2026-10-25T02:30+02:00\n2026-10-25T02:30+01:00\n"), ROME)
    assert found.at[1] - found.at[0] == 3600


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="not found; put it beside the scenario"):
        read_trace(str(tmp_path / "none.csv"), ROME)
