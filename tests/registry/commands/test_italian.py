"""Operators read one language on one screen: Italian, or the one they ask for; codes and JSON are the same in both."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from common.places import Places
from ivr.configuration.compiled import FORMAT, site_language
from registry import cli
from tests.registry.commands.terminal import ONE, TWO, Terminal, opened
from tests.registry.request_steps import HOUR
from tests.translations import english_words


def italian(terminal: Terminal, *words: str, status: int = 0) -> str:
    text = terminal.run(*words, "--language", "it", status=status)
    assert english_words(text) == set(), text
    return text


def test_a_day_in_italian(terminal: Terminal, tmp_path: Path) -> None:
    assert italian(terminal, "list") == "Nessuna richiesta è aperta.\n"
    assert italian(terminal, "due") == "Nulla è in scadenza.\n"
    sheet = tmp_path / "cpi.csv"
    sheet.write_text("codice;nome;provincia\nRM01;Roma Cinecittà;RM\n", encoding="utf-8")
    assert italian(terminal, "offices").startswith("Non c'è nessun centro per l'impiego")
    assert italian(terminal, "offices", "--import", str(sheet)) == f"{sheet}: righe nuove 1, cambiate 0, uguali 0\n"
    assert italian(terminal, "offices").startswith("CODICE  PROVINCIA  NOME")
    first = italian(terminal, "open", "--topic", "DID", "--channel", "email", "--by", "op117")
    assert first.startswith(f"{ONE}: new, livello 1, scadenza: gio 26 nov 2026 10:00 (versione 1)\nda dettare: enne, u")
    opened(terminal)
    assert italian(terminal, "take", ONE, "--by", "op118").startswith(
        f"{ONE}: in_progress, livello 1, se ne occupa op118, scadenza: gio 26 nov 2026 10:00"
    )
    italian(terminal, "wait", ONE, "--by", "op118", "--note", "Aspettiamo la ricevuta")
    assert italian(terminal, "list").splitlines()[1].endswith("waiting_contact  op118    sospesa")
    terminal.later(HOUR)
    italian(terminal, "resume", ONE, "--by", "op118")
    assert "entro " in italian(terminal, "escalate", ONE, "--by", "op118")
    assert italian(terminal, "refer", TWO, "--office", "RM01", "--by", "op118").startswith(
        f"{TWO}: forwarded, livello 1, presso"
    )
    assert re.search(r"tra 10 g \d+ h", italian(terminal, "due"))
    italian(terminal, "close", ONE, "--outcome", "resolved", "--by", "op118")
    shown = italian(terminal, "show", ONE, "--person", "--by", "op118", "--why", "domanda della persona")
    assert " richiesta  NUL-2026-000001-5  (enne" in shown
    assert "    storia  mar 24 nov 2026 10:00  open, op117 -> new" in shown
    assert "sospesa dal 24/11/2026 10:00:00 al 24/11/2026 11:00:00, in attesa della persona" in shown
    counts = italian(terminal, "stats", "--to", "2026-12-08")
    assert "Aperte dal 1° all'8 dicembre 2026: 0" in counts
    assert "E-mail con risposta nei tempi della Carta" in counts
    italian(terminal, "transitions")


def test_refusals_in_italian(terminal: Terminal) -> None:
    opened(terminal)
    italian(terminal, "take", ONE, "--by", "op117")
    refusals = {
        (
            "take",
            ONE,
            "--by",
            "op118",
        ): "non è possibile: la richiesta è in_progress al livello 1; ora si può",
        (
            "answer",
            ONE,
            "--by",
            "op118",
            "--version",
            "1",
        ): "è cambiata: take, op117, 24/11/2026 alle ore 10:00",
        ("take", "2026 1 9", "--by", "op118"): '"2026 1 9": una cifra è sbagliata o due sono scambiate',
        ("take", "abc", "--by", "op118"): '"abc" non è un protocollo: un protocollo è fatto così: NUL-2026-000421-6',
        ("take", TWO, "--by", "op118"): f"{TWO}: nessuna richiesta ha questo numero",
        ("release", ONE, "--by", "Anna"): '"Anna" non è un codice; scrivere op e il numero',
        ("merge", ONE, "--into", ONE, "--by", "op118"): "non può essere la copia di sé stessa",
        ("refer", ONE, "--office", "XX", "--by", "op118"): 'nessun centro per l\'impiego ha il codice "XX"',
        ("escalate", ONE, "--by", "op118", "--note", " "): "note: vuoto; scriverlo, o toglierlo",
        ("open", "--topic", "NO", "--by", "op118"): 'topic: "NO" non è un argomento',
        ("open", "--topic", "DID", "--by", "op118", "--email", "x"): 'e-mail: "x" non è un indirizzo',
        ("open", "--topic", "DID", "--by", "op118", "--phone", "x"): 'telefono: "x" non è un numero',
        ("open", "--topic", "DID", "--by", "op118", "--province", "XX"): '"XX" non è una provincia',
        ("open", "--topic", "DID", "--by", "op118", "--outcome", "x"): 'outcome: "x" non è valido; scegliere tra',
        ("show", ONE, "--person"): "--person: chi guarda i dati di una persona resta scritto",
        ("stats", "--from", "2026-12-02", "--to", "2026-12-01"): "--from: 2026-12-02 viene dopo --to",
        ("classify", ONE, "--by", "op118"): "non c'è nulla da classificare",
    }
    for words, message in refusals.items():
        assert message in italian(terminal, *words, status=1), words


@pytest.mark.parametrize("name", cli.OPERATOR_COMMANDS)
def test_help_and_usage_errors_in_italian(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words, status in ((["--help"], 0), (["--wrong"], 2)):
        with pytest.raises(SystemExit) as ended:
            cli.main([name, *words])
        out, err = capsys.readouterr()
        assert ended.value.code == status
        assert english_words(out + err) == set(), out + err


def test_the_help_of_the_program_is_in_one_language(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    out = capsys.readouterr().out
    assert (
        out.startswith("uso: registry") and english_words(re.sub(r"^ +[a-z]+ ", "", out, flags=re.MULTILINE)) == set()
    )


def test_the_commands_of_ops_stay_english(capsys: pytest.CaptureFixture[str]) -> None:
    for name in cli.COMMANDS.keys() - set(cli.OPERATOR_COMMANDS):
        with pytest.raises(SystemExit):
            cli.main([name, "--help"])
        out = capsys.readouterr().out
        assert out.startswith("usage: ") and "--language" not in out


def test_json_is_the_same_in_both_languages(terminal: Terminal) -> None:
    opened(terminal, "email")
    terminal.run("take", ONE, "--by", "op118")
    for words in (("list",), ("due",), ("show", ONE), ("stats",), ("offices",)):
        documents = [terminal.run(*words, "--json", "--language", language) for language in ("it", "en")]
        assert json.loads(documents[0]) == json.loads(documents[1])


def test_the_language_of_the_site_is_the_default(tmp_path: Path) -> None:
    places = Places(var=str(tmp_path))
    assert site_language(places) == "it"  # there is no configuration yet
    for language, result in (("en", "en"), ("it", "it"), ("de", "it")):
        document = {"format": FORMAT, "service": {"service": {"language": language}}}
        Path(places.compiled).parent.mkdir(parents=True, exist_ok=True)
        Path(places.compiled).write_text(json.dumps(document), encoding="utf-8")
        assert site_language(places) == result
    Path(places.compiled).write_text("[]", encoding="utf-8")
    assert site_language(places) == "it"
