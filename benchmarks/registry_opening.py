"""The speed of opening requests: number, row, history, clock and note, in one durable transaction.

Each writer is a process on one database. *As fast as they can*: each writer opens one request after the other, and the
time includes waiting for the others; numbers have no gaps, so openings are serial by design. *At a pace*: each writer
opens five a second at random times, far more than 24 operators do. The time is from the begin of the transaction to its
end. The table shows beside it the time of one durable write of the disk.
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
PACE = 5.0  # openings a second by each writer
SECONDS, QUICK_SECONDS = 3.0, 1.0
PACED_TIMES = 2.0  # as long, since there are fewer openings to measure
WARM_UP = 0.5
GOAL = 0.005  # s, p99 with 8 writers
NOTE = "Chiede come presentare la dichiarazione dopo il trasferimento in un'altra regione."


class Measured(NamedTuple):
    """Openings per second, and percentiles of their times in seconds."""

    rate: float
    p50: float
    p99: float
    worst: float


def run(quick: bool, quiet: str) -> Section:
    seconds = QUICK_SECONDS if quick else SECONDS
    places = Places()
    compiled = service.compiled(service.load(places), places)
    results: dict[str, dict[str, Measured]] = {}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="nul-bench-"))
        disk = _measure_disk(folder)
        results["SQLite"] = _measure(f"sqlite:///{folder}/registry.db", compiled, seconds)
        programs = postgres.install(places, report=lambda line: None)
        own = stack.enter_context(tempfile.TemporaryDirectory(prefix="nul-bench-postgres-"))  # another user's, perhaps
        running = stack.enter_context(postgres.Server(programs, own, durable=True))
        results["PostgreSQL"] = _measure(running.url(), compiled, seconds)
    return _section(results, disk, seconds, quiet)


def _measure_disk(folder: str) -> Measured:
    """The time to write one page durably, which every transaction needs at least."""
    times = []
    with open(os.path.join(folder, "page"), "wb", buffering=0) as file:
        for _ in range(200):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return _summary(times, sum(times))


def _measure(url: str, compiled: Compiled, seconds: float) -> dict[str, Measured]:
    database = Database(url)
    with database.begin() as connection:
        upgrade(connection)
        reference_data.save_reference_data(connection, compiled, time.time())
    database.close()
    results = {f"{writers}": _writers(url, compiled, writers, seconds, None) for writers in WRITERS}
    results["paced"] = _writers(url, compiled, PACED, PACED_TIMES * seconds, PACE)
    return results


def _writers(url: str, compiled: Compiled, count: int, seconds: float, pace: float | None) -> Measured:
    """Run this many writers at once; they are forked, so they have all imports and no open files."""
    context = multiprocessing.get_context("fork")
    gate, answers = context.Barrier(count), context.SimpleQueue()
    workers = [
        context.Process(target=_open, args=(url, compiled, number, seconds, pace, gate, answers))
        for number in range(count)
    ]
    for worker in workers:
        worker.start()
    try:
        times_of_all = [answers.get() for _ in workers]
    finally:
        for worker in workers:
            worker.join(30)
            worker.kill()
    if isinstance(problem := next((answer for answer in times_of_all if isinstance(answer, str)), None), str):
        raise RuntimeError(problem)
    return _summary([taken for times in times_of_all for taken in times], seconds)


def _open(
    url: str,
    compiled: Compiled,
    number: int,
    seconds: float,
    pace: float | None,
    gate: Barrier,
    answers: SimpleQueue[Sequence[float] | str],
) -> None:
    """Run one writer; it answers with the time of each measured opening, or with an error."""
    try:
        answers.put(_times(_opener(url, compiled, number), number, seconds, pace, gate))
    except Exception as problem:  # noqa: BLE001 - the parent reports any error
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
    once()  # warm-up: connects and compiles the statements
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
        raise RuntimeError("no request was opened in the measured time")
    last = len(ordered) - 1
    return Measured(len(ordered) / seconds, ordered[last // 2], ordered[round(0.99 * last)], ordered[last])


def _section(results: dict[str, dict[str, Measured]], disk: Measured, seconds: float, quiet: str) -> Section:
    goals = []
    for name, levels in results.items():
        for label, pace in (("8", "as fast as they can"), ("paced", f"{PACE:g} a second each")):
            p99 = levels[label].p99
            why = f"{p99 / GOAL:.1f} times as long, {p99 / disk.p50:.0f} durable writes of this disk"
            goal = f"{name}, 8 writers, {pace}: p99 under {1000 * GOAL:g} ms"
            goals.append(Goal(goal, f"{1000 * p99:.1f} ms", p99 < GOAL, why))
    head = ["openings/s · p50 / p99 / worst ms", *(f"{count} at once" for count in WRITERS), f"8, {PACE:g}/s each"]
    rows = [[name, *(_cell(level) for level in levels.values())] for name, levels in results.items()]
    body = (
        f"{machine.description()}; {machine.versions()}; commit {machine.revision()}; {quiet}.\n\n"
        f"{seconds:g} s each (twice as long at a pace) after {WARM_UP:g} s of warm-up; SQLite with WAL and "
        f"synchronous = FULL, PostgreSQL with its defaults (fsync on). One durable write of this disk: "
        f"{1000 * disk.p50:.2f} ms at the median, "
        f"{1000 * disk.p99:.2f} at the 99th percentile.\n\n" + table(head, rows)
    )
    return Section("registry_opening", "Opening requests", goals, body)


def _cell(measured: Measured) -> str:
    times = " / ".join(f"{1000 * seconds:.1f}" for seconds in measured[1:])
    return f"{measured.rate:.0f} · {times}"
