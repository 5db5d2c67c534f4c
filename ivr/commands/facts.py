"""`ivr facts`: show what happened on the calls, from the spool."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import sys
import time
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from common.command_line import Refusal
from common.file_errors import describe
from common.instants import with_iso_times
from common.places import Places
from ivr.configuration.compiled import CompiledError, load
from ivr.facts import Fact, Spool, read_segment, segments
from ivr.lost_facts import logged_facts, write_back

FOLLOW_SECONDS = 0.5


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--call", metavar="ID", help="only this call (the switch's LINKEDID)")
    parser.add_argument("--json", action="store_true", help="one JSON object per line, with ISO 8601 times")
    parser.add_argument("--follow", action="store_true", help="wait for new facts and show them, until Ctrl-C")

    parser.add_argument(
        "--recover",
        metavar="LOG",
        help="write facts that a full disk refused back into the spool, from the engine's log; - reads standard input",
    )


def run(options: argparse.Namespace, places: Places) -> int:
    if options.recover:
        return _recover(options.recover, places)
    show = _as_json if options.json else Table(_zone(places)).show
    spool = Reader(places.taken_facts, places.facts)
    while True:
        try:
            for fact in sorted(spool.new(), key=lambda fact: fact.at):
                if options.call in (None, fact.call):
                    print(show(fact), flush=options.follow)
        except ValueError as problem:  # a segment has a line that is not a fact
            raise Refusal(f"{problem}; move this file to another folder") from None
        if not options.follow:
            return 0
        time.sleep(FOLLOW_SECONDS)


def _recover(log: str, places: Places) -> int:
    """Write the facts of a log into the spool. Raises `Refusal` when the log or the spool cannot be used."""
    messages: list[str] = []
    try:
        with contextlib.nullcontext(sys.stdin.buffer) if log == "-" else open(log, "rb") as lines:
            facts = list(logged_facts(lines))
        written = write_back(facts, Spool(places.facts, lambda message, fact: messages.append(message)))
    except ValueError as problem:
        raise Refusal(f"{log}: {problem}; this line of the log was altered, correct or remove it in a copy") from None
    except OSError as problem:
        raise Refusal(messages[0] if messages else describe(problem, log)) from None
    if not written:
        print("no refused facts in this log")
        return 0
    print(f"{written} facts written back; the registry counts each fact once, however often it is recovered")
    return 0


class Reader:
    """Reads a spool repeatedly and returns each fact once. A segment keeps its name, except for the ending, while it is
    written, sealed, and taken in by the registry."""

    def __init__(self, *folders: str) -> None:
        self._folders = folders
        self._seen: dict[str, tuple[int, int]] = {}  # segment -> size, number of facts returned

    def new(self) -> Iterator[Fact]:
        """The facts since the last call. Raises ValueError for a line that is not a fact."""
        for path in (path for folder in self._folders for path in segments(folder, unsealed=True)):
            segment = os.path.splitext(os.path.basename(path))[0]
            try:
                size = os.path.getsize(path)
            except FileNotFoundError:
                continue  # just sealed: read it the next time
            seen_size, given = self._seen.get(segment, (0, 0))
            if size == seen_size:
                continue
            facts = list(read_segment(path))
            yield from facts[given:]
            self._seen[segment] = (size, len(facts))


class Table:
    """Facts as lines of a table, in the local time of the service."""

    def __init__(self, zone: datetime.tzinfo) -> None:
        self._zone = zone

    def show(self, fact: Fact) -> str:
        at = datetime.datetime.fromtimestamp(fact.at, self._zone).isoformat(" ", "seconds")
        data = " ".join(f"{name}={_short(value)}" for name, value in fact.data.items())
        return f"{at}  {fact.call:<20}  {fact.kind:<13}  {data}".rstrip()


def _short(value: object) -> str:
    return "-" if value is None or value == "" else str(value)


def _as_json(fact: Fact) -> str:
    """As in the spool, but with times that people can read."""
    return json.dumps(with_iso_times(json.loads(fact.line())), ensure_ascii=False, separators=(",", ":"))


def _zone(places: Places) -> datetime.tzinfo:
    """The time zone of the service; UTC when its configuration cannot be read, so that facts are still shown."""
    try:
        return ZoneInfo(load(places.compiled)["service"]["service"]["time_zone"])
    except (CompiledError, KeyError):
        print("ivr facts: no compiled configuration, so times are UTC; run `ivr compile`", file=sys.stderr)
        return datetime.UTC
