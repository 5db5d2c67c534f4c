"""What each measure means, in the words that are published beside its value, in Italian and in English.

A figure without its definition is not comparable: five formulas go by the name of *service level*, and among Italian
regulators *livello di servizio* is the answer rate. So each has a name of its own and says what it counts.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["share", "seconds"]


class Definition(NamedTuple):
    """A measure's titles and texts; `{within}` and `{short}` in them stand for the settings, in seconds."""

    name: str
    kind: Kind
    title_it: str
    title_en: str
    text_it: str
    text_en: str
    publishable: bool = True

    def title(self, language: str, *, within: float = 20, short: float = 5) -> str:
        """A few words, for the head of a row."""
        return _filled(self.title_it if language == "it" else self.title_en, within, short)

    def text(self, language: str, *, within: float = 20, short: float = 5) -> str:
        """What is counted, in a sentence or two."""
        return _filled(self.text_it if language == "it" else self.text_en, within, short)


def _filled(text: str, within: float, short: float) -> str:
    return text.replace("{within}", f"{within:g}").replace("{short}", f"{short:g}")


_OFFERED_IT = "Le chiamate offerte sono quelle giunte alla coda in orario di servizio, comprese quelle non accolte"
_OFFERED_EN = "Offered are the calls that reached the queue in service hours, those refused there included"


def _waits(which: str, it: str, en: str) -> tuple[Definition, ...]:
    """The mean, the median and the percentiles of one set of waits."""
    ranks = (
        ("mean", "media", "mean"),
        ("median", "mediana", "median"),
        ("p90", "90° percentile", "90th percentile"),
        ("p95", "95° percentile", "95th percentile"),
    )
    counted = {"median": "50", "p90": "90", "p95": "95"}
    found = []
    for rank, rank_it, rank_en in ranks:
        if rank == "mean":
            text_it = f"Somma delle attese divisa per il loro numero; attese {it}, dall'ingresso in coda."
            text_en = f"Sum of the waits divided by their number; waits of {en}, from entering the queue."
        else:
            part = counted[rank]
            text_it = f"La più breve attesa non superata dal {part} % delle attese {it}, dall'ingresso in coda."
            text_en = f"The shortest wait that {part} % of the waits of {en} do not exceed, from entering the queue."
        name, title_it, title_en = f"wait_{rank}_{which}", f"Attesa, {rank_it}, {it}", f"Wait, {rank_en}, {en}"
        found.append(Definition(name, "seconds", title_it, title_en, text_it, text_en))
    return tuple(found)


_ALL = (
    Definition(
        "service_level",
        "share",
        "Risposte entro {within} secondi",
        "Answered within {within} seconds",
        "Chiamate risposte entro {within} s dall'ingresso in coda, su tutte le chiamate offerte. " + _OFFERED_IT + ".",
        "Calls answered within {within} s of entering the queue, of all calls offered. " + _OFFERED_EN + ".",
    ),
    Definition(
        "service_level_without_short",
        "share",
        "Risposte entro {within} secondi, senza le rinunce entro {short} secondi",
        "Answered within {within} seconds, short abandons left out",
        "Chiamate risposte entro {within} s, sulle offerte meno quelle abbandonate entro {short} s.",
        "Calls answered within {within} s, of those offered less those abandoned within {short} s.",
    ),
    Definition(
        "service_level_without_early",
        "share",
        "Risposte entro {within} secondi, senza le rinunce entro {within} secondi",
        "Answered within {within} seconds, early abandons left out",
        "Chiamate risposte entro {within} s, sulle offerte meno quelle abbandonate entro {within} s.",
        "Calls answered within {within} s, of those offered less those abandoned within {within} s.",
    ),
    Definition(
        "service_level_with_early",
        "share",
        "Risposte o rinunce entro {within} secondi",
        "Answered or abandoned within {within} seconds",
        "Chiamate risposte o abbandonate entro {within} s, su tutte le chiamate offerte.",
        "Calls answered or abandoned within {within} s, of all calls offered (Asterisk's ServicelevelPerf2).",
    ),
    Definition(
        "service_level_of_answered",
        "share",
        "Risposte entro {within} secondi, sulle sole risposte",
        "Answered within {within} seconds, of the answered only",
        "Chiamate risposte entro {within} s, sulle sole chiamate risposte: nasconde chi non ha avuto risposta.",
        "Calls answered within {within} s, of calls answered: hides whoever was not (Asterisk's ServicelevelPerf).",
        publishable=False,
    ),
    Definition(
        "answer_rate",
        "share",
        "Percentuale di risposta",
        "Answer rate",
        "Chiamate risposte su tutte le chiamate offerte; è il «livello di servizio» delle autorità italiane. "
        + _OFFERED_IT
        + ".",
        "Calls answered, of all calls offered; Italian regulators call it livello di servizio. " + _OFFERED_EN + ".",
    ),
    Definition(
        "abandonment",
        "share",
        "Abbandono",
        "Abandonment",
        "Chiamate in cui chi chiama ha riagganciato in coda, su tutte le chiamate offerte.",
        "Calls whose caller hung up while queueing, of all calls offered.",
    ),
    Definition(
        "abandonment_net",
        "share",
        "Abbandono al netto delle rinunce entro {short} secondi",
        "Abandonment, net of short ones",
        "Chiamate abbandonate dopo più di {short} s, sulle offerte meno quelle abbandonate entro {short} s.",
        "Calls abandoned after more than {short} s, of those offered less those abandoned within {short} s.",
    ),
    Definition(
        "overflow",
        "share",
        "Passaggio alla casella vocale",
        "Overflow to voicemail",
        "Chiamate passate alla casella vocale (per scelta, fine dell'attesa massima, coda piena o senza operatori), "
        "su tutte le chiamate offerte.",
        "Calls led to the voicemail (by key, longest wait, full queue or nobody there), of all calls offered.",
    ),
    Definition(
        "blocking",
        "share",
        "Linee occupate",
        "Lines busy",
        "Chiamate che hanno trovato tutte le linee occupate, su tutte le chiamate offerte.",
        "Calls that found every line busy, of all calls offered.",
    ),
    *_waits("all", "di tutte le chiamate in coda", "all calls that queued"),
    *_waits("answered", "delle chiamate risposte", "calls answered"),
    Definition(
        "handling_time",
        "seconds",
        "Tempo medio di gestione",
        "Mean handling time",
        "Conversazione più lavoro successivo, per chiamata risposta di cui la durata è nota.",
        "Talk plus wrap-up, per answered call whose length is known.",
    ),
    Definition(
        "occupancy",
        "share",
        "Occupazione degli operatori",
        "Occupancy",
        "Tempo di lavoro su chiamate, richiami ed e-mail, sul tempo in postazione senza le pause.",
        "Time at work on calls, call-backs and e-mails, of the time at the seat without breaks.",
    ),
    Definition(
        "on_time_email",
        "share",
        "E-mail risposte nei tempi della Carta",
        "E-mails answered in time",
        "Delle e-mail la cui scadenza cade nel periodo, quelle risposte entro la scadenza; "
        "senza risposta = fuori tempo.",
        "Of the e-mails whose deadline falls in the period, those answered by it; unanswered ones count as failed.",
    ),
    Definition(
        "on_time_second_level",
        "share",
        "Richieste di secondo livello risposte nei tempi della Carta",
        "Second level answered in time",
        "Delle richieste passate al secondo livello la cui scadenza cade nel periodo, quelle risposte entro "
        "la scadenza; senza risposta = fuori tempo.",
        "Of the requests handed to the second level whose deadline falls in the period, those answered by it; "
        "unanswered ones count as failed.",
    ),
)

DEFINITIONS: dict[str, Definition] = {each.name: each for each in _ALL}
PUBLISHED = "service_level"  # of the five variants, the one that is published: nothing is taken out of the denominator
SERVICE_LEVELS = tuple(name for name in DEFINITIONS if name.startswith("service_level"))
