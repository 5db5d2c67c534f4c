"""`ivr render`: Asterisk's files from `config/`, for an Asterisk that is there already."""

from __future__ import annotations

import argparse
import os
import sys

from common import unprivileged
from common.command_line import Refusal
from common.places import ROOT, Places
from ivr import rendering
from ivr.configuration.compiled import Compiled
from ivr.dialplan import Values

_DESCRIPTION = """\
Checks and compiles config/, then writes the four files that your Asterisk includes, extensions_nul.conf,
queues_nul.conf, pjsip_nul.conf and musiconhold_nul.conf, and the AGI scripts that they start. Shows what changes and
asks first. What a file said before is kept in replaced/ beside it; files called *_custom.conf are yours and never
written. For the private Asterisk of a demonstration: `lab switch render`.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = _DESCRIPTION
    rendering.arguments(parser)


def run(options: argparse.Namespace, places: Places) -> int:
    if not options.output:
        raise Refusal("say where Asterisk reads its files, such as --output /etc/asterisk")
    folder = os.path.abspath(options.output)
    status, files = rendering.render_into(
        folder, lambda compiled, now: site_values(compiled, places, now), options, places, site=True
    )
    if files:
        _say_who_cannot_run(places, folder)
        _say_what_is_missing(files, folder)
    return status


def site_values(compiled: Compiled, places: Places, now: float) -> Values:
    """For an Asterisk that is there already: recordings and music in its own folders (relative paths)."""
    return Values(**rendering.common_values(compiled, places, now), recordings="nul", moh="moh")


def _say_who_cannot_run(places: Places, folder: str) -> None:
    """Asterisk tells nobody when it may not start a script, and the second ring would be missing when it is needed."""
    asterisk = unprivileged.account_for(folder)
    if asterisk and (why := unprivileged.find_obstacle(asterisk, [sys.executable, "-V"], [places.scripts, ROOT])):
        print(f"warning: {asterisk.name}, to whom {folder} belongs, cannot run the scripts: {why}")


def _say_what_is_missing(files: dict[str, str], folder: str) -> None:
    for name in files:
        main = name.replace("_nul", "")
        try:
            with open(os.path.join(folder, main), encoding="utf-8", errors="replace") as file:
                included = any(line.startswith("#") and name in line for line in file)
        except OSError:
            included = False
        if not included:
            print(f'still to be written into {os.path.join(folder, main)}, once: #include "{name}"')
