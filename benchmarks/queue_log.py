"""How fast a queue_log is read: ten million lines, rotated, and what memory that takes; beside other ways to read it.

A day of 10,000 lines as a busy centre writes them (calls that enter, ring, are answered, given up, led away, members
who come, pause and go) is repeated with other instants, ids and numbers. Three of our own are measured: the grammar
alone, everything but the database (grammar, keys, pseudonyms, visits), and the whole of `measure ingest` on SQLite.
Each runs in a process of its own, so that its memory is its own.
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
from measure.switch.visit_rows import count_by_fate
from registry.db.connection import Database
from registry.db.migrations import upgrade
from registry.keys import Keys

GOAL = 200_000  # lines a second
DAY = 10_000  # lines
FILES = 10
DAYS, QUICK_DAYS = 1000, 20
# Of the days, for those that take longer for a line; in full, what fits into four minutes.
SHARES = {"grammar": 1.0, "visits": 0.3, "ingest": 0.3, "pandas": 0.2, "rows": 0.01}
NAMES = {
    "grammar": "`ivr.switch_logs.queue_log`: lines to events",
    "visits": "all but the database: keys, pseudonyms, visits",
    "ingest": "`measure ingest` into SQLite",
    "pandas": "pandas, one line: verbs counted",
    "rows": "line by line, a row inserted for each (SQLite)",
}
KEYS = Keys(b"k" * 32, b"l" * 32)
HOURS = OpeningHours("Europe/Rome", [[parse_range("09:00-18:00")]] * 5 + [[], []])
FLAT = 1.15  # times the memory that half of the lines took


class Measured(NamedTuple):
    """`early` and `peak`: megabytes, half-way and in the end."""

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
        found = {}
        for name, share in SHARES.items():
            mine = os.path.join(folder, name)
            os.mkdir(mine)
            write(mine, max(2, round(days * share)))
            found[name] = _measured(name, mine)
        verdicts = [(trap, _verdicts(trap, folder, number)) for number, trap in enumerate(traps())]
    return _section(found, verdicts, quiet)


# --- the log ---------------------------------------------------------------------------------------------------------

# Instants are `DDDDDsssss`: five digits that count the days, five for the seconds of one; so a day is copied by
# replacing its mark, and takes 100,000 s.
MARK = b"\x01"
FIRST = 16_000


def write(folder: str, days: int) -> None:
    """A log of so many days, rotated: `queue_log.9` is the oldest."""
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
        lines += [(each, f"{_at(each)}|{who}") for each, who in _call(chance, at, f"{_at(at)}.{channel}")]
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
    found = [(at, f"{call}|nul|NONE|ENTERQUEUE||{number}|{chance.randint(1, 9)}")]
    for ring in range(chance.choice((0, 0, 0, 1, 2))):
        found.append((at + min(ring + 1, wait), f"{call}|nul|op{chance.randint(101, 124)}|RINGNOANSWER|15000"))
    drawn, end = chance.random(), at + wait
    if drawn < 0.78:
        found.append((end, f"{call}|nul|{agent}|CONNECT|{wait}|{call}1|{min(wait, 4)}"))
        end += talk
        verb = "COMPLETEAGENT" if drawn < 0.3 else "COMPLETECALLER"
        words = f"BLINDTRANSFER|201|seats|{wait}|{talk}|1" if drawn < 0.02 else f"{verb}|{wait}|{talk}|1"
        found.append((end, f"{call}|nul|{agent}|{words}"))
    elif drawn < 0.93:
        found.append((end, f"{call}|nul|NONE|ABANDON|1|1|{wait}"))
    else:
        words = f"EXITWITHKEY|1|1|1|{wait}" if drawn < 0.98 else f"EXITWITHTIMEOUT|1|1|{wait}"
        found.append((end, f"{call}|nul|NONE|{words}"))
    return [*found, (end, f"{call}|nul|NONE|ENDED|{'answered|survey' if drawn < 0.78 else 'abandoned|queue'}")]


# --- the readers, each in a process of its own -----------------------------------------------------------------------


def _measured(name: str, folder: str) -> Measured:
    command = [sys.executable, "-m", "benchmarks.queue_log", name, folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            said, _ = process.communicate()
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise RuntimeError(f"the reader {name} failed with status {process.returncode}")
    return Measured(**json.loads(said))


class Clock:
    """Runs from `start`, when a reader is ready; looks at the memory on the way."""

    def __init__(self, path: str) -> None:
        self._half = sum(os.path.getsize(each) for each in rotated_files.generations(path)) / 2
        self._early = 0.0
        self._began = 0.0

    def start(self) -> None:
        self._began = time.perf_counter()

    def seen(self, done: int) -> None:
        """So many bytes are done."""
        if not self._early and done >= self._half:
            self._early = _peak()

    def measured(self, lines: int) -> Measured:
        return Measured(lines, time.perf_counter() - self._began, self._early or _peak(), _peak())


def main(name: str, folder: str) -> None:
    """One reader on one log; prints what was measured."""
    path = os.path.join(folder, "queue_log")
    print(json.dumps(READERS[name](path, Clock(path))._asdict()))


def _peak() -> float:
    """Megabytes that this process has had at most."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024


def _blocks(path: str, clock: Clock, take: Callable[[bytes], int]) -> Measured:
    lines = done = 0
    clock.start()
    for each in rotated_files.generations(path):
        log = rotated_files.open_log(each, [])
        assert log is not None
        with log.closing:
            for block in log.blocks():
                lines += take(block.data)
                done += len(block.data)
                clock.seen(done)
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
    database, ours = _database(path)
    bytes_done: dict[str, int] = {}

    def progress(file: str, done: int, all: int) -> None:
        bytes_done[file] = done
        clock.seen(sum(bytes_done.values()))

    report = Report()
    clock.start()
    ours.take_log(path, report, progress)
    found = clock.measured(report.count.lines)
    database.close()
    return found


def _database(path: str) -> tuple[Database, Ingestion]:
    database = Database(f"sqlite:///{path}.db")
    with database.begin() as connection:
        upgrade(connection)
    return database, Ingestion(database, KEYS, HOURS, lambda: 9e9)


def _pandas(path: str, clock: Clock) -> Measured:
    importlib.import_module("pandas")
    clock.start()
    assert OneLiner(path).fates()["answered"]
    return clock.measured(_lines(path))


def _rows(path: str, clock: Clock) -> Measured:
    reader = RowByRow(path)
    clock.start()
    for each in rotated_files.generations(path):
        reader.take(each)
    return clock.measured(_lines(path))


def _lines(path: str) -> int:
    return (
        sum(os.path.getsize(each) for each in rotated_files.generations(path))
        * DAY
        // len(_day().replace(MARK, b"12345"))
    )


READERS = {"grammar": _grammar, "visits": _visits, "ingest": _ingest, "pandas": _pandas, "rows": _rows}


# --- the traps -------------------------------------------------------------------------------------------------------


class Ours:
    """`measure ingest`, as the traps ask for it."""

    def __init__(self, path: str) -> None:
        self._database, self._ingestion = _database(path)

    def take(self, path: str) -> None:
        self._ingestion.take_log(path, Report())

    def fates(self) -> Counter[str]:
        found = Counter(count_by_fate(self._database))
        self._database.close()
        found["answered"] += found.pop("talking", 0)
        return +found


def _verdicts(trap: Trap, folder: str, number: int) -> list[str]:
    found = []
    for reader in (Ours, OneLiner, RowByRow):
        mine = os.path.join(folder, f"trap-{number}-{reader.__name__}")
        os.mkdir(mine)
        path = os.path.join(mine, "queue_log")
        found.append(verdict(trap, path, reader(path)))
    return found


# --- the page --------------------------------------------------------------------------------------------------------


def _section(found: dict[str, Measured], verdicts: list[tuple[Trap, list[str]]], quiet: str) -> Section:
    speeds = [
        [
            NAMES[name],
            f"{each.lines:,}",
            f"{each.rate:,.0f}",
            f"{each.seconds:.1f}",
            f"{each.early:.0f}",
            f"{each.peak:.0f}",
        ]
        for name, each in found.items()
    ]
    right = [sum(each[place] == "right" for _, each in verdicts) for place in range(3)]
    body = f"""{machine.description()}; {machine.versions()}; commit {machine.revision()}; {quiet}.

{table(["reader", "lines", "lines/s", "s", "MB half-way", "MB in the end"], speeds)}

What each makes of the traps, {len(verdicts)} small files; the fates that it counts where they are not the right ones:

{table(["trap", "`measure ingest`", "pandas", "line by line"], [[trap.name, *each] for trap, each in verdicts])}

The line-by-line reader goes by the newest instant that it has seen, so of lines of one second, or out of order, it
takes what comes first. It writes to SQLite without waiting for the disk; to a MySQL server each row would take longer.
"""
    return Section("queue_log", "Reading a queue_log", _goals(found, right, len(verdicts)), body)


def _goals(found: dict[str, Measured], right: list[int], traps: int) -> list[Goal]:
    reader, whole = found["grammar"], found["ingest"]
    worst = max(each.peak / each.early for each in (reader, whole))
    why = f"of {1e6 / whole.rate:.0f} us a line, {1e6 / found['visits'].rate:.0f} are not the database's"
    return [
        Goal(f"read {GOAL:,} lines/s", f"{reader.rate:,.0f}", reader.rate >= GOAL, "the machine is busy or slow"),
        Goal(f"ingest {GOAL:,} lines/s", f"{whole.rate:,.0f}", whole.rate >= GOAL, why),
        Goal(
            "flat memory",
            f"{worst:.2f} times that half-way",
            worst <= FLAT,
            "something is kept, or SQLite's cache was still filling",
        ),
        Goal("every trap right", f"{right[0]} of {traps}", right[0] == traps, "see the table"),
    ]


if __name__ == "__main__":
    main(*sys.argv[1:3])
