"""The languages of pages, reports and definitions. (Callers hear recorded Italian.)

To add a language, add it to `Language`. A test then names every table of texts that lacks it.
"""

from __future__ import annotations

from typing import Literal, get_args

from common import italian

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

Language = Literal["it", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


def number_text(value: float, language: Language) -> italian.Inserted:
    """A number with as many decimals as needed, `2,5` or `2.5`, to insert into a template."""
    return italian.Inserted(italian.number(value) if language == "it" else f"{value:g}")


def add_language(parser: ArgumentParser, default: Language, text: str) -> None:
    """Give a command the option `--language`; `text` names what is written in it."""
    parser.add_argument("--language", choices=LANGUAGES, default=default, help=f"{text} (default: {default})")
