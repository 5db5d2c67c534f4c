"""Letters to the team leader: their content, each sent once, and mail servers that refuse them."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from prometheus_client import CollectorRegistry, generate_latest

from common.command_line import Refusal
from common.ports import free_ports
from ivr.configuration.compiled_types import Notification
from tests.conftest import rome
from tests.voicemail.work import ROME, Work
from voicemail.callback import letters
from voicemail.callback.metrics import WorkListMetrics
from voicemail.tables import notified

NIGHT = rome("2026-11-23 22:00")
MORNING = rome("2026-11-24 09:30")
LATE = rome("2026-11-24 18:30")  # the promise is nine hours of service


class Box:
    """A mailbox on loopback; keeps the letters that it accepts."""

    def __init__(self) -> None:
        self.letters: list[Any] = []
        self.answer = "250 OK"
        self.recipient = "250 OK"
        self.quit_answer = "221 Bye"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return self.quit_answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            self.letters.append(message_from_bytes(envelope.content, policy=default))
        return self.answer


class Mail:
    """The mailbox, and the settings for it."""

    def __init__(self) -> None:
        self.box = Box()
        (self.port,) = free_ports(1, "tcp")
        self._controller: Controller | None = None

    def start(self, **how: Any) -> None:
        self._controller = Controller(self.box, hostname="127.0.0.1", port=self.port, **how)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def settings(self, *, starttls: bool = False) -> Notification:
        return {
            "to": "capoturno@example.it", "from": "nul@example.it",
            "smtp_host": "127.0.0.1", "smtp_port": self.port, "starttls": starttls,
        }  # fmt: skip


@pytest.fixture
def mail() -> Iterator[Mail]:
    made = Mail()
    made.start()
    yield made
    made.stop()


def run(work: Work, mail: Mail, now: float, *, starttls: bool = False) -> list[str]:
    work.compiled["service"]["notification"] = mail.settings(starttls=starttls)
    return letters.send_due(work.site, now)


def test_a_letter_has_ids_ages_and_counts_but_no_personal_data(work: Work, mail: Mail) -> None:
    first, second = work.message(NIGHT), work.message(NIGHT + 3600, "+390287654321")
    assert run(work, mail, MORNING) == ["Numero Unico: 2 nuovi messaggi nella casella vocale"]
    (letter,) = mail.box.letters
    assert (letter["To"], letter["From"]) == ("capoturno@example.it", "nul@example.it")
    text = letter.get_content()
    for message, age in ((first, "11 h 30 min"), (second, "10 h 30 min")):
        assert f"{message.id}   da {age}" in text
    for hidden in (ROME, ROME[3:], "1.1", work.request(first).contact_id or "?"):
        assert hidden not in str(letter)


def test_each_message_is_reported_once_as_new_and_once_as_late(work: Work, mail: Mail) -> None:
    work.message(NIGHT)
    assert len(run(work, mail, MORNING)) == 1
    assert run(work, mail, MORNING + 60) == []
    work.message(MORNING + 60, "+390287654321")
    assert run(work, mail, MORNING + 120) == ["Numero Unico: un nuovo messaggio nella casella vocale"]
    assert run(work, mail, LATE) == ["Numero Unico: un messaggio oltre la scadenza"]
    assert run(work, mail, LATE + 60) == []
    assert len(mail.box.letters) == 3


def test_a_taken_message_is_not_reported_as_late(work: Work, mail: Mail) -> None:
    message = work.message(NIGHT)
    run(work, mail, MORNING)
    work.take(message.id, MORNING)
    assert run(work, mail, LATE) == []


@pytest.mark.parametrize(
    ("answer", "recipient", "said"),
    [
        ("452 4.2.2 Mailbox full", "250 OK", "452"),
        (
            "250 OK",
            "552 5.2.2 Mailbox full",
            r"does not accept mail for capoturno@example.it \(552 5.2.2 Mailbox full\)",
        ),
    ],
)
def test_a_full_mailbox_is_reported_and_the_next_run_sends_the_letter(
    desk_work: Work, mail: Mail, answer: str, recipient: str, said: str
) -> None:
    desk_work.message(NIGHT)
    mail.box.answer, mail.box.recipient = answer, recipient
    with pytest.raises(Refusal, match=said):
        run(desk_work, mail, MORNING)
    assert desk_work.rows(notified) == mail.box.letters == []
    mail.box.answer = mail.box.recipient = "250 OK"
    assert len(run(desk_work, mail, MORNING + 60)) == 1
    assert len(mail.box.letters) == 1


def test_an_accepted_letter_is_not_sent_again_after_an_error_at_quit(work: Work, mail: Mail) -> None:
    work.message(NIGHT)
    mail.box.quit_answer = "421 4.3.2 going down"
    assert len(run(work, mail, MORNING)) == 1
    assert run(work, mail, MORNING + 60) == []
    assert len(mail.box.letters) == 1


def test_a_server_that_is_down_or_silent_is_tried_again(
    desk_work: Work, mail: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    desk_work.message(NIGHT)
    mail.stop()
    with pytest.raises(Refusal, match=r"mail server 127\.0\.0\.1:\d+: .*refused; is it running"):
        run(desk_work, mail, MORNING)
    monkeypatch.setattr(letters, "SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", mail.port)), pytest.raises(Refusal, match="timed out"):
        letters.send(mail.settings(), letters.Letter("new", (), "x", "y"), seconds=0.3)
    mail.start()
    assert len(run(desk_work, mail, MORNING + 60)) == 1


def test_a_server_without_tls_is_refused_if_tls_is_configured(desk_work: Work, mail: Mail) -> None:
    desk_work.message(NIGHT)
    with pytest.raises(Refusal, match=r"notification\.starttls"):
        run(desk_work, mail, MORNING, starttls=True)
    assert mail.box.letters == []


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A key and a self-signed certificate."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.it")])
    day = timedelta(days=1)
    begun = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
    begun = begun.serial_number(1).not_valid_before(datetime.now(UTC) - day).not_valid_after(datetime.now(UTC) + day)
    key, certificate = folder / "key.pem", folder / "cert.pem"
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    key.write_bytes(private.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    certificate.write_bytes(begun.sign(private, hashes.SHA256()).public_bytes(pem))
    return key, certificate


def test_no_letter_to_a_server_with_an_untrusted_certificate(desk_work: Work, mail: Mail, tmp_path: Path) -> None:
    key, certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    mail.stop()
    mail.start(tls_context=context)
    desk_work.message(NIGHT)
    with pytest.raises(Refusal, match=r"certificate is not trusted"):
        run(desk_work, mail, MORNING, starttls=True)
    assert mail.box.letters == []


def test_concurrent_runs_send_a_letter_once(work: Work, mail: Mail) -> None:
    work.message(NIGHT)
    work.compiled["service"]["notification"] = mail.settings()
    sent: list[str] = []
    threads = [threading.Thread(target=lambda: sent.extend(letters.send_due(work.site, MORNING))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sent) == len(mail.box.letters) == 1


def test_without_a_recipient_nothing_is_sent(desk_work: Work) -> None:
    desk_work.message(NIGHT)
    assert desk_work.compiled["service"]["notification"] is None
    assert letters.send_due(desk_work.site, MORNING) == []


# --- Prometheus -------------------------------------------------------------------------------------------------------


def metrics(work: Work, monkeypatch: pytest.MonkeyPatch, now: float) -> dict[str, float]:
    monkeypatch.setattr("time.time", lambda: now)
    registry = CollectorRegistry()
    registry.register(WorkListMetrics(work.places))
    lines = generate_latest(registry).decode().splitlines()
    return {line.split()[0]: float(line.split()[1]) for line in lines if not line.startswith("#")}


def test_the_age_of_the_oldest_untouched_message_is_a_metric(desk_work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUL_DATABASE", str(desk_work.database.url))
    old, _ = desk_work.message(NIGHT), desk_work.message(MORNING, "+390287654321")
    found = metrics(desk_work, monkeypatch, LATE)
    assert found["voicemail_oldest_untouched_seconds"] == LATE - NIGHT
    assert (found["voicemail_untouched"], found["voicemail_late"], found["voicemail_registry_away"]) == (2, 1, 0)
    desk_work.take(old.id, MORNING)
    found = metrics(desk_work, monkeypatch, LATE)
    assert (found["voicemail_oldest_untouched_seconds"], found["voicemail_late"]) == (LATE - MORNING, 0)


def test_without_a_registry_the_metrics_come_from_the_store(desk_work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUL_DATABASE", f"sqlite:///{desk_work.places.var}/gone.db")
    message = desk_work.message(NIGHT)
    found = metrics(desk_work, monkeypatch, MORNING)
    assert (found["voicemail_oldest_untouched_seconds"], found["voicemail_registry_away"]) == (MORNING - NIGHT, 1)
    desk_work.store.mark(message.id, "listened", by="anna", at=MORNING)
    assert metrics(desk_work, monkeypatch, MORNING)["voicemail_oldest_untouched_seconds"] == 0
