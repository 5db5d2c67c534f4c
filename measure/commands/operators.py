"""`measure operators`: weekly figures of single operators, by pseudonym; off unless an agreement is configured."""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from charter.kpi_definitions import DEFINITIONS
from common.command_line import Refusal, user_name
from common.italian import Inserted
from common.languages import Language, add_language
from common.places import Places
from common.terminal_table import printable, table_lines
from ivr.configuration.compiled import Agreement, Compiled, CompiledError, load
from measure.month.csv_json import escape_formula
from measure.month.operator_weeks import MIN_CALLS, Week, operator_weeks
from measure.month.period import parse_month
from measure.switch.service_queue import ServiceQueue
from pages import localization
from registry.db.migrations import open_database
from registry.people.access_log import log_access
from registry.text_input import check_line

KEY = "config/service.yaml: statistics.individual_agreement"
TEXTS: Mapping[Language, Mapping[str, str]] = {
    "it": {
        "title": "Settimane di singole persone, {}",
        "agreement": "Secondo l'accordo «{name}», firmato {signed:il} (art. 4 L. 300/1970)",
        "head": "settimana dal al codice risposte gestione",
        "open": "{week}: non mostrata, non è ancora finita",
        "before": "{week}: non mostrata, è cominciata prima dell'accordo",
        "none": "{week}: nessuna chiamata ha avuto risposta",
        "few": "{week}: persone non mostrate, con meno di {min_calls:chiamata|chiamate}: {count}",
        "unknown": "{week}: chiamate di cui non si conosce il codice di chi ha risposto: {count}",
    },
    "en": {
        "title": "Weekly figures of single operators, {}",
        "agreement": 'Under the agreement "{name}", signed on {signed} (art. 4 L. 300/1970)',
        "head": "week from to operator answered handling",
        "open": "{week}: not shown, it is not over yet",
        "before": "{week}: not shown, it began before the agreement was signed",
        "none": "{week}: no call was answered",
        "few": "{week}: operators not shown, with fewer than {min_calls} calls: {count}",
        "unknown": "{week}: calls whose operator code is not known: {count}",
    },
}
FIELDS = ("week", "from", "to", "operator", "answered", "handling_time", "not_shown", "count", "agreement", "signed")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        f"Needs {KEY}. Shows complete weeks that are over; a week belongs to the month of its Thursday. Operators with "
        f"fewer than {MIN_CALLS} calls in a week are left out. Each use is recorded in the access log."
    )
    add = parser.add_argument
    add("--month", required=True, metavar="YYYY-MM", help="the month, in Rome's time zone")
    add("--why", metavar="TEXT", help="the reason, for the access log; required")
    add("--by", metavar="WHO", help="who asks, for the access log (default: you)")
    add_language(parser, "it", "of the table")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for programs")
    form.add_argument("--csv", action="store_true", help="for a spreadsheet")


def run(options: argparse.Namespace, places: Places, now: float | None = None) -> int:
    month, moment = parse_month(options.month), time.time() if now is None else now
    try:
        compiled = load(places.compiled)
    except CompiledError as problem:
        raise Refusal(str(problem)) from None
    agreement = agreed(compiled)
    if options.why is None:
        raise Refusal("access to figures of single operators is logged; add --why 'the reason'")
    actor, why = check_line(options.by or user_name(), "by"), check_line(options.why, "why")
    queue, signed = ServiceQueue.of(compiled["service"]), date.fromisoformat(agreement["signed"])
    database = open_database(places)
    try:
        with database.begin() as connection:  # before anything is read, so that every access is logged
            log_access(connection, moment, actor, "read", "operators", month.code, why)
        with database.read() as connection:
            weeks = list(operator_weeks(connection, month, queue, signed, moment))
    finally:
        database.close()
    shown, left_out = list(_shown(weeks)), list(_left_out(weeks))
    if options.json:
        basis = {"month": month.code, "agreement": agreement, "least_calls": MIN_CALLS}
        print(json.dumps({**basis, "operators": shown, "not_shown": left_out}, indent=1, ensure_ascii=False))
    elif options.csv:
        writer = csv.DictWriter(sys.stdout, FIELDS, lineterminator="\n")
        writer.writeheader()
        basis = {"agreement": escape_formula(agreement["name"]), "signed": agreement["signed"]}
        writer.writerows({**each, **basis} for each in (*shown, *left_out))
    else:
        print(TEXTS[options.language]["title"].format(localization.month(*month, options.language)))
        print("\n".join(_lines(shown, left_out, agreement, options.language)))
    return 0


def agreed(compiled: Compiled) -> Agreement:
    """The agreement that the configuration names. Raises `Refusal` without one, as in the shipped configuration."""
    statistics = compiled["service"].get("statistics")  # missing in a file compiled by an earlier version: off
    agreement = statistics["individual_agreement"] if statistics else None
    if agreement is None:
        raise Refusal(
            f"individual reports are off: {KEY} names no agreement; enter its name and date there, "
            '{name: "Accordo aziendale con la RSU", signed: 2026-03-12}, and run `ivr compile`. '
            "Figures of single operators require an agreement with the workers' representatives, or an authorisation "
            "(art. 4 L. 300/1970)"
        )
    return agreement


# --- output ----------------------------------------------------------------------------------------------------------


def _shown(weeks: list[Week]) -> Iterator[dict[str, Any]]:
    for week in weeks:
        for operator, answered, handling in week.rows:
            yield {**_week_fields(week), "operator": operator, "answered": answered, "handling_time": handling.value}


def _left_out(weeks: list[Week]) -> Iterator[dict[str, Any]]:
    """What is not shown, and why; with a count where there is one."""
    for week in weeks:
        if week.state != "shown":
            yield {**_week_fields(week), "not_shown": week.state}
        elif not (week.rows or week.few or week.unknown):
            yield {**_week_fields(week), "not_shown": "none"}
        for why, count in (("few", week.few), ("unknown", week.unknown)):
            if count:
                yield {**_week_fields(week), "not_shown": why, "count": count}


def _week_fields(week: Week) -> dict[str, Any]:
    return {"week": week.code, "from": week.first.isoformat(), "to": week.last.isoformat()}


def _lines(
    shown: list[dict[str, Any]], left_out: list[dict[str, Any]], agreement: Agreement, language: Language
) -> Iterator[str]:
    texts, definition = TEXTS[language], DEFINITIONS["handling_time"]
    signed = localization.day(date.fromisoformat(agreement["signed"]), language)
    yield printable(texts["agreement"].format(name=agreement["name"], signed=signed))
    yield ""
    if shown:
        cells = [[*map(str, list(each.values())[:-1]), _seconds(each["handling_time"], language)] for each in shown]
        yield from table_lines(texts["head"].split(), cells)
        yield f"{definition.title(language)}: {definition.text(language)}"
    for each in left_out:
        yield texts[each["not_shown"]].format(min_calls=Inserted(MIN_CALLS), **each)


def _seconds(value: float | None, language: Language) -> str:
    # `table_lines` would escape the no-break space.
    return localization.figure(value, "seconds", language).replace("\N{NO-BREAK SPACE}", " ")
