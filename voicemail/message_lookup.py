"""Looks up a message for the registry: the number to call back, and when it was left. The sound stays in the store."""

from __future__ import annotations

from common.places import Places
from registry.intake.message_lookup import StoredMessage
from voicemail.message import StoreError
from voicemail.store import Store


def left(places: Places, message_id: str) -> StoredMessage | None:
    """Return None for an unknown or malformed id, or a sheet that cannot be read."""
    try:
        message = Store(places.messages).get(message_id)
    except StoreError:
        return None
    return StoredMessage(message.number, message.number_source, message.empty, message.left_at)
