"""What the registry asks about a message: whom to call back. Its words stay in the store."""

from __future__ import annotations

from common.places import Places
from registry.intake.message_lookup import StoredMessage
from voicemail.message import StoreError
from voicemail.store import Store


def left(places: Places, message_id: str) -> StoredMessage | None:
    """None when there is no such message, whatever the id looks like, or its sheet cannot be read."""
    try:
        found = Store(places.messages).get(message_id)
    except StoreError:
        return None
    return StoredMessage(found.number, found.number_source, found.empty, found.left_at)
