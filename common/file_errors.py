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
    errno.EFBIG: "the file would be larger than this account may write; raise the limit (ulimit -f)",
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
_AS_OWNER = "run this as {owner} (`sudo -u {owner} ...`), or give the account that runs it the right"
_AS_ACCOUNT = "run this as the account that owns it, or give the account that runs it the right"
ITALIAN: Mapping[str, str] = {
    _REMEDIES[errno.ENOENT]: "controlli il percorso: può mancare una cartella",
    _REMEDIES[errno.ENOTDIR]: "una parte di questo percorso è un file, e deve essere una cartella",
    _REMEDIES[errno.EISDIR]: "è una cartella, e deve essere un file",
    _REMEDIES[errno.EROFS]: "il disco è montato in sola lettura: chieda ai sistemisti, o scelga un'altra cartella",
    _REMEDIES[errno.ENOSPC]: "il disco è pieno: liberi spazio",
    _REMEDIES[errno.EDQUOT]: "lo spazio assegnato è finito: liberi spazio, o ne chieda altro",
    _REMEDIES[errno.EFBIG]: "il file supererebbe la grandezza permessa a questo account: avverta i sistemisti",
    _REMEDIES[errno.EIO]: "il disco segnala guasti: avverta subito i sistemisti",
    _REMEDIES[errno.EMFILE]: "troppi file aperti: avverta i sistemisti (LimitNOFILE)",
    _REMEDIES[errno.ENFILE]: "troppi file aperti: avverta i sistemisti (fs.file-max)",
    _REMEDIES[errno.ELOOP]: "un collegamento rimanda a sé stesso, o sta dove può stare solo un file",
    _REMEDIES[errno.ENAMETOOLONG]: "il nome è troppo lungo: scelga un percorso più breve",
    _REMEDIES[errno.EADDRINUSE]: "un altro programma usa questo indirizzo: lo fermi, o scelga un'altra porta",
    _REMEDIES[errno.EADDRNOTAVAIL]: "questa macchina non ha questo indirizzo: ne scelga uno suo, come 127.0.0.1",
    _REMEDIES[errno.ETXTBSY]: "il programma è in uso: prima lo fermi",
    _AS_OWNER: "esegua il comando come {owner} (`sudo -u {owner} ...`), o chieda il permesso per questo account",
    _AS_ACCOUNT: "esegua il comando con l'account proprietario, o chieda il permesso per questo account",
}


def remedy(problem: OSError) -> str:
    """What the person can do about it; "" when the cause says nothing that would help."""
    if problem.errno in _RIGHTS:
        return _about_rights(problem.filename)
    found = _REMEDIES.get(problem.errno or 0)
    return _translate(found) if found else ""


def reason(problem: OSError) -> str:
    """`reason; remedy`, without the file's name."""
    return "; ".join(filter(None, (problem.strerror or str(problem), remedy(problem))))


def describe(problem: OSError, path: str | None = None) -> str:
    """`PATH: reason; remedy`. `path` stands in for a problem that names no file."""
    name = problem.filename if isinstance(problem.filename, str) else path
    return ": ".join(filter(None, (name, reason(problem))))


def _about_rights(path: object) -> str:
    owner = _owner(path) if isinstance(path, str) else ""
    return _translate(_AS_OWNER, owner=owner) if owner else _translate(_AS_ACCOUNT)


def _translate(text: str, **values: object) -> str:
    from common.texts import Texts  # only when something failed: a script's start should not wait for it

    return Texts(ITALIAN)(text, **values)


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
