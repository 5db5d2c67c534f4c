"""Encryption of backups for a recipient whose private key is kept elsewhere: age (package pyrage), or GnuPG's `gpg`.

A recipient is an age or SSH public key (`age1...`, `ssh-ed25519 ...`), a file with such keys or with an OpenPGP public
key, or the name of a key in the keyring of gpg. The machine that makes backups can then not read them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from typing import Any

from common.command_line import Refusal

AGE, GPG = ".age", ".gpg"  # suffixes of encrypted files
AGE_MAGIC = b"age-encryption.org/"
SQLITE_MAGIC, DUMP_MAGIC = b"SQLite format 3\x00", b"PGDMP"
GPG_SECONDS = 3600.0


def suffix(recipients: Sequence[str]) -> str:
    """Return the suffix of files for these recipients. Raises `Refusal` for keys of both kinds, or of none."""
    kinds = {AGE if _age_keys(recipient) else GPG for recipient in recipients}
    if len(kinds) != 1:
        raise Refusal("--encrypt: give keys of one kind, age or OpenPGP: one file cannot have both")
    return kinds.pop()


def encrypt(source: str, target: str, recipients: Sequence[str]) -> None:
    """Encrypt a file for all of these recipients; `target` must not exist. Raises `Refusal`."""
    if suffix(recipients) == AGE:
        keys = [_age_recipient(key) for recipient in recipients for key in _age_keys(recipient)]
        _private(target)
        _pyrage().encrypt_file(source, target, keys)
        return
    _private(target)
    with tempfile.TemporaryDirectory() as home:
        options = [word for each in recipients for word in _gpg_recipient(each, home)]
        words = ["--yes", "--trust-model", "always", *options, "--output", target, "--encrypt", source]
        _gpg(words, f"encrypt for {', '.join(recipients)}")


def is_encrypted(path: str) -> bool:
    """Whether a backup is encrypted, by its content."""
    with open(path, "rb") as file:
        head = file.read(32)
    return not head.startswith((SQLITE_MAGIC, DUMP_MAGIC)) and (
        head.startswith((AGE_MAGIC, b"-----BEGIN AGE", b"-----BEGIN PGP")) or path.endswith((AGE, GPG))
    )


def decrypt(source: str, target: str, identity: str | None) -> None:
    """Decrypt a file. `identity`: the file of the private key, for age; gpg uses its keyring. Raises `Refusal`."""
    with open(source, "rb") as file:
        age = file.read(32).startswith((AGE_MAGIC, b"-----BEGIN AGE"))
    _private(target)
    if not age:
        _gpg(["--yes", "--output", target, "--decrypt", source], f"decrypt {source}")
        return
    if identity is None:
        raise Refusal(f"{source}: encrypted with age; name the file of the private key with --identity")
    try:
        _pyrage().decrypt_file(source, target, _identities(identity))
    except (_pyrage().DecryptError, OSError) as problem:
        if isinstance(problem, OSError) and problem.errno is not None:
            raise  # the disk; pyrage reports damaged content as OSError, too
        raise Refusal(f"{source}: not decrypted ({problem}); is {identity} its key, and the file undamaged?") from None


# --- age -------------------------------------------------------------------------------------------------------------


def _pyrage() -> Any:
    try:
        import pyrage
    except ImportError:
        raise Refusal("pyrage is not installed; pip install 'numero-unico-lavoro[desk]', or use a gpg key") from None
    return pyrage


def _age_keys(recipient: str) -> list[str]:
    """The age or SSH keys of a recipient, which may be a file; none if it is for gpg."""
    if re.match(r"(age1|ssh-)", recipient):
        return [recipient]
    if not os.path.isfile(recipient):
        return []
    try:
        with open(recipient, encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file]
    except OSError as problem:
        raise Refusal(f"--encrypt {recipient}: {problem.strerror}; make it readable for this user") from None
    return [line for line in lines if re.match(r"(age1|ssh-)", line)]


def _age_recipient(key: str) -> Any:
    pyrage = _pyrage()
    kind = pyrage.ssh if key.startswith("ssh-") else pyrage.x25519
    try:
        return kind.Recipient.from_str(key)
    except pyrage.RecipientError as problem:
        raise Refusal(
            f"--encrypt: {key[:20]}...: not a public key ({problem}); copy it whole, age1... or ssh-..."
        ) from None


def _identities(path: str) -> list[Any]:
    pyrage = _pyrage()
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if "OPENSSH PRIVATE KEY" in text:
            return [pyrage.ssh.Identity.from_buffer(text.encode())]
        keys = [line.strip() for line in text.splitlines() if line.startswith("AGE-SECRET-KEY-")]
        if keys:
            return [pyrage.x25519.Identity.from_str(key) for key in keys]
    except OSError as problem:
        raise Refusal(f"--identity {path}: {problem.strerror}; name a file that this user can read") from None
    except (pyrage.IdentityError, ValueError):
        pass
    raise Refusal(f"--identity {path}: holds no private key; it has a line AGE-SECRET-KEY-..., or is an SSH key")


# --- gpg -------------------------------------------------------------------------------------------------------------


def _gpg_recipient(recipient: str, home: str) -> list[str]:
    if os.path.isfile(recipient):  # no keyring is needed, so not the one of the user either
        return ["--homedir", home, "--recipient-file", recipient]
    return ["--recipient", recipient]


def _gpg(words: Sequence[str], what: str) -> None:
    program = shutil.which("gpg")
    if program is None:
        raise Refusal("gpg: not found; install GnuPG, or use an age key (age1...)")
    line = [program, "--batch", "--quiet", "--no-tty", *words]
    try:
        done = subprocess.run(
            line, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=GPG_SECONDS,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Refusal(f"gpg: did not {what} within an hour; is it waiting for a passphrase?") from None
    if done.returncode:
        reason = " | ".join(done.stderr.strip().splitlines()[:2]) or f"exit status {done.returncode}"
        raise Refusal(f"gpg: could not {what} ({reason}); is the key in its keyring, or in the file?")


def _private(path: str) -> None:
    """Create the file, readable for this user only: the programs below keep its mode."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
