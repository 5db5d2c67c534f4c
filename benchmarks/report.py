"""RESULTS.md: one section for each benchmark. A benchmark that runs alone replaces only its own section."""

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
HEAD = """# Results of the benchmarks

Written by `make bench` (`python -m benchmarks`). Each section names its commit, its machine and the load. Absolute
figures hold for that machine only; ratios can be compared.
"""


class Goal(NamedTuple):
    """The goal, the measured value, and whether it reaches the goal; `why` gives the reason if not."""

    wanted: str
    measured: str
    reached: bool
    why: str = ""

    def line(self) -> str:
        verdict = "reached" if self.reached else f"**missed**: {self.why}"
        return f"| {self.wanted} | {self.measured} | {verdict} |"


class Section(NamedTuple):
    """The results of one benchmark."""

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
    """Replace these sections in the file and keep the others."""
    texts = _read(path) | {section.name: section.text() for section in sections}
    parts = [f"<!-- {name} -->\n{texts[name]}" for name in ORDER if name in texts]
    path.write_text("\n".join([HEAD, *parts]), encoding="utf-8")


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    _, *parts = re.split(r"^<!-- (\w+) -->\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {name: text.strip() + "\n" for name, text in zip(parts[::2], parts[1::2], strict=True)}
