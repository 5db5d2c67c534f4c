"""The definition of each measure, published beside its value in Italian and English.

Figures without definitions cannot be compared: five formulas are called *service level*, and Italian regulators use
*livello di servizio* for the answer rate. Therefore each measure has its own name and states what it counts.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from common.languages import Language, number_text

Kind = Literal["share", "seconds"]


class Definition(NamedTuple):
    """A measure's titles and texts; `{within}` and `{short}` are replaced by the thresholds in seconds."""

    name: str
    kind: Kind
    title_it: str
    title_en: str
    text_it: str
    text_en: str
    publishable: bool = True

    def title(self, language: Language, *, within: float = 20, short: float = 5) -> str:
        """The title, for a row header."""
        return _fill({"it": self.title_it, "en": self.title_en}, language, within, short)

    def text(self, language: Language, *, within: float = 20, short: float = 5) -> str:
        """The definition in one or two sentences."""
        return _fill({"it": self.text_it, "en": self.text_en}, language, within, short)


def _fill(texts: dict[Language, str], language: Language, within: float, short: float) -> str:
    return texts[language].format(within=number_text(within, language), short=number_text(short, language))


_OFFERED_IT = (
    "Le chiamate offerte sono quelle giunte alla coda in orario di servizio, comprese quelle che non vi sono entrate"
)
_OFFERED_EN = "Calls offered are all calls that reached the queue in service hours, including those refused there"


def _waits(which: str, it: str, en: str) -> tuple[Definition, ...]:
    """The mean, the median and the percentiles of one set of waits."""
    ranks = (
        ("mean", " media ", "mean"),
        ("median", " mediana ", "median"),
        ("p90", ", 90° percentile, ", "90th percentile"),
        ("p95", ", 95° percentile, ", "95th percentile"),
    )
    counted = {"median": "50", "p90": "90", "p95": "95"}
    definitions = []
    for rank, rank_it, rank_en in ranks:
        if rank == "mean":
            text_it = f"Somma delle attese divisa per il loro numero; attese {it}, dall'ingresso in coda."
            text_en = f"Sum of the waits divided by their number; waits of {en}, from entering the queue."
        else:
            part = counted[rank]
            text_it = f"La più breve attesa non superata dal {part} % delle attese {it}, dall'ingresso in coda."
            text_en = f"The shortest wait that {part} % of the waits of {en} do not exceed, from entering the queue."
        name, title_it, title_en = f"wait_{rank}_{which}", f"Attesa{rank_it}{it}", f"Wait, {rank_en}, {en}"
        definitions.append(Definition(name, "seconds", title_it, title_en, text_it, text_en))
    return tuple(definitions)


_ALL = (
    Definition(
        "service_level",
        "share",
        "Risposte entro {within:secondo|secondi}",
        "Answered within {within:second|seconds}",
        "Chiamate che hanno avuto risposta entro {within} s dall'ingresso in coda, su tutte le chiamate offerte. "
        + _OFFERED_IT
        + ".",
        "Calls answered within {within} s of entering the queue, of all calls offered. " + _OFFERED_EN + ".",
    ),
    Definition(
        "service_level_without_short",
        "share",
        "Risposte entro {within:secondo|secondi}, senza gli abbandoni entro {short:secondo|secondi}",
        "Answered within {within:second|seconds}, without short abandons",
        "Chiamate che hanno avuto risposta entro {within} s, sulle offerte meno gli abbandoni entro {short} s.",
        "Calls answered within {within} s, of those offered less those abandoned within {short} s.",
    ),
    Definition(
        "service_level_without_early",
        "share",
        "Risposte entro {within:secondo|secondi}, senza gli abbandoni entro {within:secondo|secondi}",
        "Answered within {within:second|seconds}, without early abandons",
        "Chiamate che hanno avuto risposta entro {within} s, sulle offerte meno gli abbandoni entro {within} s.",
        "Calls answered within {within} s, of those offered less those abandoned within {within} s.",
    ),
    Definition(
        "service_level_with_early",
        "share",
        "Risposte o abbandoni entro {within:secondo|secondi}",
        "Answered or abandoned within {within:second|seconds}",
        "Chiamate con risposta, o abbandoni, entro {within} s, su tutte le chiamate offerte.",
        "Calls answered or abandoned within {within} s, of all calls offered (Asterisk's ServicelevelPerf2).",
    ),
    Definition(
        "service_level_of_answered",
        "share",
        "Risposte entro {within:secondo|secondi}, sulle sole chiamate con risposta",
        "Answered within {within:second|seconds}, of answered calls only",
        "Chiamate con risposta entro {within} s, sulle sole chiamate con risposta: nasconde chi non l'ha avuta.",
        "Calls answered within {within} s, of answered calls: hides unanswered calls (Asterisk's ServicelevelPerf).",
        publishable=False,
    ),
    Definition(
        "answer_rate",
        "share",
        "Percentuale di risposta",
        "Answer rate",
        "Chiamate con risposta, su tutte le chiamate offerte; è il «livello di servizio» delle autorità italiane. "
        + _OFFERED_IT
        + ".",
        "Calls answered, of all calls offered; Italian regulators call it livello di servizio. " + _OFFERED_EN + ".",
    ),
    Definition(
        "abandonment",
        "share",
        "Abbandoni",
        "Abandonment",
        "Chiamate in cui chi chiama ha riagganciato in coda, su tutte le chiamate offerte.",
        "Calls whose caller hung up while queueing, of all calls offered.",
    ),
    Definition(
        "abandonment_net",
        "share",
        "Abbandoni, senza quelli entro {short:secondo|secondi}",
        "Abandonment without short abandons",
        "Abbandoni dopo più di {short} s, sulle chiamate offerte meno gli abbandoni entro {short} s.",
        "Calls abandoned after more than {short} s, of those offered less those abandoned within {short} s.",
    ),
    Definition(
        "overflow",
        "share",
        "Passaggio alla casella vocale",
        "Overflow to voicemail",
        "Chiamate passate alla casella vocale (per scelta, fine dell'attesa massima, coda piena o nessuno in "
        "servizio), su tutte le chiamate offerte.",
        "Calls sent to the voicemail (by key, longest wait, full queue or no operator), of all calls offered.",
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
    *_waits("answered", "delle chiamate con risposta", "calls answered"),
    Definition(
        "handling_time",
        "seconds",
        "Tempo medio di gestione",
        "Mean handling time",
        "Conversazione più lavoro successivo, per chiamata con risposta di cui la durata è nota.",
        "Talk time plus wrap-up, per answered call of known length.",
    ),
    Definition(
        "occupancy",
        "share",
        "Occupazione del personale",
        "Occupancy",
        "Tempo di lavoro su chiamate, richiamate ed e-mail, sul tempo in postazione senza le pause.",
        "Time working on calls, call-backs and e-mails, of the time at the seat without breaks.",
    ),
    Definition(
        "on_time_email",
        "share",
        "E-mail con risposta nei tempi della Carta",
        "E-mails answered in time",
        "Delle e-mail la cui scadenza cade nel periodo, quelle con risposta entro la scadenza; "
        "senza risposta = fuori tempo.",
        "Of the e-mails whose deadline falls in the period, those answered by then; unanswered ones count as late.",
    ),
    Definition(
        "on_time_second_level",
        "share",
        "Richieste di secondo livello con risposta nei tempi della Carta",
        "Second level answered in time",
        "Delle richieste passate al secondo livello la cui scadenza cade nel periodo, quelle con risposta entro "
        "la scadenza; senza risposta = fuori tempo.",
        "Of the requests handed to the second level whose deadline falls in the period, those answered by "
        "then; unanswered ones count as late.",
    ),
    Definition(
        "on_time_callback",
        "share",
        "Richiamate fatte in tempo",
        "Call-backs made in time",
        "Dei messaggi in casella vocale la cui scadenza cade nel periodo, quelli con una richiamata entro la "
        "scadenza; senza richiamata = fuori tempo.",
        "Of the voicemail messages whose call-back is due in the period, those called back by then; "
        "those not called back count as late.",
    ),
)

# Measures of the live service only: the model has no survey, and no resolution of requests.
_LIVE = (
    Definition(
        "level_one_resolution",
        "share",
        "Risolte dal primo livello",
        "Resolved at the first level",
        "Delle richieste aperte nel periodo, quelle chiuse come risolte dal primo livello senza passare ad altri; "
        "ancora aperta = non risolta. Non vi rientrano le richieste doppie, le informazioni date dal solo menu e le "
        "telefonate non ancora classificate.",
        "Of the requests opened in the period, those closed as resolved at the first level without being passed on; "
        "open ones count as not resolved. Duplicates, information given by the menu alone, and calls that nobody has "
        "classified yet are left out.",
    ),
    Definition(
        "first_contact_declared",
        "share",
        "Risolte al primo contatto, secondo il registro",
        "Resolved at first contact, as declared",
        "Delle richieste aperte nel periodo, quelle chiuse come risolte dal primo livello con un solo contatto.",
        "Of the requests opened in the period, those closed as resolved at the first level with a single contact.",
    ),
    Definition(
        "first_contact_observed",
        "share",
        "Risolte al primo contatto, secondo le chiamate",
        "Resolved at first contact, as observed",
        "Delle chiamate con risposta nel periodo, con numero visibile, quelle dopo le quali lo stesso numero non ha "
        "chiamato di nuovo per lo stesso argomento entro 7 giorni; solo quelle i cui 7 giorni sono trascorsi.",
        "Of the calls answered in the period whose number was shown, those after which the same number did not call "
        "again about the same topic within 7 days; only calls whose 7 days have passed are counted.",
    ),
    Definition(
        "survey_score",
        "share",
        "Voti 4 e 5",
        "Grades 4 and 5",
        "Di chi ha risposto alla domanda, chi ha dato 4 o 5 su una scala da 1 a 5, o un voto altrettanto alto su "
        "un'altra scala.",
        "Of the callers who answered the question, those who gave 4 or 5 on a scale of 1 to 5, or as high a grade on "
        "another scale.",
    ),
    Definition(
        "survey_response",
        "share",
        "Tasso di risposta al questionario",
        "Response rate of the survey",
        "Chi ha risposto ad almeno una domanda, su tutte le chiamate con risposta nel periodo.",
        "Callers who answered at least one question, of all calls answered by an operator in the period.",
    ),
)

DEFINITIONS: dict[str, Definition] = {each.name: each for each in (*_ALL, *_LIVE)}
MODELLED = tuple(each.name for each in _ALL)  # measured by the simulation as well
PUBLISHED = "service_level"  # the published one of the five variants: the denominator excludes nothing
SERVICE_LEVELS = tuple(name for name in DEFINITIONS if name.startswith("service_level"))
