"""E-mail to the team leader: a message has arrived, a message waits past its due date. No personal data.

A timer sends these letters, never a call. What a letter reports is recorded (`notified`) before the letter is sent. If
the mail server refuses it, the record is deleted and the next run tries again. So a letter is sent twice only if the
server accepts it and does not answer in time. A letter is lost only if the process dies between record and sending; its
message is then reported by the overdue letter or the metric. No transaction is open while the mail server is contacted,
so that others can write.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
import time
from collections.abc import Sequence
from email.message import EmailMessage
from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, insert, or_, select, text

from common.command_line import Refusal
from common.terminal_table import format_age
from ivr.configuration.compiled_types import Notification
from registry.db.connection import Database
from registry.site import Site
from voicemail.callback.worklist import Entry, is_untouched, list_entries
from voicemail.tables import notified

SECONDS = 20.0  # for each step of the conversation with the mail server
_SUBJECTS = {"new": "{count} nuovi messaggi nella casella vocale", "untouched": "{count} messaggi oltre la scadenza"}
_SUBJECTS_OF_ONE = {"new": "un nuovo messaggio nella casella vocale", "untouched": "un messaggio oltre la scadenza"}


class Letter(NamedTuple):
    """A letter, and the messages that it reports."""

    kind: str  # new | untouched
    messages: tuple[str, ...]
    subject: str
    text: str


def send_due(site: Site, now: float) -> list[str]:
    """Send the due letters, if `notification` is configured; return their subjects.

    Raises `Refusal`; the next run sends the rest.
    """
    settings = site.compiled["service"]["notification"]
    if settings is None:
        return []
    with site.database.read() as connection:
        letters = due_letters(connection, now)
    return [letter.subject for letter in letters if deliver(site.database, settings, letter, now)]


def due_letters(connection: Connection, now: float) -> list[Letter]:
    """Return the letters about messages that have not been reported yet."""
    entries = list_entries(connection)
    ids = [id for entry in entries for id in entry.messages]
    rows = connection.execute(select(notified.c.what, notified.c.message_id).where(notified.c.message_id.in_(ids)))
    reported = {(row.what, row.message_id) for row in rows}
    late = [entry for entry in entries if is_untouched(entry) and entry.due_at is not None and entry.due_at < now]
    letters = []
    for kind, candidates in (("new", entries), ("untouched", late)):
        fresh = [entry for entry in candidates if any((kind, id) not in reported for id in entry.messages)]
        messages = tuple(id for entry in fresh for id in entry.messages if (kind, id) not in reported)
        if messages:
            letters.append(_letter(kind, messages, fresh, now))
    return letters


def _letter(kind: str, messages: tuple[str, ...], entries: Sequence[Entry], now: float) -> Letter:
    """Write a letter of ids, ages and counts. Details are in the work list, for those who may read them."""
    lines = [
        f"{id}   da {_italian(format_age(now - entry.left_at))}"
        for entry in entries
        for id in entry.messages
        if id in messages
    ]
    subject = (_SUBJECTS_OF_ONE if len(messages) == 1 else _SUBJECTS)[kind].format(count=len(messages))
    text = f"In attesa di richiamata: {subject}.\n\n" + "\n".join(lines) + "\n\nElenco: voicemail list\n"
    return Letter(kind, messages, f"Numero Unico: {subject}", text)


def _italian(age: str) -> str:
    return age.replace(" d ", " g ")


def deliver(database: Database, settings: Notification, letter: Letter, now: float) -> bool:
    """Send one letter; return False if another run has reported some of its messages meanwhile.

    Raises `Refusal` if the mail server does not accept it.
    """
    recorded = or_(*(and_(notified.c.what == letter.kind, notified.c.message_id == id) for id in letter.messages))
    with database.begin() as connection:
        # Every run takes this lock first: of two runs, one waits and then finds the rows of the other.
        if connection.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE notified IN SHARE ROW EXCLUSIVE MODE"))
        if connection.execute(select(notified.c.at).where(recorded).limit(1)).first() is not None:
            return False
        rows = [{"what": letter.kind, "message_id": id, "at": now} for id in letter.messages]
        connection.execute(insert(notified), rows)
    try:
        send(settings, letter)
    except Refusal:
        with database.begin() as connection:
            connection.execute(delete(notified).where(recorded))
        raise
    return True


def send(settings: Notification, letter: Letter, seconds: float = SECONDS) -> None:
    """Send a letter by SMTP, every step within `seconds`. Raises `Refusal` with the answer of the server."""
    where = f"mail server {settings['smtp_host']}:{settings['smtp_port']}"
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings["from"], settings["to"], letter.subject
    message["Date"] = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    try:
        with smtplib.SMTP(settings["smtp_host"], settings["smtp_port"], timeout=seconds) as server:
            if settings["starttls"]:
                server.starttls(context=ssl.create_default_context())
            server.send_message(message)
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()  # the letter is accepted; an error now does not matter
    except smtplib.SMTPRecipientsRefused as problem:
        code, answer = next(iter(problem.recipients.values()))
        detail = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
        raise Refusal(
            f"{where}: does not accept mail for {settings['to']} ({code} {detail}); the next run tries again"
        ) from None
    except smtplib.SMTPNotSupportedError as problem:
        raise Refusal(f"{where}: {problem}; if it needs no TLS, set notification.starttls to false") from None
    except ssl.SSLError as problem:
        raise Refusal(f"{where}: its certificate is not trusted ({problem.reason}); nothing was sent") from None
    except (smtplib.SMTPException, OSError) as problem:
        raise Refusal(f"{where}: {problem}; is it running? The next run tries again") from None
