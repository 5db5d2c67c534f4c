"""`ivr facts`: show what happened on the calls, from the spool."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import time
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from common.command_line import Refusal
from common.instants import with_iso_times
from common.places import Places
from ivr.configuration.compiled import CompiledError, load
from ivr.facts import Fact, read_segment, segments

FOLLOW_SECONDS = 0.5


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--call", metavar="ID", help="only this call (the switch's LINKEDID)")
    parser.add_argument("--json", action="store_true", help="one JSON object per line, with ISO 8601 times")
    parser.add_argument("--follow", action="store_true", help="wait for new facts and show them, until Ctrl-C")


def run(options: argparse.Namespace, places: Places) -> int:
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
