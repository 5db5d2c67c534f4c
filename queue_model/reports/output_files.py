"""Results written to a file, a device, a pipe or standard output."""

from __future__ import annotations

import os
import sys
import tempfile

from common.command_line import Refusal


def write_output(text: str, path: str) -> None:
    """Write a result to a file, whole or not at all, or to standard output for `-`. Raises `Refusal`.

    Only a regular file is replaced. A link keeps its target; a device or pipe is written into.
    """
    if path == "-":
        sys.stdout.write(text)
        return
    target, temporary = os.path.realpath(path), ""
    try:
        if os.path.exists(target) and not os.path.isfile(target):
            with open(target, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            return
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".queue-model-")
        with open(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except OSError as problem:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise Refusal(f"{path}: not written: {problem.strerror}; what was there before is still there") from None
