"""What messages say, written down by a model of the site's own on the site's own machine; optional, never needed.

The package faster-whisper (extra `[transcribe]`) is imported only when somebody asks; the model is a folder that the
site provides (`transcript.model`), nothing is fetched. A transcript is personal data as the voice is, and goes with it.
"""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Callable
from typing import Any

from sqlalchemy import and_, select, update

from common.command_line import Refusal
from common.places import Places
from registry.db import schema
from registry.site import Site
from voicemail.callback.worklist import find
from voicemail.message import StoreError
from voicemail.store import Store

MESSAGE = schema.voicemail_message
MOST = 20_000  # characters: a model that repeats itself does not fill the database

Write = Callable[[str], str]


def transcribe(options: argparse.Namespace, places: Places, now: float) -> int:
    """The command: every message that has no transcript yet, or one. A message that cannot be read is told, and the
    others go on."""
    site = Site.of(places)
    write = writer(site.compiled["service"]["transcript"], site.compiled["service"]["service"]["language"])
    store, failed, done = Store(places.messages), 0, 0
    for id in _wanted(site, options.id):
        try:
            path = store.audio(id)
            if not os.path.exists(path):
                continue  # its days are over
            text = write(path)[:MOST]
        except (StoreError, OSError, ValueError, RuntimeError) as problem:  # what a model says of a broken sound
            print(f"{id}: {problem}; the message itself can be heard: voicemail play {id}")
            failed += 1
            continue
        with site.database.begin() as connection:
            mine = and_(MESSAGE.c.message_id == id, MESSAGE.c.purged_at.is_(None))
            connection.execute(update(MESSAGE).where(mine).values(transcript=text))
        done += 1
    print(f"{done} transcribed" + (f", {failed} failed" if failed else ""))
    return 1 if failed else 0


def _wanted(site: Site, which: str | None) -> list[str]:
    unwritten = and_(MESSAGE.c.transcript.is_(None), MESSAGE.c.purged_at.is_(None), MESSAGE.c.empty == 0)
    with site.database.read() as connection:
        if which is not None:
            unwritten = MESSAGE.c.request_id == find(connection, which)
        return list(connection.scalars(select(MESSAGE.c.message_id).where(unwritten).order_by(MESSAGE.c.left_at)))


def writer(settings: Any, language: str) -> Write:
    """From the path of a sound to its words. Raises `Refusal` where model or package are missing."""
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

    def write(path: str) -> str:
        segments, _ = model.transcribe(path, language=language, vad_filter=True)
        return " ".join(segment.text.strip() for segment in segments)

    return write
