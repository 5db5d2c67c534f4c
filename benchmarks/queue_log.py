"""The speed and memory of reading a queue_log of ten million lines in rotated files, beside other ways to read it.

A day of 10,000 lines of a busy centre (calls that enter, ring, are answered, abandon or leave for the voicemail;
members who pause) is repeated with other times, ids and numbers. Three parts of ours are measured: only the grammar;
all but the database (grammar, keys, pseudonyms, visits); and all of `measure ingest` on SQLite. Each runs in its own
process, so that its memory can be measured.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from benchmarks import machine
from benchmarks.queue_log_peers import OneLiner, RowByRow, Trap, traps, verdict
from benchmarks.report import Goal, Section, table
from charter.calendar import OpeningHours, parse_range
from common.places import ROOT
from ivr.switch_logs import queue_log
from ivr.switch_logs.visits import find_visits
from measure.switch import rotated_files
from measure.switch.ingest import Ingestion, Report
from measure.switch.queue_log_lines import Callers, Count, read_lines
from measure.switch.service_queue import ServiceQueue
from measure.switch.visit_rows import count_visits
from registry.db.connection import Database
from registry.db.migrations import upgrade
from registry.keys import Keys

GOAL = 200_000  # lines a second
DAY = 10_000  # lines
FILES = 10
DAYS, QUICK_DAYS = 1000, 20
# Slower readers get a share of the days, so that the full run takes four minutes.
SHARES = {"grammar": 1.0, "visits": 0.3, "ingest": 0.3, "pandas": 0.2, "rows": 0.01}
NAMES = {
    "grammar": "`ivr.switch_logs.queue_log`: lines to events",
    "visits": "all but the database: keys, pseudonyms, visits",
    "ingest": "`measure ingest` into SQLite",
    "pandas": "pandas, one line: verbs counted",
    "rows": "line by line, a row inserted for each (SQLite)",
}
KEYS = Keys(b"k" * 32, b"l" * 32)
QUEUE = ServiceQueue("nul", OpeningHours("Europe/Rome", [[parse_range("09:00-18:00")]] * 5 + [[], []]), 7200)
FLAT = 1.15  # times the memory that half of the lines took


class Measured(NamedTuple):
    """`early` and `peak` are megabytes, half-way and at the end."""

    lines: int
    seconds: float
    early: float
    peak: float

    @property
    def rate(self) -> float:
        return self.lines / self.seconds


def run(quick: bool, quiet: str) -> Section:
    days = QUICK_DAYS if quick else DAYS
    with tempfile.TemporaryDirectory(prefix="nul-bench-") as folder:
        results = {}
        for name, share in SHARES.items():
            log_folder = os.path.join(folder, name)
            os.mkdir(log_folder)
            write(log_folder, max(2, round(days * share)))
            results[name] = _measure(name, log_folder)
        verdicts = [(trap, _verdicts(trap, folder, number)) for number, trap in enumerate(traps())]
    return _section(results, verdicts, quiet)


# --- the log ---------------------------------------------------------------------------------------------------------

# Times are `DDDDDsssss`: five digits for the day, five for its seconds. So a day is copied by replacing its mark, and
# lasts 100,000 s.
MARK = b"\x01"
FIRST = 16_000


def write(folder: str, days: int) -> None:
    """Write a log of this many days in rotated files; `queue_log.9` is the oldest."""
    template = _day()
    for number in range(FILES):
        name = "queue_log" if number == FILES - 1 else f"queue_log.{FILES - 1 - number}"
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            for day in range(number * days // FILES, (number + 1) * days // FILES):
                file.write(template.replace(MARK, str(FIRST + day).encode()))
        os.utime(path, (number, number))


def _day() -> bytes:
    chance, lines, channel = random.Random(7), [(28_800, f"{_at(28_800)}|NONE|NONE|NONE|QUEUESTART|")], 0
    while len(lines) < DAY:
        at, channel = chance.randint(28_900, 64_000), channel + 2
        lines += [(second, f"{_at(second)}|{rest}") for second, rest in _call(chance, at, f"{_at(at)}.{channel}")]
        if chance.random() < 0.2:
            agent = f"op{chance.randint(101, 124)}"
            lines.append((at, f"{_at(at)}|NONE|nul|{agent}|{chance.choice(('PAUSE|break', 'UNPAUSE|'))}"))
    lines = sorted(lines, key=lambda line: line[0])[:DAY]
    return "".join(line + "\n" for _, line in lines).encode()


def _at(second: int) -> str:
    return f"{MARK.decode()}{second:05}"


def _call(chance: random.Random, at: int, call: str) -> list[tuple[int, str]]:
    agent, wait, talk = f"op{chance.randint(101, 124)}", chance.randint(5, 120), chance.randint(30, 900)
    number = f"06{MARK.decode()}{chance.randint(0, 999):03}" if chance.random() < 0.9 else ""
    lines = [(at, f"{call}|nul|NONE|ENTERQUEUE||{number}|{chance.randint(1, 9)}")]
    for ring in range(chance.choice((0, 0, 0, 1, 2))):
        lines.append((at + min(ring + 1, wait), f"{call}|nul|op{chance.randint(101, 124)}|RINGNOANSWER|15000"))
    drawn, end = chance.random(), at + wait
    if drawn < 0.78:
        lines.append((end, f"{call}|nul|{agent}|CONNECT|{wait}|{call}1|{min(wait, 4)}"))
        end += talk
        verb = "COMPLETEAGENT" if drawn < 0.3 else "COMPLETECALLER"
        event = f"BLINDTRANSFER|201|seats|{wait}|{talk}|1" if drawn < 0.02 else f"{verb}|{wait}|{talk}|1"
        lines.append((end, f"{call}|nul|{agent}|{event}"))
    elif drawn < 0.93:
        lines.append((end, f"{call}|nul|NONE|ABANDON|1|1|{wait}"))
    else:
        event = f"EXITWITHKEY|1|1|1|{wait}" if drawn < 0.98 else f"EXITWITHTIMEOUT|1|1|{wait}"
        lines.append((end, f"{call}|nul|NONE|{event}"))
    return [*lines, (end, f"{call}|nul|NONE|ENDED|{'answered|survey' if drawn < 0.78 else 'abandoned|queue'}")]


# --- the readers, each in its own process ----------------------------------------------------------------------------


def _measure(name: str, folder: str) -> Measured:
    command = [sys.executable, "-m", "benchmarks.queue_log", name, folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            printed, _ = process.communicate()
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise RuntimeError(f"the reader {name} failed with status {process.returncode}")
    return Measured(**json.loads(printed))


class Clock:
    """Measures the time from `start`, when a reader is ready, and the memory half-way and at the end."""

    def __init__(self, path: str) -> None:
        self._half = sum(os.path.getsize(file) for file in rotated_files.generations(path)) / 2
        self._early = 0.0
        self._began = 0.0

    def start(self) -> None:
        self._began = time.perf_counter()

    def progress(self, done: int) -> None:
        """Call it with the number of bytes that have been read."""
        if not self._early and done >= self._half:
            self._early = _peak()

    def measured(self, lines: int) -> Measured:
        return Measured(lines, time.perf_counter() - self._began, self._early or _peak(), _peak())


def main(name: str, folder: str) -> None:
    """Run one reader on one log and print the measurement."""
    path = os.path.join(folder, "queue_log")
    print(json.dumps(READERS[name](path, Clock(path))._asdict()))


def _peak() -> float:
    """The peak memory of this process in megabytes."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024


def _blocks(path: str, clock: Clock, take: Callable[[bytes], int]) -> Measured:
    lines = done = 0
    clock.start()
    for file in rotated_files.generations(path):
        log = rotated_files.open_log(file, [])
        assert log is not None
        with log.closing:
            for block in log.blocks():
                lines += take(block.data)
                done += len(block.data)
                clock.progress(done)
    return clock.measured(lines)


def _grammar(path: str, clock: Clock) -> Measured:
    def take(data: bytes) -> int:
        events = [queue_log.parse(line) for line in queue_log.decode(data).split("\n")[:-1]]
        return len(events)

    return _blocks(path, clock, take)


def _visits(path: str, clock: Clock) -> Measured:
    callers = Callers(KEYS)

    def take(data: bytes) -> int:
        count = Count()
        for events in read_lines(data, callers, 9e9, count).calls.values():
            find_visits(events, ())
        return count.lines

    return _blocks(path, clock, take)


def _ingest(path: str, clock: Clock) -> Measured:
    database, ingestion = _database(path)
    bytes_done: dict[str, int] = {}

    def progress(file: str, done: int, all: int) -> None:
        bytes_done[file] = done
        clock.progress(sum(bytes_done.values()))

    report = Report()
    clock.start()
    ingestion.take_log(path, report, progress)
    measured = clock.measured(report.count.lines)
    database.close()
    return measured


def _database(path: str) -> tuple[Database, Ingestion]:
    database = Database(f"sqlite:///{path}.db")
    with database.begin() as connection:
        upgrade(connection)
    return database, Ingestion(database, KEYS, QUEUE, lambda: 9e9)


def _pandas(path: str, clock: Clock) -> Measured:
    importlib.import_module("pandas")
    clock.start()
    assert OneLiner(path).fates()["answered"]
    return clock.measured(_lines(path))


def _rows(path: str, clock: Clock) -> Measured:
    reader = RowByRow(path)
    clock.start()
    for file in rotated_files.generations(path):
        reader.take(file)
    return clock.measured(_lines(path))


def _lines(path: str) -> int:
    return (
        sum(os.path.getsize(file) for file in rotated_files.generations(path))
        * DAY
        // len(_day().replace(MARK, b"12345"))
    )


READERS = {"grammar": _grammar, "visits": _visits, "ingest": _ingest, "pandas": _pandas, "rows": _rows}


# --- the traps -------------------------------------------------------------------------------------------------------


class Ours:
    """`measure ingest` as a `Reader` of the traps."""

    def __init__(self, path: str) -> None:
        self._database, self._ingestion = _database(path)

    def take(self, path: str) -> None:
        self._ingestion.take_log(path, Report())

    def fates(self) -> Counter[str]:
        counts = Counter(count_visits(self._database, QUEUE.name).fates)
        self._database.close()
        counts["answered"] += counts.pop("talking", 0)
        return +counts


def _verdicts(trap: Trap, folder: str, number: int) -> list[str]:
    verdicts = []
    for reader in (Ours, OneLiner, RowByRow):
        log_folder = os.path.join(folder, f"trap-{number}-{reader.__name__}")
        os.mkdir(log_folder)
        path = os.path.join(log_folder, "queue_log")
        verdicts.append(verdict(trap, path, reader(path)))
    return verdicts


# --- the page --------------------------------------------------------------------------------------------------------


def _section(results: dict[str, Measured], verdicts: list[tuple[Trap, list[str]]], quiet: str) -> Section:
    speeds = [
        [
            NAMES[name],
            f"{result.lines:,}",
            f"{result.rate:,.0f}",
            f"{result.seconds:.1f}",
            f"{result.early:.0f}",
            f"{result.peak:.0f}",
        ]
        for name, result in results.items()
    ]
    right = [sum(cells[place] == "right" for _, cells in verdicts) for place in range(3)]
    body = f"""{machine.description()}; {machine.versions()}; commit {machine.revision()}; {quiet}.

{table(["reader", "lines", "lines/s", "s", "MB half-way", "MB at the end"], speeds)}

The results of {len(verdicts)} small files with traps. Where the counted fates are wrong, the table shows them:

{table(["trap", "`measure ingest`", "pandas", "line by line"], [[trap.name, *cells] for trap, cells in verdicts])}

The line-by-line reader resumes after the newest time that it has read, so it skips later lines of the same second, and
lines out of order. It writes to SQLite without waiting for the disk; with a MySQL server each row would take longer.
"""
    return Section("queue_log", "Reading a queue_log", _goals(results, right, len(verdicts)), body)


def _goals(results: dict[str, Measured], right: list[int], traps: int) -> list[Goal]:
    reader, whole = results["grammar"], results["ingest"]
    worst = max(result.peak / result.early for result in (reader, whole))
    why = f"of {1e6 / whole.rate:.0f} us a line, {1e6 / results['visits'].rate:.0f} are not spent in the database"
    return [
        Goal(f"read {GOAL:,} lines/s", f"{reader.rate:,.0f}", reader.rate >= GOAL, "the machine is busy or slow"),
        Goal(f"ingest {GOAL:,} lines/s", f"{whole.rate:,.0f}", whole.rate >= GOAL, why),
        Goal(
            "flat memory",
            f"{worst:.2f} times that half-way",
            worst <= FLAT,
            "memory is not freed, or SQLite's cache was still filling",
        ),
        Goal("every trap right", f"{right[0]} of {traps}", right[0] == traps, "see the table"),
    ]


if __name__ == "__main__":
    main(*sys.argv[1:3])
