"""The commands on requests, run as from a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from common.command_line import as_sentence
from common.places import Places
from common.texts import reading_in
from ivr.configuration.compiled import Compiled
from registry import cli
from registry.db import schema
from registry.requests import protocol_number
from registry.requests.transitions import ACTIONS, SUMMARIES, TABLE, mermaid
from registry.texts import translate
from tests.conftest import rome
from tests.registry.commands.terminal import ONE, THREE, TWO, Terminal, listed, opened
from tests.registry.request_steps import HOUR, MORNING


def test_open_prints_the_number_and_its_dictated_form(terminal: Terminal) -> None:
    assert opened(terminal, "email") == (
        f"{ONE}: new, level 1, due Thu 26 Nov 2026 10:00 (version 1)\nto dictate: {protocol_number.spell_out(ONE)}\n"
    )
    found = json.loads(opened(terminal, "phone", "--json"))
    assert (found["protocol"], found["due_at"], found["spoken"]) == (TWO, None, protocol_number.spell_out(TWO))


def test_a_call_has_one_request(terminal: Terminal) -> None:
    opened(terminal, "phone", "--call", "1795510800.7", "--outcome", "informed")
    again = ("open", "--topic", "DID", "--by", "op117", "--call", "1795510800.7")
    assert terminal.run(*again, status=1) == (
        f"registry open: --call: this call has the request {ONE} (closed); act on that one, or `registry reopen` it\n"
    )
    assert f"{ONE}: new, level 1" in terminal.run("reopen", ONE, "--by", "op117")


def test_every_action_from_the_terminal(terminal: Terminal, tmp_path: Path) -> None:
    sheet = tmp_path / "cpi.csv"
    sheet.write_text("codice;nome;provincia\nRM01;Roma Cinecittà;RM\n", encoding="utf-8")
    assert terminal.run("offices", "--import", str(sheet)) == f"{sheet}: 1 new, 0 changed, 0 unchanged\n"
    opened(terminal, "email")
    opened(terminal, "phone")
    dictated = ONE.lower().replace("-", " ").replace("nul", "")
    steps = [
        (("take", dictated), "in_progress, level 1, op118 has it, due Thu 26 Nov 2026 10:00 (version 2)"),
        (("assign", ONE, "--to", "op119"), "in_progress, level 1, op119 has it, due Thu 26 Nov 2026 10:00 (version 3)"),
        (("wait", ONE), "waiting_contact, level 1, op119 has it (version 4)"),
        (("resume", ONE), "in_progress, level 1, op119 has it, due Thu 26 Nov 2026 11:00 (version 5)"),
        (("release", ONE), "new, level 1, due Thu 26 Nov 2026 11:00 (version 6)"),
        (("refer", ONE, "--office", "RM01"), "forwarded, level 1, at RM01, due Thu 26 Nov 2026 11:00 (version 7)"),
        (("escalate", ONE), "forwarded, level 2, due by Fri 04 Dec 2026 (version 8)"),
        (("return", ONE), "new, level 1, due by Fri 04 Dec 2026 (version 9)"),
        (("answer", ONE), "answered, level 1, op118 has it (version 10)"),
        (("close", ONE, "--outcome", "resolved"), "closed, resolved (version 11)"),
        (("reopen", ONE, "--version", "11"), "new, level 1, due Thu 26 Nov 2026 19:00 (version 12)"),
        (("merge", ONE, "--into", TWO), "closed, duplicate (version 13)"),
    ]
    for words, expected in steps:
        terminal.later(HOUR if words[0] in ("resume", "reopen") else 0)
        if words[0] == "reopen":
            terminal.now = rome("2026-11-24 19:00")
        assert terminal.run(*words, "--by", "op118") == f"{ONE}: {expected}\n"
    assert {words[0] for words, _ in steps} == set(ACTIONS) - {"open"}


def test_the_second_operator_is_refused(terminal: Terminal) -> None:
    opened(terminal)
    terminal.run("take", ONE, "--by", "op117")
    assert terminal.run("take", ONE, "--by", "op118", status=1).endswith(
        "(last: take by op117 on 24/11/2026 at 10:00:00)\n"
    )
    said = terminal.run("answer", ONE, "--by", "op118", "--version", "1", status=1)
    assert said.startswith(f"registry answer: {ONE}: has changed meanwhile: take by op117 on 24/11/2026 at 10:00:00; ")


def test_open_requests_are_listed_oldest_first(terminal: Terminal) -> None:
    assert terminal.run("list") == "No request is open.\n"
    for channel in ("phone", "email", "voicemail"):
        opened(terminal, channel)
        terminal.later(60)
    terminal.run("take", TWO, "--by", "op118")
    terminal.run("close", ONE, "--outcome", "informed", "--by", "op117")
    assert terminal.later(2 * HOUR).run("list").splitlines() == [
        "NUMBER             OPENED                 AGE        CHANNEL    TOPIC  LEVEL  STATE        WHO      DUE",
        f"{TWO}  Tue 24 Nov 2026 10:01  2 h 2 min  email      DID    1      in_progress  op118    "
        "Thu 26 Nov 2026 10:01",
        f"{THREE}  Tue 24 Nov 2026 10:02  2 h 1 min  voicemail  DID    1      new          level_1  "
        "Wed 25 Nov 2026 10:02",
    ]
    assert terminal.run("list", "--state", "waiting_contact") == "No such request.\n"
    for words, expected in [
        (("--all",), [ONE, TWO, THREE]),
        (("--state", "closed"), [ONE]),
        (("--owner", "op118"), [TWO]),
        (("--channel", "voicemail"), [THREE]),
        (("--level", "2"), []),
        (("--topic", "DID"), [TWO, THREE]),
        (("--call", "1.1"), []),
    ]:
        assert [each["protocol"] for each in listed(terminal, *words)] == expected, words
    assert terminal.run("list", "--limit", "1", more=1).count("\n") == 2
    assert json.loads(terminal.run("list", "--limit", "1", "--json", more=1))["more"] == 1


def test_due_lists_the_most_urgent_first(terminal: Terminal) -> None:
    assert terminal.run("due") == "Nothing falls due.\n"
    for channel in ("email", "voicemail", "email"):
        opened(terminal, channel)
        terminal.later(60)
    terminal.run("take", THREE, "--by", "op117")
    terminal.run("wait", THREE, "--by", "op117")
    terminal.now = rome("2026-11-25 11:01")
    assert terminal.run("due").splitlines() == [
        "DUE                                       PROMISE   NUMBER             TOPIC  LEVEL  STATE  WHO",
        f"Wed 25 Nov 2026 10:01  late by 1 h 0 min  CALLBACK  {TWO}  DID    1      new    level_1",
        f"Thu 26 Nov 2026 10:00  in 22 h 59 min     EMAIL     {ONE}  DID    1      new    level_1",
    ]
    assert [each["protocol"] for each in json.loads(terminal.run("due", "--late", "--json"))["due"]] == [TWO]
    assert [each["promise"] for each in json.loads(terminal.run("due", "--within", "23", "--json"))["due"]] == [
        "CALLBACK",
        "EMAIL",
    ]
    terminal.now = MORNING
    assert terminal.run("due", "--late") == "Nothing is late.\n"


def test_a_request_is_shown_without_its_person(terminal: Terminal) -> None:
    opened(terminal, "email", "--name", "Anna Rossi", "--email", "anna@example.it", "--note", "Ha perso\nla ricevuta")
    terminal.later(60).run("take", ONE, "--by", "op118")
    terminal.later(60).run("wait", ONE, "--by", "op118")
    shown = terminal.run("show", ONE)
    assert shown.splitlines() == [
        f"   request  {ONE}  ({protocol_number.spell_out(ONE)})",
        "     state  waiting_contact, level 1, version 3",
        "     about  DID, other, by email",
        "       who  op118",
        "    centre  -",
        "      call  -",
        "    opened  Tue 24 Nov 2026 10:00",
        "  answered  -",
        "    closed  -",
        "  possible  answer, resume, close, merge",
        "   history  Tue 24 Nov 2026 10:00  open by op117 -> new level 1 (audience other, channel email, topic DID)",
        "            Tue 24 Nov 2026 10:01  take by op118 -> in_progress (owner op118)",
        "            Tue 24 Nov 2026 10:02  wait by op118 -> waiting_contact",
        "     clock  EMAIL 1: paused",
        "            24/11/2026 10:00:00 + 48 hours: due 26/11/2026 10:00:00 (the clock never stops, not at night and "
        "not on holidays)",
        "            paused since 24/11/2026 10:02:00, waiting for the person: the due date moves when it resumes",
    ]
    assert terminal.rows(schema.access_log) == []
    assert "Anna" not in terminal.run("show", ONE, "--json")


def test_a_duplicate_and_its_original_name_each_other(terminal: Terminal) -> None:
    opened(terminal)
    opened(terminal)
    terminal.run("merge", TWO, "--into", ONE, "--by", "op118")
    assert f"merge by op118 -> closed (into {ONE}, outcome duplicate)" in terminal.run("show", TWO)
    assert f"     state  closed, duplicate of {ONE}, level 1, version 2" in terminal.run("show", TWO)
    assert f"duplicates  {TWO}" in terminal.run("show", ONE)
    assert "duplicates" not in terminal.run("show", TWO)
    found = json.loads(terminal.run("show", TWO, "--json"))
    assert (found["original"], found["history"][-1]["changes"]["into"]) == (ONE, ONE)
    assert json.loads(terminal.run("show", ONE, "--json"))["duplicates"] == [TWO]
    terminal.run("reopen", TWO, "--by", "op118")
    assert "duplicates" not in terminal.run("show", ONE)


def test_showing_the_person_needs_a_reason_and_is_logged(terminal: Terminal) -> None:
    opened(terminal, "email", "--name", "Anna Rossi", "--email", "anna@example.it", "--note", "Ha perso\nla ricevuta")
    assert terminal.run("show", ONE, "--person", status=1) == (
        "registry show: --person: access to personal data is logged; add --by op117 --why 'the reason'\n"
    )
    asked = ("show", ONE, "--person", "--by", "op118", "--why", "richiamo")
    assert terminal.run(*asked).splitlines()[-6:] == [
        "      kind  citizen",
        "      name  Anna Rossi",
        "     email  anna@example.it",
        "      note  Tue 24 Nov 2026 10:00, op117:",
        "            Ha perso",
        "            la ricevuta",
    ]
    logged = [(row.actor_ref, row.action, row.object_kind, row.why) for row in terminal.rows(schema.access_log)]
    assert logged == [("op118", "read", "request_note", "richiamo"), ("op118", "read", "contact", "richiamo")]
    found = json.loads(terminal.run(*asked, "--json"))
    assert found["person"]["name"] == "Anna Rossi" and found["notes"][0]["words"] == "Ha perso\nla ricevuta"


def test_a_codice_fiscale_needs_a_practice(terminal: Terminal) -> None:
    asks = ("open", "--topic", "DID", "--by", "op117", "--tax-code", "RSSMRA85T10A562S")
    assert "only for a practice" in terminal.run(*asks, status=1)
    assert terminal.rows(schema.request) == terminal.rows(schema.contact) == []
    terminal.run(*asks, "--practice", "DID del 3 novembre")
    assert [row.why for row in terminal.rows(schema.access_log)] == ["DID del 3 novembre"]


def test_outside_text_cannot_control_the_terminal(terminal: Terminal) -> None:
    hostile = "\x1b[2J\x1b]0;owned\x07\u202e\x9b31m<b>'; DROP TABLE request; --"
    opened(terminal, "phone", "--note", hostile)
    for words in (
        ("show", ONE, "--person", "--by", "op117", "--why", "prova"),
        ("list",),
        ("show", ONE, "--person", "--by", "op117", "--why", "prova", "--json"),
    ):
        assert all(sign == "\n" or sign.isprintable() for sign in terminal.run(*words))
    for words in (
        ("open", "--topic", hostile, "--by", "op117"),
        ("open", "--topic", "DID", "--by", hostile),
        ("open", "--topic", "DID", "--by", "op117", "--name", hostile),
        ("open", "--topic", "DID", "--by", "op117", "--call", hostile),
        ("show", hostile),
        ("show", ONE, "--person", "--by", "op117", "--why", hostile),
        ("take", hostile, "--by", "op117"),
        ("assign", ONE, "--to", hostile, "--by", "op117"),
        ("refer", ONE, "--office", hostile, "--by", "op117"),
        ("merge", ONE, "--into", hostile, "--by", "op117"),
        ("offices", "--province", hostile),
    ):
        said = terminal.run(*words, status=1)
        assert said.count("\n") == 1 and said[:-1].isprintable(), words
    assert len(terminal.rows(schema.request)) == 1


def test_stats_are_counts_without_persons(terminal: Terminal) -> None:
    for channel in ("phone", "email", "email"):
        opened(terminal, channel)
    terminal.run("answer", TWO, "--by", "op118")
    terminal.run("close", ONE, "--outcome", "informed", "--by", "op117")
    terminal.now = rome("2026-11-26 12:00")
    assert terminal.run("stats").splitlines() == [
        "Open now: 2",
        "  STATE     LEVEL  REQUESTS",
        "  answered  1      1",
        "  new       1      1",
        "  late: 1, by 2 h 0 min on average, 2 h 0 min at worst",
        "Opened from 2026-11-01 to 2026-11-26: 3",
        "  CHANNEL  TOPIC  REQUESTS",
        "  email    DID    2",
        "  phone    DID    1",
        "Closed from 2026-11-01 to 2026-11-26: 1",
        "  OUTCOME   REQUESTS",
        "  informed  1",
        "In time, of what fell due from 2026-11-01 to 2026-11-26:",
        "  E-mails answered in time         50.0 %  (1 of 2)",
        "  Second level answered in time         -  (0 of 0)",
        "  Call-backs made in time               -  (0 of 0)",
    ]
    found = json.loads(terminal.run("stats", "--json", "--from", "2026-11-24", "--to", "2026-11-24"))
    assert found["opened"][0] == {"channel": "email", "topic": "DID", "count": 2}
    assert found["on_time"][0]["denominator"] == 0
    assert "op1" not in json.dumps(found)
    wrong = terminal.run("stats", "--from", "2026-11-25", "--to", "2026-11-24", status=1)
    assert wrong == "registry stats: --from: 2026-11-25 is after --to, 2026-11-24; swap them\n"


def test_requests_not_yet_due_have_not_failed(terminal: Terminal) -> None:
    opened(terminal, "email")
    until = ("stats", "--json", "--to", "2026-11-30")
    assert json.loads(terminal.run(*until))["on_time"][0]["denominator"] == 0
    found = json.loads(terminal.later(49 * HOUR).run(*until))["on_time"][0]
    assert (found["numerator"], found["denominator"]) == (0, 1)


@pytest.mark.parametrize(
    "words",
    [
        ("list", "--limit", "-1"), ("due", "--limit", "99999999999999999999"), ("due", "--within", "nan"),
        ("due", "--within", "-1"), ("stats", "--to", "9999-12-31"), ("intake", "--follow", "--every", "nan"),
        ("intake", "--follow", "--metrics-port", "65536"),
    ],
)  # fmt: skip
def test_an_invalid_number_is_refused_with_its_option(
    terminal: Terminal, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        terminal.run(*words)
    assert f"argument {words[-2]}: {words[-1]!r} is not " in capsys.readouterr().err


def test_job_centres_are_listed(terminal: Terminal, tmp_path: Path) -> None:
    assert "import the client's list" in terminal.run("offices")
    missing = tmp_path / "nothing.csv"
    assert "name a CSV file that can be read" in terminal.run("offices", "--import", str(missing), status=1)
    sheet = tmp_path / "cpi.csv"
    sheet.write_text("codice;nome;provincia;telefono\nRM01;Roma;RM;0612345678\nXX;Y;ZZ;\n", encoding="utf-8")
    said = terminal.run("offices", "--import", str(sheet), status=1)
    assert said.splitlines()[0] == "registry offices: nothing was imported; correct these lines:"
    assert said.splitlines()[1].startswith(f"{sheet}: line 3: provincia")
    sheet.write_text("codice;nome;provincia;telefono\nRM01;Roma;RM;0612345678\n", encoding="utf-8")
    terminal.run("offices", "--import", str(sheet))
    assert terminal.run("offices", "--province", "RM").splitlines() == [
        "CODE  PROVINCE  NAME  TELEPHONE      E-MAIL",
        "RM01  RM        Roma  +390612345678  -",
    ]


def test_transitions_are_printed_as_table_and_diagram(terminal: Terminal) -> None:
    assert len(terminal.run("transitions").splitlines()) == 1 + len(TABLE)
    assert terminal.run("transitions", "--mermaid").splitlines() == list(mermaid())


def test_every_action_has_a_command() -> None:
    assert set(SUMMARIES) == {*ACTIONS} - {"open"}
    assert set(ACTIONS) <= set(cli.COMMANDS)


@pytest.mark.parametrize("word", list(cli.COMMANDS))
def test_the_help_of_a_command_says_what_it_does(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([word, "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0 and f"registry {word}" in shown
    with reading_in("it" if word in cli.OPERATOR_COMMANDS else "en"):
        assert as_sentence(translate(cli.COMMANDS[word])) in shown


def test_a_missing_registry_is_reported(
    tmp_path: Path, shipped: Compiled, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUL_DATABASE", raising=False)
    monkeypatch.delenv("NUL_KEYS", raising=False)
    var = str(tmp_path)
    assert cli.main(["--var", var, "list"]) == 1
    assert "run `ivr compile`" in capsys.readouterr().err
    Path(Places(var=var).compiled).write_text(json.dumps(shipped), encoding="utf-8")
    assert cli.main(["--var", var, "list"]) == 1
    assert "registry init" in capsys.readouterr().err
