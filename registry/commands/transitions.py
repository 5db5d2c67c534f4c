"""`registry transitions`: list the actions on a request and when each is possible, from the transition table."""

from __future__ import annotations

import argparse

from common.places import Places
from common.terminal_table import table_lines
from registry.requests.transitions import TABLE, mermaid
from registry.texts import translate

HEAD = "ACTION|FROM|AT LEVEL|TO|NEEDS"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mermaid", action="store_true", help=translate("print a state diagram in Mermaid's language"))


def run(options: argparse.Namespace, places: Places) -> int:
    if options.mermaid:
        print("\n".join(mermaid()))
        return 0
    rows = []
    for row in TABLE:
        needs = [each for each in (row.needs, "registry.third_level" if row.third_level else None) if each]
        after = (
            row.state if row.level is None else translate("{state}, level {level}", state=row.state, level=row.level)
        )
        levels = ", ".join(map(str, row.levels))
        rows.append((row.action, ", ".join(row.states) or "-", levels, after, ", ".join(needs)))
    print("\n".join(table_lines(translate(HEAD).split("|"), rows)))
    return 0
