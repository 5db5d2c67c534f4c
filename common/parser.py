"""The parser of all programs: argparse, with headings and errors in the reader's language."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from typing import Any, NoReturn

from common.texts import Texts, current_language

translate = Texts({
    "usage: ": "uso: ",
    "positional arguments": "argomenti",
    "options": "opzioni",
    "show this help and exit": "mostra questo aiuto ed esce",
    "error: {problem}": "errore: {problem}",
    "language of this command ({choices}; default: that of the site)": (
        "la lingua di questo comando ({choices}; se manca, quella del servizio)"
    ),
    "ID": "ID",
    "NUMBER": "NUMERO",
    "WHO": "CHI",
    "TEXT": "TESTO",
    "DAY": "GIORNO",
    "HOURS": "ORE",
    "CODE": "SIGLA",
    "FILE": "FILE",
    "N": "N",
    "NAME": "NOME",
    "ADDRESS": "INDIRIZZO",
    "TOPIC": "ARGOMENTO",
    "OUTCOME": "ESITO",
    "RESULT": "RISULTATO",
    "STATE": "STATO",
    "OPERATOR": "CODICE",
    "COMMAND": "COMANDO",
    "LANGUAGE": "LINGUA",
    "what ops own (default: config/, or $IVR_CONFIG)": "ciò che curano i sistemisti (se manca, config/ o $IVR_CONFIG)",
    "what the program writes (default: var/, or $IVR_VAR)": "ciò che scrive il programma (se manca, var/ o $IVR_VAR)",
})  # fmt: skip

# Errors of argparse, and of `common.argument_types`.
_ERRORS = (
    (r"argument ([^:]+): (.*)", "opzione {0}: {1}"),
    (r"the following arguments are required: (.*)", "manca: {0}"),
    (r"one of the arguments (.*) is required", "manca una di queste opzioni: {0}"),
    (r"unrecognized arguments: (.*)", "argomenti non riconosciuti: {0}"),
    (r"invalid choice: (.*) \(choose from (.*)\)", "{0} non è tra i valori possibili; scegliere tra {1}"),
    (r"invalid (?:int|float) value: (.*)", "{0} non è un numero; scriverlo in cifre"),
    (r"expected one argument", "manca il valore"),
    (r"expected at least one argument", "manca almeno un valore"),
    (r"not allowed with argument (.*)", "non si può usare insieme a {0}"),
    (r"ignored explicit argument (.*)", "non vuole un valore: {0}"),
    (r"ambiguous option: (.*) could match (.*)", "opzione ambigua: {0} può essere {1}"),
    (r"(.*) is not a day; write it like (.*)", "{0} non è un giorno; scriverlo come {1}"),
    (r"(.*) is not a number of hours; write it like (.*)", "{0} non è un numero di ore; scriverlo come {1}"),
    (r"(.*) is not a whole number from 1 to (.*)", "{0} non è un numero intero da 1 a {1}"),
)


class Formatter(argparse.HelpFormatter):
    """Help whose first word is in the reader's language."""

    def add_usage(
        self, usage: str | None, actions: Iterable[argparse.Action], groups: Iterable[Any], prefix: str | None = None
    ) -> None:
        super().add_usage(usage, actions, groups, translate("usage: ") if prefix is None else prefix)


class Parser(argparse.ArgumentParser):
    """A parser that prints headings and errors in the reader's language. Its subparsers do the same."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"formatter_class": Formatter, **settings, "add_help": False})
        self._positionals.title, self._optionals.title = translate("positional arguments"), translate("options")
        self.add_argument("-h", "--help", action="help", help=translate("show this help and exit"))

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {translate('error: {problem}', problem=translate_error(message))}\n")


def translate_error(message: str) -> str:
    """An error of argparse in the reader's language; unknown ones stay as they are."""
    if current_language() == "en":
        return message
    for pattern, italian in _ERRORS:
        match = re.fullmatch(pattern, message, re.DOTALL)
        if match:
            first, *others = match.groups() or ("",)
            inner = [translate_error(each) for each in others] if italian.startswith("opzione {0}: ") else others
            return italian.format(first, *inner)
    return message
