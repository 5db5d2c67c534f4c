"""The machine that the benchmarks run on: its description, its load, its cores."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

QUIET = 1.5  # load average below which the machine counts as quiet
PINNED = shutil.which("taskset") is not None and (os.cpu_count() or 1) > 1


def description() -> str:
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(": ")[2]
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    kernel = platform.release().split("-")[0]
    virtual = " (virtual machine)" if " hypervisor" in Path("/proc/cpuinfo").read_text() else ""
    return f"{os.cpu_count()} x {model}{virtual}, {pages / 2**30:.0f} GB, {platform.system()} {kernel}"


def versions() -> str:
    return f"Python {platform.python_version()}, uvloop {version('uvloop')}"


def on_core(core: int) -> list[str]:
    """The prefix of a command that pins it to that core; empty where this is not possible."""
    return ["taskset", "-c", str(core)] if PINNED else []


def load() -> float:
    """The load average of the last minute."""
    return os.getloadavg()[0]


def wait_until_quiet(seconds: float) -> str:
    """Wait at most this long until the machine is quiet; return a description of the load."""
    end = time.monotonic() + seconds
    while load() >= QUIET and time.monotonic() < end:
        time.sleep(5)
    now = load()
    return f"load average {now:.1f} at the beginning" + ("" if now < QUIET else ": NOISY, trust only the ratios")


def compiled(source: Path, folder: Path, *flags: str) -> Path:
    """Compile a C file, with `-O2` and `flags`. Raises RuntimeError with the compiler's messages."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise RuntimeError("no C compiler `cc` on this machine; install one (Debian: gcc libc6-dev)")
    program = folder / source.stem
    outcome = subprocess.run(
        [compiler, "-O2", "-Wall", *flags, "-o", str(program), str(source), "-lm"],
        capture_output=True,
        text=True,
        check=False,
    )
    if outcome.returncode:
        raise RuntimeError(f"{source.name} does not compile: {outcome.stderr.strip()}")
    return program


def revision() -> str:
    """The measured commit, with `+` if files of the measured packages differ from it."""
    root = Path(__file__).parent.parent

    def git(*arguments: str) -> str:
        outcome = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
        return outcome.stdout.strip() if outcome.returncode == 0 else ""

    commit = git("rev-parse", "--short", "HEAD") or "unknown"
    changed = git(
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        "ivr",
        "voicemail",
        "charter",
        "agi_scripts",
        "queue_model",
    )
    return commit + ("+" if changed else "")
