"""Fact files that the registry has taken in: without personal data, kept for a while for troubleshooting."""

from __future__ import annotations

import contextlib
import os

from registry.people.person import Person
from registry.people.personal_data import Held, Purged
from registry.site import Site


class TakenFacts:
    """The folder `taken` beside the spool of facts; only `purge` applies."""

    name = "taken-facts"

    def find(self, site: Site, person: Person) -> list[Held]:
        return []

    def export(self, site: Site, person: Person, folder: str) -> list[str]:
        return []

    def erase(self, site: Site, person: Person, now: float) -> int:
        return 0

    def purge(self, site: Site, now: float) -> list[Purged]:
        before, count, size = now - site.retention_seconds("taken_facts"), 0, 0
        root = os.path.join(os.path.dirname(site.places.facts), "taken")
        for folder, _, names in os.walk(root, topdown=False):
            for name in names:
                path = os.path.join(folder, name)
                status = os.stat(path)
                if status.st_mtime < before:
                    os.unlink(path)
                    count, size = count + 1, size + status.st_size
            if folder != root:
                with contextlib.suppress(OSError):
                    os.rmdir(folder)  # fails unless the folder is empty
        return [Purged("taken_facts", before, count, size)]
