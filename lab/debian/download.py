"""Fetching files over HTTP: resumed after an interruption, checked before they get their name, with progress.

An incomplete file is `<name>.part`. After a dropped connection it is continued with a Range request; a file with a
wrong digest is deleted. So every file in the cache under its own name is complete.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import shutil
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import IO

from common.command_line import Refusal
from common.file_errors import describe

TRIES = 4  # each continues where the last one stopped
SILENCE = 30  # s without a byte before a connection counts as dropped
CHUNK = 1 << 16

Report = Callable[[str], object]


class Missing(Refusal):
    """The mirror has no such file."""


class Meter:
    """Shows the progress: one changing line in a terminal, four lines in a log."""

    def __init__(self, total: int, report: Report, moving: bool | None = None) -> None:
        self.total = total
        self.done = 0
        self._report = report
        self._moving = report is print and sys.stdout.isatty() if moving is None else moving
        self._quarter = 0
        self._percent = -1
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        """Count received bytes; a negative count is of bytes that must be fetched again."""
        with self._lock:
            self.done += count
            percent = min(100, self.done * 100 // self.total) if self.total else 100
            if self._moving:
                if percent != self._percent:
                    sys.stdout.write(f"\r  {megabytes(self.done)} of {megabytes(self.total)} ({percent} %)\x1b[K")
                    sys.stdout.flush()
            elif percent // 25 > self._quarter:
                self._quarter = percent // 25
                self._report(f"  {megabytes(self.done)} of {megabytes(self.total)} ({percent} %)")
            self._percent = percent

    def close(self) -> None:
        """End the moving line."""
        if self._moving and self._percent >= 0:
            sys.stdout.write("\n")


def megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"


def sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def is_whole(path: str, digest: str) -> bool:
    """Whether the file exists and has this digest."""
    return os.path.isfile(path) and sha256(path) == digest


def fetch(url: str, path: str, *, digest: str, meter: Meter | None = None) -> None:
    """Fetch `url` into `path`, which appears only when its SHA-256 is `digest`.

    Raises `Missing` for a file that the mirror does not have, and `Refusal` for all other problems.
    """
    part = path + ".part"
    for fresh in (False, True):
        if fresh or not os.path.exists(part):
            _forget(part, meter)
        elif meter:
            meter.add(os.path.getsize(part))
        resumed = os.path.exists(part)
        _download(url, part, meter)
        if sha256(part) == digest:
            os.replace(part, path)
            return
        if not resumed:
            break  # it was fetched at once: fetching it again would give the same
    found = sha256(part)
    os.remove(part)
    raise Refusal(
        f"{url}: bad checksum (SHA-256 {found}, the signed index says {digest}); nothing was installed. "
        "The mirror may be changing right now: try again in a few minutes, or choose another mirror with --mirror"
    )


def read(url: str) -> bytes:
    """The content of a small file."""
    try:
        with urllib.request.urlopen(url, timeout=SILENCE) as answer:
            content: bytes = answer.read()
            return content
    except urllib.error.HTTPError as problem:
        with problem:
            raise _refused(url, problem) from None
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise unreachable(url, problem) from None


def unreachable(url: str, problem: Exception) -> Refusal:
    reason = problem.reason if isinstance(problem, urllib.error.URLError) else problem
    if isinstance(problem, urllib.error.HTTPError):
        reason = f"{problem.code} {problem.reason}"
    return Refusal(
        f"{url}: the mirror cannot be reached ({reason}); check the network and the proxy, or name another mirror "
        "with --mirror. What was received is kept"
    )


def no_space(folder: str, problem: OSError) -> Refusal:
    return Refusal(f"{describe(problem, folder)}; or choose another folder with --var (or $IVR_VAR)")


def need_space(folder: str, count: int) -> None:
    """Refuse before the work begins, if the space is not enough."""
    free = shutil.disk_usage(folder).free
    if free < count:
        raise Refusal(
            f"{folder}: {megabytes(count)} are needed and {megabytes(free)} are free; free space there, "
            "or choose another folder with --var (or $IVR_VAR)"
        )


def is_full(problem: OSError) -> bool:
    return problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _download(url: str, part: str, meter: Meter | None) -> None:
    problem: Exception | None = None
    for _ in range(TRIES):
        try:
            with open(part, "ab") as file:
                if _append(url, file, meter):
                    return
            problem = ConnectionError("the connection was closed early")
        except urllib.error.HTTPError as answer:
            with answer:
                if answer.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and os.path.getsize(part):
                    return  # it was complete: the digest decides
                if answer.code < 500:
                    raise _refused(url, answer) from None
            problem = answer
        except (OSError, http.client.HTTPException) as trouble:
            if isinstance(trouble, OSError) and is_full(trouble):
                raise no_space(os.path.dirname(part), trouble) from None
            problem = trouble
    assert problem is not None
    raise unreachable(url, problem)


def _append(url: str, file: IO[bytes], meter: Meter | None) -> bool:
    """Append the missing rest; whether all promised bytes came."""
    have = file.tell()
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=SILENCE) as answer:
        if have and answer.status != http.client.PARTIAL_CONTENT:  # this server does not support ranges
            file.truncate(0)
            if meter:
                meter.add(-have)
        promised = answer.headers.get("Content-Length")
        arrived = 0
        for block in _blocks(answer):
            file.write(block)
            arrived += len(block)
            if meter:
                meter.add(len(block))
        return promised is None or arrived == int(promised)


def _blocks(answer: IO[bytes]) -> Iterator[bytes]:
    while block := answer.read(CHUNK):
        yield block


def _forget(part: str, meter: Meter | None) -> None:
    if os.path.exists(part):
        if meter:
            meter.add(-os.path.getsize(part))
        os.remove(part)


def _refused(url: str, answer: urllib.error.HTTPError) -> Refusal:
    text = f"{url}: the mirror answers {answer.code} {answer.reason}"
    if answer.code == http.client.NOT_FOUND:
        return Missing(
            f"{text}; is it a Debian mirror, and does it have this suite? Name another with --mirror, --suite"
        )
    return Refusal(f"{text}; name another mirror with --mirror")
