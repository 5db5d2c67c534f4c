"""What the registry asks about a message: whom to call back. Its words stay in the store."""

from __future__ import annotations

from common.places import Places
from registry.intake.message_lookup import Left
from voicemail.message import StoreError
from voicemail.store import Store


def left(places: Places, message_id: str) -> Left | None:
    """None when there is no such message, whatever the id looks like, or its sheet cannot be read."""
    try:
        found = Store(places.messages).get(message_id)
    except StoreError:
        return None
    return Left(found.number, found.number_source, found.empty, found.left_at)
