"""Listing the regular files of a folder."""

from __future__ import annotations

import os


def regular_files(folder: str, suffix: str = "") -> list[os.DirEntry[str]]:
    """Files whose name ends with `suffix`; links are left out, and a missing folder is empty."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if entry.name.endswith(suffix) and entry.is_file(follow_symlinks=False)]
    except FileNotFoundError:
        return []
