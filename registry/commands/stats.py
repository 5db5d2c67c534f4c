"""`registry stats`: count requests: opened, open, answered in time. Counts only, never figures about one person."""

from __future__ import annotations

import argparse
import json
import time
from datetime import date, timedelta
from typing import Any

from charter.promises import end_of_day
from common import argument_types
from common.command_line import Refusal
from common.places import Places
from common.terminal_table import format_age, table_lines
from registry.commands import request_view
from registry.requests import queries, reference_data
from registry.requests.clocks import Rules
from registry.requests.queries import Stats
from registry.site import Site


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="first", type=argument_types.day, metavar="DAY", help="first day (default: of this month)"
    )
    parser.add_argument("--to", dest="last", type=argument_types.day, metavar="DAY", help="last day (default: today)")
    request_view.json_argument(parser)


def run(options: argparse.Namespace, places: Places) -> int:
    site, now = Site.of(places), time.time()
    rules = Rules.of(site.compiled)
    today = rules.hours.local(now).date()
    last = options.last or today
    first = options.first or last.replace(day=1)
    if first > last:
        raise Refusal(f"--from: {first} is after --to, {last}; swap them")
    reference_data.follow_configuration(site, rules, now)
    with site.database.read() as connection:
        start, until = end_of_day(first - timedelta(days=1), rules.hours), end_of_day(last, rules.hours)
        stats = queries.read_stats(connection, start, until, now)
    if options.json:
        print(json.dumps({"from": first.isoformat(), "to": last.isoformat(), **_document(stats)}, indent=1))
    else:
        _show(stats, first, last)
    return 0


def _document(stats: Stats) -> dict[str, Any]:
    return {
        "open": [{"state": state, "level": level, "count": n} for (state, level), n in stats.open.items()],
        "opened": [{"channel": channel, "topic": topic, "count": n} for (channel, topic), n in stats.opened.items()],
        "outcomes": stats.outcomes,
        "unclassified": stats.unclassified,
        "on_time": [each._asdict() for each in stats.on_time],
        "late": stats.late._asdict(),
    }


def _show(stats: Stats, first: date, last: date) -> None:
    print(f"Open now: {sum(stats.open.values())}")
    _table(("STATE", "LEVEL", "REQUESTS"), [(state, str(level), str(n)) for (state, level), n in stats.open.items()])
    late = stats.late
    if late.late:
        mean, worst = format_age(late.mean_lateness), format_age(late.worst_lateness)
        print(f"  late: {late.late}, by {mean} on average, {worst} at worst")
    print(f"Opened from {first} to {last}: {sum(stats.opened.values())}")
    _table(("CHANNEL", "TOPIC", "REQUESTS"), [(channel, topic, str(n)) for (channel, topic), n in stats.opened.items()])
    if stats.unclassified:
        print(f"  not classified: {stats.unclassified}; their topic is what the caller chose in the menu")
    print(f"Closed from {first} to {last}: {sum(stats.outcomes.values())}")
    _table(("OUTCOME", "REQUESTS"), [(outcome, str(n)) for outcome, n in stats.outcomes.items()])
    print(f"In time, of what fell due from {first} to {last}:")
    for each in stats.on_time:
        share = "-" if each.value is None else f"{100 * each.value:.1f} %"
        print(f"  {each.definition.title('en'):<30} {share:>8}  ({each.numerator:g} of {each.denominator:g})")


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    for line in table_lines(head, rows) if rows else ():
        print(f"  {line}")
