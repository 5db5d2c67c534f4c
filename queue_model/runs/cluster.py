"""The work on many machines, through Dask distributed: `--cluster ADDRESS` of a scheduler to which workers belong.

A worker needs this program installed, the same version with the same NumPy and SciPy, and nothing else: scenario,
configuration and trace are in the task. A worker that dies costs time only, since the scheduler gives its tasks to
others. Whoever reaches a scheduler can run programs on its workers: keep it in a network that is yours, or use TLS.
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
from queue_model.runs.cache import program
from queue_model.runs.executors import Executor, Future

T = TypeVar("T")
R = TypeVar("R")

DEADLINE = 15.0  # seconds to reach the scheduler, and for the first worker
PATIENCE = 120.0  # seconds without any worker, in the middle
LOOK = 5.0  # seconds between two looks at who works


class Cluster(Executor):
    """A Dask scheduler and its workers. Raises `Refusal` when it cannot be reached, has no worker, or goes away."""

    least = 1.0  # handing a task out takes some milliseconds

    def __init__(self, address: str, deadline: float = DEADLINE, patience: float = PATIENCE) -> None:
        self.address, self.patience = address, patience
        self._name = f"queue-model-{uuid.uuid4().hex}"  # its tasks are nobody else's
        self._count = 0
        self._versions = versions()
        self._client = self._connected(deadline)
        try:
            self.wait_for(1, min(deadline, patience))
        except Refusal:
            self.close()
            raise
        self._hands, self._looked, self._seen = 0, -math.inf, time.monotonic()

    def _connected(self, deadline: float) -> Any:
        try:
            import distributed
        except ModuleNotFoundError:
            remedy = "install it, pip install 'numero-unico-lavoro[cluster]', or leave --cluster out"
            raise Refusal(f"--cluster: Dask distributed is not installed here; {remedy}") from None
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what goes wrong is told once, in plain words
        try:
            connect: Callable[..., Any] = distributed.Client
            client = connect(self.address, timeout=deadline, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as problem:
            why = "nobody answers" if isinstance(problem, OSError | TimeoutError) else str(problem)
            remedy = "start one with `dask scheduler`, and say where it is: tcp://HOST:8786"
            raise Refusal(f"--cluster {self.address}: no scheduler there ({why}, {deadline:g} s); {remedy}") from None
        return client

    def wait_for(self, workers: int, deadline: float) -> None:
        """Until there are so many workers. Raises `Refusal` when there are not within so many seconds."""
        try:
            self._client.wait_for_workers(workers, timeout=deadline)
        except TimeoutError:
            raise self._nobody(deadline) from None

    def _nobody(self, seconds: float) -> Refusal:
        remedy = f"start some: dask worker {self.address}"
        return Refusal(f"--cluster {self.address}: no worker for {seconds:g} s; {remedy}; what is finished is kept")

    def _gone(self) -> Refusal:
        remedy = "what is finished is kept; start it and give the same command again"
        return Refusal(f"--cluster {self.address}: the scheduler went away; {remedy}")

    @property
    def hands(self) -> int:
        """The threads of all workers; they may come and go."""
        now = time.monotonic()
        if now - self._looked >= LOOK:
            try:
                self._hands = sum(self._client.nthreads().values())
            except (OSError, CancelledError):
                raise self._gone() from None
            self._looked = now
            if self._hands:
                self._seen = now
            elif now - self._seen > self.patience:
                raise self._nobody(self.patience)
        return self._hands

    def submit(self, work: Callable[[T], R], task: T) -> Future:
        self._count += 1
        errand = pickle.dumps(Errand(self._versions, pickle.dumps((work, task))))
        name = f"{self._name}-{self._count}"
        try:
            # A worker that cannot read what it is sent ends itself. This it can: `loads` is Python's own, and only when
            # it runs the errand, as any task that may fail, does it look for this program.
            future: Future = self._client.submit(pickle.loads, errand, key=name, pure=False)
        except Exception:
            if self._client.status == "running":
                raise
            raise self._gone() from None
        return future

    def wait(self, ready: SimpleQueue[Future]) -> Future:
        while True:
            try:
                return ready.get(timeout=LOOK)
            except Empty:
                _ = self.hands  # refuses when nobody is left

    def result(self, future: Future) -> Any:
        """What is done lies with the worker that did it; if that one dies before it is fetched, others do it again."""
        while True:
            try:
                return self._fetched(future)
            except TimeoutError:
                _ = self.hands

    def _fetched(self, future: Any) -> Any:
        try:
            return future.result(timeout=LOOK)
        except (CancelledError, OSError) as problem:
            # A task of ours that raised an error has told it; a time-out says only that nothing came yet.
            if future.status == "error" or isinstance(problem, TimeoutError):
                raise
            raise self._gone() from None
        except ModuleNotFoundError as problem:
            what = f"a worker has no {problem.name}; install there what is here, the same version"
            raise Refusal(f"--cluster {self.address}: {what}") from None
        except Exception as problem:
            if type(problem).__name__ != "KilledWorker":
                raise
            remedy = "look into its log; it may need more memory, or a shorter period (--days)"
            raise Refusal(f"--cluster {self.address}: one task ended several workers; {remedy}") from None

    def settle(self, running: Iterable[Future]) -> None:
        """What a worker has begun it finishes, but nobody waits for it."""
        for each in running:
            if not each.done():
                each.cancel()

    def close(self) -> None:
        self._client.close()


# --- on the worker ---------------------------------------------------------------------------------------------------


def versions() -> dict[str, str]:
    """What must be the same wherever a part of the work is done, or the results would not be."""
    import scipy

    found = {"Python": ".".join(platform.python_version_tuple()[:2]), "NumPy": np.__version__}
    return {**found, "SciPy": scipy.__version__, "queue-model": program(("*.py",))[:12]}


class Errand(NamedTuple):
    """What a worker is sent: reading it does it, and gives the result."""

    versions: dict[str, str]
    payload: bytes

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return there, (self.versions, self.payload)


def there(asked: dict[str, str], payload: bytes) -> Any:
    """One task, on a worker. The versions come first: what is in the payload may mean something else in another."""
    own = versions()
    other = [f"{name} {own.get(name)} there, {value} here" for name, value in asked.items() if own.get(name) != value]
    if other:
        import distributed

        where = distributed.get_worker().address
        raise ModelError(f"--cluster: the worker {where} is not like this machine: {'; '.join(other)}; make them alike")
    work, task = pickle.loads(payload)
    return work(task)
