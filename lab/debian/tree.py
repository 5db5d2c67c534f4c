"""A tree of unpacked Debian packages: installed whole or not at all, with a stamp that is written last."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from common.command_line import Refusal
from common.places import Places
from lab.debian import packages
from lab.debian.download import Report, megabytes, need_space

SUITE = "forky"  # the first Debian with Asterisk 22 (LTS)
STAMP = "installed.json"  # in the tree: what it holds

Stamp = dict[str, Any]


class Source(NamedTuple):
    """Where packages come from, and how their signature is checked."""

    mirror: str | None = None  # a Debian mirror; None: the one that this machine's apt uses
    suite: str = SUITE
    keyring: str = packages.KEYRING
    verify: bool = True


MACHINE_MIRROR = Source()


class Kind(NamedTuple):
    """What a tree is to hold."""

    title: str
    roots: tuple[str, ...]  # packages
    libraries: re.Pattern[str]  # the dependencies that are needed
    format: int  # increased when roots or layout change, so that older trees are replaced
    try_out: Callable[[str, Stamp], None]  # starts the programs in a folder, may add to the stamp; raises Refusal
    summary: Callable[[Stamp], str]


def read_stamp(tree: str, kind: Kind) -> Stamp | None:
    """What a tree holds; None when it is missing, incomplete or of an older kind."""
    try:
        with open(os.path.join(tree, STAMP), encoding="utf-8") as file:
            stamp: Stamp = json.load(file)
    except (OSError, ValueError):
        return None
    return stamp if stamp.get("format") == kind.format else None


def install(places: Places, tree: str, kind: Kind, source: Source, report: Report) -> Stamp:
    """Obtain a tree, at once when it is there already; its stamp.

    Every problem is a `Refusal` with its remedy; only the cache and an earlier tree remain then.
    """
    home = os.path.dirname(tree)
    try:
        for folder in (places.var, home, places.cache):  # writable by nobody else, even where var/ is shared
            os.makedirs(folder, mode=0o755, exist_ok=True)
        with _one_at_a_time(home, report):
            stamp = read_stamp(tree, kind)
            if stamp is not None and stamp["suite"] == source.suite:
                report(f"already installed: {kind.summary(stamp)}")
                return stamp
            stamp = _obtain(tree, places.cache, kind, source, report)
    except OSError as problem:
        raise Refusal(f"{problem.filename or home}: {problem.strerror}; the install cannot write there") from problem
    report(f"installed {kind.summary(stamp)}")
    return stamp


def _obtain(tree: str, cache: str, kind: Kind, source: Source, report: Report) -> Stamp:
    """Fetch, check and unpack the packages beside the tree, try them out, put them in its place; the stamp."""
    processor = packages.architecture()
    url = (source.mirror or packages.machine_mirror()).rstrip("/")
    if proxy := packages.machine_proxy(url):
        os.environ[f"{url.partition(':')[0]}_proxy"] = proxy
    report(f"{kind.title} from {url}")
    archive = packages.Mirror(url, source.suite, processor, cache, source.keyring, source.verify)
    chosen = packages.resolve(archive.paragraphs(report), kind.roots, lambda name: bool(kind.libraries.fullmatch(name)))
    need_space(cache, sum(package.size for package in chosen) + sum(package.installed_size for package in chosen))
    files = archive.fetch(chosen, report)
    report("unpacking")
    home = os.path.dirname(tree)
    for draft in glob.glob(os.path.join(glob.escape(home), ".tree-*")):  # left by an install that was killed
        shutil.rmtree(draft)
    draft = tempfile.mkdtemp(prefix=".tree-", dir=home)
    try:
        os.chmod(draft, 0o755)
        for path in files:
            packages.unpack(path, draft)
        stamp: Stamp = {
            "format": kind.format,
            "suite": source.suite,
            "mirror": url,
            "signature": archive.signature,
            "triplet": processor.triplet,
            "loader": processor.loader,
            "packages": {package.name: package.version for package in chosen},
        }
        kind.try_out(draft, stamp)
        with open(os.path.join(draft, STAMP), "w", encoding="utf-8") as file:
            json.dump(stamp, file, indent=1)
        _put_in_place(draft, tree)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    unpacked = sum(package.installed_size for package in chosen)
    report(f"unpacked {len(files)} packages, {megabytes(unpacked)}")
    return stamp


@contextlib.contextmanager
def _one_at_a_time(home: str, report: Report) -> Iterator[None]:
    """Hold the lock of installs; the kernel releases it when the process ends in any way."""
    with open(os.path.join(home, ".install.lock"), "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("another install is running; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _put_in_place(draft: str, tree: str) -> None:
    old = tempfile.mkdtemp(prefix=".tree-", dir=os.path.dirname(tree))
    if os.path.lexists(tree):  # an older kind, or a damaged one; running programs keep their open files
        os.rename(tree, os.path.join(old, "tree"))
    os.rename(draft, tree)
    shutil.rmtree(old, ignore_errors=True)
