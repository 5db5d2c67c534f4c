"""What programs print in the language of their reader: English in the code, translated by a table of the package.

A program sets the language once (`reading_in`); library code asks for a text when it prints it or raises it. Outside
such a block, as in tests and services, texts are English. `tests/common/test_texts.py` checks that every text has a
translation with the same placeholders.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar

from common.italian import Inserted
from common.languages import Language

_language: ContextVar[Language] = ContextVar("language", default="en")


def current_language() -> Language:
    return _language.get()


@contextlib.contextmanager
def reading_in(language: Language) -> Iterator[None]:
    """Texts are in this language until the block ends."""
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


class Texts:
    """The texts of a package: call it with the English template and its values.

    A template may ask for the form of a value, `{count:row|rows}` or `{day:di}` (see `common.italian.Inserted`).
    """

    def __init__(self, italian: Mapping[str, str]) -> None:
        self.italian = italian

    def __call__(self, english: str, **values: object) -> str:
        template = self.italian.get(english, english) if current_language() == "it" else english
        return template.format(**{name: Inserted(value) for name, value in values.items()})
