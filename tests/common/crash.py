"""A process that is killed before each of its operations on files, one after the other.

Python reports every file that is opened, made, renamed or removed to an audit hook. In a forked child the hook counts
them, and at a given one the child sends itself SIGKILL: the one way to die after which no `finally` runs.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator

EVENTS = (
    "open", "os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "os.chmod", "os.truncate", "fcntl.flock",
)  # fmt: skip


def dies_before(step: int, act: Callable[[], object]) -> bool:
    """Run `act` in a child that is killed before file operation number `step`; False when it had fewer."""
    child = os.fork()
    if child == 0:
        left = step

        def hook(event: str, arguments: object) -> None:
            nonlocal left
            if event in EVENTS:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        status = 70
        try:
            sys.addaudithook(hook)
            act()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the child failed by itself"
    return False


def every_step(prepare: Callable[[], Callable[[], object]]) -> Iterator[int]:
    """Call `prepare` and die before step 1, 2, 3 ... of what it returns; yields each number to check what is left."""
    step = 1
    while dies_before(step, prepare()):
        yield step
        step += 1
    assert step > 3, "no file was touched"
