"""How the engine recognises its switch on TCP: a key that `ivr render` writes into `var/` and into the dialplan.

Any local user can connect to the engine's port. So each call of the dialplan carries a proof, made from the key and the
call's LINKEDID: `AGI(agi://127.0.0.1:4573/menu?proof=${MD5(...)},...)`. The key itself is never sent, so it is in no
CDR and in no listing of channels. The unix socket needs no proof: its mode and the folder's decide who may connect.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets

from common.places import Places
from common.safe_files import write_file


def engine_key_path(places: Places) -> str:
    return os.path.join(places.var, "engine.key")


def read_engine_key(places: Places) -> str:
    """The key; "" before the first rendering. Raises OSError, and ValueError for a damaged file."""
    path = engine_key_path(places)
    try:
        with open(path, encoding="ascii") as file:
            key = file.read(200).strip()
    except FileNotFoundError:
        return ""
    if len(key) < 20 or not key.isalnum():
        raise ValueError(f"{path}: not a key of `ivr render`; render again and reload engine and dialplan")
    return key


def make_engine_key() -> str:
    return secrets.token_hex(20)


def keep_engine_key(places: Places, key: str) -> None:
    """Save the key for the engine, if it is a new one. Raises OSError. Root gives it to the owner of `var/`."""
    path = engine_key_path(places)
    if os.path.exists(path):
        return
    write_file(path, key + "\n", mode=0o600)
    if os.geteuid() == 0:
        owner = os.stat(places.var)
        os.chown(path, owner.st_uid, owner.st_gid)


def proof_expression(key: str) -> str:
    """What the dialplan writes behind the name of a flow; "" without a key."""
    return f"?proof=${{MD5({key}${{CHANNEL(linkedid)}}{key})}}" if key else ""


def is_proof(proof: str, key: str, call: str) -> bool:
    """Whether `proof` was made with the key for this call; always true without a key."""
    if not key:
        return True
    expected = hashlib.md5(f"{key}{call}{key}".encode(errors="replace"), usedforsecurity=False).hexdigest()
    return hmac.compare_digest(proof.encode(errors="replace"), expected.encode())
