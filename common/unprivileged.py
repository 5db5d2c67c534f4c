"""Giving up root: the account that runs the switch instead, and where it may write."""

from __future__ import annotations

import os
import pwd
import struct
import subprocess
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

# The layout of a POSIX access list in an extended attribute (linux/posix_acl_xattr.h): version, then (tag, rights, id).
_VERSION = 2
_OWNER, _USER, _GROUP, _MASK, _OTHERS = 0x01, 0x02, 0x04, 0x10, 0x20
_NO_ID = 0xFFFFFFFF


class Account(NamedTuple):
    name: str
    uid: int
    gid: int

    def popen(self) -> dict[str, Any]:
        """Arguments for `subprocess` that start a program as this account, without supplementary groups."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def account_for(folder: str) -> Account | None:
    """The account that runs the switch of a folder: for root the owner, or `nobody` if root owns it; else None."""
    if os.geteuid() != 0:
        return None
    owner = os.stat(folder)
    try:
        entry = pwd.getpwuid(owner.st_uid) if owner.st_uid else pwd.getpwnam("nobody")
    except KeyError:  # a container's volume, whose owner has a name only outside
        return Account(f"user {owner.st_uid}", owner.st_uid, owner.st_gid) if owner.st_uid else None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def choose_account(
    folder: str, probes: Sequence[list[str]], entered: Iterable[str], shared: Sequence[str]
) -> tuple[Account | None, str | None]:
    """The account that runs a program in this folder (None: the current one), and why root must run it, or None.

    The account must be able to run each of the `probes` and to enter the folders `entered`; it gets access to the
    folders `shared`.
    """
    who = account_for(folder)
    if who is None:
        return None, None
    why = find_obstacle(who, probes[0], entered) or next(
        filter(None, (find_obstacle(who, probe, ()) for probe in probes[1:])), None
    )
    if why is None:
        closed = [path for path in shared if not share_folder(path, who)]
        why = f"{closed[0]} cannot be shared with {who.name}" if closed else find_obstacle(who, probes[0], shared)
    return (None, why) if why else (who, None)


def find_obstacle(who: Account, command: list[str], folders: Iterable[str]) -> str | None:
    """Why the account cannot run `command` or enter one of the folders; None when it can."""
    if why := _run(who, ["/bin/sh", "-c", ":"]):  # root in its own namespace may not
        return f"this process cannot become {who.name} ({why})"
    for folder in folders:
        if _run(who, ["/bin/sh", "-c", 'cd -- "$1"', "sh", folder]):
            return f"{who.name} may not enter {folder} (it, or a folder above it, is closed to others)"
    if why := _run(who, command):
        return f"{command[0]} does not run as {who.name} ({why})"
    return None


def give_ownership(folder: str, who: Account) -> None:
    """Make the account the owner of a folder and everything in it; links are not followed."""
    os.chown(folder, who.uid, who.gid, follow_symlinks=False)
    for base, folders, files in os.walk(folder):
        for name in folders + files:
            os.chown(os.path.join(base, name), who.uid, who.gid, follow_symlinks=False)


def share_folder(folder: str, who: Account) -> bool:
    """Let the account write in a folder and in everything created there later; False without support for access lists.

    Files that exist already keep their owner and rights, since programs and keys may be among them. A folder created
    later is shared unless its creator withholds the group's rights (0o755, 0o700).
    """
    os.makedirs(folder, mode=0o750, exist_ok=True)  # messages and facts are about people
    rights = _access_list(who.uid, os.stat(folder).st_mode)
    try:
        os.setxattr(folder, "system.posix_acl_access", rights)
        os.setxattr(folder, "system.posix_acl_default", rights)
    except OSError:
        return False
    return True


def _access_list(uid: int, mode: int) -> bytes:
    entries = [
        (_OWNER, 7, _NO_ID),
        (_USER, 7, uid),
        (_GROUP, mode >> 3 & 5, _NO_ID),
        (_MASK, 7, _NO_ID),
        (_OTHERS, mode & 5, _NO_ID),
    ]
    return struct.pack("<I", _VERSION) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def _run(who: Account, command: list[str]) -> str:
    """The error of a command run as the account; "" when it succeeds."""
    try:
        outcome = subprocess.run(
            command, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **who.popen()
        )
    except (OSError, subprocess.SubprocessError) as problem:
        return str(problem)
    return "" if outcome.returncode == 0 else outcome.stderr.strip() or f"exit status {outcome.returncode}"
