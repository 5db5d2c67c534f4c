"""The call-back service for the commands, and the options that several of them share.

The packages of the registry are an extra: `show`, `play`, `mark` and `list` also work without them.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from common.command_line import Refusal, user_name
from common.places import Places
from registry.people import pending_accesses
from registry.people.pending_accesses import Access
from voicemail.texts import translate

if TYPE_CHECKING:
    from voicemail.callback.service import CallbackService


def open_service(places: Places) -> CallbackService:
    """Raises `Refusal` when there is no registry, or its packages are not installed."""
    with registry_imports():
        from voicemail.callback.service import CallbackService
    return CallbackService.of(places)


@contextlib.contextmanager
def registry_imports() -> Iterator[None]:
    """Around imports of the registry's packages. Raises `Refusal` when one of them is not installed."""
    try:
        yield
    except ImportError as problem:
        raise Refusal(
            translate("{name} is not installed; pip install 'numero-unico-lavoro[desk]'", name=problem.name)
        ) from None


def log_access(places: Places, message_id: str, action: str, now: float) -> None:
    """Log that the user reads or hears a message, before that is possible.

    Without the registry, messages in the store stay accessible: the access is kept on disk until the registry is back.
    Raises `Refusal` when that fails, too.
    """
    access = Access(now, user_name(), action, "message", message_id, f"voicemail {action}")
    try:
        open_service(places).log_access(access)
    except Refusal:
        pending_accesses.keep(places, access)


def entry_arguments(parser: argparse.ArgumentParser) -> None:
    """The entry of the list, and the operator."""
    parser.add_argument(
        "id", metavar=translate("ID"), help=translate("a protocol number, or the start of a message id")
    )
    parser.add_argument(
        "--by", metavar=translate("OPERATOR"), required=True, help=translate("your operator code, such as op117")
    )


def message_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar=translate("ID"), help=translate("a message id, or a unique start of it"))


def json_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help=translate("for programs"))
