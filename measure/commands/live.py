"""`measure live`: the queue now. Counts only; nobody is shown by name."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping

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
from measure.live import feed
from measure.live.board import Board, Picture
from measure.live.feed import Gauges, Source
from measure.switch.visits import kpi_visit
from registry.db.connection import Database, DatabaseError, address
from registry.db.schema import queue_event, queue_log_file
from registry.db.schema import queue_visit as table

COLUMNS = (table.c.unique_id, table.c.entered_at, table.c.fate, table.c.wait_s, table.c.talk_s)
TAKEN_IN = (queue_log_file.c.read_at, queue_event.c.at)  # files, or lines of a realtime table

ONCE_SECONDS = 10.0


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="print it once, and go")
    parser.add_argument("--json", action="store_true", help="a line of JSON each time, for programs")
    parser.add_argument(
        "--every", type=argument_types.pause, default=2.0, metavar="SECONDS", help="default: %(default)s"
    )
    parser.add_argument(
        "--metrics-port", type=argument_types.port, metavar="PORT", help="for Prometheus, on the loopback address"
    )
    parser.add_argument("--switch", default="main", metavar="NAME", help="of a private switch (default: %(default)s)")


def run(options: argparse.Namespace, places: Places) -> int:
    try:
        service = compiled_check.load_checked(places)["service"]
    except CompiledError as problem:
        raise Refusal(str(problem)) from None
    queue = service["queue"]
    board = Board(queue["name"], OpeningHours.of(service), queue["wrap_up_seconds"])
    source = Source(board, ami.account(places, switch=options.switch), _written(places, queue["name"]))
    if options.once:
        asyncio.run(source.once(ONCE_SECONDS))
        _print(source, options.json)
        return 0
    with _metrics(source, options.metrics_port):
        asyncio.run(_show(source, options))
    return 0


@contextlib.contextmanager
def _metrics(source: Source, port: int | None) -> Iterator[None]:
    if port is None:
        yield
        return
    try:
        server = MetricsServer(Gauges(source), port)
    except OSError as problem:
        raise Refusal(f"--metrics-port {port}: {problem.strerror}; choose another") from None
    try:
        yield
    finally:
        server.close()


async def _show(source: Source, options: argparse.Namespace) -> None:
    keeping = asyncio.create_task(source.keep())
    try:
        if options.json or not sys.stdout.isatty():
            await _lines(source, options, keeping)
        else:
            await _in_place(source, options.every, keeping)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _lines(source: Source, options: argparse.Namespace, keeping: asyncio.Task[None]) -> None:
    while not await _ended(keeping, options.every):
        _print(source, options.json)


async def _in_place(source: Source, every: float, keeping: asyncio.Task[None]) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

    def table() -> Table:
        picture = source.picture()
        shown = Table(title=_headline(source, picture), caption=_footnote(source, picture), show_header=False)
        for name, value in feed.rows(picture):
            shown.add_row(name, value)
        return shown

    with Live(table(), console=Console(), auto_refresh=False) as screen:
        while not await _ended(keeping, every):
            screen.update(table(), refresh=True)


async def _ended(keeping: asyncio.Task[None], seconds: float) -> bool:
    """Wait; whether the connection is given up for good, which is an error."""
    done, _ = await asyncio.wait([keeping], timeout=seconds)
    for task in done:
        task.result()
    return bool(done)


def _print(source: Source, as_json: bool) -> None:
    picture = source.picture()
    if as_json:
        print(feed.line(picture, source.problem), flush=True)
        return
    print(_headline(source, picture))
    for name, value in feed.rows(picture):
        print(f"{name:24} {value}")
    print(_footnote(source, picture), flush=True)


def _headline(source: Source, picture: Picture) -> str:
    state = "open" if picture.open else "closed"
    stale = "" if picture.connected else ", NOT CONNECTED: what is shown may be old"
    return f"{source.board.hours.local(picture.at):%a %d %b %H:%M:%S}, {state}{stale}"


def _footnote(source: Source, picture: Picture) -> str:
    parts = [f"figures since {source.board.hours.local(picture.since):%H:%M:%S}"]
    if picture.blind_seconds >= 1:
        parts.append(f"without {picture.blind_seconds:.0f} s in which there was no connection")
    if source.problem:
        parts.append(source.problem)
    return "; ".join(parts)


def _written(places: Places, queue: str) -> Callable[[float], Mapping[str, Visit] | None]:
    """The day's visits at a queue from the registry, where `measure ingest` puts them; without a registry there are
    none, and the figures are those of what is seen from now on."""

    def of_day(midnight: float) -> Mapping[str, Visit] | None:
        url = address(places)
        if url.startswith("sqlite:///") and not os.path.exists(url.removeprefix("sqlite:///")):
            return None
        database = Database(url)
        try:
            with database.read() as connection:
                if all(connection.execute(select(each).limit(1)).first() is None for each in TAKEN_IN):
                    return None  # a registry into which no queue_log is taken in
                wanted = select(*COLUMNS).where(table.c.entered_at >= midnight, table.c.queue == queue)
                found = connection.execute(wanted).all()
        except DatabaseError:
            return None
        finally:
            database.close()
        visits = {row.unique_id: kpi_visit(row.entered_at, row.fate, row.wait_s, row.talk_s, "") for row in found}
        return {unique: visit for unique, visit in visits.items() if visit is not None}  # who waits is on the switch

    return of_day
