"""E-mail to the team leader's box: a message has come, a message waits beyond its promise. Numbers only, nobody's data.

Sent by a timer, never by a call. What is told is a row (`notified`) before the letter leaves, and is no longer one
when the mail server does not take it: then it goes with the next run. So a letter never goes twice, unless the server
takes it and does not say so in time; one that a crash met between row and letter is not sent, and the promise's own
letter, or the metric's alarm, tells of its message later. No transaction is open while the server is spoken to:
others write.
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
from voicemail.callback.worklist import Entry, entries, untouched
from voicemail.tables import notified

SECONDS = 20.0  # for each step of the conversation with the mail server
SENT = notified
_SUBJECT = {"new": "{count} nuovi messaggi in segreteria", "untouched": "{count} messaggi oltre il termine"}
_ONE = {"new": "un nuovo messaggio in segreteria", "untouched": "un messaggio oltre il termine"}


class Letter(NamedTuple):
    """What is to be told, and of which messages."""

    what: str  # new | untouched
    messages: tuple[str, ...]
    subject: str
    text: str


def due(connection: Connection, now: float) -> list[Letter]:
    """What nobody has been told yet."""
    found = entries(connection)
    ids = [id for each in found for id in each.messages]
    rows = connection.execute(select(SENT.c.what, SENT.c.message_id).where(SENT.c.message_id.in_(ids)))
    told = {(row.what, row.message_id) for row in rows}
    late = [each for each in found if untouched(each) and each.due_at is not None and each.due_at < now]
    letters = []
    for what, those in (("new", found), ("untouched", late)):
        fresh = [each for each in those if any((what, id) not in told for id in each.messages)]
        messages = tuple(id for each in fresh for id in each.messages if (what, id) not in told)
        if messages:
            letters.append(_letter(what, messages, fresh, now))
    return letters


def _letter(what: str, messages: tuple[str, ...], those: Sequence[Entry], now: float) -> Letter:
    """Ids, ages and counts: whoever may know more looks at the work list."""
    lines = [
        f"{id}   da {_it(format_age(now - each.left_at))}" for each in those for id in each.messages if id in messages
    ]
    subject = (_ONE if len(messages) == 1 else _SUBJECT)[what].format(count=len(messages))
    text = f"In attesa di richiamata: {subject}.\n\n" + "\n".join(lines) + "\n\nElenco: voicemail list\n"
    return Letter(what, messages, f"Numero Unico: {subject}", text)


def _it(text: str) -> str:
    return text.replace(" d ", " g ")


def deliver(database: Database, settings: Notification, letter: Letter, now: float) -> bool:
    """Send one letter; False when another run has told some of it meanwhile. Raises `Refusal` when the server does not
    take it."""
    mine = or_(*(and_(SENT.c.what == letter.what, SENT.c.message_id == id) for id in letter.messages))
    with database.begin() as connection:
        # Both ask for the same lock first, so that of two runs one waits and then finds the other's rows.
        if connection.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE notified IN SHARE ROW EXCLUSIVE MODE"))
        if connection.execute(select(SENT.c.at).where(mine).limit(1)).first() is not None:
            return False
        connection.execute(insert(SENT), [{"what": letter.what, "message_id": id, "at": now} for id in letter.messages])
    try:
        send(settings, letter)
    except Refusal:
        with database.begin() as connection:
            connection.execute(delete(SENT).where(mine))
        raise
    return True


def send(settings: Notification, letter: Letter, seconds: float = SECONDS) -> None:
    """By SMTP, every step within `seconds`. Raises `Refusal`, which says what the server said."""
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
                server.quit()  # the letter is taken: what is said at parting does not matter
    except smtplib.SMTPRecipientsRefused as problem:
        code, said = next(iter(problem.recipients.values()))
        text = said.decode(errors="replace") if isinstance(said, bytes) else said
        raise Refusal(f"{where}: does not take mail for {settings['to']} ({code} {text}); it is tried again") from None
    except smtplib.SMTPNotSupportedError as problem:
        raise Refusal(f"{where}: {problem}; set notification.starttls to false if it needs none") from None
    except ssl.SSLError as problem:
        raise Refusal(f"{where}: its certificate is not trusted ({problem.reason}); nothing was sent") from None
    except (smtplib.SMTPException, OSError) as problem:
        raise Refusal(f"{where}: {problem}; is it up? It is tried again at the next run") from None
