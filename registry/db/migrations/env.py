"""Alembic's entry point: it runs the revisions on the given connection, in that connection's transaction."""

from __future__ import annotations

from alembic import context

from registry.db.metadata import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite")
context.run_migrations()
