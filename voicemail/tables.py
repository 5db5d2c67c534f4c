"""The table of letters sent, which only this package uses.

Messages and call-backs are in `registry.db.schema`, because the intake adds them.
"""

from __future__ import annotations

from sqlalchemy import Table

from registry.db.metadata import instant, key, metadata, one_of

notified = Table(  # the letters sent about each message: none is sent twice
    "notified",
    metadata,
    key("what"),
    key("message_id", "voicemail_message.message_id"),
    instant("at"),
    one_of("what", ("new", "untouched")),
)
