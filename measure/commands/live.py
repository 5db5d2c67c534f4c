"""`measure live`: the state of the queue now, in counts only and without names."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator, Mapping

from sqlalchemy import select

from charter.calendar import OpeningHours
from charter.kpi import Visit
from common import argument_types
from common.command_line import Refusal
from common.places import Places
from ivr import ami
from ivr.configuration import compiled_check
from ivr.configuration.compiled import CompiledError
from ivr.telemetry.metrics import MetricsServer
from measure.live import display
from measure.live.display import Gauges
from measure.live.feed import Feed, LoadVisits
from measure.live.queue_state import QueueState, Snapshot
from measure.switch.kpi_visits import kpi_visit
from measure.tables import queue_log_file
from registry.db.connection import Database, DatabaseError, database_url
from registry.db.schema import queue_event
from registry.db.schema import queue_visit as table

COLUMNS = (table.c.unique_id, table.c.entered_at, table.c.fate, table.c.wait_s, table.c.talk_s)
INGESTED = (queue_log_file.c.read_at, queue_event.c.at)  # set by files, or by lines of a realtime table

ONCE_SECONDS = 10.0


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="print the state once and exit")
    parser.add_argument("--json", action="store_true", help="print one line of JSON each time, for programs")
    parser.add_argument(
        "--every", type=argument_types.pause, default=2.0, metavar="SECONDS", help="interval (default: %(default)s)"
    )
    parser.add_argument(
        "--metrics-port",
        type=argument_types.port,
        metavar="PORT",
        help="serve Prometheus metrics on this port of the loopback address",
    )
    parser.add_argument(
        "--switch", default="main", metavar="NAME", help="name of the private switch (default: %(default)s)"
    )


def run(options: argparse.Namespace, places: Places) -> int:
    try:
        service = compiled_check.load_checked(places)["service"]
    except CompiledError as problem:
        raise Refusal(str(problem)) from None
    queue = service["queue"]
    state = QueueState(queue["name"], OpeningHours.of(service), queue["wrap_up_seconds"])
    feed = Feed(state, ami.account(places, switch=options.switch), _stored_visits(places, queue["name"]))
    if options.once:
        asyncio.run(feed.once(ONCE_SECONDS))
        _print(feed, options.json)
        return 0
    with _metrics(feed, options.metrics_port):
        asyncio.run(_show(feed, options))
    return 0


@contextlib.contextmanager
def _metrics(feed: Feed, port: int | None) -> Iterator[None]:
    if port is None:
        yield
        return
    try:
        server = MetricsServer(Gauges(feed), port)
    except OSError as problem:
        raise Refusal(f"--metrics-port {port}: {problem.strerror}; choose another") from None
    try:
        yield
    finally:
        server.close()


async def _show(feed: Feed, options: argparse.Namespace) -> None:
    following = asyncio.create_task(feed.follow())
    try:
        if options.json or not sys.stdout.isatty():
            await _print_repeatedly(feed, options, following)
        else:
            await _update_in_place(feed, options.every, following)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def _print_repeatedly(feed: Feed, options: argparse.Namespace, following: asyncio.Task[None]) -> None:
    while not await _ended(following, options.every):
        _print(feed, options.json)


async def _update_in_place(feed: Feed, every: float, following: asyncio.Task[None]) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

    def table() -> Table:
        snapshot = feed.snapshot()
        rows = Table(title=_headline(feed, snapshot), caption=_footnote(feed, snapshot), show_header=False)
        for name, value in display.rows(snapshot):
            rows.add_row(name, value)
        return rows

    with Live(table(), console=Console(), auto_refresh=False) as screen:
        while not await _ended(following, every):
            screen.update(table(), refresh=True)


async def _ended(following: asyncio.Task[None], seconds: float) -> bool:
    """Wait, and raise the error of the connection if it was given up."""
    done, _ = await asyncio.wait([following], timeout=seconds)
    for task in done:
        task.result()
    return bool(done)


def _print(feed: Feed, as_json: bool) -> None:
    snapshot = feed.snapshot()
    if as_json:
        print(display.json_line(snapshot, feed.problem), flush=True)
        return
    print(_headline(feed, snapshot))
    for name, value in display.rows(snapshot):
        print(f"{name:24} {value}")
    print(_footnote(feed, snapshot), flush=True)


def _headline(feed: Feed, snapshot: Snapshot) -> str:
    state = "open" if snapshot.open else "closed"
    stale = "" if snapshot.connected else ", NOT CONNECTED: figures may be out of date"
    return f"{feed.state.hours.local(snapshot.at):%a %d %b %H:%M:%S}, {state}{stale}"


def _footnote(feed: Feed, snapshot: Snapshot) -> str:
    parts = [f"figures since {feed.state.hours.local(snapshot.since):%H:%M:%S}"]
    if snapshot.blind_seconds >= 1:
        parts.append(f"except {snapshot.blind_seconds:.0f} s without a connection")
    if feed.problem:
        parts.append(feed.problem)
    return "; ".join(parts)


def _stored_visits(places: Places, queue: str) -> LoadVisits:
    """Loads the day's visits at a queue from the registry, where `measure ingest` stores them. Without a registry the
    figures begin with the connection."""

    def of_day(midnight: float) -> Mapping[str, Visit] | None:
        url = database_url(places)
        if url.startswith("sqlite:///") and not os.path.exists(url.removeprefix("sqlite:///")):
            return None
        database = Database(url)
        try:
            with database.read() as connection:
                if all(connection.execute(select(column).limit(1)).first() is None for column in INGESTED):
                    return None  # no queue_log was ever ingested
                query = select(*COLUMNS).where(table.c.entered_at >= midnight, table.c.queue == queue)
                rows = connection.execute(query).all()
        except DatabaseError:
            return None
        finally:
            database.close()
        visits = {row.unique_id: kpi_visit(row.entered_at, row.fate, row.wait_s, row.talk_s, "") for row in rows}
        # Callers who are still waiting come from the switch.
        return {unique: visit for unique, visit in visits.items() if visit is not None}

    return of_day
