"""`ivr render`: write Asterisk's files from `config/`, for an existing Asterisk."""

from __future__ import annotations

import argparse
import os
import sys

from common import unprivileged
from common.command_line import Refusal
from common.places import ROOT, Places
from ivr import rendering, site_sounds
from ivr.configuration import service
from ivr.configuration.compiled import Compiled
from ivr.dialplan import Values

_DESCRIPTION = """\
Checks and compiles config/, then writes the four files that your Asterisk includes (extensions_nul.conf,
queues_nul.conf, pjsip_nul.conf, musiconhold_nul.conf) and the AGI scripts that they start. Shows the changes and asks
before writing. Old files are kept in replaced/ beside the new ones; *_custom.conf files are yours and never written.
For the private Asterisk of a demonstration use `lab switch render`.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = _DESCRIPTION
    rendering.arguments(parser)


def run(options: argparse.Namespace, places: Places) -> int:
    if not options.output:
        raise Refusal("--output is missing; write where Asterisk reads its files: --output /etc/asterisk")
    folder = os.path.abspath(options.output)
    status, files = rendering.render_into(
        folder, lambda compiled, now: site_values(compiled, places, now), options, places, site=True
    )
    _warn_of_missing_sounds(places, folder)
    if files:
        _warn_if_scripts_cannot_run(places, folder)
        _print_missing_includes(files, folder)
    return status


def site_values(compiled: Compiled, places: Places, now: float) -> Values:
    """The values for an existing Asterisk: recordings and music are in its own folders (relative paths)."""
    return Values(**rendering.common_values(compiled, places, now), recordings="nul", moh="moh")


def _warn_of_missing_sounds(places: Places, folder: str) -> None:
    """Also when no file changes: the sounds are no files of the rendering."""
    configuration, _ = service.examine(places)
    if configuration is not None:
        for finding in site_sounds.find_missing_sounds(folder, configuration, places):
            print(f"warning: {finding}")


def _warn_if_scripts_cannot_run(places: Places, folder: str) -> None:
    """Asterisk does not report a script that it may not start, and the second ring would then be missing."""
    asterisk = unprivileged.account_for(folder)
    if asterisk and (why := unprivileged.find_obstacle(asterisk, [sys.executable, "-V"], [places.scripts, ROOT])):
        print(f"warning: {asterisk.name}, the owner of {folder}, cannot run the scripts: {why}")


def _print_missing_includes(files: dict[str, str], folder: str) -> None:
    for name in files:
        main = name.replace("_nul", "")
        try:
            with open(os.path.join(folder, main), encoding="utf-8", errors="replace") as file:
                included = any(line.startswith("#") and name in line for line in file)
        except OSError:
            included = False
        if not included:
            print(f'add this line to {os.path.join(folder, main)}, once: #include "{name}"')
