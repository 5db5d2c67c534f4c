"""Every Italian text of the product: what callers hear, what operators and the public read."""

from __future__ import annotations

import ast
import configparser
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from charter.kpi_definitions import DEFINITIONS
from common.languages import LANGUAGES
from common.places import ROOT

PAGES = ("glossario", "privacy", "registry", "statistics", "voicemail")  # docs/*.md in Italian
TEXT_KEYS = {"text", "title", "name", "label", "reason", "why", "question"}  # of the YAML documents


class Text(NamedTuple):
    """One text and its place."""

    place: str
    text: str


def packages() -> list[str]:
    """The packages of the product."""
    setup = configparser.ConfigParser()
    setup.read(Path(ROOT, "setup.cfg"), encoding="utf-8")
    return setup["importlinter"]["root_packages"].split()


def tables() -> list[tuple[str, dict[str, Any]]]:
    """The tables of texts at the top of modules: every dict with a language among its keys."""
    tables = []
    for package in packages():
        for path in sorted(Path(ROOT, package).rglob("*.py")):
            if "[Language" in path.read_text(encoding="utf-8"):
                module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
                tables += [
                    (f"{module.__name__}.{name}", value)
                    for name, value in vars(module).items()
                    if isinstance(value, dict) and not value.keys().isdisjoint(LANGUAGES)
                ]
    return tables


def templates() -> Iterator[Text]:
    """The Italian texts of the tables and definitions, with their placeholders."""
    for name, table in tables():
        yield from _strings(f"{name}[it]", table["it"])
    for each in DEFINITIONS.values():
        yield Text(f"{each.name}.title_it", each.title_it)
        yield Text(f"{each.name}.text_it", each.text_it)


def documents() -> Iterator[Text]:
    """The texts of the configuration and the titles of the scenarios."""
    for path in sorted((*Path(ROOT, "config").rglob("*.yaml"), *Path(ROOT, "scenarios").glob("*.yaml"))):
        yield from _values(path.name, yaml.safe_load(path.read_text(encoding="utf-8")))


def literals() -> Iterator[Text]:
    """Every string of the code that is not a docstring, so that a text outside a table is checked as well."""
    for package in packages():
        for path in sorted(Path(ROOT, package).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                    yield Text(f"{path.relative_to(ROOT)}:{node.lineno}", node.value)


def pages() -> Iterator[Text]:
    """The Italian pages of docs/, by paragraph."""
    for name in PAGES:
        text = Path(ROOT, "docs", f"{name}.md").read_text(encoding="utf-8")
        for number, paragraph in enumerate(re.split(r"\n\n+", text)):
            yield Text(f"docs/{name}.md, paragraph {number}", " ".join(paragraph.split()))


def _strings(place: str, value: Any) -> Iterator[Text]:
    if isinstance(value, str):
        yield Text(place, value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _strings(f"{place}.{key}", inner)
    elif isinstance(value, (tuple, list)):
        for inner in value:
            yield from _strings(place, inner)


def _values(place: str, value: Any) -> Iterator[Text]:
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, (dict, list)):
            yield from _values(f"{place}: {key}", inner)
        elif key in TEXT_KEYS and isinstance(inner, str):
            yield Text(f"{place}: {key}", inner)
