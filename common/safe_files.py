"""Writing files so that a reader, a crash or a link planted by somebody else can do no harm."""

from __future__ import annotations

import os
from typing import BinaryIO


def write_whole(path: str, text: str, mode: int = 0o644) -> None:
    """Whole or not at all, and never readable by more than `mode` says, not for a moment."""
    fresh = f"{path}.{os.getpid()}"
    with create(fresh, mode) as file:
        file.write(text.encode())
    os.replace(fresh, path)


def create(path: str, mode: int = 0o644) -> BinaryIO:
    """An empty file to write into. A link there is refused: root may be writing where the switch's account can."""
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode), "wb")
