"""Executors run tasks on the threads of this machine or on a cluster. Results come back in any order.

Only a few tasks per worker are submitted at a time. So a long list of tasks is generated while it is worked on, and
few tasks are running when the program is stopped.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 2  # tasks submitted per worker, so that no worker waits for its next one


class Future(Protocol):
    """What the futures of threads and those of a cluster have in common."""

    def result(self) -> Any: ...

    def cancel(self) -> object: ...

    def done(self) -> bool: ...

    def add_done_callback(self, fn: Callable[[Any], object]) -> None: ...


class Executor(ABC):
    """Runs many tasks. Use it as a context manager, which closes its threads or connections."""

    min_task_seconds: float  # work that makes a task worth sending

    @property
    @abstractmethod
    def workers(self) -> int:
        """How many tasks can run at a time."""

    @abstractmethod
    def submit(self, work: Callable[[T], R], task: T) -> Future:
        """Start one task."""

    @abstractmethod
    def close(self) -> None:
        """Release threads and connections."""

    def wait(self, ready: SimpleQueue[Future]) -> Future:
        """The next finished task."""
        return ready.get()

    def result(self, future: Future) -> Any:
        """The result of a finished task. Raises what the task raised."""
        return future.result()

    def stop(self, running: Iterable[Future]) -> None:
        """Cancel every task that has not begun."""
        for each in running:
            each.cancel()

    def run(self, work: Callable[[T], R], tasks: Iterable[T], receive: Callable[[T, R], None]) -> None:
        """Run all tasks. `receive` is called in this thread with each task and its result, as soon as it is done.

        The first task that fails stops all others, and its exception is raised. On `KeyboardInterrupt` no further task
        begins, finished tasks are received (a second time, if the interrupt came while one was), and the exception
        is raised again.
        """
        todo, running, ready = iter(tasks), dict[Future, T](), SimpleQueue[Future]()

        def submit_more() -> None:
            while len(running) < AHEAD * max(1, self.workers):
                try:
                    task = next(todo)
                except StopIteration:
                    return
                future = self.submit(work, task)
                running[future] = task
                future.add_done_callback(ready.put)

        try:
            submit_more()
            while running:
                future = self.wait(ready)
                receive(running[future], self.result(future))
                del running[future]
                submit_more()
        except KeyboardInterrupt:
            self.stop(running)
            for future, task in running.items():
                if future.done() and not _failed(future):
                    receive(task, self.result(future))
            raise
        except BaseException:
            self.stop(running)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _failed(future: Any) -> bool:
    """Whether a finished task has no result: it was cancelled, or raised an exception."""
    return bool(future.cancelled()) or future.exception() is not None


class Threads(Executor):
    """The cores of this machine. Threads are enough, because the compiled engine releases the interpreter lock."""

    min_task_seconds = 0.0

    def __init__(self, jobs: int | None = None) -> None:
        self._workers = max(1, jobs or os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(self._workers)

    @property
    def workers(self) -> int:
        return self._workers

    def submit(self, work: Callable[[T], R], task: T) -> Future:
        return self._pool.submit(work, task)

    def stop(self, running: Iterable[Future]) -> None:
        """Cancel what has not begun, and wait for the rest, which takes less than a replication."""
        self._pool.shutdown(cancel_futures=True)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def given_or_threads(executor: Executor | None, jobs: int | None) -> AbstractContextManager[Executor]:
    """The executor of the caller, which stays open; without one, threads that are closed at the end."""
    return nullcontext(executor) if executor is not None else Threads(jobs)
