"""Files that are replaced as a whole: a reader, a crash, a full disk or a planted link never meets half a file.

Every function writes a *draft* beside the file, in the same folder, and renames it at the end. With `sync`, the
content is on the disk before the rename, so that a loss of power leaves the old file or the new one, never an empty
one. This module is on the lean call path: it imports nothing beyond the small part of the standard library.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO

DRAFT = ".tmp"  # the ending of every draft


def write_file(
    path: str, content: str | bytes, mode: int = 0o644, *, sync: bool = True, single_writer: bool = False
) -> None:
    """Write a file whole or not at all. The mode is exact, whatever the umask. Raises OSError.

    `single_writer`: nobody else writes this file at the same time. The draft then has a fixed name, so that crashes
    leave at most one, which the next write replaces; use it for personal data.
    """
    draft = path + DRAFT if single_writer else _draft_name(path)
    try:
        _write_draft(draft, content, mode, sync)
        os.replace(draft, path)
    except BaseException:
        _remove(draft)
        raise


def write_new_file(path: str, content: str | bytes, mode: int = 0o644) -> None:
    """Write a file that must not exist yet, whole or not at all. Raises FileExistsError, OSError."""
    draft = _draft_name(path)
    try:
        _write_draft(draft, content, mode, sync=True)
        os.link(draft, path)  # unlike a rename, it fails when the file exists
    finally:
        _remove(draft)


@contextlib.contextmanager
def drafts(paths: Iterable[str], mode: int = 0o644, *, sync: bool = True) -> Iterator[list[str]]:
    """An empty draft for each of the paths; the drafts replace the files when the block ends without an error.

    All drafts are on the disk before the first is renamed: a full disk leaves every file as it was. Raises OSError.
    """
    targets = {_draft_name(path): path for path in paths}
    try:
        for draft in targets:
            os.close(_create(draft, mode))
        yield list(targets)
        if sync:
            for draft in targets:
                sync_path(draft)
        for draft, path in targets.items():
            os.replace(draft, path)
    finally:
        for draft in targets:
            _remove(draft)


def open_truncated(path: str, mode: int = 0o644) -> BinaryIO:
    """Open an empty file to write in place. A link is refused: root may write where the switch's account can, too."""
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode), "wb")


def make_private_folder(path: str) -> None:
    """Make a folder that other local users cannot enter, or close one that is open to them. Raises OSError.

    The rights of the group stay as they are: on a folder with an access list they are its mask.
    """
    os.makedirs(path, mode=0o750, exist_ok=True)
    mode = os.stat(path).st_mode & 0o7777
    if mode & 0o007:
        os.chmod(path, mode & ~0o007)


def sync_path(path: str) -> None:
    """Flush a file, or the names in a folder, to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _draft_name(path: str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}-{os.urandom(8).hex()}{DRAFT}")


def _write_draft(draft: str, content: str | bytes, mode: int, sync: bool) -> None:
    with open(_create(draft, mode), "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        if sync:
            os.fsync(file.fileno())


def _create(draft: str, mode: int) -> int:
    """The descriptor of a file that did not exist; a draft or link with this name is removed, never written to."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        descriptor = os.open(draft, flags, 0o600)
    except FileExistsError:
        os.unlink(draft)
        descriptor = os.open(draft, flags, 0o600)
    os.fchmod(descriptor, mode)
    return descriptor


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
