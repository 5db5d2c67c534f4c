"""A site for tests: its folders and its configuration."""

from __future__ import annotations

import json
from pathlib import Path

from common.places import Places
from ivr.configuration.compiled import Compiled


def configured(folder: Path, compiled: Compiled) -> Places:
    """Return places below this folder, with the compiled configuration in them, as after `ivr compile`."""
    places = Places(var=str(folder))
    Path(places.compiled).parent.mkdir(parents=True, exist_ok=True)
    Path(places.compiled).write_text(json.dumps(compiled), encoding="utf-8")
    return places
