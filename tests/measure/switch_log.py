"""The queue_log of a switch, and its ingestion into a database."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import select

from charter.calendar import OpeningHours, parse_range
from measure.switch.ingest import Ingestion, Report
from measure.switch.service_queue import ServiceQueue
from registry.db.connection import Database
from registry.db.migrations import all_tables
from registry.keys import Keys
from tests.conftest import rome

MORNING = int(rome("2026-11-24 10:00"))  # a Tuesday
NOW = rome("2026-11-24 11:30")
START = "|NONE|NONE|NONE|QUEUESTART|\n"
KEYS = Keys(b"k" * 32, b"l" * 32)
HOURS = OpeningHours("Europe/Rome", [[parse_range("09:00-18:00")]] * 5 + [[], []])
QUEUE = ServiceQueue("nul", HOURS, 7200)


def visit(
    number: int, at: int, *, answered: bool = True, caller: str = "0612345678", wait: int = 9, talk: int = 70
) -> list[str]:
    """The lines of one call, each with its line feed."""
    call = f"{at}.{number}"
    lines = [f"{at}|{call}|nul|NONE|ENTERQUEUE||{caller}|1"]
    if answered:
        lines += [
            f"{at + wait - 4}|{call}|nul|op102|RINGNOANSWER|5000",
            f"{at + wait}|{call}|nul|op101|CONNECT|{wait}|{at}.{number + 1}|4",
            f"{at + wait + talk}|{call}|nul|op101|COMPLETECALLER|{wait}|{talk}|1",
        ]
    else:
        lines += [f"{at + wait}|{call}|nul|NONE|ABANDON|1|1|{wait}"]
    return [line + "\n" for line in lines]


def day(calls: int = 40) -> list[str]:
    """The lines of many overlapping calls, in order of time."""
    made = [
        line
        for number in range(calls)
        for line in visit(
            10 * number, MORNING + 20 * number, answered=number % 3 > 0, caller=f"06{number % 7:08}", wait=5 + number
        )
    ]
    return sorted(made, key=lambda line: int(line.split("|")[0]))


class SwitchLog:
    """The log of one switch, and its ingestion."""

    def __init__(self, folder: Path, database: Database, block: int = 1 << 20, now: float = NOW) -> None:
        self.path = folder / "queue_log"
        self.database = database
        self.now = now
        self.ingestion = Ingestion(database, KEYS, QUEUE, lambda: self.now, block)

    def write(self, lines: Iterable[str]) -> None:
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.writelines(lines)

    def take(self) -> Report:
        report = Report()
        self.ingestion.take_log(str(self.path), report)
        return report

    def rows(self, name: str) -> list[Any]:
        """All rows of a table, ordered by key."""
        table = all_tables().tables[name]
        with self.database.read() as connection:
            return list(connection.execute(select(table).order_by(*table.primary_key.columns)))

    @property
    def visits(self) -> list[Any]:
        return self.rows("queue_visit")

    @property
    def fates(self) -> list[str]:
        return [row.fate for row in sorted(self.visits, key=lambda row: row.entered_at)]


def counted(report: Report) -> tuple[int, int, int, int]:
    """The numbers of lines read, new, repeated and torn."""
    count = report.count
    return count.lines, count.new, count.repeated, count.torn
