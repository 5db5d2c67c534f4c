"""Texts in the reader's language: English in the code, Italian in the table of the package."""

from __future__ import annotations

import re
from datetime import date
from string import Formatter

import pytest

from common import parser
from common.instants import day_text, deadline, moment
from common.parser import Parser, translate_error
from common.terminal_table import format_age
from common.texts import Texts, current_language, reading_in
from registry import cli as registry_cli
from registry import texts as registry_texts
from registry.commands import due, transitions
from registry.commands import list as list_command
from registry.requests import actions
from tests.conftest import rome
from tests.translations import literals, untranslated_refusals
from voicemail import cli as voicemail_cli
from voicemail import texts as voicemail_texts
from voicemail.callback import calling
from voicemail.commands import terminal_view
from voicemail.commands.list import REASONS
from voicemail.commands.show import NUMBER_SOURCES

TABLES = {"common": parser.translate, "registry": registry_texts.translate, "voicemail": voicemail_texts.translate}
OTHERS = {  # texts that are not literals where they are translated
    "registry": (
        registry_cli.DESCRIPTION, *registry_cli.COMMANDS.values(), due.HEAD, list_command.HEAD, transitions.HEAD,
        *actions._OPTIONS.values(),
    ),
    "voicemail": (
        voicemail_cli.DESCRIPTION, *voicemail_cli.COMMANDS.values(), *REASONS.values(), *NUMBER_SOURCES.values(),
        *calling._REASONS.values(), terminal_view.MESSAGE_HEAD, terminal_view.ENTRY_HEAD,
    ),
}  # fmt: skip


def test_a_text_is_english_unless_an_italian_reads_it() -> None:
    translate = Texts({"{count:row|rows} in {share}": "{count:riga|righe} {share:in}"})
    assert current_language() == "en"
    assert translate("{count:row|rows} in {share}", count=1, share="80 %") == "1 row in 80 %"
    with reading_in("it"):
        assert translate("{count:row|rows} in {share}", count=2, share="80 %") == "2 righe nell'80 %"
        assert translate("not translated") == "not translated"
        with reading_in("en"):
            assert current_language() == "en"
    assert current_language() == "en"


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("package", TABLES)
def test_every_text_has_a_translation_with_the_same_placeholders(package: str) -> None:
    italian = TABLES[package].italian
    wanted = {english for place, english in literals(package) if "instants" not in place} | {*OTHERS.get(package, ())}
    assert sorted(wanted - italian.keys()) == []
    assert [english for english, text in italian.items() if fields(english) != fields(text)] == []


@pytest.mark.parametrize("package", TABLES)
def test_a_table_has_no_text_that_nobody_prints(package: str) -> None:
    italian = TABLES[package].italian
    code = "\n".join(english for _, english in literals(package))
    known = {*OTHERS.get(package, ()), "call back", "ended by"}  # these two name fields of a message
    unused = [each for each in italian if each not in code and each not in known]
    # Words without a blank are names of fields and metavars.
    sentences = [each for each in unused if " " in each and each not in parser.translate.italian]
    assert sentences == []


def test_times_and_ages_in_italian() -> None:
    tuesday, midnight = rome("2026-12-01 10:02"), rome("2026-12-09 00:00")
    assert (moment(tuesday), deadline(midnight), format_age(100_000)) == (
        "Tue 01 Dec 2026 10:02", "by Tue 08 Dec 2026", "1 d 3 h",
    )  # fmt: skip
    with reading_in("it"):
        assert moment(tuesday) == "mar 1° dic 2026 10:02"
        assert deadline(midnight) == "entro mar 8 dic 2026"
        assert (moment(float("inf")), format_age(100_000)) == ("mai", "1 g 3 h")
        assert day_text(date(2026, 12, 6)) == "dom 6 dic 2026"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "manca: NUMERO, --by"),
        (["1", "--by", "x", "--level", "9"], "opzione --level: "),
        (["1", "--by", "x", "--level", "abc"], "opzione --level: 'abc' non è un numero; scriverlo in cifre"),
        (["1", "--by"], "opzione --by: manca il valore"),
        (["1", "--by", "x", "--wrong"], "argomenti non riconosciuti: --wrong"),
        (["1", "--by", "x", "--all", "--late"], "opzione --late: non si può usare insieme a --all"),
    ],
)
def test_help_and_errors_of_the_parser_in_italian(
    arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with reading_in("it"):
        made = Parser(prog="registry")
        made.add_argument("number", metavar=parser.translate("NUMBER"))
        made.add_argument("--by", required=True)
        made.add_argument("--level", type=int, choices=(1, 2, 3))
        either = made.add_mutually_exclusive_group()
        either.add_argument("--all", action="store_true")
        either.add_argument("--late", action="store_true")
        page = made.format_help()
        with pytest.raises(SystemExit):
            made.parse_args(arguments)
    assert page.startswith("uso: registry [-h]")
    assert "\nargomenti:\n" in page and "\nopzioni:\n" in page and "mostra questo aiuto ed esce" in page
    printed = capsys.readouterr().err
    assert f"registry: errore: {error}" in printed
    assert not re.search(r"\b(error|argument|the following|invalid|expected)\b", printed)


def test_an_unknown_error_stays_as_it_is() -> None:
    with reading_in("it"):
        assert translate_error("argument --x: something new") == "opzione --x: something new"


@pytest.mark.parametrize(
    "path",
    [
        "registry/requests", "registry/text_input.py", "registry/people/contacts.py", "registry/people/offices.py",
        "registry/people/provinces.py", "voicemail/callback/calling.py", "voicemail/callback/worklist.py",
        "voicemail/message.py", "voicemail/store.py",
        *(f"voicemail/commands/{name}.py" for name in voicemail_cli.OPERATOR_COMMANDS),
    ],
)  # fmt: skip
def test_whatever_operators_are_refused_is_translated(path: str) -> None:
    """Errors of the installation (configuration, database, keys) are for ops, and stay English."""
    assert list(untranslated_refusals(path)) == []
