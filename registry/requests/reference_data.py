"""Topics and promises: reference data that the tables copy from the configuration."""

from __future__ import annotations

from sqlalchemy import Connection

from ivr.configuration.compiled import Compiled
from registry.db import topics
from registry.requests import deadlines
from registry.requests.clocks import Rules, save_promises
from registry.site import Site


def save_reference_data(connection: Connection, compiled: Compiled, now: float) -> None:
    """Copy the topics and promises of the configuration into the tables; running deadlines follow its calendar."""
    rules = Rules.of(compiled)
    topics.save_topics(connection, compiled["menu"])
    save_promises(connection, rules)
    deadlines.recalculate(connection, rules, now)


def follow_configuration(site: Site, rules: Rules, now: float) -> None:
    """Before deadlines are shown: calculate those again that another configuration calculated."""
    with site.database.read() as connection:
        if not deadlines.outdated(connection, rules):
            return
    with site.database.begin() as connection:
        save_reference_data(connection, site.compiled, now)
