"""Topics and promises: reference data that the tables copy from the configuration."""

from __future__ import annotations

from sqlalchemy import Connection

from ivr.configuration.compiled import Compiled
from registry.db import topics
from registry.requests.clocks import Rules, save_promises


def save_reference_data(connection: Connection, compiled: Compiled) -> None:
    """Copy the topics and promises of the configuration into the tables."""
    topics.save_topics(connection, compiled["menu"])
    save_promises(connection, Rules.of(compiled))
