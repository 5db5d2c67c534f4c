"""The commands that act on a request, one for each action of the transition table."""

from __future__ import annotations

import argparse
import time

from common import argument_types
from common.command_line import Command
from common.places import Places
from registry.commands.shared import request_view
from registry.requests import queries, reference_data
from registry.requests.actions import ActionDetails, perform_action
from registry.requests.clocks import Rules
from registry.requests.request import JUDGEMENTS
from registry.requests.transitions import TABLE, Need
from registry.site import Site
from registry.texts import translate


def command(action: str) -> Command:
    """Return the command of an action."""
    needs = next(row.needs for row in TABLE if row.action == action)

    def arguments(parser: argparse.ArgumentParser) -> None:
        request_view.number_argument(parser)
        _details_argument(parser, needs)
        request_view.by_argument(parser)
        parser.add_argument(
            "--note", metavar=translate("TEXT"), help=translate("a note for the next person; erased with the contact")
        )
        parser.add_argument(
            "--at", type=argument_types.instant, metavar=translate("TIME"),
            help=translate("when it happened, if not now: '2026-11-21 10:30'"),
        )  # fmt: skip
        parser.add_argument(
            "--version",
            type=int,
            metavar=translate("N"),
            help=translate("refuse if the request has another version by now"),
        )
        request_view.json_argument(parser)

    def run(options: argparse.Namespace, places: Places) -> int:
        site, now = Site.of(places), time.time()
        rules = Rules.of(site.compiled)
        details = ActionDetails(**{needs: getattr(options, needs)}) if needs else ActionDetails()
        with site.database.begin() as connection:
            reference_data.save_reference_data(connection, site.compiled, now)
            request = perform_action(
                connection, rules, options.number, action, options.by, now, details,
                expected_version=options.version, note=options.note, happened_at=options.at,
            )  # fmt: skip
            due = queries.next_due(connection, request)
        request_view.print_request(request, due, rules, as_json=options.json)
        return 0

    return Command(arguments, run)


def _details_argument(parser: argparse.ArgumentParser, needs: Need | None) -> None:
    """The option for what this action needs, if anything."""
    if needs == "owner":
        parser.add_argument(
            "--to",
            dest="owner",
            required=True,
            metavar=translate("WHO"),
            help=translate("the new owner, such as op118"),
        )
    if needs == "outcome":
        outcomes = JUDGEMENTS
        parser.add_argument(
            "--outcome", required=True, choices=outcomes, metavar=translate("OUTCOME"), help=", ".join(outcomes)
        )
    if needs == "office":
        parser.add_argument(
            "--office", required=True, metavar=translate("CODE"), help=translate("a job centre of `registry offices`")
        )
    if needs == "into":
        parser.add_argument(
            "--into", required=True, metavar=translate("NUMBER"), help=translate("the original request")
        )
