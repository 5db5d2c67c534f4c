"""`measure operators`: weeks of single operators, by pseudonym; off unless an agreement is configured."""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from charter.calendar import OpeningHours
from charter.kpi_definitions import DEFINITIONS
from common.command_line import Refusal, user_name
from common.languages import Language, add_language
from common.places import Places
from common.terminal_table import printable, table_lines
from ivr.configuration.compiled import Agreement, Compiled, CompiledError, load
from measure.month.document_files import tame
from measure.month.period import month
from measure.operators import LEAST, Week, weeks
from pages import localization
from registry.db.migrations import opened
from registry.people.data_subject import log_access
from registry.text_input import line

KEY = "config/service.yaml: statistics.individual_agreement"
WORDS: Mapping[Language, Mapping[str, str]] = {
    "it": {
        "title": "Settimane dei singoli operatori, {}",
        "agreement": "Secondo l'accordo «{name}», firmato il {signed} (art. 4 L. 300/1970)",
        "head": "settimana dal al operatore risposte gestione",
        "open": "{week}: non mostrata, non è ancora finita",
        "before": "{week}: non mostrata, è cominciata prima dell'accordo",
        "none": "{week}: nessuna chiamata ha avuto risposta",
        "few": "{week}: operatori non mostrati, con meno di {least} chiamate: {count}",
        "unknown": "{week}: chiamate di cui non si conosce il codice dell'operatore: {count}",
    },
    "en": {
        "title": "Weeks of single operators, {}",
        "agreement": 'Under the agreement "{name}", signed on {signed} (art. 4 L. 300/1970)',
        "head": "week from to operator answered handling",
        "open": "{week}: not shown, it is not over yet",
        "before": "{week}: not shown, it began before the agreement",
        "none": "{week}: no call was answered",
        "few": "{week}: operators not shown, with fewer than {least} calls: {count}",
        "unknown": "{week}: calls of which no operator's code is known: {count}",
    },
}
FIELDS = ("week", "from", "to", "operator", "answered", "handling_time", "not_shown", "count", "agreement", "signed")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        f"Only with {KEY}: whole weeks that are over, those of the month in which their Thursday lies; operators with "
        f"fewer than {LEAST} calls in a week are left out. Each look is written into the log of accesses."
    )
    add = parser.add_argument
    add("--month", required=True, metavar="YYYY-MM", help="the month, by the clock in Rome")
    add("--why", metavar="WORDS", help="the reason, for the log of accesses; needed")
    add("--by", metavar="WHO", help="who looks (default: you)")
    add_language(parser, "it", "of the table")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for programs")
    form.add_argument("--csv", action="store_true", help="for a spreadsheet")


def run(options: argparse.Namespace, places: Places, now: float | None = None) -> int:
    wanted, moment = month(options.month), time.time() if now is None else now
    try:
        compiled = load(places.compiled)
    except CompiledError as problem:
        raise Refusal(str(problem)) from None
    agreement = agreed(compiled)
    if options.why is None:
        raise Refusal("looking at somebody's work is logged; say --why 'the reason'")
    actor, why = line(options.by or user_name(), "by"), line(options.why, "why")
    hours, signed = OpeningHours.of(compiled["service"]), date.fromisoformat(agreement["signed"])
    database = opened(places)
    try:
        with database.begin() as connection:  # before anything is read, so that no look is without its line
            log_access(connection, moment, actor, "read", "operators", wanted.code, why)
        with database.read() as connection:
            found = list(weeks(connection, wanted, hours, signed, moment))
    finally:
        database.close()
    shown, left_out = list(_shown(found)), list(_left_out(found))
    if options.json:
        basis = {"month": wanted.code, "agreement": agreement, "least_calls": LEAST}
        print(json.dumps({**basis, "operators": shown, "not_shown": left_out}, indent=1, ensure_ascii=False))
    elif options.csv:
        writer = csv.DictWriter(sys.stdout, FIELDS, lineterminator="\n")
        writer.writeheader()
        basis = {"agreement": tame(agreement["name"]), "signed": agreement["signed"]}
        writer.writerows({**each, **basis} for each in (*shown, *left_out))
    else:
        print(WORDS[options.language]["title"].format(localization.month(*wanted, options.language)))
        print("\n".join(_lines(shown, left_out, agreement, options.language)))
    return 0


def agreed(compiled: Compiled) -> Agreement:
    """The agreement that the configuration names. Raises `Refusal` where there is none, as it is shipped."""
    statistics = compiled["service"].get("statistics")  # a file compiled by an earlier program has none: off
    agreement = statistics["individual_agreement"] if statistics else None
    if agreement is None:
        raise Refusal(
            f"individual reports are off: {KEY} names no agreement; write its name and its date there, "
            '{name: "Accordo aziendale con la RSU", signed: 2026-03-12}, and run `ivr compile`. '
            "Without an agreement with the workers' representatives, or an authorisation, nobody may look at the work "
            "of a single operator (art. 4 L. 300/1970)"
        )
    return agreement


# --- words -----------------------------------------------------------------------------------------------------------


def _shown(found: list[Week]) -> Iterator[dict[str, Any]]:
    for week in found:
        for operator, answered, handling in week.rows:
            yield {**_which(week), "operator": operator, "answered": answered, "handling_time": handling.value}


def _left_out(found: list[Week]) -> Iterator[dict[str, Any]]:
    """What is not shown, why, and how much of it."""
    for week in found:
        if week.state != "shown":
            yield {**_which(week), "not_shown": week.state}
        elif not (week.rows or week.few or week.unknown):
            yield {**_which(week), "not_shown": "none"}
        for why, count in (("few", week.few), ("unknown", week.unknown)):
            if count:
                yield {**_which(week), "not_shown": why, "count": count}


def _which(week: Week) -> dict[str, Any]:
    return {"week": week.code, "from": week.first.isoformat(), "to": week.last.isoformat()}


def _lines(
    shown: list[dict[str, Any]], left_out: list[dict[str, Any]], agreement: Agreement, language: Language
) -> Iterator[str]:
    words, definition = WORDS[language], DEFINITIONS["handling_time"]
    yield printable(words["agreement"].format(**agreement))
    yield ""
    if shown:
        cells = [[*map(str, list(each.values())[:-1]), _seconds(each["handling_time"], language)] for each in shown]
        yield from table_lines(words["head"].split(), cells)
        yield f"{definition.title(language)}: {definition.text(language)}"
    for each in left_out:
        yield words[each["not_shown"]].format(least=LEAST, **each)


def _seconds(value: float | None, language: Language) -> str:
    return localization.figure(value, "seconds", language).replace(
        "\N{NO-BREAK SPACE}", " "
    )  # `columns` would spell it out
