"""Recordings of quality campaigns: `<LINKEDID>.wav` in the switch's spool.

The database keeps the evidence of each recording: notice, beginning, end, and when the sound was deleted.
"""

from __future__ import annotations

import os
import re
import shutil

from sqlalchemy import ColumnElement, select, update

from measure.personal.folder import regular_files
from registry.db import schema
from registry.people.person import Person
from registry.people.personal_data import Held, Purged
from registry.site import Site

RECORDING = schema.recording.c


class Recordings:
    """Sound files of recorded conversations."""

    name = "recordings"

    def find(self, site: Site, person: Person) -> list[Held]:
        held = []
        for call in sorted(person.calls):
            if not _is_file_name(call):
                continue
            path = _path(site, call)
            if os.path.exists(path) and os.stat(path).st_mtime <= person.until:
                held.append(Held(self.name, call, "recording of a conversation", os.stat(path).st_mtime))
        return held

    def export(self, site: Site, person: Person, folder: str) -> list[str]:
        names = []
        for held in self.find(site, person):
            name = f"recording-{held.id}.wav"
            shutil.copyfile(_path(site, held.id), os.path.join(folder, name))
            names.append(name)
        return names

    def erase(self, site: Site, person: Person, now: float) -> int:
        recordings = self.find(site, person)
        for held in recordings:
            os.unlink(_path(site, held.id))
        _mark_purged(site, RECORDING.call_id.in_(person.calls), now)
        return len(recordings)

    def purge(self, site: Site, now: float) -> list[Purged]:
        before, count, size = now - site.retention_seconds("recording"), 0, 0
        for entry in regular_files(site.places.recordings, ".wav"):
            status = entry.stat(follow_symlinks=False)
            if status.st_mtime < before:
                os.unlink(entry.path)
                count, size = count + 1, size + status.st_size
        _mark_purged(site, RECORDING.started_at < before, now)
        return [Purged("recording", before, count, size)]


def _path(site: Site, call: str) -> str:
    return os.path.join(site.places.recordings, f"{call}.wav")


def _is_file_name(call: str) -> bool:
    """Whether a LINKEDID may become part of a path."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", call) is not None


def _mark_purged(site: Site, condition: ColumnElement[bool], now: float) -> None:
    """Set `purged_at` of the recordings whose file is gone, including those of a run that was interrupted."""
    with site.database.begin() as connection:
        kept = connection.execute(
            select(RECORDING.recording_id, RECORDING.audio_ref).where(condition, RECORDING.purged_at.is_(None))
        )
        gone = [key for key, name in kept if not os.path.exists(os.path.join(site.places.recordings, name))]
        for key in gone:
            one = update(schema.recording).where(RECORDING.recording_id == key)
            connection.execute(one.values(purged_at=now, audio_ref=None))
