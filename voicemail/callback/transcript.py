"""Transcripts of messages, by a speech model of the site on the site's own machine; optional.

The package faster-whisper (extra `[transcribe]`) is imported only when it is used. The model is a folder that the site
provides (`transcript.model`); nothing is downloaded. A transcript is personal data and is deleted with the sound.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import and_, select, update

from common.command_line import Refusal
from registry.db import schema
from registry.site import Site
from voicemail.callback.worklist import find_request
from voicemail.message import StoreError
from voicemail.store import Store

MESSAGE = schema.voicemail_message
MOST_CHARACTERS = 20_000  # a model that repeats itself does not fill the database

Transcriber = Callable[[str], str]


class Transcription(NamedTuple):
    """What happened to one message."""

    message_id: str
    problem: str | None  # None: the transcript is stored


def transcribe_messages(site: Site, which: str | None = None) -> Iterator[Transcription]:
    """Transcribe all messages without a transcript, or those of one request; messages without sound are skipped.

    A message that cannot be transcribed does not stop the others. Raises `Refusal` as `load_transcriber` does.
    """
    service = site.compiled["service"]
    transcribe = load_transcriber(service["transcript"], service["service"]["language"])
    store = Store(site.places.messages)
    for id in _message_ids(site, which):
        try:
            path = store.audio(id)
            if not os.path.exists(path):
                continue  # past its retention period
            text = transcribe(path)[:MOST_CHARACTERS]
        except (StoreError, OSError, ValueError, RuntimeError) as problem:  # a model's errors on damaged sound
            yield Transcription(id, str(problem))
            continue
        with site.database.begin() as connection:
            kept = and_(MESSAGE.c.message_id == id, MESSAGE.c.purged_at.is_(None))
            connection.execute(update(MESSAGE).where(kept).values(transcript=text))
        yield Transcription(id, None)


def _message_ids(site: Site, which: str | None) -> list[str]:
    condition = and_(MESSAGE.c.transcript.is_(None), MESSAGE.c.purged_at.is_(None), MESSAGE.c.empty == 0)
    with site.database.read() as connection:
        if which is not None:
            condition = MESSAGE.c.request_id == find_request(connection, which).request_id
        return list(connection.scalars(select(MESSAGE.c.message_id).where(condition).order_by(MESSAGE.c.left_at)))


def load_transcriber(settings: Any, language: str) -> Transcriber:
    """Return a function from the path of a sound to its text. Raises `Refusal` if the model or package is missing."""
    if settings is None:
        raise Refusal("config/service.yaml: transcript is null; write {model: /path/of/a/faster-whisper/model} there")
    if not os.path.isdir(settings["model"]):
        raise Refusal(
            f"config/service.yaml: transcript.model: {settings['model']}: no such folder; put the model there"
        )
    try:
        package: Any = importlib.import_module("faster_whisper")
    except ImportError:
        raise Refusal("faster-whisper is not installed; pip install 'numero-unico-lavoro[transcribe]'") from None
    model = package.WhisperModel(settings["model"], device="cpu", compute_type="int8", local_files_only=True)

    def transcribe(path: str) -> str:
        segments, _ = model.transcribe(path, language=language, vad_filter=True)
        return " ".join(segment.text.strip() for segment in segments)

    return transcribe
