"""The texts that operators read, in Italian (see `common.texts`). Codes, options and commands are the same."""

from __future__ import annotations

from common import parser
from common.texts import Texts

_PROGRAM = {
    "Every request has a number, a clock and an end.": "Ogni richiesta ha un numero, un orologio e una fine.",
    "list the open requests, oldest first": "elenca le richieste aperte, dalla più vecchia",
    "list what falls due, the oldest date first, and requests that wait for too long": (
        "elenca ciò che scade, dal più urgente, e le richieste che aspettano da troppo"
    ),
    "show a request: its state, its history, the arithmetic of its clocks": (
        "mostra una richiesta: lo stato, la storia, il calcolo delle scadenze"
    ),
    "open a request by hand": "apre una richiesta a mano",
    "take a request that nobody has; if two people try, one gets it and the other is refused": (
        "prende una richiesta che nessuno ha; se ci provano in due, una sola persona la ottiene"
    ),
    "give a request to an operator; it is in progress from then on": (
        "affida una richiesta a chi se ne occuperà; da quel momento è in lavorazione"
    ),
    "put a request back, so that anybody may take it": "rimette a disposizione una richiesta: chiunque può prenderla",
    "record that the citizen has the answer; the request's clocks stop": (
        "annota che la persona ha avuto la risposta; gli orologi della richiesta finiscono"
    ),
    "record that the citizen has to do something first; the request's clocks stand still": (
        "annota che ora tocca alla persona; gli orologi della richiesta si fermano"
    ),
    "record that the citizen has done it; the request's clocks continue": (
        "annota che la persona ha fatto la sua parte; gli orologi della richiesta ripartono"
    ),
    "pass a request to the next level; at the second level the Carta allows ten days": (
        "passa una richiesta al livello superiore; al secondo la Carta dà dieci giorni"
    ),
    "send a request back to the level that it came from; the second level's promise stays": (
        "rimanda una richiesta al livello da cui viene; la promessa del secondo livello resta"
    ),
    "pass a request to a job centre; it stays open until somebody closes it": (
        "passa una richiesta a un centro per l'impiego; resta aperta finché qualcuno la chiude"
    ),
    "end a request, with its outcome": "chiude una richiesta con il suo esito",
    "open a request again, with another clock": "riapre una richiesta, con un altro orologio",
    "close a request as a duplicate of another one": "chiude una richiesta come copia di un'altra",
    "set what a request was about: topic, audience, outcome, level; answered calls wait for it": (
        "classifica una richiesta: argomento, chi chiede, esito, livello; le chiamate con risposta lo aspettano"
    ),
    "count requests: opened, open, answered in time": "conta le richieste: arrivate, aperte, con risposta nei tempi",
    "list the job centres, or import them from a CSV file": (
        "elenca i centri per l'impiego, o li carica da un file CSV"
    ),
    "list the actions on a request, and when each is possible": (
        "elenca che cosa si può fare di una richiesta, e quando"
    ),
    "create the keys and the tables, and copy topics and promises from the configuration": (
        "crea chiavi e tabelle, e copia argomenti e promesse dalla configurazione"
    ),
    "bring the tables to this program's revision, after a backup": (
        "aggiorna le tabelle a questa versione del programma, dopo una copia"
    ),
    "copy the database while it is in use, and check the copy": (
        "copia la base dati mentre è in uso, e controlla la copia"
    ),
    "restore the newest backup into a scratch database, and check it": (
        "ripristina la copia più recente in una base dati di prova, e la controlla"
    ),
    "replace the database with a backup": "sostituisce la base dati con una copia",
    "open requests from what happened on the calls": "apre le richieste da ciò che è successo nelle chiamate",
    "list everything that is held about a person, wherever it is stored": (
        "elenca tutto ciò che si conserva di una persona, ovunque sia"
    ),
    "copy everything that is held about a person, for that person": (
        "copia tutto ciò che si conserva di una persona, per consegnarglielo"
    ),
    "erase a person's data everywhere; the figures stay": "cancella ovunque i dati di una persona; le cifre restano",
    "delete data past its retention period; run it daily": (
        "cancella i dati oltre il tempo di conservazione; va eseguito ogni giorno"
    ),
}

_OPTIONS = {
    "LETTERS": "SIGLA",
    "TIME": "ORA",
    "CODE": "CODICE",
    "a topic of the menu, such as DID or ADR": "un argomento del menu, per esempio DID o ADR",
    "the level that answered": "il livello che ha risposto",
    "a note for the next person; erased with the contact": (
        "una nota per chi viene dopo; si cancella con i dati della persona"
    ),
    "refuse if the request has another version by now": "rifiuta se nel frattempo la richiesta ha un'altra versione",
    "only what falls due within this many hours": "solo ciò che scade entro queste ore",
    "only what is late already": "solo ciò che è già fuori tempo",
    "closed requests as well": "anche le richieste chiuse",
    "repeatable": "si può ripetere",
    "only the requests of this operator, such as op117": "solo le richieste di questo codice, per esempio op117",
    "only the requests that began with this call": "solo le richieste nate da questa chiamata",
    "only answered calls that nobody has classified": "solo le chiamate con risposta che nessuno ha classificato",
    "import a CSV file: codice, nome, provincia, ...": "carica un file CSV: codice, nome, provincia, ...",
    "only the job centres of this province": "solo i centri per l'impiego di questa provincia",
    "who asks (only if a later answer needs it)": "chi chiede (solo se serve per rispondere più tardi)",
    "how it arrived (default: phone)": "come è arrivata (se manca: phone)",
    "the kind of person who asks (default: other)": "la categoria di chi chiede (se manca: other)",
    "when it arrived, if not now: '2026-11-21 10:30'; its clock starts then": (
        "quando è arrivata, se non ora: '2026-11-21 10:30'; l'orologio parte da lì"
    ),
    "the call that it began with, by its id in the facts": "la chiamata da cui è nata, con il suo nome nei fatti",
    "what is asked; erased with the contact": "che cosa si chiede; si cancella con i dati della persona",
    "close it at once, with an outcome such as informed": "la chiude subito, con un esito, per esempio informed",
    "default: citizen": "se manca: citizen",
    "codice fiscale; only with --practice": "codice fiscale; solo insieme a --practice",
    "the practice that the codice fiscale is needed for": "la pratica per cui serve il codice fiscale",
    "two letters": "due lettere",
    "when it happened, if not now: '2026-11-21 10:30'": "quando è successo, se non ora: '2026-11-21 10:30'",
    "the new owner, such as op118": "il codice di chi se ne occuperà, per esempio op118",
    "a job centre of `registry offices`": "un centro per l'impiego di `registry offices`",
    "the original request": "la richiesta di cui è la copia",
    "the request's protocol number, in any spelling": "il protocollo della richiesta, scritto in qualunque modo",
    "who does it: an operator's code, such as op117": "chi lo fa: il proprio codice, per esempio op117",
    "print JSON, for programs": "scrive JSON, per i programmi",
    "list at most N requests (default: {number} on a terminal; all of them in a file, a pipe or JSON)": (
        "elenca al più N richieste (se manca: {number} sullo schermo; tutte in un file o in JSON)"
    ),
    "show who asked, and the notes; needs --by and --why": "mostra chi ha chiesto e le note; vuole --by e --why",
    "who looks: an operator's code, such as op117": "chi guarda: il proprio codice, per esempio op117",
    "the reason, for the log of accesses": "il motivo, per il registro degli accessi",
    "first day (default: of this month)": "primo giorno (se manca: il primo di questo mese)",
    "last day (default: today)": "ultimo giorno (se manca: oggi)",
    "print a state diagram in Mermaid's language": "scrive il diagramma degli stati per Mermaid",
}

_OUTPUT = {
    "DUE||PROMISE|NUMBER|TOPIC|LEVEL|STATE|WHO": "SCADENZA||PROMESSA|PROTOCOLLO|ARGOMENTO|LIVELLO|STATO|CHI",
    "NUMBER|OPENED|AGE|CHANNEL|TOPIC|LEVEL|STATE|WHO|DUE": (
        "PROTOCOLLO|APERTA|DA|CANALE|ARGOMENTO|LIVELLO|STATO|CHI|SCADENZA"
    ),
    "CODE|PROVINCE|NAME|TELEPHONE|E-MAIL": "CODICE|PROVINCIA|NOME|TELEFONO|E-MAIL",
    "ACTION|FROM|AT LEVEL|TO|NEEDS": "AZIONE|DA|AL LIVELLO|A|SERVE",
    "STATE|LEVEL|REQUESTS": "STATO|LIVELLO|RICHIESTE",
    "CHANNEL|TOPIC|REQUESTS": "CANALE|ARGOMENTO|RICHIESTE",
    "OUTCOME|REQUESTS": "ESITO|RICHIESTE",
    "in {age}": "tra {age}",
    "late by {age}": "fuori tempo da {age}",
    "Nothing is late.": "Nulla è fuori tempo.",
    "Nothing falls due.": "Nulla è in scadenza.",
    "waits": "sospesa",
    "No request is open.": "Nessuna richiesta è aperta.",
    "No such request.": "Nessuna richiesta corrisponde.",
    "registry {command}: {more} more: use --limit": "registry {command}: ce ne sono {more:altra|altre}: usare --limit",
    "{file}: {new} new, {changed} changed, {same} unchanged": (
        "{file}: righe nuove {new}, cambiate {changed}, uguali {same}"
    ),
    "No job centre is known; import the client's list with `registry offices --import FILE`.": (
        "Non c'è nessun centro per l'impiego; si caricano con `registry offices --import FILE`."
    ),
    "to dictate: {dictated}": "da dettare: {dictated}",
    "{state}, level {level}": "{state}, livello {level}",
    "{state}, level {level}, version {version}": "{state}, livello {level}, versione {version}",
    " level {number}": " livello {number}",
    "version {number}": "versione {number}",
    "answered, not classified": "con risposta, non classificata",
    "{who} has it": "se ne occupa {who}",
    "at {office}": "presso {office}",
    "due {when}": "scadenza: {when}",
    "{state} of {original}": "{state} di {original}",
    "nobody": "nessuno",
    "nobody has it; queue {queue}": "nessuno; in attesa presso {queue}",
    "{topic}, {audience}, by {channel}": "{topic}, {audience}, canale {channel}",
    "{action} by {actor} -> {state}{level}": "{action}, {actor} -> {state}{level}",
    "none": "nessuno",
    "(erased)": "(cancellata)",
    "request": "richiesta",
    "state": "stato",
    "about": "su",
    "who": "chi",
    "centre": "centro",
    "call": "chiamata",
    "opened": "aperta",
    "answered": "risposta",
    "closed": "chiusa",
    "possible": "si può",
    "duplicates": "copie",
    "history": "storia",
    "clock": "orologio",
    "note": "nota",
    "kind": "categoria",
    "name": "nome",
    "email": "e-mail",
    "phone": "telefono",
    "tax_code": "cod. fisc.",
    "practice": "pratica",
    "province": "provincia",
    "Open now: {count}": "Aperte ora: {count}",
    "  late: {count}, by {mean} on average, {worst} at worst": (
        "  fuori tempo: {count}, in media da {mean}, al massimo da {worst}"
    ),
    "Opened {period}: {count}": "Aperte {period}: {count}",
    "  not classified: {count}; their topic is what the caller chose in the menu": (
        "  non classificate: {count}; il loro argomento è quello scelto nel menu da chi ha chiamato"
    ),
    "Closed {period}: {count}": "Chiuse {period}: {count}",
    "In time, of what fell due {period}:": "Nei tempi, di ciò che scadeva {period}:",
    "{part} of {whole}": "{part} su {whole}",
}

_REFUSALS = {
    "{file}: {strerror}; name a CSV file that can be read": "{file}: {strerror}; indicare un file CSV leggibile",
    "--call: this call has the request {protocol} ({state}); act on that one, or `registry reopen` it": (
        "--call: questa chiamata ha la richiesta {protocol} ({state}); lavorare su quella, o riaprirla con"
        " `registry reopen`"
    ),
    "--person: access to personal data is logged; add --by op117 --why 'the reason'": (
        "--person: chi guarda i dati di una persona resta scritto; aggiungere --by op117 --why 'il motivo'"
    ),
    "--from: {first} is after --to, {last}; swap them": "--from: {first} viene dopo --to, {last}; scambiarli",
    "a codice fiscale is stored only for a practice: name it with --practice, or leave the code out": (
        "un codice fiscale si conserva solo per una pratica: indicarla con --practice, o togliere il codice"
    ),
    "e-mail: {typed} is not an address; write it like anna.rossi@example.it": (
        "e-mail: {typed} non è un indirizzo; scriverlo come anna.rossi@example.it"
    ),
    "telephone: {typed} is not a number; write it like 06 1234567 or +39 333 1234567": (
        "telefono: {typed} non è un numero; scriverlo come 06 1234567 o +39 333 1234567"
    ),
    "who asked is no longer known: that person's data was erased": (
        "non si sa più chi ha chiesto: i dati della persona sono stati cancellati"
    ),
    "codice fiscale: a letter or digit is wrong; read it from the card again": (
        "codice fiscale: una lettera o una cifra è sbagliata; rileggerlo dalla tessera"
    ),
    "{typed} is not a day; write it like 2026-01-31": "{typed} non è un giorno; scriverlo come 2026-01-31",
    "{file}: line {number}: no rows below the column names; is it the right file?": (
        "{file}: riga {number}: sotto i nomi delle colonne non c'è nulla; è il file giusto?"
    ),
    "{file}: over {size} MB, too much for job centres; is it the right file?": (
        "{file}: più di {size} MB, troppi per i centri per l'impiego; è il file giusto?"
    ),
    "{file}: no column named {choices}; the first line must name it": (
        "{file}: manca la colonna {choices}; la prima riga deve nominarla"
    ),
    "{column} is empty; fill it in": "{column}: manca; scriverlo",
    "valido_al: {last} is before valido_dal, {first}; correct one of them": (
        "valido_al: {last} viene prima di valido_dal, {first}; correggere l'uno o l'altro"
    ),
    "office: no job centre has the code {code}; `registry offices` lists them": (
        "office: nessun centro per l'impiego ha il codice {code}; `registry offices` li elenca"
    ),
    "office: the job centre {code} is not open on {day}; `registry offices` lists those that are": (
        "office: il centro per l'impiego {code} non è aperto nel giorno {day}; `registry offices` elenca quelli aperti"
    ),
    "{file}: line {number}: {code} is in line {other} already, with other data; keep one": (
        "{file}: riga {number}: {code} c'è già alla riga {other}, con altri dati; tenerne una"
    ),
    "{file}: not a text file; save the table as CSV in UTF-8": (
        "{file}: non è un file di testo; salvare la tabella come CSV in UTF-8"
    ),
    "{file}: line {number}: {problem}; check the quotation marks": (
        "{file}: riga {number}: {problem}; controllare le virgolette"
    ),
    "{file}: two columns are named {column}; delete one of them": (
        "{file}: due colonne si chiamano {column}; toglierne una"
    ),
    "{file}: and {more} more": "{file}: e ancora {more:altra|altre}",
    "nothing was imported; correct these lines:": "non è stato caricato nulla; correggere queste righe:",
    "more cells than the {count} named columns; put quotation marks around commas": (
        "più celle delle colonne nominate ({count}); mettere tra virgolette il testo con la virgola"
    ),
    "{file}: line {number}: {problem}": "{file}: riga {number}: {problem}",
    "{what}: {typed} is not a province; write its two letters, such as RM{hint}": (
        "{what}: {typed} non è una provincia; scrivere le due lettere, per esempio RM{hint}"
    ),
    "{action} by {actor} on {day} at {time}": "{action}, {actor}, {day} alle ore {time}",
    "{protocol}: has changed meanwhile: {latest}; it is {state} at level {level}, version {version};"
    " look at it again, possible now: {actions}": (
        "{protocol}: nel frattempo è cambiata: {latest}; ora è {state} al livello {level}, versione {version};"
        " guardarla di nuovo, ora si può: {actions}"
    ),
    "at: {time} is in the future; give the time when it happened": (
        "at: {time} è nel futuro; indicare quando è successo"
    ),
    "at: {time} is before the last action on {protocol} ({latest})": (
        "at: {time} viene prima dell'ultima azione su {protocol} ({latest})"
    ),
    "{action}: does not take {choices}; leave it out": "{action}: non vuole {choices}; toglierlo",
    "{action}: give the new owner: --to op118": "{action}: indicare chi se ne occuperà: --to op118",
    "{action}: give the outcome: --outcome resolved": "{action}: indicare l'esito: --outcome resolved",
    "{action}: give the job centre: --office CODE": "{action}: indicare il centro per l'impiego: --office CODICE",
    "{action}: give the original request: --into PROTOCOL": (
        "{action}: indicare la richiesta di cui è la copia: --into PROTOCOLLO"
    ),
    "{protocol}: cannot be a duplicate of itself; name the other request with --into": (
        "{protocol}: non può essere la copia di sé stessa; indicare l'altra richiesta con --into"
    ),
    "{protocol}: is a duplicate itself; merge into {instead}": "{protocol}: è già una copia; unire a {instead}",
    "{protocol}: {problem} (last: {latest})": "{protocol}: {problem} (ultima azione: {latest})",
    "{action} is not possible: {reason}; possible now: {actions}": (
        "{action} non è possibile: {reason}; ora si può: {actions}"
    ),
    "the request is {state} at level {level}": "la richiesta è {state} al livello {level}",
    "the third level is switched off (service.yaml: registry.third_level)": (
        "il terzo livello è spento (service.yaml: registry.third_level)"
    ),
    "classify: nothing to set; give --topic, --audience, --outcome or --level": (
        "classify: non c'è nulla da classificare; indicare --topic, --audience, --outcome o --level"
    ),
    "outcome: {protocol} is {state}; `registry close` ends it with an outcome": (
        "outcome: {protocol} è {state}; `registry close` la chiude con un esito"
    ),
    "outcome: {protocol} is a duplicate; classify the request that it was merged into": (
        "outcome: {protocol} è una copia; classificare la richiesta a cui è unita"
    ),
    "level: {protocol} is {state}; `registry escalate` and `return` move it": (
        "level: {protocol} è {state}; la spostano `registry escalate` e `return`"
    ),
    "arrived: {at} is in the future; give the time when it reached the service": (
        "arrived: {at} è nel futuro; indicare quando è arrivata al servizio"
    ),
    "arrived: {at} is before the service began ({began}); correct the year": (
        "arrived: {at} è prima dell'inizio del servizio ({began}); correggere l'anno"
    ),
    "none yet": "ancora nessuno",
    "it is not a number in international form": "non è un numero in forma internazionale",
    "no such number exists": "nessun numero è fatto così",
    "its country is {country}, and callbacks.countries has only {choices}": (
        "è di un altro Paese ({country}), e callbacks.countries ha solo {choices}"
    ),
    "unknown": "non si sa quale",
    "it is a special number (premium rate, shared cost, service)": (
        "è un numero speciale (a pagamento, a costo condiviso, di servizio)"
    ),
    "topic: {topic} is not a topic; the topics are {choices}": (
        "topic: {topic} non è un argomento; gli argomenti sono {choices}"
    ),
    "a protocol number looks like {number}": "un protocollo è fatto così: {number}",
    "too long for a protocol number ({count} characters); {example}": (
        "troppo lungo per un protocollo ({count:carattere|caratteri}); {example}"
    ),
    '"{shown}" is not a protocol number: {example}; NUL may be left out': (
        '"{shown}" non è un protocollo: {example}; NUL si può omettere'
    ),
    '"{shown}" is too short: year, number and check digit are all needed; {example}': (
        '"{shown}" è troppo corto: servono anno, numero e cifra di controllo; {example}'
    ),
    '"{shown}" does not begin with a year of the service; {example}': (
        '"{shown}" non comincia con un anno del servizio; {example}'
    ),
    '"{shown}": a digit is wrong or two are exchanged; check it, or ask for it again': (
        '"{shown}": una cifra è sbagliata o due sono scambiate; controllarlo, o chiederlo di nuovo'
    ),
    '"{shown}": no request can have that number; {example}': (
        '"{shown}": nessuna richiesta può avere questo numero; {example}'
    ),
    "{name}: no request has that number; check the service and the year": (
        "{name}: nessuna richiesta ha questo numero; controllare il servizio e l'anno"
    ),
    "outcome: a duplicate is merged, not closed: `registry merge NUMBER --into ORIGINAL`": (
        "outcome: una copia si unisce, non si chiude: `registry merge PROTOCOLLO --into ORIGINALE`"
    ),
    "{value} is not an operator code; write op and the number, such as op117, never a name": (
        "{value} non è un codice; scrivere op e il numero, per esempio op117, mai un nome"
    ),
    "{what}: empty; write it, or leave it out": "{what}: vuoto; scriverlo, o toglierlo",
    "{what}: {count} characters; shorten it to {longest}, keep the rest elsewhere": (
        "{what}: {count:carattere|caratteri}; accorciare a {longest}, il resto va tenuto altrove"
    ),
    "{what}: contains <{strange}>, which is not a text character; remove it": (
        "{what}: contiene <{strange}>, che non è un carattere di testo; toglierlo"
    ),
    "{what}: {value}: contains control characters; write it in one line of plain text": (
        "{what}: {value}: contiene caratteri di controllo; scrivere una sola riga di testo"
    ),
    "{what}: {value} is not a valid code; use only letters, digits and _ . : -": (
        "{what}: {value} non è un codice valido; usare solo lettere, cifre e _ . : -"
    ),
    "{what}: {value} is not valid; use one of {choices}": "{what}: {value} non è valido; scegliere tra {choices}",
}

translate = Texts({**parser.translate.italian, **_PROGRAM, **_OPTIONS, **_OUTPUT, **_REFUSALS})
