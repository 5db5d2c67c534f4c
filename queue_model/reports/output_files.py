"""Results written to a file, a device, a pipe or standard output."""

from __future__ import annotations

import os
import sys

from common.command_line import Refusal
from common.safe_files import write_file


def write_output(text: str, path: str) -> None:
    """Write a result to a file, whole or not at all, or to standard output for `-`. Raises `Refusal`.

    Only a regular file is replaced. A link keeps its target; a device or pipe is written into.
    """
    if path == "-":
        sys.stdout.write(text)
        return
    target = os.path.realpath(path)
    try:
        if os.path.exists(target) and not os.path.isfile(target):
            with open(target, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            return
        write_file(target, text)
    except OSError as problem:
        raise Refusal(f"{path}: not written: {problem.strerror}; what was there before is still there") from None
