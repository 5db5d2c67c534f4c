"""What to do about a file or folder that the operating system refuses: a remedy for each cause.

A remedy never destroys anything: "delete it" is no answer to a missing right.
"""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_REMEDIES: Mapping[int, str] = {
    errno.ENOENT: "check the path; a folder above it may be missing",
    errno.ENOTDIR: "a part of this path is a file, and must be a folder",
    errno.EISDIR: "this is a folder, and must be a file",
    errno.EROFS: "the file system is mounted read-only; mount it for writing, or choose another folder",
    errno.ENOSPC: "the disk is full; make room on it",
    errno.EDQUOT: "the disk quota of this account is used up; make room, or raise it",
    errno.EIO: "the disk reports errors; look at the kernel's log (dmesg) and save what can still be read",
    errno.EMFILE: "this process has too many open files; raise its limit (LimitNOFILE, ulimit -n)",
    errno.ENFILE: "the machine has too many open files; raise fs.file-max",
    errno.ELOOP: "a link points to itself, or stands where only a file is allowed",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter path",
    errno.EADDRINUSE: "another program uses this address; stop it, or choose another port",
    errno.EADDRNOTAVAIL: "this machine does not have this address; choose one that it has, such as 127.0.0.1",
    errno.ETXTBSY: "the program is running; stop it first",
}
_RIGHTS = frozenset((errno.EACCES, errno.EPERM))


def remedy(problem: OSError) -> str:
    """What the person can do about it; "" when the cause says nothing that would help."""
    if problem.errno in _RIGHTS:
        return _about_rights(problem.filename)
    return _REMEDIES.get(problem.errno or 0, "")


def reason(problem: OSError) -> str:
    """`reason; remedy`, without the file's name."""
    return "; ".join(filter(None, (problem.strerror or str(problem), remedy(problem))))


def describe(problem: OSError, path: str | None = None) -> str:
    """`PATH: reason; remedy`. `path` stands in for a problem that names no file."""
    name = problem.filename if isinstance(problem.filename, str) else path
    return ": ".join(filter(None, (name, reason(problem))))


def _about_rights(path: object) -> str:
    owner = _owner(path) if isinstance(path, str) else ""
    who = f"run this as {owner} (`sudo -u {owner} ...`)" if owner else "run this as the account that owns it"
    return f"{who}, or give the account that runs it the right"


def _owner(path: str) -> str:
    """Who owns the nearest part of the path that can be seen; "" when nobody knows, or it is this account."""
    import pwd

    while True:
        try:
            owner = os.stat(path).st_uid
            return "" if owner == os.geteuid() else pwd.getpwuid(owner).pw_name
        except KeyError:
            return ""
        except OSError:
            above = os.path.dirname(path)
            if above == path:
                return ""
            path = above
