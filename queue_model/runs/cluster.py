"""Run the work on many machines with Dask distributed: `--cluster ADDRESS` of a scheduler that has workers.

A worker needs this program in the same version, with the same NumPy and SciPy, and nothing else: scenario,
configuration and trace are part of the task. If a worker dies, the scheduler gives its tasks to others. Anybody who can
reach a scheduler can run programs on its workers, so keep it in a private network or use TLS.
"""

from __future__ import annotations

import logging
import math
import pickle
import platform
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

import numpy as np

from common.command_line import Refusal
from queue_model.errors import ModelError
from queue_model.runs.cache import program_digest
from queue_model.runs.executors import Executor, Future

T = TypeVar("T")
R = TypeVar("R")

DEADLINE = 15.0  # seconds to reach the scheduler, and to wait for the first worker
PATIENCE = 120.0  # seconds without any worker during a run
POLL = 5.0  # seconds between two checks that there are workers


class Cluster(Executor):
    """A Dask scheduler and its workers. Raises `Refusal` if it cannot be reached, has no worker, or goes away."""

    min_task_seconds = 1.0  # sending a task takes some milliseconds

    def __init__(self, address: str, deadline: float = DEADLINE, patience: float = PATIENCE) -> None:
        self.address, self.patience = address, patience
        self._name = f"queue-model-{uuid.uuid4().hex}"  # a unique prefix for the names of its tasks
        self._count = 0
        self._versions = versions()
        self._client = self._connect(deadline)
        try:
            self.wait_for(1, min(deadline, patience))
        except Refusal:
            self.close()
            raise
        self._workers, self._checked_at, self._last_worker_at = 0, -math.inf, time.monotonic()

    def _connect(self, deadline: float) -> Any:
        try:
            import distributed
        except ModuleNotFoundError:
            remedy = "install it with pip install 'numero-unico-lavoro[cluster]', or leave --cluster out"
            raise Refusal(f"--cluster: Dask distributed is not installed here; {remedy}") from None
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # errors are reported once, by this program
        try:
            connect: Callable[..., Any] = distributed.Client
            client = connect(self.address, timeout=deadline, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as problem:
            why = "no answer" if isinstance(problem, OSError | TimeoutError) else str(problem)
            remedy = "start one with `dask scheduler` and give its address: tcp://HOST:8786"
            raise Refusal(f"--cluster {self.address}: no scheduler there ({why}, {deadline:g} s); {remedy}") from None
        return client

    def wait_for(self, workers: int, deadline: float) -> None:
        """Wait until there are so many workers. Raises `Refusal` after `deadline` seconds."""
        try:
            self._client.wait_for_workers(workers, timeout=deadline)
        except TimeoutError:
            raise self._no_worker(deadline) from None

    def _no_worker(self, seconds: float) -> Refusal:
        remedy = f"start some: dask worker {self.address}"
        return Refusal(f"--cluster {self.address}: no worker for {seconds:g} s; {remedy}; finished work is kept")

    def _scheduler_gone(self) -> Refusal:
        remedy = "finished work is kept; start the scheduler and run the same command again"
        return Refusal(f"--cluster {self.address}: the scheduler went away; {remedy}")

    @property
    def workers(self) -> int:
        """The threads of all workers; workers may join and leave."""
        now = time.monotonic()
        if now - self._checked_at >= POLL:
            try:
                self._workers = sum(self._client.nthreads().values())
            except (OSError, CancelledError):
                raise self._scheduler_gone() from None
            self._checked_at = now
            if self._workers:
                self._last_worker_at = now
            elif now - self._last_worker_at > self.patience:
                raise self._no_worker(self.patience)
        return self._workers

    def submit(self, work: Callable[[T], R], task: T) -> Future:
        self._count += 1
        packed = pickle.dumps(RemoteTask(self._versions, pickle.dumps((work, task))))
        name = f"{self._name}-{self._count}"
        try:
            # A worker that cannot unpickle its message ends itself. It can always read this one: `loads` is Python's
            # own. Only running it imports this program, and an import that fails is a failed task like any other.
            future: Future = self._client.submit(pickle.loads, packed, key=name, pure=False)
        except Exception:
            if self._client.status == "running":
                raise
            raise self._scheduler_gone() from None
        return future

    def wait(self, ready: SimpleQueue[Future]) -> Future:
        while True:
            try:
                return ready.get(timeout=POLL)
            except Empty:
                _ = self.workers  # raises if no worker is left

    def result(self, future: Future) -> Any:
        """Fetch the result from its worker. If that worker dies first, another one runs the task again."""
        while True:
            try:
                return self._fetch(future)
            except TimeoutError:
                _ = self.workers

    def _fetch(self, future: Any) -> Any:
        try:
            return future.result(timeout=POLL)
        except (CancelledError, OSError) as problem:
            # With status "error" the task itself raised this; a time-out only means that there is no result yet.
            if future.status == "error" or isinstance(problem, TimeoutError):
                raise
            raise self._scheduler_gone() from None
        except ModuleNotFoundError as problem:
            what = f"a worker has no {problem.name}; install there what is installed here, in the same version"
            raise Refusal(f"--cluster {self.address}: {what}") from None
        except Exception as problem:
            if type(problem).__name__ != "KilledWorker":
                raise
            remedy = "see the workers' logs; it may need more memory, or a shorter period (--days)"
            raise Refusal(f"--cluster {self.address}: one task ended several workers; {remedy}") from None

    def stop(self, running: Iterable[Future]) -> None:
        """Cancel unfinished tasks. A worker finishes the task that it has begun, but its result is not awaited."""
        for each in running:
            if not each.done():
                each.cancel()

    def close(self) -> None:
        self._client.close()


# --- on the worker ---------------------------------------------------------------------------------------------------


def versions() -> dict[str, str]:
    """The versions that must be the same on all machines, so that the results are."""
    import scipy

    found = {"Python": ".".join(platform.python_version_tuple()[:2]), "NumPy": np.__version__}
    return {**found, "SciPy": scipy.__version__, "queue-model": program_digest(("*.py",))[:12]}


class RemoteTask(NamedTuple):
    """The message to a worker. Unpickling it runs the task and gives the result."""

    versions: dict[str, str]
    payload: bytes

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return run_remote_task, (self.versions, self.payload)


def run_remote_task(required: dict[str, str], payload: bytes) -> Any:
    """Run one task on a worker. Versions are compared first, since they decide what the payload means."""
    own = versions()
    differences = [
        f"{name} {own.get(name)} there, {value} here" for name, value in required.items() if own.get(name) != value
    ]
    if differences:
        import distributed

        worker = distributed.get_worker().address
        what = f"the worker {worker} differs from this machine: {'; '.join(differences)}"
        raise ModelError(f"--cluster: {what}; install the same versions")
    work, task = pickle.loads(payload)
    return work(task)
