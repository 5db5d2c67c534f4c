"""`ivr compile`: check the configuration, then write the one file that the call path reads."""

from __future__ import annotations

import argparse

from common.command_line import Refusal
from common.file_errors import reason
from common.places import Places, short_path
from ivr.configuration.service import compile as compile_configuration
from ivr.configuration.service import examine


def arguments(parser: argparse.ArgumentParser) -> None:
    """No options: --config and --var choose what is read and written."""


def run(options: argparse.Namespace, places: Places) -> int:
    configuration, problems = examine(places)
    for problem in problems:
        print(f"{problem.severity}: {problem}")
    if configuration is None:
        raise Refusal(f"nothing was written; correct {short_path(places.config)} first")
    try:
        document = compile_configuration(places, configuration)
    except OSError as problem:
        raise Refusal(
            f"{short_path(places.compiled)}: {reason(problem)}; or choose another folder with --var"
        ) from None
    print(f"{short_path(places.compiled)}: revision {document['revision']}")
    return 0
