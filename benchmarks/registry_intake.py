"""How fast the facts of calls become rows and requests, on both databases, as these grow.

A backlog as after a night: segments of fifty facts, which an engine seals in a second of many calls. The calls are
mixed as on a day: informed by the menu, answered (a third with a survey), a message left, given up. Measured is
`registry intake` from the first segment to the last one put away: reading, checking, rows, requests with their numbers,
commits on the disk. Before each measure the database is filled up to its size with rows that look alike.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, text

from benchmarks import machine
from benchmarks.report import Goal, Section, table
from common.places import Places
from ivr.configuration import service
from ivr.configuration.compiled import Compiled
from ivr.facts import Fact
from lab import postgres
from registry import keys
from registry.db.connection import Database
from registry.db.migrations import upgrade
from registry.intake.intake import Intake
from registry.intake.message_lookup import StoredMessage
from registry.site import Site

SIZES, QUICK_SIZES = (10_000, 100_000, 1_000_000), (10_000, 100_000)  # facts that are there already
CALLS, QUICK_CALLS = 3_000, 1_000  # to take in; five facts each
SEGMENT = 50  # facts
GOAL = 5_000  # facts/s on SQLite
NOON = 1795604400.0
MIX = (("informed", 0.35), ("answered", 0.45), ("message", 0.06), ("abandoned", 0.14))

# Rows by the database itself, numbered: {n} is the source of the numbers.
COUNTED = """(WITH RECURSIVE n(i) AS (SELECT CAST(:first AS INTEGER) UNION ALL SELECT i + 1 FROM n WHERE i < :last)
    SELECT i FROM n) AS n"""
FILL = (
    """INSERT INTO call_fact (fact_id, call_id, at, kind, data) SELECT 'old-' || i, 'call-' || (i / 5), :at + i / 10,
    'choice', '{{"node":"topics","key":"1","why":""}}' FROM {n}""",
    """INSERT INTO request (request_id, protocol, channel, topic_code, audience, level, state, call_id, opened_at,
    answered_at, closed_at, outcome, version) SELECT 'old-' || i, 'old-' || i, 'phone', 'DID', 'other', 1, 'closed',
    'call-' || (i / 5), :at + i / 10, :at + i / 10, :at + i / 10, 'resolved', 2 FROM {n} WHERE i % 6 = 0""",
    """INSERT INTO request_event (request_id, seq, at, actor_ref, action, to_state, to_level) SELECT 'old-' || i, 1,
    :at + i / 10, 'intake', 'open', 'closed', 1 FROM {n} WHERE i % 6 = 0""",
)


class Measured(NamedTuple):
    """Facts that were there before, facts taken in a second, requests opened in a second."""

    before: int
    facts: float
    requests: float


def run(quick: bool, quiet: str) -> Section:
    """Fill and take in; takes about a minute."""
    sizes, calls = (QUICK_SIZES, QUICK_CALLS) if quick else (SIZES, CALLS)
    places = Places()
    compiled = service.compiled(service.load(places), places)
    found: dict[str, list[Measured]] = {}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="nul-bench-"))
        found["SQLite"] = _database(f"sqlite:///{folder}/registry.db", folder, compiled, sizes, calls)
        programs = postgres.install(places, report=lambda line: None)
        own = stack.enter_context(tempfile.TemporaryDirectory(prefix="nul-bench-postgres-"))
        running = stack.enter_context(postgres.Server(programs, own, durable=True))
        found["PostgreSQL"] = _database(running.url(), folder, compiled, sizes, calls)
    return _section(found, calls, quiet)


def _database(url: str, folder: str, compiled: Compiled, sizes: tuple[int, ...], calls: int) -> list[Measured]:
    places = Places(var=os.path.join(folder, url.partition(":")[0]))
    with closing(Database(url)) as database:
        with database.begin() as connection:
            upgrade(connection)
        intake = Intake(Site(places, compiled, database, keys.make(places)), print, lookup=_number)
        intake.prepare()
        found, there = [], 0
        for size in sizes:
            with database.begin() as connection:
                _fill(connection, there, size)
            _write(places, calls, size)
            began = time.perf_counter()
            done = intake.run(NOON + 3600)
            seconds = time.perf_counter() - began
            found.append(Measured(size, done.facts / seconds, done.requests / seconds))
            there = size
        return found


def _fill(connection: Connection, there: int, size: int) -> None:
    rows = {"first": there + 1, "last": size, "at": NOON - 86400.0 * 300}
    for statement in FILL:
        connection.execute(text(statement.format(n=COUNTED)), rows)
    if connection.dialect.name == "postgresql":
        connection.execute(text("ANALYZE"))


def _write(places: Places, calls: int, name: int) -> None:
    """The spool as engines leave it."""
    folder = Path(places.facts, "2026-11-25")
    folder.mkdir(parents=True, exist_ok=True)
    facts = list(_facts(random.Random(name), calls, name))
    for start in range(0, len(facts), SEGMENT):
        lines = b"".join(fact.line() for fact in facts[start : start + SEGMENT])
        (folder / f"{int(NOON * 1000) + start:013d}-{name}-a-1.jsonl").write_bytes(lines)


def _facts(chance: random.Random, calls: int, name: int) -> Iterator[Fact]:
    for number in range(calls):
        call, at = f"{int(NOON)}.{name}{number}", NOON + number / 10
        fate = chance.choices([each for each, _ in MIX], [share for _, share in MIX])[0]
        told: list[tuple[str, dict[str, object]]] = [("answered", {"revision": "0123456789ab"})]
        told += [("choice", {"node": "topics", "key": "2", "why": ""})] * chance.choice((1, 1, 2))
        if fate == "informed":
            told.append(("informed", {"topic": "DID", "whole": True}))
        if fate in ("answered", "abandoned"):
            told.append(("handed_over", {"topic": "ADR", "priority": 0}))
        if fate == "answered" and chance.random() < 1 / 3:
            told += [("survey", {"version": 1, "question": each, "value": 4}) for each in ("clear", "kind", "solved")]
        if fate == "message":
            message = {"message_id": f"{name}-{number}", "reason": "closed", "seconds": 20.5, "empty": False}
            told += [("number", {"source": "cli", "attempts": 0}), ("message", {**message, "ended_by": "dtmf"})]
        told.append(("ended", {"fate": fate, "stage": "menu", "queue_status": "", "seconds": 60}))
        for place, (kind, data) in enumerate(told):
            yield Fact(f"{int(at * 1000):012x}{name:08d}{number:08d}{place:02d}", call, at + place, kind, data)


def _number(message_id: str) -> StoredMessage:
    """As the message store would say; reading its sheet is not part of the measure."""
    return StoredMessage(f"+39066981{int(message_id.rpartition('-')[2]) % 10000:04d}", "cli", False, NOON)


def _section(found: dict[str, list[Measured]], calls: int, quiet: str) -> Section:
    slowest = min(each.facts for each in found["SQLite"])
    goal = Goal(
        f"SQLite: at least {GOAL:,} facts/s, whatever is there already", f"{slowest:,.0f} facts/s at the least",
        slowest >= GOAL, f"{GOAL / slowest:.1f} times too slow",
    )  # fmt: skip
    head = ["facts there already", *(f"{name}: facts/s (requests/s)" for name in found)]
    rows = [
        [f"{line[0].before:,}", *(f"{each.facts:,.0f} ({each.requests:,.0f})" for each in line)]
        for line in zip(*found.values(), strict=True)
    ]
    body = (
        f"{machine.description()}; {machine.versions()}; commit {machine.revision()}; {quiet}.\n\n"
        f"{calls:,} calls in segments of {SEGMENT} facts, one run of the intake; SQLite with WAL and synchronous "
        "= FULL, PostgreSQL with its defaults (fsync on), on the same disk.\n\n" + table(head, rows)
    )
    return Section("registry_intake", "Taking in the facts of calls", [goal], body)
