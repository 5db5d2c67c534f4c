"""Transcripts, with a fake model (fake_whisper.py)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from sqlalchemy import update

from registry.db import schema
from tests.conftest import rome
from tests.voicemail import fake_whisper
from tests.voicemail.sounds import tone, wav
from tests.voicemail.work import Work
from voicemail import cli

NIGHT = rome("2026-11-23 22:00")


@pytest.fixture
def model(desk_work: Work, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Work:
    """A site with a folder for a model, and the fake package."""
    fake_whisper.install(monkeypatch)
    (tmp_path / "model").mkdir()
    configure(desk_work, str(tmp_path / "model"))
    monkeypatch.setenv("NUL_DATABASE", str(desk_work.database.url))
    return desk_work


def configure(work: Work, folder: str | None) -> None:
    work.compiled["service"]["transcript"] = None if folder is None else {"model": folder}
    Path(work.places.compiled).write_text(json.dumps(work.compiled), encoding="utf-8")


def run(work: Work, *words: str) -> int:
    return cli.main(["--var", work.places.var, "transcribe", *words], clock=lambda: NIGHT + 3600)


def test_every_message_is_transcribed_once(model: Work, capsys: pytest.CaptureFixture[str]) -> None:
    model.message(NIGHT)
    assert run(model) == 0
    assert [row.transcript for row in model.rows(schema.voicemail_message)] == ["it 3 secondi"]
    assert run(model) == 0
    assert capsys.readouterr().out == "1 transcribed\n0 transcribed\n"
    assert "secondi" not in str(model.rows(schema.request_event))


def test_a_message_that_fails_does_not_stop_the_others(model: Work, capsys: pytest.CaptureFixture[str]) -> None:
    broken, gone, _ = (model.message(NIGHT + n, f"+39061234567{n}") for n in range(3))
    Path(model.store.audio(broken.id)).write_bytes(wav(tone(0.5)))
    Path(model.store.audio(gone.id)).unlink()
    assert run(model) == 1
    out = capsys.readouterr().out
    assert f"{broken.id}: nothing to be heard; the message itself can be heard" in out
    assert out.endswith("1 transcribed, 1 failed\n")
    assert run(model, model.message(NIGHT + 9).id) == 0


def test_a_purged_message_is_not_transcribed(model: Work) -> None:
    message = model.message(NIGHT)
    with model.database.begin() as connection:
        connection.execute(update(schema.voicemail_message).values(purged_at=NIGHT + 1))
    assert run(model, message.id) == 0
    assert [row.transcript for row in model.rows(schema.voicemail_message)] == [None]


def test_without_model_or_package_the_error_names_the_remedy(
    model: Work, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    assert run(model) == 1
    assert "faster-whisper is not installed; pip install 'numero-unico-lavoro[transcribe]'" in capsys.readouterr().err
    configure(model, "/no/such/folder")
    assert run(model) == 1
    assert "transcript.model: /no/such/folder: no such folder" in capsys.readouterr().err
    configure(model, None)
    assert run(model) == 1
    assert "transcript is null" in capsys.readouterr().err
