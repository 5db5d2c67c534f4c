"""What to mutate, the survivors that have an explanation, and the table of results."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

PLAN = Path(__file__).with_name("mutants.toml")
KEYS = {"seed", "each", "module", "explained"}


@dataclass(frozen=True)
class Change:
    """A mutation as the lines it removes and adds, without their indentation: it survives moves within the module."""

    module: str
    before: str
    after: str


@dataclass
class Result:
    module: str
    mutants: int = 0
    killed: int = 0
    survivors: list[Change] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    seed: str
    each: int
    tests: dict[str, list[str]]
    """The test files of each module, the most likely to notice first."""
    explained: dict[Change, str]

    def unexplained(self, results: list[Result]) -> list[Change]:
        return [change for result in results for change in result.survivors if change not in self.explained]


def read(path: Path = PLAN) -> Plan:
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    if unknown := set(content) - KEYS:
        raise SystemExit(f"{path}: {', '.join(sorted(unknown))}: unknown; use {', '.join(sorted(KEYS))}")
    explained = {}
    for entry in content.get("explained", []):
        change = Change(entry["module"], entry["before"], entry["after"])
        if not entry["reason"].strip():
            raise SystemExit(
                f"{path}: explained: {change.before!r} has no reason; write why no test can notice the change"
            )
        explained[change] = entry["reason"]
    return Plan(str(content["seed"]), content["each"], content["module"], explained)


def describe(module: str, source: str, mutated: str) -> Change:
    lines = [
        line
        for line in difflib.unified_diff(source.splitlines(), mutated.splitlines(), lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]
    removed = "\n".join(line[1:].strip() for line in lines if line.startswith("-"))
    added = "\n".join(line[1:].strip() for line in lines if line.startswith("+"))
    return Change(module, removed, added)


def table(results: list[Result]) -> str:
    width = max(len("module"), *(len(result.module) for result in results))
    rows = [f"{'module':{width}}  mutants  killed  survived  killed %"]
    total = Result("total")
    for result in results:
        total.mutants += result.mutants
        total.killed += result.killed
        total.survivors += result.survivors
    for result in [*results, total]:
        share = f"{100 * result.killed / result.mutants:8.1f}" if result.mutants else f"{'-':>8}"
        rows.append(
            f"{result.module:{width}}  {result.mutants:7}  {result.killed:6}  {len(result.survivors):8}  {share}"
        )
    return "\n".join(rows)


def show(change: Change, reason: str | None) -> str:
    minus = "\n".join(f"-   {line}" for line in change.before.splitlines())
    plus = "\n".join(f"+   {line}" for line in change.after.splitlines())
    return f"{change.module}: {reason or 'NOT EXPLAINED'}\n{minus}\n{plus}"
