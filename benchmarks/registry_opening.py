"""How fast requests are opened: number, row, history, clock and a note, in one transaction that is on the disk.

Writers are processes of their own on one database. *As fast as they can*: each opens one after the other, and the time
of one includes waiting for the others; numbers are given without gaps, so openings stand in line by intent. *At a
pace*: each opens ten a second at its own moments, forty times what 24 operators do. The time is from asking for the
transaction to its end. The disk's own time for one durable write stands beside.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from typing import NamedTuple

from benchmarks import machine
from benchmarks.report import Goal, Section, table
from common.places import Places
from ivr.configuration import service
from ivr.configuration.compiled import Compiled
from lab import postgres
from registry.db.connection import Database
from registry.db.migrations import upgrade
from registry.requests import reference_data
from registry.requests.clocks import Rules
from registry.requests.opening import Opening, open_request

WRITERS = (1, 8, 32)
PACED = 8
PACE = 5.0  # openings a second by each
SECONDS, QUICK_SECONDS = 3.0, 1.0
PACED_TIMES = 2.0  # as long: there are fewer to measure
WARM_UP = 0.5
GOAL = 0.005  # s, p99 with 8 writers
NOTE = "Chiede come presentare la dichiarazione dopo il trasferimento in un'altra regione."


class Measured(NamedTuple):
    """Openings a second, and percentiles of their times in seconds."""

    rate: float
    p50: float
    p99: float
    worst: float


def run(quick: bool, quiet: str) -> Section:
    seconds = QUICK_SECONDS if quick else SECONDS
    places = Places()
    compiled = service.compiled(service.load(places), places)
    found: dict[str, dict[str, Measured]] = {}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="nul-bench-"))
        disk = _disk(folder)
        found["SQLite"] = _database(f"sqlite:///{folder}/registry.db", compiled, seconds)
        programs = postgres.install(places, report=lambda line: None)
        own = stack.enter_context(tempfile.TemporaryDirectory(prefix="nul-bench-postgres-"))  # another user's, perhaps
        running = stack.enter_context(postgres.Server(programs, own, durable=True))
        found["PostgreSQL"] = _database(running.url(), compiled, seconds)
    return _section(found, disk, seconds, quiet)


def _disk(folder: str) -> Measured:
    """Writing a page and waiting until the disk has it: what every transaction costs at least."""
    times = []
    with open(os.path.join(folder, "page"), "wb", buffering=0) as file:
        for _ in range(200):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return _summary(times, sum(times))


def _database(url: str, compiled: Compiled, seconds: float) -> dict[str, Measured]:
    database = Database(url)
    with database.begin() as connection:
        upgrade(connection)
        reference_data.save_reference_data(connection, compiled)
    database.close()
    found = {f"{writers}": _writers(url, compiled, writers, seconds, None) for writers in WRITERS}
    found["paced"] = _writers(url, compiled, PACED, PACED_TIMES * seconds, PACE)
    return found


def _writers(url: str, compiled: Compiled, count: int, seconds: float, pace: float | None) -> Measured:
    """So many processes at once, forked: they have everything imported, and nothing open."""
    context = multiprocessing.get_context("fork")
    gate, answers = context.Barrier(count), context.SimpleQueue()
    workers = [
        context.Process(target=_open, args=(url, compiled, number, seconds, pace, gate, answers))
        for number in range(count)
    ]
    for each in workers:
        each.start()
    try:
        found = [answers.get() for _ in workers]
    finally:
        for each in workers:
            each.join(30)
            each.kill()
    if isinstance(problem := next((each for each in found if isinstance(each, str)), None), str):
        raise RuntimeError(problem)
    return _summary([taken for times in found for taken in times], seconds)


def _open(
    url: str,
    compiled: Compiled,
    number: int,
    seconds: float,
    pace: float | None,
    gate: Barrier,
    answers: SimpleQueue[Sequence[float] | str],
) -> None:
    """One writer; how long each opening of its measured time took, or what went wrong."""
    try:
        answers.put(_times(_opener(url, compiled, number), number, seconds, pace, gate))
    except Exception as problem:  # noqa: BLE001 - whatever it is, the parent must hear of it
        gate.abort()
        answers.put(f"writer {number}: {type(problem).__name__}: {problem}")


def _opener(url: str, compiled: Compiled, number: int) -> Callable[[], None]:
    database, rules = Database(url), Rules.of(compiled)

    def once() -> None:
        with database.begin() as connection:
            opening = Opening("email", "DID", time.time(), f"op{101 + number}", note=NOTE)
            open_request(connection, rules, opening)

    return once


def _times(once: Callable[[], None], number: int, seconds: float, pace: float | None, gate: Barrier) -> list[float]:
    once()  # connected, statements compiled
    chance = random.Random(number)
    times: list[float] = []
    gate.wait(60)
    began = time.perf_counter()
    measured, end = began + WARM_UP, began + WARM_UP + seconds
    planned = began
    while True:
        if pace is not None:
            planned += chance.uniform(0.5, 1.5) / pace
            time.sleep(max(0.0, planned - time.perf_counter()))
        start = time.perf_counter()
        if start >= end:
            return times
        once()
        if start >= measured:
            times.append(time.perf_counter() - start)


def _summary(times: Sequence[float], seconds: float) -> Measured:
    ordered = sorted(times)
    if not ordered:
        raise RuntimeError("nothing was opened in the time that was measured")
    last = len(ordered) - 1
    return Measured(len(ordered) / seconds, ordered[last // 2], ordered[round(0.99 * last)], ordered[last])


def _section(found: dict[str, dict[str, Measured]], disk: Measured, seconds: float, quiet: str) -> Section:
    goals = []
    for name, levels in found.items():
        for label, words in (("8", "as fast as they can"), ("paced", f"{PACE:g} a second each")):
            p99 = levels[label].p99
            why = f"{p99 / GOAL:.1f} times as long, {p99 / disk.p50:.0f} durable writes of this disk"
            wanted = f"{name}, 8 writers, {words}: p99 under {1000 * GOAL:g} ms"
            goals.append(Goal(wanted, f"{1000 * p99:.1f} ms", p99 < GOAL, why))
    head = ["openings/s · p50 / p99 / worst ms", *(f"{each} at once" for each in WRITERS), f"8, {PACE:g}/s each"]
    rows = [[name, *(_cell(each) for each in levels.values())] for name, levels in found.items()]
    body = (
        f"{machine.description()}; {machine.versions()}; commit {machine.revision()}; {quiet}.\n\n"
        f"{seconds:g} s each (twice as long at a pace) after {WARM_UP:g} s of warm-up; SQLite with WAL and "
        f"synchronous = FULL, PostgreSQL with its defaults (fsync on). One durable write of this disk: "
        f"{1000 * disk.p50:.2f} ms at the median, "
        f"{1000 * disk.p99:.2f} at the 99th percentile.\n\n" + table(head, rows)
    )
    return Section("registry_opening", "Opening requests", goals, body)


def _cell(measured: Measured) -> str:
    times = " / ".join(f"{1000 * each:.1f}" for each in measured[1:])
    return f"{measured.rate:.0f} · {times}"
