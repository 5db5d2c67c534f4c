"""The site's keys: one for pseudonyms of telephone numbers, one to encrypt what only a practice needs (codice fiscale).

They are in a file of their own, never in the database: with a copy of the database alone, no number can be recovered
from its hash. Without the file, encrypted data cannot be read, and old hashes do not match new ones: back it up apart.
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
from common.file_errors import describe
from common.places import Places
from common.safe_files import write_new_file

NONCE_BYTES = 12


def path(places: Places) -> str:
    """Return the path of the key file."""
    return os.environ.get("NUL_KEYS") or os.path.join(places.var, "keys", "registry.key")


class Keys(NamedTuple):
    """Two keys of 32 bytes: `hashing` for keyed hashes, `locking` for AES-256-GCM."""

    hashing: bytes
    locking: bytes

    def pseudonym(self, number: str) -> str:
        """Return the keyed hash of an E.164 number, or of any text that is only compared: 32 hexadecimal digits."""
        return hmac.digest(self.hashing, number.encode(), "sha256").hex()[:32]

    def encrypt(self, text: str, belongs_to: str) -> bytes:
        """Encrypt a text. It can be decrypted only with the same `belongs_to` (a row's id), so not in another row."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self.locking).encrypt(nonce, text.encode(), belongs_to.encode())

    def decrypt(self, data: bytes, belongs_to: str) -> str:
        """Decrypt a text. Raises `Refusal` for another key, or a text that was changed or moved."""
        try:
            text = AESGCM(self.locking).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], belongs_to.encode())
        except InvalidTag:
            raise Refusal(
                "encrypted with another key, or changed since; NUL_KEYS must name the key file of that time"
            ) from None
        return text.decode()


def make(places: Places) -> Keys:
    """Make the key file, mode 0600, unless it exists; return the keys."""
    file = path(places)
    os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
    document = {"hashing": _text(os.urandom(32)), "locking": _text(os.urandom(32))}
    with contextlib.suppress(FileExistsError):
        write_new_file(file, json.dumps(document), 0o600)
    return load(places)


def load(places: Places) -> Keys:
    """Read the key file. Raises `Refusal`, which names the file and the remedy."""
    file = path(places)
    try:
        with open(file, encoding="ascii") as opened:
            document = json.load(opened)
        keys = Keys(*(base64.b64decode(document[name], validate=True) for name in Keys._fields))
    except FileNotFoundError:
        raise Refusal(f"{file}: no such file; `registry init` makes it, or NUL_KEYS names another place") from None
    except OSError as problem:
        raise Refusal(describe(problem, file)) from None
    except (ValueError, KeyError, TypeError):
        raise Refusal(f"{file}: not a key file; restore it from its backup (never make a new one over it)") from None
    if any(len(key) != 32 for key in keys):
        raise Refusal(f"{file}: not a key file; restore it from its backup (never make a new one over it)")
    return keys


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()
