"""One site: its folders, configuration, database and keys, for the programs that work on the database."""

from __future__ import annotations

from typing import Any, NamedTuple

from common.command_line import Refusal
from common.places import Places
from ivr.configuration.compiled import Compiled, CompiledError, load
from registry import keys
from registry.db.connection import Database
from registry.db.migrations import open_database
from registry.keys import Keys

DAY = 86400.0


class Site(NamedTuple):
    """Everything that a command needs of a site."""

    places: Places
    compiled: Compiled
    database: Database
    keys: Keys

    @classmethod
    def of(cls, places: Places) -> Site:
        """Raises `Refusal` without a compiled configuration, a database of this program's revision, or keys."""
        try:
            compiled = load(places.compiled)
        except CompiledError as problem:
            raise Refusal(str(problem)) from None
        return cls(places, compiled, open_database(places), keys.load(places))

    def retention_seconds(self, name: str) -> float:
        """Return how long something is kept, in seconds (`retention_days` of service.yaml)."""
        retention: dict[str, Any] = {**self.compiled["service"]["retention_days"]}
        return DAY * float(retention[name])
