"""Operators read one language on one screen: Italian, or the one they ask for; codes and JSON are the same in both."""

from __future__ import annotations

import json
import re

import pytest

from registry.requests import protocol_number
from tests.translations import english_words
from tests.voicemail.callback.test_commands import MORNING, NIGHT, Terminal, terminal
from voicemail import cli

__all__ = ["terminal"]  # a fixture


def italian(terminal: Terminal, *words: str, status: int = 0) -> str:
    text = terminal.run(*words, "--language", "it", status=status)
    assert english_words(text) == set(), text
    return text


def test_a_call_back_in_italian(terminal: Terminal) -> None:
    work = terminal.work
    assert italian(terminal, "list").startswith("Nessuno aspetta una richiamata")
    first, again = work.message(NIGHT), work.message(NIGHT + 3600)
    unnumbered = work.message(NIGHT - 86400, None)
    listed = italian(terminal, "list").splitlines()
    protocol = work.request(first).protocol
    assert listed[0].endswith(f"stesso numero, continua come {protocol}")
    assert listed[1].split() == "PROTOCOLLO MESSAGGIO LASCIATO DA SCADENZA SECONDI TENTATIVI STATO".split()  # noqa: SIM905
    assert listed[2].endswith("senza numero") and "fuori tempo da 15 h 30 min" in listed[2]
    assert listed[3].endswith("+1") and "lun 23 nov 22:00" in listed[3] and "tra 8 h 30 min" in listed[3]
    assert italian(terminal, "take", protocol, "--by", "op117").startswith(f"{protocol}: in carico; `voicemail play ")
    assert "in carico a op117" in italian(terminal, "list")
    assert re.search(
        r"in attesa; prossimo tentativo da mar 24 nov \d\d:\d\d",
        italian(terminal, "outcome", protocol, "no_answer", "--by", "op117"),
    )
    assert "non prima di mar 24 nov" in italian(terminal, "list")
    italian(terminal, "take", protocol, "--by", "op117")
    assert italian(terminal, "release", protocol, "--by", "op117") == f"{protocol}: di nuovo a disposizione\n"
    terminal.now = MORNING + 4 * 3600
    italian(terminal, "take", protocol, "--by", "op117")
    assert italian(terminal, "outcome", protocol, "reached", "--by", "op117") == f"{protocol}: chiusa, resolved\n"
    shown = italian(terminal, "show", again.id)
    assert " lasciato  lun 23 nov 2026 23:00 (ora italiana), 14 h 30 min fa" in shown
    assert "(la linea da cui ha chiamato)" in shown and "3,0 s, di cui con suono 3,0 s" in shown
    assert (
        italian(terminal, "mark", unnumbered.id, "listened", "--by", "op117") == f"{unnumbered.id}: listened, op117\n"
    )
    assert italian(terminal, "list", "--all").startswith("MESSAGGIO ")


def test_refusals_in_italian(terminal: Terminal) -> None:
    work = terminal.work
    message = work.message(NIGHT)
    protocol = work.request(message).protocol
    unknown = protocol_number.format_number(2026, 999)
    refusals = {
        (
            "release",
            protocol,
            "--by",
            "op117",
        ): "nessuno l'ha in carico; prima `voicemail take",
        ("take", unknown, "--by", "op117"): f"{unknown}: nessuna richiesta ha questo numero",
        ("take", "20200101T", "--by", "op117"): "20200101T: non è nel registro",
        ("take", protocol, "--by", "Anna"): '"Anna" non è un codice',
        ("outcome", protocol, "well", "--by", "op117"): "outcome: 'well' non è un risultato; scegliere tra reached",
        ("show", "20200101T"): "nessun messaggio '20200101T'",
        ("mark", message.id, "closed", "--by", "op117"): f"nel registro è la richiesta {protocol}",
    }
    for words, problem in refusals.items():
        assert problem in italian(terminal, *words, status=1), words
    terminal.run("take", protocol, "--by", "op117")
    assert "in carico a op117; prenderne un'altra" in italian(terminal, "take", protocol, "--by", "op118", status=1)


@pytest.mark.parametrize("name", cli.OPERATOR_COMMANDS)
def test_help_and_usage_errors_in_italian(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words, status in ((["--help"], 0), (["--wrong"], 2)):
        with pytest.raises(SystemExit) as ended:
            cli.main([name, *words])
        out, err = capsys.readouterr()
        assert ended.value.code == status
        assert english_words(out + err) == set(), out + err


def test_json_is_the_same_in_both_languages(terminal: Terminal) -> None:
    message = terminal.work.message(NIGHT)
    for words in (("list",), ("list", "--all"), ("show", message.id)):
        documents = [terminal.run(*words, "--json", "--language", language) for language in ("it", "en")]
        assert json.loads(documents[0]) == json.loads(documents[1])
