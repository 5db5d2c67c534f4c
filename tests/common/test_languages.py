"""One type of language, one option, and every table of texts complete."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

import pytest

from common.languages import LANGUAGES, add_language

ROOT = Path(__file__).parents[2]
PACKAGES = ("charter", "measure", "pages", "queue_model")


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


def tables() -> list[tuple[str, dict[str, object]]]:
    """The tables of texts at the top of modules: every dict with a language among its keys."""
    tables = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "[Language" in path.read_text(encoding="utf-8"):
                module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
                tables += [
                    (f"{module.__name__}.{name}", value)
                    for name, value in vars(module).items()
                    if isinstance(value, dict) and not value.keys().isdisjoint(LANGUAGES)
                ]
    return tables


def test_every_table_of_texts_has_every_language() -> None:
    found = tables()
    assert len(found) > 5
    for name, table in found:
        assert table.keys() == set(LANGUAGES), name
