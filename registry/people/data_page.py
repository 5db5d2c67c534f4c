"""The page for a person who asks for their data (art. 15 GDPR): everything in Italian, with dates and without codes.

It is made from the exported documents, so that the page and the JSON beside it cannot differ. Operators appear without
their pseudonyms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from common import italian
from common.instants import iso
from pages.html_page import report, section, table
from registry.people.personal_data import Held
from registry.text_input import is_program

TITLE = "I dati che conserviamo su di Lei"
INTRODUCTION = (
    "Numero Unico per il Lavoro. Copia rilasciata {at:il} ai sensi dell'articolo 15 del Regolamento (UE) 2016/679.",
    "Gli stessi dati, in una forma adatta ai programmi, sono nei file con estensione .json di questa cartella.",
)
CHANNELS = {
    "phone": "telefonata", "voicemail": "messaggio nella casella vocale", "web_form": "modulo web", "email": "e-mail",
    "outbound": "nostra telefonata",
}  # fmt: skip
STATES = {
    "new": "aperta, in attesa di essere presa in carico", "in_progress": "in lavorazione",
    "waiting_contact": "in attesa di un Suo riscontro", "forwarded": "passata a un altro ufficio o livello",
    "answered": "ha avuto risposta", "closed": "chiusa",
}  # fmt: skip
OUTCOMES = {
    "resolved": "risolta", "informed": "informazione data", "referred": "indirizzata a un altro ufficio",
    "withdrawn": "ritirata", "unreachable": "non è stato possibile raggiungerLa",
    "duplicate": "riunita a un'altra Sua richiesta", "out_of_scope": "fuori dalla competenza del servizio",
    "unclassified": "ha risposto il personale",
}  # fmt: skip
ACTIONS = {
    "open": "richiesta aperta", "assign": "assegnata a chi se ne occupa", "take": "presa in carico",
    "release": "rimessa in attesa", "escalate": "passata al livello successivo", "answer": "risposta data",
    "wait": "in attesa di un Suo riscontro", "resume": "lavorazione ripresa",
    "refer": "passata a un centro per l'impiego", "return": "tornata al livello precedente", "close": "chiusa",
    "reopen": "riaperta", "merge": "riunita a un'altra richiesta", "classify": "argomento o esito precisati",
    "recalculate": "scadenza ricalcolata dopo un cambio di orario",
}  # fmt: skip
PROMISES = {
    "EMAIL": "risposta scritta", "SECOND_LEVEL": "risposta del secondo livello", "CALLBACK": "richiamata",
}  # fmt: skip
RESULTS = {
    "reached": "Le abbiamo parlato", "no_answer": "nessuna risposta", "busy": "occupato",
    "wrong_number": "numero sbagliato", "refused": "chiamata rifiutata", "failed": "chiamata non riuscita",
}  # fmt: skip
FATES = {
    "waiting": "in attesa", "talking": "in conversazione", "answered": "ha risposto il personale",
    "abandoned": "ha riagganciato durante l'attesa", "key": "ha scelto la casella vocale",
    "timeout": "attesa massima raggiunta", "empty": "nessuno in servizio", "full": "coda piena",
    "unknown": "fine non nota", "joined": "seguito di un'altra chiamata",
    "busy": "linee occupate", "blocked": "linee occupate", "lost": "interrotta da un guasto", "withdrawn": "ritirata",
}  # fmt: skip
CONTACT = {
    "display_name": "Nome", "email": "E-mail", "phone_e164": "Telefono", "tax_code": "Codice fiscale",
    "province": "Provincia",
}  # fmt: skip
FILES = {
    ".wav": "registrazione sonora", ".json": "dati per programmi", ".txt": "righe dei registri tecnici del centralino",
    ".html": "questa pagina",
}  # fmt: skip


def render(document: Mapping[str, Any], files: Sequence[str], held: Sequence[Held], at: str) -> str:
    """The page. `document` is that of `registry.json`; `files` are the names in the folder; `at` is ISO 8601."""
    sections = [*_contacts(document["contacts"]), *(_request(each) for each in document["requests"])]
    sections += _calls(document["calls"])
    others = [each for each in held if each.store != "registry"]
    sections += [_others(others)] if others else []
    sections += [section("I file di questa cartella", [], _table("File", ("File", "Contenuto"), _files(files)))]
    if len(sections) == 1:
        sections.insert(0, section("Nessun dato", ["Non conserviamo dati su di Lei."], ""))
    introduction = [line.format(at=italian.Inserted(moment(at))) for line in INTRODUCTION]
    return report(TITLE, "it", introduction, sections)


def moment(iso: str | None) -> str:
    """`24 novembre 2026, ore 10:02`; a dash for None."""
    if iso is None:
        return "–"
    when = datetime.fromisoformat(iso)
    return f"{italian.day(when.date())}, ore {when:%H:%M}"


def _deadline(iso: str | None) -> str:
    """A deadline; one at midnight is named by the day that it ends."""
    if iso is None:
        return "nessuna"
    when = datetime.fromisoformat(iso)
    if (when.hour, when.minute, when.second) == (0, 0, 0):
        return f"entro {italian.with_article(italian.day((when - timedelta(days=1)).date()))} compreso"
    return moment(iso)


def _table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return table(caption, head, rows, long_headings=True)


def _contacts(contacts: Sequence[Mapping[str, Any]]) -> list[str]:
    sections = []
    for contact in contacts:
        rows = [(label, str(contact[name])) for name, label in CONTACT.items() if contact.get(name)]
        rows.append(("Registrato il", moment(contact["created_at"])))
        sections.append(section("Chi è Lei per noi", [], _table("Recapiti", ("Dato", "Valore"), rows)))
    return sections


def _request(request: Mapping[str, Any]) -> str:
    outcome = request.get("outcome")
    rows = [
        ("Ricevuta il", moment(request["opened_at"])),
        ("Come", CHANNELS.get(request["channel"], "altro")),
        ("Argomento", request["topic"]),
        ("Stato", STATES[request["state"]] + (f": {OUTCOMES[outcome]}" if outcome else "")),
    ]
    for label, name in (("Risposta data il", "answered_at"), ("Chiusa il", "closed_at")):
        if request.get(name):
            rows.append((label, moment(request[name])))
    for clock in request["sla_clock"]:
        rows.append((f"Scadenza: {PROMISES.get(clock['promise_code'], 'risposta')}", _deadline(clock["due_at"])))
    inside = _table("La richiesta", ("Dato", "Valore"), rows)
    inside += _table("Che cosa è stato fatto", ("Quando", "Che cosa", "Chi"), _history(request["request_event"]))
    notes = [(moment(note["at"]), note["words"]) for note in request["request_note"] if note["words"]]
    if notes:
        inside += _table("Annotazioni", ("Quando", "Testo"), notes)
    messages = [
        (
            moment(each["left_at"]),
            _seconds(each["seconds"]),
            each["transcript"] or "–",
        )
        for each in request["voicemail_message"]
    ]
    if messages:
        inside += _table("Messaggi nella casella vocale", ("Quando", "Durata", "Trascrizione"), messages)
    attempts = [(moment(each["at"]), RESULTS.get(each["result"], "in corso")) for each in request["callback_attempt"]]
    if attempts:
        inside += _table("Le nostre chiamate", ("Quando", "Esito"), attempts)
    return section(f"Richiesta {request['protocol']}", [], inside)


def _history(events: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    return [
        (
            moment(event["at"]),
            ACTIONS.get(event["action"], "aggiornata"),
            "il sistema" if is_program(event["actor_ref"]) else "il personale",
        )
        for event in events
    ]


def _calls(calls: Sequence[Mapping[str, Any]]) -> list[str]:
    if not calls:
        return []
    rows = [
        (moment(call["entered_at"]), "–" if call["wait_s"] is None else _seconds(call["wait_s"]),
         FATES.get(call["fate"], "conclusa"))
        for call in calls
    ]  # fmt: skip
    return [section("Le Sue telefonate", [], _table("Telefonate", ("Quando", "Attesa", "Come è finita"), rows))]


def _seconds(value: float) -> str:
    return italian.count(round(value), "secondo", "secondi")


def _others(held: Sequence[Held]) -> str:
    names = {
        "voicemail": "messaggio nella casella vocale", "recordings": "registrazione di una conversazione",
        "switch-logs": "Suo numero nei registri tecnici del centralino",
    }  # fmt: skip
    rows = [(moment(iso(each.since)), names.get(each.store, "altro dato")) for each in held]
    return section("Altri dati", [], _table("Altri dati", ("Dal", "Che cosa"), rows))


def _files(files: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, FILES.get(name[name.rfind(".") :], "altro")) for name in files]
