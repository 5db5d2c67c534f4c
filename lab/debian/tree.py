"""A tree of unpacked Debian packages: obtained whole or not at all, and known by a stamp that is written last."""

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

from lab.debian import packages
from lab.debian.download import Report, megabytes, need_space

STAMP = "installed.json"  # in the tree: what it holds

Stamp = dict[str, Any]


class Kind(NamedTuple):
    """What a tree is to hold."""

    title: str
    roots: tuple[str, ...]  # packages
    libraries: re.Pattern[str]  # of all that these depend on, what is wanted
    format: int  # raised when roots or layout change, so that older trees are replaced
    tried: Callable[[str, Stamp], None]  # starts what was unpacked into a folder, may note in its stamp; Refusal


def stamp(tree: str, kind: Kind) -> Stamp | None:
    """What a tree holds; None when it is not (or not wholly, or an older kind) there."""
    try:
        with open(os.path.join(tree, STAMP), encoding="utf-8") as file:
            found: Stamp = json.load(file)
    except (OSError, ValueError):
        return None
    return found if found.get("format") == kind.format else None


def obtain(
    tree: str, cache: str, kind: Kind, mirror: str | None, suite: str, report: Report, keyring: str, verify: bool
) -> Stamp:
    """Fetch, check and unpack the packages beside `tree`, try them out, put them in its place; its stamp."""
    processor = packages.architecture()
    source = (mirror or packages.machine_mirror()).rstrip("/")
    if proxy := packages.machine_proxy(source):
        os.environ[f"{source.partition(':')[0]}_proxy"] = proxy
    report(f"{kind.title} from {source}")
    archive = packages.Mirror(source, suite, processor, cache, keyring, verify)
    chosen = packages.resolve(archive.paragraphs(report), kind.roots, lambda name: bool(kind.libraries.fullmatch(name)))
    need_space(cache, sum(package.size for package in chosen) + sum(package.installed_size for package in chosen))
    files = archive.fetch(chosen, report)
    report("unpacking")
    home = os.path.dirname(tree)
    for left in glob.glob(os.path.join(glob.escape(home), ".tree-*")):  # by an install that was killed
        shutil.rmtree(left)
    fresh = tempfile.mkdtemp(prefix=".tree-", dir=home)
    try:
        os.chmod(fresh, 0o755)
        for path in files:
            packages.unpack(path, fresh)
        made: Stamp = {
            "format": kind.format,
            "suite": suite,
            "mirror": source,
            "signature": archive.signature,
            "triplet": processor.triplet,
            "loader": processor.loader,
            "packages": {package.name: package.version for package in chosen},
        }
        kind.tried(fresh, made)
        with open(os.path.join(fresh, STAMP), "w", encoding="utf-8") as file:
            json.dump(made, file, indent=1)
        _put_in_place(fresh, tree)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    unpacked = sum(package.installed_size for package in chosen)
    report(f"unpacked {len(files)} packages, {megabytes(unpacked)}")
    return made


@contextlib.contextmanager
def alone(home: str, report: Report) -> Iterator[None]:
    """One install at a time; the kernel lets go of the lock whatever happens to its holder."""
    with open(os.path.join(home, ".install.lock"), "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("another install is under way; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _put_in_place(fresh: str, tree: str) -> None:
    old = tempfile.mkdtemp(prefix=".tree-", dir=os.path.dirname(tree))
    if os.path.lexists(tree):  # an older kind, or one that was damaged; a program that runs keeps its open files
        os.rename(tree, os.path.join(old, "tree"))
    os.rename(fresh, tree)
    shutil.rmtree(old, ignore_errors=True)
