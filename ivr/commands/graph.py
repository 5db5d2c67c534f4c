"""`ivr graph`: draw the menu, for a page, a wall or a terminal."""

from __future__ import annotations

import argparse
import os
import sys

from common.command_line import Refusal
from common.file_errors import describe
from common.places import Places, short_path
from ivr.configuration import menu_graph
from ivr.configuration.service import ConfigurationError, load

FORMATS = {"mermaid": menu_graph.mermaid, "svg": menu_graph.svg, "text": menu_graph.text}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=FORMATS, help="default: by the ending of --output, else mermaid")
    parser.add_argument("--output", metavar="FILE", help="where to write it (default: standard output)")


def run(options: argparse.Namespace, places: Places) -> int:
    ending = os.path.splitext(options.output or "")[1]
    chosen = options.format or {".svg": "svg", ".txt": "text"}.get(ending, "mermaid")
    try:
        configuration = load(places)
    except ConfigurationError as problem:
        raise Refusal(f"the menu has errors; correct them first:\n{problem}") from None
    try:
        drawing = FORMATS[chosen](configuration.menu, configuration.prompts)
    except ValueError as problem:
        raise Refusal(str(problem)) from None
    if options.output is None:
        sys.stdout.write(drawing)
        return 0
    try:
        with open(options.output, "w", encoding="utf-8") as file:
            file.write(drawing)
    except OSError as problem:
        raise Refusal(f"{describe(problem, options.output)}; or choose another file with --output") from None
    print(f"{short_path(os.path.abspath(options.output))}: {len(configuration.menu.nodes)} nodes, as {chosen}")
    return 0
