"""What the tables know of the configuration: topics and promises."""

from __future__ import annotations

from sqlalchemy import Connection

from ivr.configuration.compiled import Compiled
from registry.db import topics
from registry.requests.clocks import Rules
from registry.requests.clocks import publish as publish_promises


def publish(connection: Connection, compiled: Compiled) -> None:
    """Bring in what the configuration says of topics and promises."""
    topics.publish(connection, compiled["menu"])
    publish_promises(connection, Rules.of(compiled))
