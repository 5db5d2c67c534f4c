"""The glossary is kept: no Italian text of the product uses a word that the glossary replaces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from common.places import ROOT
from tests import italian_texts
from tests.italian_texts import Text

PAGE = Path(ROOT, "docs/glossario.md")


class Term(NamedTuple):
    """A row of the glossary."""

    preferred: tuple[str, ...]
    avoided: tuple[str, ...]


def terms() -> list[Term]:
    rows = re.findall(r"^\| (.*?) \| .*? \| (.*?) ?\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [
        Term(*(tuple(part.strip() for part in cell.split(",") if part.strip()) for cell in row))
        for row in rows
        if row[0] not in ("Si dice", "---")
    ]


TERMS = terms()
PREFERRED = re.compile("|".join(rf"\b{re.escape(each)}\b" for term in TERMS for each in term.preferred), re.I)
AVOIDED = re.compile("|".join(rf"(?<!\w){re.escape(each)}(?!\w)" for term in TERMS for each in term.avoided), re.I)


def avoided(texts: Iterator[Text]) -> list[str]:
    """The avoided words in these texts; a preferred term may contain one (operatrici e operatori)."""
    return [
        f"{each.place}: {word!r} in {each.text[:200]!r}"
        for each in texts
        for word in AVOIDED.findall(PREFERRED.sub("", each.text))
    ]


def test_the_glossary_has_terms_that_can_be_checked() -> None:
    assert len(TERMS) > 20
    assert "casella vocale" in TERMS[0].preferred
    assert "segreteria" in TERMS[0].avoided
    clash = {each for term in TERMS for each in term.avoided} & {each for term in TERMS for each in term.preferred}
    assert not clash


def test_an_avoided_word_is_found_and_a_preferred_one_is_not() -> None:
    assert len(avoided(iter([Text("", "Lasci un messaggio in Segreteria: un operatore La chiama.")]))) == 2
    assert avoided(iter([Text("", "Le operatrici e operatori ascoltano la casella vocale.")])) == []
    assert len(avoided(iter([Text("", "«n.d.»")]))) == 1


def test_tables_of_texts_and_definitions() -> None:
    assert avoided(italian_texts.templates()) == []


def test_prompts_menu_survey_and_titles_of_scenarios() -> None:
    assert len(list(italian_texts.documents())) > 100
    assert avoided(italian_texts.documents()) == []


def test_every_string_of_the_code() -> None:
    assert avoided(italian_texts.literals()) == []


def test_the_italian_pages() -> None:
    pages = (each for each in italian_texts.pages() if not each.place.startswith("docs/glossario.md"))
    assert avoided(pages) == []


def test_the_readme_leads_to_the_glossary() -> None:
    assert "(docs/glossario.md)" in Path(ROOT, "README.md").read_text(encoding="utf-8")


# --- articles and nouns around placeholders (common/italian.py) -------------------------------------------------------

ARTICLE = re.compile(
    r"\b(?:il|lo|la|i|gli|le|(?:a|da|de|ne|su)(?:l|llo|lla|i|gli|lle)|un|uno|una) \{|(?:\b[a-z]*l|un)'\{", re.I
)
NOUN = re.compile(r"\{[^{}|:]*\} [a-zàèìòù]{2,}[aeio]\b")
NOT_COUNTED = (  # a word after a placeholder that holds a text, not a number
    "{} rispetto a",
)


def test_no_template_has_a_fixed_article_before_a_placeholder() -> None:
    """The article depends on the value: write {:in}, {:il}."""
    assert ARTICLE.search("Dal {} in poi")
    assert ARTICLE.search("nell'{} dei casi")
    assert [each for each in italian_texts.templates() if ARTICLE.search(each.text)] == []


def test_no_template_has_a_fixed_noun_after_a_placeholder() -> None:
    """The noun depends on the number: write {:ora|ore}."""
    assert NOUN.search("{} ore")
    counted = [
        each
        for each in italian_texts.templates()
        if NOUN.search(each.text) and not any(text in each.text for text in NOT_COUNTED)
    ]
    assert counted == []
