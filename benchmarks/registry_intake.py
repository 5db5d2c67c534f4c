"""The speed of the intake of call facts, on both databases, as they grow.

The backlog of a night: segments of fifty facts, as an engine seals them in a busy second. The mix of calls is that of a
day: informed by the menu, answered (a third with a survey), message left, abandoned. The time is that of `registry
intake` from the first segment until the last is moved away: reading, checks, rows, requests with their numbers, commits
on disk. Before each measurement the database is filled to its size with similar rows.
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

SIZES, QUICK_SIZES = (10_000, 100_000, 1_000_000), (10_000, 100_000)  # facts in the database before
CALLS, QUICK_CALLS = 3_000, 1_000  # to take in; five facts each
SEGMENT = 50  # facts
GOAL = 5_000  # facts/s on SQLite
NOON = 1795604400.0
MIX = (("informed", 0.35), ("answered", 0.45), ("message", 0.06), ("abandoned", 0.14))

# The database makes the rows itself; {n} is a table of numbers.
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
    """Facts in the database before; facts taken in per second; requests opened per second."""

    before: int
    facts: float
    requests: float


def run(quick: bool, quiet: str) -> Section:
    """Fill the databases and take facts in. It takes about a minute."""
    sizes, calls = (QUICK_SIZES, QUICK_CALLS) if quick else (SIZES, CALLS)
    places = Places()
    compiled = service.compiled(service.load(places), places)
    results: dict[str, list[Measured]] = {}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="nul-bench-"))
        results["SQLite"] = _measure(f"sqlite:///{folder}/registry.db", folder, compiled, sizes, calls)
        programs = postgres.install(places, report=lambda line: None)
        own = stack.enter_context(tempfile.TemporaryDirectory(prefix="nul-bench-postgres-"))
        running = stack.enter_context(postgres.Server(programs, own, durable=True))
        results["PostgreSQL"] = _measure(running.url(), folder, compiled, sizes, calls)
    return _section(results, calls, quiet)


def _measure(url: str, folder: str, compiled: Compiled, sizes: tuple[int, ...], calls: int) -> list[Measured]:
    places = Places(var=os.path.join(folder, url.partition(":")[0]))
    with closing(Database(url)) as database:
        with database.begin() as connection:
            upgrade(connection)
        intake = Intake(Site(places, compiled, database, keys.make(places)), print, lookup=_number)
        intake.prepare(time.time())
        results, filled = [], 0
        for size in sizes:
            with database.begin() as connection:
                _fill(connection, filled, size)
            _write(places, calls, size)
            began = time.perf_counter()
            done = intake.run(NOON + 3600)
            seconds = time.perf_counter() - began
            results.append(Measured(size, done.facts / seconds, done.requests / seconds))
            filled = size
        return results


def _fill(connection: Connection, filled: int, size: int) -> None:
    rows = {"first": filled + 1, "last": size, "at": NOON - 86400.0 * 300}
    for statement in FILL:
        connection.execute(text(statement.format(n=COUNTED)), rows)
    if connection.dialect.name == "postgresql":
        connection.execute(text("ANALYZE"))


def _write(places: Places, calls: int, name: int) -> None:
    """Write a spool like that of an engine."""
    folder = Path(places.facts, "2026-11-25")
    folder.mkdir(parents=True, exist_ok=True)
    facts = list(_facts(random.Random(name), calls, name))
    for start in range(0, len(facts), SEGMENT):
        lines = b"".join(fact.line() for fact in facts[start : start + SEGMENT])
        (folder / f"{int(NOON * 1000) + start:013d}-{name}-a-1.jsonl").write_bytes(lines)


def _facts(chance: random.Random, calls: int, name: int) -> Iterator[Fact]:
    for number in range(calls):
        call, at = f"{int(NOON)}.{name}{number}", NOON + number / 10
        fate = chance.choices([kind for kind, _ in MIX], [share for _, share in MIX])[0]
        facts: list[tuple[str, dict[str, object]]] = [("answered", {"revision": "0123456789ab"})]
        facts += [("choice", {"node": "topics", "key": "2", "why": ""})] * chance.choice((1, 1, 2))
        if fate == "informed":
            facts.append(("informed", {"topic": "DID", "whole": True}))
        if fate in ("answered", "abandoned"):
            facts.append(("handed_over", {"topic": "ADR", "priority": 0}))
        if fate == "answered" and chance.random() < 1 / 3:
            questions = ("clear", "kind", "solved")
            facts += [("survey", {"version": 1, "question": question, "value": 4}) for question in questions]
        if fate == "message":
            message = {"message_id": f"{name}-{number}", "reason": "closed", "seconds": 20.5, "empty": False}
            facts += [("number", {"source": "cli", "attempts": 0}), ("message", {**message, "ended_by": "dtmf"})]
        facts.append(("ended", {"fate": fate, "stage": "menu", "queue_status": "", "seconds": 60}))
        for place, (kind, data) in enumerate(facts):
            yield Fact(f"{int(at * 1000):012x}{name:08d}{number:08d}{place:02d}", call, at + place, kind, data)


def _number(message_id: str) -> StoredMessage:
    """Stands in for the message store; reading a message's sheet is not measured."""
    return StoredMessage(f"+39066981{int(message_id.rpartition('-')[2]) % 10000:04d}", "cli", False, NOON)


def _section(results: dict[str, list[Measured]], calls: int, quiet: str) -> Section:
    slowest = min(result.facts for result in results["SQLite"])
    goal = Goal(
        f"SQLite: at least {GOAL:,} facts/s at any size of the database", f"at least {slowest:,.0f} facts/s",
        slowest >= GOAL, f"{GOAL / slowest:.1f} times too slow",
    )  # fmt: skip
    head = ["facts in the database before", *(f"{name}: facts/s (requests/s)" for name in results)]
    rows = [
        [f"{line[0].before:,}", *(f"{result.facts:,.0f} ({result.requests:,.0f})" for result in line)]
        for line in zip(*results.values(), strict=True)
    ]
    body = (
        f"{machine.description()}; {machine.versions()}; commit {machine.revision()}; {quiet}.\n\n"
        f"{calls:,} calls in segments of {SEGMENT} facts, one run of the intake; SQLite with WAL and synchronous "
        "= FULL, PostgreSQL with its defaults (fsync on), on the same disk.\n\n" + table(head, rows)
    )
    return Section("registry_intake", "Taking in the facts of calls", [goal], body)
