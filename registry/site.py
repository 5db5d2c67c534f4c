"""Where everything of one service is, for the programs that work on the database."""

from __future__ import annotations

from typing import Any, NamedTuple

from common.command_line import Refusal
from common.places import Places
from ivr.configuration.compiled import Compiled, CompiledError, load
from registry import keys
from registry.db.connection import Database
from registry.db.migrations import opened
from registry.keys import Keys

DAY = 86400.0


class Site(NamedTuple):
    """Its folders, its configuration, its database, its keys."""

    places: Places
    compiled: Compiled
    database: Database
    keys: Keys

    @classmethod
    def of(cls, places: Places) -> Site:
        """Raises `Refusal`: the configuration was never compiled, there is no registry of this program, or no keys."""
        try:
            compiled = load(places.compiled)
        except CompiledError as problem:
            raise Refusal(str(problem)) from None
        return cls(places, compiled, opened(places), keys.load(places))

    def days(self, name: str) -> float:
        """How long something is kept, in seconds (`retention_days` of service.yaml)."""
        retention: dict[str, Any] = {**self.compiled["service"]["retention_days"]}
        return DAY * float(retention[name])
