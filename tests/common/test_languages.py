"""One type of language, one option, and every table of texts complete."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from string import Formatter

import pytest

from common.languages import LANGUAGES, add_language
from tests.italian_texts import tables


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    add_language(made, "en", "of the page")
    return made


def test_option_takes_every_language_and_has_a_default() -> None:
    assert parser().parse_args([]).language == "en"
    for language in LANGUAGES:
        assert parser().parse_args(["--language", language]).language == language


def test_option_refuses_another_language(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--language", "fr"])
    assert "invalid choice: 'fr'" in capsys.readouterr().err


def test_help_names_what_the_language_is_of_and_the_default() -> None:
    assert "of the page (default: en)" in parser().format_help()


def test_every_table_of_texts_has_every_language() -> None:
    found = tables()
    assert len(found) > 5
    for name, table in found:
        assert table.keys() == set(LANGUAGES), name


def test_every_text_has_the_same_placeholders_in_every_language() -> None:
    for name, table in tables():
        first, *others = (dict(placeholders(table[language])) for language in LANGUAGES)
        assert all(each == first for each in others), name


def placeholders(value: object, key: str = "") -> Iterator[tuple[str, list[str]]]:
    """The names in braces of each text of a table, by its key."""
    if isinstance(value, str):
        yield key, sorted(name for _, name, _, _ in Formatter().parse(value) if name is not None)
    elif isinstance(value, dict):
        for inner, text in value.items():
            yield from placeholders(text, f"{key}.{inner}")
