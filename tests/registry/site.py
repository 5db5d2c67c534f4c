"""The registry of a site: its folders, its configuration, `NUL_DATABASE` as a test wants it."""

from __future__ import annotations

import json
from pathlib import Path

from common.places import Places
from ivr.configuration.compiled import Compiled


def configured(folder: Path, compiled: Compiled) -> Places:
    """Folders below this one, with the configuration compiled into them, as `ivr compile` does."""
    places = Places(var=str(folder))
    Path(places.compiled).parent.mkdir(parents=True, exist_ok=True)
    Path(places.compiled).write_text(json.dumps(compiled), encoding="utf-8")
    return places
