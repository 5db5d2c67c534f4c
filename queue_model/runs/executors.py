"""Who does the work: threads of this machine, or a cluster. Tasks go out, results come back in whatever order.

Only as many tasks are handed out as keep everybody busy, so that a long list is made while it is worked on, and whoever
stops the program finds little under way.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 2  # tasks out for each hand, so that nobody waits for the next one


class Future(Protocol):
    """What the futures of threads and those of a cluster have in common."""

    def result(self) -> Any: ...

    def cancel(self) -> object: ...

    def done(self) -> bool: ...

    def add_done_callback(self, fn: Callable[[Any], object]) -> None: ...


class Executor(ABC):
    """Does many tasks. Use it as a context: leaving it lets go of threads and connections."""

    least: float  # seconds of work that make a task worth its way

    @property
    @abstractmethod
    def hands(self) -> int:
        """How many tasks are worked on at a time."""

    @abstractmethod
    def submit(self, work: Callable[[T], R], task: T) -> Future:
        """Hand one task out."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what this holds."""

    def wait(self, ready: SimpleQueue[Future]) -> Future:
        """The next task that is done."""
        return ready.get()

    def result(self, future: Future) -> Any:
        """What a task that is done came to. Raises what it raised."""
        return future.result()

    def settle(self, running: Iterable[Future]) -> None:
        """The program is being stopped: nothing new begins."""
        for each in running:
            each.cancel()

    def run(self, work: Callable[[T], R], tasks: Iterable[T], take: Callable[[T, R], None]) -> None:
        """Do all tasks, and `take` each with its result as soon as it is done: one at a time, here, in any order.

        The first task that fails ends all, with its exception. Stopped by `KeyboardInterrupt`: nothing new begins, what
        is done is taken (once more, if the stop came while it was), and the exception goes on.
        """
        todo, running, ready = iter(tasks), dict[Future, T](), SimpleQueue[Future]()

        def hand_out() -> None:
            while len(running) < AHEAD * max(1, self.hands):
                try:
                    task = next(todo)
                except StopIteration:
                    return
                future = self.submit(work, task)
                running[future] = task
                future.add_done_callback(ready.put)

        try:
            hand_out()
            while running:
                future = self.wait(ready)
                take(running[future], self.result(future))
                del running[future]
                hand_out()
        except KeyboardInterrupt:
            self.settle(running)
            for future, task in running.items():
                if future.done() and not _failed(future):
                    take(task, self.result(future))
            raise
        except BaseException:
            self.settle(running)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _failed(future: Any) -> bool:
    """Whether there is no result: cancelled, or ended by an exception."""
    return bool(future.cancelled()) or future.exception() is not None


class Threads(Executor):
    """The cores of this machine: the compiled engine lets other threads run, so they are enough."""

    least = 0.0

    def __init__(self, jobs: int | None = None) -> None:
        self._hands = max(1, jobs or os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(self._hands)

    @property
    def hands(self) -> int:
        return self._hands

    def submit(self, work: Callable[[T], R], task: T) -> Future:
        return self._pool.submit(work, task)

    def settle(self, running: Iterable[Future]) -> None:
        """What a thread has begun it finishes; that takes less than a replication."""
        self._pool.shutdown(cancel_futures=True)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
