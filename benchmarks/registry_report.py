"""The time of the report of a month, and whether a longer history makes it slower.

Each database is filled year by year: a million requests and ten million lines of queue_log in ten years, with visits,
clocks, interactions and survey answers. After one, three and ten years the last month is reported: for internal use,
for the public (with disclosure control and its proof), and once as a command, which includes the start of Python. A
program that reads the whole history would take ten times as long at the end.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, redirect_stdout
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select, text

from benchmarks import machine
from benchmarks.report import Goal, Section, table
from common.places import ROOT, Places
from ivr.configuration import service
from lab import postgres
from registry.db import schema
from registry.db.connection import Database
from registry.db.migrations import all_tables, upgrade

YEARS, QUICK_YEARS = (1, 3, 10), (1, 2)
FIRST = 2027
REQUESTS, VISITS, LINES = 100_000, 250_000, 1_000_000  # a year
QUICK = 20  # a quick run has a twentieth of them
TURNS = 3
GOAL_SECONDS = 1.0

TOPICS = ("ADR", "DID", "INCENTIVI", "SERVIZI", "ALTRO", "NASPI", "CPI", "TIROCINI")
TOPIC_WEIGHTS = (30, 20, 15, 12, 15, 5, 2, 1)
FATES, FATE_WEIGHTS = ("answered", "abandoned", "key", "timeout", "full", "lost"), (880, 70, 35, 8, 5, 2)
PROMISES = {
    "EMAIL": (48, "hours", 0.9),
    "SECOND_LEVEL": (10, "calendar_days", 0.8),
    "CALLBACK": (9, "service_hours", 0.9),
}
FIRST_LEVEL = {"email": ("EMAIL", 172800.0), "voicemail": ("CALLBACK", 86400.0)}
QUESTIONS = ("solved", "courtesy", "overall")
SIZE = "SELECT pg_database_size(current_database())"  # bytes
VERBS = ("ENTERQUEUE", "RINGNOANSWER", "CONNECT", "COMPLETECALLER")
Rows = list[tuple[Any, ...]]


def run(quick: bool, quiet: str) -> Section:
    years, scale = (QUICK_YEARS, QUICK) if quick else (YEARS, 1)
    rows, goals = [], []
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="nul-report-"))
        programs = postgres.install(Places(), report=lambda line: None)
        own = stack.enter_context(tempfile.TemporaryDirectory(prefix="nul-bench-postgres-"))
        for name in ("SQLite", "PostgreSQL"):
            with ExitStack() as while_it_runs:
                if name == "SQLite":
                    url = f"sqlite:///{Path(folder, 'registry.db')}"
                else:
                    url = while_it_runs.enter_context(postgres.Server(programs, own)).url()
                lines, internal = _measure(name, url, folder, years, scale)
            rows += lines
            goals += _goals(name, internal, years)
    head = (
        "database", "years", "requests", "visits", "lines of queue_log", "size", "internal", "public",
        "as a command",
    )  # fmt: skip
    note = f"Best of {TURNS}; {quiet}. The public report spends its time on the proof, not on reading."
    where = f"{machine.description()}; {machine.versions()}; commit {machine.revision()}"
    return Section("registry_report", "The report of a month", goals, f"{where}.\n\n{table(head, rows)}\n\n{note}")


def _measure(
    name: str, url: str, folder: str, years: tuple[int, ...], scale: int
) -> tuple[list[list[str]], list[float]]:
    """The rows of the table, and the seconds of the internal report, after each number of years."""
    places, rows, internal, filled = _places(os.path.join(folder, name)), [], [], 0
    os.environ["NUL_DATABASE"] = url
    try:
        with closing(Database(url)) as database:
            _begin(database)
            for until in years:
                _fill(database, range(FIRST + filled, FIRST + until), scale)
                filled = until
                month = f"{FIRST + until - 1}-10"
                times = {audience: _report_seconds(places, month, audience) for audience in ("internal", "public")}
                internal.append(times["internal"])
                rows.append([name, *_row(database, until, times, _command_seconds(places, month))])
    finally:
        del os.environ["NUL_DATABASE"]
    return rows, internal


def _goals(name: str, internal: list[float], years: tuple[int, ...]) -> list[Goal]:
    growth = internal[-1] / internal[-2]  # in the first year the trend has fewer months to read
    return [
        Goal(
            f"{name}: the report of a month in under {GOAL_SECONDS:g} s after {years[-1]} years",
            f"{internal[-1]:.2f} s",
            internal[-1] < GOAL_SECONDS,
            "the history does not slow the reading of a month; Python needs the time for one month's rows",
        ),
        Goal(
            f"{name}: independent of the length of the history",
            f"{growth:.2f} x that after {years[-2]}",
            growth < 1.5,
            "a query reads more than its month",
        ),
    ]


def _places(folder: str) -> Places:
    places = Places(os.path.join(ROOT, "config"), folder)
    os.makedirs(places.var)
    service.compile(places)
    return places


def _report_seconds(places: Places, month: str, audience: str) -> float:
    """The shortest of a few turns, in seconds."""
    from measure.commands import report

    parser = argparse.ArgumentParser()
    report.arguments(parser)
    options = parser.parse_args(["--month", month, "--audience", audience])
    now = datetime(int(month[:4]), 12, 1, tzinfo=UTC).timestamp()
    seconds = []
    for _ in range(TURNS):
        begun = time.perf_counter()
        with redirect_stdout(StringIO()):
            report.run(options, places, now)
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def _command_seconds(places: Places, month: str) -> float:
    begun = time.perf_counter()
    arguments = ["--config", places.config, "--var", places.var, "report", "--month", month]
    subprocess.run([sys.executable, "-m", "measure.cli", *arguments], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    return time.perf_counter() - begun


def _row(database: Database, years: int, times: Mapping[str, float], command: float) -> list[str]:
    with database.read() as connection:
        tables = [schema.request, schema.queue_visit, schema.queue_event]
        numbers = [f"{connection.scalar(select(func.count()).select_from(table_)):,}" for table_ in tables]
        size = Path(database.file).stat().st_size if database.sqlite else connection.scalar(text(SIZE))
    seconds = [f"{value:.2f} s" for value in (times["internal"], times["public"], command)]
    return [str(years), *numbers, f"{size / 2**30:.2f} GB", *seconds]


# --- the years of a service -------------------------------------------------------------------------------------------


def _begin(database: Database) -> None:
    with database.begin() as connection:
        upgrade(connection)
        rows = [{"topic_code": code, "label_it": code.title(), "label_en": code.title()} for code in TOPICS]
        connection.execute(schema.topic.insert(), rows)
        promises = [
            {"promise_code": code, "amount": amount, "clock": clock, "share": share}
            for code, (amount, clock, share) in PROMISES.items()
        ]
        connection.execute(schema.promise.insert(), promises)


def _fill(database: Database, years: range, scale: int) -> None:
    """Insert the years, in the fastest way of each database."""
    for year in years:
        days, make = list(_workdays(year)), _Year(year, random.Random(year))
        with database.begin() as connection:
            insert = _into_sqlite(connection) if database.sqlite else _into_postgres(connection)
            for day in days:
                for name, rows in make.day(day, *(count // scale // len(days) for count in (REQUESTS, VISITS, LINES))):
                    if rows:
                        insert(name, all_tables().tables[name].columns.keys()[: len(rows[0])], rows)
    with database.begin() as connection:
        connection.execute(text("ANALYZE"))


Insert = Callable[[str, list[str], Rows], None]


def _into_sqlite(connection: Connection) -> Insert:
    cursor = connection.connection.cursor()

    def insert(name: str, columns: list[str], rows: Rows) -> None:
        marks = ", ".join("?" * len(columns))
        cursor.executemany(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})", rows)  # noqa: S608

    return insert


def _into_postgres(connection: Connection) -> Insert:
    cursor = connection.connection.cursor()

    def insert(name: str, columns: list[str], rows: Rows) -> None:
        with cursor.copy(f"COPY {name} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    return insert


def _workdays(year: int) -> Iterator[date]:
    day = date(year, 1, 1)
    while day.year == year:
        if day.weekday() < 5:
            yield day
        day += timedelta(days=1)


class _Year:
    """The rows of a year, drawn from a seed, in the order of the tables' columns."""

    def __init__(self, year: int, chance: random.Random) -> None:
        self.year, self.chance, self.number = year, chance, 0

    def day(self, day: date, requests: int, visits: int, lines: int) -> Iterator[tuple[str, Rows]]:
        opening = datetime(day.year, day.month, day.day, 8, tzinfo=UTC).timestamp()
        opened = [self.request(opening) for _ in range(requests)]
        yield "request", opened
        yield "interaction", [(f"i{row[0]}", row[0], "phone_in", row[11], row[11] + 300) for row in opened]
        messages = [row for row in opened if row[3] == "voicemail"]
        yield "callback", [(row[0], "done", None, None, 1, row[11]) for row in messages]
        yield "callback_attempt", [(row[0], 1, row[11] + 600, "op101", None, "reached") for row in messages]
        yield "sla_clock", [clock for row in opened for clock in self.clocks(row)]
        yield "queue_visit", [self.visit(opening) for _ in range(visits)]
        yield "queue_event", [self.line(int(opening), n, lines) for n in range(lines)]
        responses = [(f"{day}-{n}", 1, day.isoformat()) for n in range(visits // 6)]
        yield "survey_response", responses
        yield "survey_answer", [(row[0], q, self.chance.randint(1, 5)) for row in responses for q in QUESTIONS]

    def key(self) -> str:
        self.number += 1
        return f"{self.year}-{self.number:07}"

    def request(self, opening: float) -> tuple[Any, ...]:
        chance, key = self.chance, self.key()
        at = opening + chance.random() * 32400
        channel = chance.choices(("phone", "email", "voicemail"), (75, 18, 7))[0]
        topic = chance.choices(TOPICS, TOPIC_WEIGHTS)[0]
        audience = chance.choices(("jobseeker", "worker", "employer", "youth"), (55, 25, 12, 8))[0]
        level = 2 if chance.random() < 0.12 else 1
        outcome = chance.choices(("resolved", "informed", "withdrawn"), (75, 20, 5))[0]
        return (
            key, key, None, channel, topic, audience, level, "closed", None, None, None,
            at, at + 600, at + 900, outcome,
        )  # fmt: skip

    def clocks(self, row: tuple[Any, ...]) -> Rows:
        channel, level, at = row[3], row[6], row[11]
        promises = [FIRST_LEVEL[channel]] if channel in FIRST_LEVEL else []
        promises += [("SECOND_LEVEL", 864000.0)] if level == 2 else []
        late = self.chance.random() < 0.08
        return [
            (row[0], code, 1, at, at + long, None, 0.0, at + long * (1.2 if late else 0.4), "answered", "0")
            for code, long in promises
        ]

    def visit(self, opening: float) -> tuple[Any, ...]:
        chance, key = self.chance, self.key()
        at, wait = opening + chance.random() * 32400, round(chance.expovariate(0.08), 1)
        fate = chance.choices(FATES, FATE_WEIGHTS)[0]
        talk = 240.0 if fate == "answered" else None
        topic, caller = chance.choices(TOPICS, TOPIC_WEIGHTS)[0], f"{chance.randrange(60_000):032x}"
        return key, 1, key, "nul", at, at + wait + (talk or 0.0), wait, talk, 3.0, fate, topic, 1, caller, 1

    def line(self, opening: int, n: int, lines: int) -> tuple[Any, ...]:
        at, verb, call = opening + n * 32400 // lines, VERBS[n % 4], f"{opening}.{n // 4}"
        return call, at, f"nul|NONE|{verb}|||{n % 9}", "hash" if verb == "ENTERQUEUE" else None
