"""RESULTS.md: one section for each benchmark. A benchmark that runs alone replaces its own section only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

RESULTS = Path(__file__).parent / "RESULTS.md"
ORDER = (
    "fastagi",
    "process_start",
    "real_switch",
    "ami",
    "queue_log",
    "registry_intake",
    "registry_opening",
    "registry_report",
    "model",
)
HEAD = """# What the benchmarks measured

Written by `make bench` (`python -m benchmarks`); each section says on which commit and machine, and how quiet that was.
Absolute figures belong to that machine, ratios travel.
"""


class Goal(NamedTuple):
    """What was wanted, what was measured, and whether that is enough; `why` when it is not."""

    wanted: str
    measured: str
    reached: bool
    why: str = ""

    def line(self) -> str:
        verdict = "reached" if self.reached else f"**missed**: {self.why}"
        return f"| {self.wanted} | {self.measured} | {verdict} |"


class Section(NamedTuple):
    """What one benchmark has to say."""

    name: str
    title: str
    goals: Sequence[Goal]
    body: str

    def text(self) -> str:
        lines = ["| goal | measured | |", "|---|---|---|", *(goal.line() for goal in self.goals)]
        return f"## {self.title}\n\n" + "\n".join(lines) + f"\n\n{self.body.strip()}\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" if line[0] != "---" else f"|{'|'.join(line)}|" for line in lines)


def write(sections: Sequence[Section], path: Path = RESULTS) -> None:
    """Put these sections into the file, and keep the others that are there."""
    texts = _read(path) | {section.name: section.text() for section in sections}
    parts = [f"<!-- {name} -->\n{texts[name]}" for name in ORDER if name in texts]
    path.write_text("\n".join([HEAD, *parts]), encoding="utf-8")


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    _, *parts = re.split(r"^<!-- (\w+) -->\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {name: text.strip() + "\n" for name, text in zip(parts[::2], parts[1::2], strict=True)}
