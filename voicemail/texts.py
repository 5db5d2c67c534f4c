"""The texts that operators read, in Italian (see `common.texts`). Codes, options and commands are the same."""

from __future__ import annotations

from common.texts import Texts

_PROGRAM = {
    "Messages of callers, and calling them back.": "I messaggi di chi ha chiamato, e come richiamare.",
    "list the call-backs, most urgent first": "elenca chi aspetta una richiamata, dal più urgente",
    "show everything about a message": "mostra tutto di un messaggio",
    "play a message on this machine": "fa ascoltare un messaggio su questo computer",
    "record in the message store what was done about a message": (
        "annota nell'archivio che cosa si è fatto di un messaggio"
    ),
    "take an entry of the list; other operators can then not take it": (
        "prende in carico una voce dell'elenco; nessun altro può più prenderla"
    ),
    "return an entry to the list unchanged": "rimette una voce nell'elenco, com'era",
    "ring your telephone, then the citizen's": "fa squillare il proprio telefono, poi quello della persona",
    "record how the call ended": "scrive com'è andata la richiamata",
    "e-mail the team leader about messages, once about each; for a timer": (
        "avvisa per e-mail chi dirige il turno dei messaggi, una volta per ognuno; per un timer"
    ),
    "transcribe messages with a speech model of yours": "trascrive i messaggi con un modello del servizio",
    "bring in messages that a crash left behind, and those that the switch recorded by itself": (
        "recupera i messaggi rimasti dopo un guasto, e quelli registrati dal solo centralino"
    ),
}

_OPTIONS = {
    "ID": "MESSAGGIO",
    "NAME": "NOME",
    "OPERATOR": "CODICE",
    "OUTCOME": "ESITO",
    "RESULT": "RISULTATO",
    "STATE": "STATO",
    "TEXT": "TESTO",
    "WHO": "CHI",
    "the name of a private switch (default: %(default)s)": "il nome di un centralino privato (se manca: %(default)s)",
    "a protocol number, or the start of a message id": "un protocollo, o l'inizio del nome di un messaggio",
    "your operator code, such as op117": "il proprio codice, per esempio op117",
    "a message id, or a unique start of it": "il nome di un messaggio, o un inizio che sia solo suo",
    "for programs": "per i programmi",
    "all messages of the store, including settled ones": "tutti i messaggi dell'archivio, anche quelli conclusi",
    "a note for the next person": "una nota per chi viene dopo",
    "who did it (default: you)": "chi lo ha fatto (se manca: chi scrive)",
    "outcome of the request when reached: resolved (default), informed, referred, withdrawn, out_of_scope": (
        "l'esito della richiesta, se reached: resolved (se manca), informed, referred, withdrawn, out_of_scope"
    ),
    "reached, and the request stays with you": "con reached, la richiesta resta a chi scrive",
}

_OUTPUT = {
    "ID|LEFT|AGE|REASON|NUMBER|SECONDS|STATE|": "MESSAGGIO|LASCIATO|DA|MOTIVO|NUMERO|SECONDI|STATO|",
    "PROTOCOL|MESSAGE|LEFT|AGE|DUE|SECONDS|TRIED|STATE|": (
        "PROTOCOLLO|MESSAGGIO|LASCIATO|DA|SCADENZA|SECONDI|TENTATIVI|STATO|"
    ),
    "answered or closed elsewhere: {reference}": "risposta data o richiesta chiusa altrove: {reference}",
    "settled in the message store: {reference}": "conclusa nell'archivio: {reference}",
    "the citizen was answered since: {reference}": "nel frattempo la persona ha avuto risposta: {reference}",
    "same number, continued as {reference}": "stesso numero, continua come {reference}",
    "reopened, waits for a call: {reference}": "riaperta, aspetta una richiamata: {reference}",
    "the opening hours have changed, next try from {reference}": (
        "l'orario di apertura è cambiato, prossimo tentativo da {reference}"
    ),
    "voicemail list: the message store alone: {refusal}": "voicemail list: il solo archivio dei messaggi: {refusal}",
    "Nobody waits for a call (`voicemail list --all`: all messages of the store).": (
        "Nessuno aspetta una richiamata (`voicemail list --all`: tutti i messaggi dell'archivio)."
    ),
    "In the message store, not yet in the registry (`registry intake`):": (
        "Nell'archivio, non ancora nel registro (`registry intake`):"
    ),
    "All messages are settled (`voicemail list --all`).": "Tutti i messaggi sono conclusi (`voicemail list --all`).",
    "There are no messages.": "Non ci sono messaggi.",
    "{state}, by {who}": "{state}, {who}",
    "{protocol}: waits; next try from {next_try_at}": "{protocol}: in attesa; prossimo tentativo da {next_try_at}",
    "{protocol}: closed, {outcome}": "{protocol}: chiusa, {outcome}",
    "{protocol}: stays with {by}": "{protocol}: resta a {by}",
    "{id}: then `voicemail mark {id} listened`": "{id}: poi `voicemail mark {id} listened`",
    "{protocol}: waits for another operator": "{protocol}: di nuovo a disposizione",
    "{protocol}: yours; {then}": "{protocol}: in carico; {then}",
    "`voicemail play {message}`, then `voicemail call {protocol} --by {who}`": (
        "`voicemail play {message}`, poi `voicemail call {protocol} --by {who}`"
    ),
    "{protocol}: ringing {seat}; lift the receiver, then the citizen is called": (
        "{protocol}: squilla {seat}; alzare la cornetta, poi si chiama la persona"
    ),
    "this does not count as an attempt; try again, or release the entry": (
        "non conta come tentativo; riprovare, o rimettere la voce nell'elenco"
    ),
    "record how it ended: voicemail outcome {protocol} {proposed} --by {by}": (
        "scrivere com'è andata: voicemail outcome {protocol} {proposed} --by {by}"
    ),
    "the citizen answered": "la persona ha risposto",
    "busy": "occupato",
    "nobody answered": "nessuna risposta",
    "the number does not exist": "il numero non esiste",
    "the call failed": "la chiamata non è riuscita",
    "your own telephone was not answered": "al proprio telefono nessuno ha risposto",
    "{when} (Rome), {age} ago": "{when} (ora italiana), {age} fa",
    "{seconds} s, {sound} s of sound": "{seconds} s, di cui con suono {sound} s",
    "{path} (erased)": "{path} (cancellato)",
    ", empty": ", vuoto",
    "empty": "vuoto",
    "in {age}": "tra {age}",
    "{age} late": "fuori tempo da {age}",
    "never": "mai",
    "no number": "senza numero",
    "not before {when}": "non prima di {when}",
    "taken by {who}": "in carico a {who}",
    "message": "messaggio",
    "left": "lasciato",
    "reason": "motivo",
    "call back": "numero",
    "length": "durata",
    "ended by": "finito con",
    "call": "chiamata",
    "audio": "voce",
    "state": "stato",
    "the line they called from": "la linea da cui ha chiamato",
    "typed by the caller": "digitato da chi ha chiamato",
    "none: listen for it": "nessuno: ascoltare se è detto a voce",
}

_REFUSALS = {
    "it is not yet time for the next attempt": "non è ancora l'ora del prossimo tentativo",
    "the service is closed ({why})": "il servizio è chiuso ({why})",
    "outside its hours": "fuori orario",
    "{reason}; possible from {possible}": "{reason}; si può da {possible}",
    "{protocol}: already called {attempts} times (callbacks.most_attempts); record the outcome": (
        "{protocol}: già {attempts:richiamata|richiamate} (callbacks.most_attempts); scrivere com'è andata"
    ),
    "{protocol}: first record how the last call ended: voicemail outcome {which} {proposed}": (
        "{protocol}: prima scrivere com'è andata l'ultima richiamata: voicemail outcome {which} {proposed}"
    ),
    "{protocol}: was closed meanwhile ({outcome}); release it: voicemail release {which}": (
        "{protocol}: nel frattempo è stata chiusa ({outcome}); lasciarla: voicemail release {which}"
    ),
    "{protocol}: has no number; listen to the message, perhaps the caller says it": (
        "{protocol}: non ha un numero; ascoltare il messaggio, forse è detto a voce"
    ),
    "{protocol}: this number cannot be called from here: {reason}": (
        "{protocol}: questo numero non si può chiamare da qui: {reason}"
    ),
    "the service never opens again, so no calls are possible; change config/service.yaml: hours": (
        "il servizio non apre mai più, e non si può richiamare; correggere config/service.yaml: hours"
    ),
    "{actor}: not logged in at a seat; first log in there (*11{code})": (
        "{actor}: non è in servizio a nessuna postazione; prima entrare in servizio (*11{code})"
    ),
    "{which}: not in the registry; `voicemail list` shows the ids, `registry intake` registers new ones": (
        "{which}: non è nel registro; `voicemail list` mostra i nomi, `registry intake` registra i nuovi"
    ),
    "{protocol}: not taken; first `voicemail take {protocol}`": (
        "{protocol}: nessuno l'ha in carico; prima `voicemail take {protocol}`"
    ),
    "{which} is not a message id; `voicemail list` shows the ids": (
        "{which} non è il nome di un messaggio; `voicemail list` mostra i nomi"
    ),
    "{which}: several messages start with this; give more of the id (`voicemail list`)": (
        "{which}: più messaggi cominciano così; scrivere una parte più lunga del nome (`voicemail list`)"
    ),
    "{protocol}: not in the call-back list; see `registry show {protocol}`": (
        "{protocol}: non è nell'elenco delle richiamate; vedere `registry show {protocol}`"
    ),
    "{protocol}: taken by {taken_by}; take another one, or ask them to release it": (
        "{protocol}: in carico a {taken_by}; prenderne un'altra, o chiedere di lasciarla"
    ),
    "{protocol}: the call-back is finished; see `registry show {protocol}`": (
        "{protocol}: la richiamata è conclusa; vedere `registry show {protocol}`"
    ),
    "first record how the call ended: voicemail outcome {which} {proposed}": (
        "prima scrivere com'è andata la richiamata: voicemail outcome {which} {proposed}"
    ),
    "outcome: {result} is not a result; use one of {choices}": (
        "outcome: {result} non è un risultato; scegliere tra {choices}"
    ),
    "outcome: {outcome} is not an outcome; use one of {choices}": (
        "outcome: {outcome} non è un esito; scegliere tra {choices}"
    ),
    "outcome: --as and --keep need the result reached, not {result}; leave them out": (
        "outcome: --as e --keep valgono solo con reached, non con {result}; toglierli"
    ),
    "{name} is not installed; pip install 'numero-unico-lavoro[desk]'": (
        "{name} non è installato; pip install 'numero-unico-lavoro[desk]'"
    ),
    "{id}: is request {protocol} in the registry, which decides its state: "
    "`voicemail outcome {protocol} RESULT --by OPERATOR`, or `registry close`, `registry reopen`": (
        "{id}: nel registro è la richiesta {protocol}, che ne decide lo stato: "
        "`voicemail outcome {protocol} RISULTATO --by CODICE`, o `registry close`, `registry reopen`"
    ),
    "{path}: does not exist; the sound of old messages is erased": (
        "{path}: non c'è; la voce dei vecchi messaggi si cancella"
    ),
    "no player on this machine ({names}); install one, or copy and play {path}": (
        "su questo computer non c'è un programma per ascoltare ({names}); installarne uno, o copiare e ascoltare {path}"
    ),
    "{state} is not a state; use one of {choices}": "{state} non è uno stato; scegliere tra {choices}",
    " by {who} at {time}": ", {who}, {time}",
    "none": "nessuno",
    "{id}: is {state}{since}; {next} cannot follow, only: {allowed}": (
        "{id}: è {state}{since}; dopo non può venire {next}, solo: {allowed}"
    ),
    "{path}: {problem}; the sound, if any, is in the same folder": (
        "{path}: {problem}; la voce, se c'è, è nella stessa cartella"
    ),
    "no message {id}; `voicemail list --all` shows all messages": (
        "nessun messaggio {id}; `voicemail list --all` li mostra tutti"
    ),
    "{count} messages start with {prefix}: {some}; give more of the id": (
        "{count} messaggi cominciano con {prefix}: {some}; scrivere una parte più lunga del nome"
    ),
}

translate = Texts({**_PROGRAM, **_OPTIONS, **_OUTPUT, **_REFUSALS})
