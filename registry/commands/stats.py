"""`registry stats`: count requests: opened, open, answered in time. Counts only, never figures about one person."""

from __future__ import annotations

import argparse
import json
import time
from datetime import date, timedelta
from typing import Any

from charter.promises import end_of_day
from common import argument_types, italian
from common.command_line import Refusal
from common.places import Places
from common.terminal_table import format_age, table_lines
from common.texts import current_language
from pages import localization
from registry.commands.shared import request_view
from registry.requests import queries, reference_data
from registry.requests.clocks import Rules
from registry.requests.queries import Stats
from registry.site import Site
from registry.texts import translate


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from",
        dest="first",
        type=argument_types.day,
        metavar=translate("DAY"),
        help=translate("first day (default: of this month)"),
    )
    parser.add_argument(
        "--to",
        dest="last",
        type=argument_types.day,
        metavar=translate("DAY"),
        help=translate("last day (default: today)"),
    )
    request_view.json_argument(parser)


def run(options: argparse.Namespace, places: Places) -> int:
    site, now = Site.of(places), time.time()
    rules = Rules.of(site.compiled)
    today = rules.hours.local(now).date()
    last = options.last or today
    first = options.first or last.replace(day=1)
    if first > last:
        raise Refusal(translate("--from: {first} is after --to, {last}; swap them", first=first, last=last))
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
    language = current_language()
    period = italian.period(first, last) if language == "it" else f"from {first} to {last}"
    print(translate("Open now: {count}", count=sum(stats.open.values())))
    _table("STATE|LEVEL|REQUESTS", [(state, str(level), str(n)) for (state, level), n in stats.open.items()])
    late = stats.late
    if late.late:
        mean, worst = format_age(late.mean_lateness), format_age(late.worst_lateness)
        print(
            translate(
                "  late: {count}, by {mean} on average, {worst} at worst", count=late.late, mean=mean, worst=worst
            )
        )
    print(translate("Opened {period}: {count}", period=period, count=sum(stats.opened.values())))
    _table("CHANNEL|TOPIC|REQUESTS", [(channel, topic, str(n)) for (channel, topic), n in stats.opened.items()])
    if stats.unclassified:
        count = stats.unclassified
        print(translate("  not classified: {count}; their topic is what the caller chose in the menu", count=count))
    print(translate("Closed {period}: {count}", period=period, count=sum(stats.outcomes.values())))
    _table("OUTCOME|REQUESTS", [(outcome, str(n)) for outcome, n in stats.outcomes.items()])
    print(translate("In time, of what fell due {period}:", period=period))
    width = max(30, *(len(each.definition.title(language)) for each in stats.on_time))
    for each in stats.on_time:
        share = "-" if each.value is None else f"{localization.number(100 * each.value, language)} %"
        counts = translate("{part} of {whole}", part=f"{each.numerator:g}", whole=f"{each.denominator:g}")
        print(f"  {each.definition.title(language):<{width}} {share:>8}  ({counts})")


def _table(head: str, rows: list[tuple[str, ...]]) -> None:
    for line in table_lines(translate(head).split("|"), rows) if rows else ():
        print(f"  {line}")
