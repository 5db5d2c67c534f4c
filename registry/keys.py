"""The site's keys: pseudonyms of telephone numbers, and the lock on what only a practice needs (codice fiscale).

They lie in a file of their own, never in the database: a copy of the database alone tells nobody's number from its
hash. Whoever loses the file can no longer read what was encrypted, nor join old hashes with new ones: back it up apart.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
import os
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from common.command_line import Refusal
from common.places import Places
from common.safe_files import write_new_file

NONCE_BYTES = 12


def path(places: Places) -> str:
    """Where they lie."""
    return os.environ.get("NUL_KEYS") or os.path.join(places.var, "keys", "registry.key")


class Keys(NamedTuple):
    """32 bytes each: `hashing` for keyed hashes, `locking` for AES-256-GCM."""

    hashing: bytes
    locking: bytes

    def pseudonym(self, number: str) -> str:
        """The keyed hash of an E.164 number (or of any text that is only ever compared): 32 hexadecimal digits."""
        return hmac.digest(self.hashing, number.encode(), "sha256").hex()[:32]

    def lock(self, words: str, belongs_to: str) -> bytes:
        """Encrypt; the result opens only with the same `belongs_to` (a row's id), so it cannot be moved elsewhere."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self.locking).encrypt(nonce, words.encode(), belongs_to.encode())

    def unlock(self, locked: bytes, belongs_to: str) -> str:
        """Raises `Refusal` when the key is another one, or the text was changed or moved."""
        try:
            plain = AESGCM(self.locking).decrypt(locked[:NONCE_BYTES], locked[NONCE_BYTES:], belongs_to.encode())
        except InvalidTag:
            raise Refusal("encrypted with another key, or changed since; NUL_KEYS must name the key of then") from None
        return plain.decode()


def make(places: Places) -> Keys:
    """Make the key file, mode 0600, unless it is there already; the keys."""
    file = path(places)
    os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
    words = {"hashing": _text(os.urandom(32)), "locking": _text(os.urandom(32))}
    with contextlib.suppress(FileExistsError):
        write_new_file(file, json.dumps(words), 0o600)
    return load(places)


def load(places: Places) -> Keys:
    """Raises `Refusal`, naming the file and the remedy."""
    file = path(places)
    try:
        with open(file, encoding="ascii") as opened:
            words = json.load(opened)
        keys = Keys(*(base64.b64decode(words[name], validate=True) for name in Keys._fields))
    except FileNotFoundError:
        raise Refusal(f"{file}: no keys there; `registry init` makes them, or NUL_KEYS names where they are") from None
    except OSError as problem:
        raise Refusal(f"{file}: {problem.strerror}; the user who runs this must be able to read it") from None
    except (ValueError, KeyError, TypeError):
        raise Refusal(f"{file}: not a key file; restore it from its backup (never make a new one over it)") from None
    if any(len(key) != 32 for key in keys):
        raise Refusal(f"{file}: not a key file; restore it from its backup (never make a new one over it)")
    return keys


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()
