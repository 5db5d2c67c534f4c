"""Every command of every program meets places that are missing, unreadable, faulty or full: a sentence, no traceback.

Each command runs in a forked child without root's privileges, so that rights are really missing. Forking after the
imports keeps hundreds of starts fast.
"""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import errno
import importlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from common.places import ROOT

CAPABILITIES_3 = 0x20080522  # of capset(2)
PROGRAMS = ("ivr", "lab", "measure", "queue-model", "registry", "voicemail")
NUMBER, BY = "NUL-2026-000001-7", ["--by", "op101"]
WHO = ["--number", "0612345678", "--why", "a letter", *BY]
ARGUMENTS: dict[str, list[str]] = {
    "ivr prompts": ["list"],
    "ivr render": ["--output", "OUT", "--yes"],
    "ivr serve": ["--port", "0", "--metrics-port", "0"],
    "lab switch": ["status"],
    "lab mariadb": ["install", "--mirror", "http://127.0.0.1:9/debian"],
    "lab postgres": ["install", "--mirror", "http://127.0.0.1:9/debian"],
    "measure live": ["--once"],
    "measure report": ["--month", "2026-10"],
    "measure operators": ["--month", "2026-10", "--why", "a look", "--by", "anna"],
    "registry show": [NUMBER],
    "registry open": ["--topic", "DID", *BY],
    "registry refer": [NUMBER, "--office", "RM01", *BY],
    "registry close": [NUMBER, "--outcome", "resolved", *BY],
    "registry classify": [NUMBER, "--topic", "DID", *BY],
    "registry backup": ["OUT/copy.db"],
    "registry restore": ["OUT/copy.db"],
    "registry drill": ["OUT"],
    "registry find": WHO,
    "registry export": [*WHO, "--output", "OUT/export"],
    "registry erase": WHO,
    "voicemail show": ["20261123T200000-0123456789ab"],
    "voicemail play": ["20261123T200000-0123456789ab"],
    "voicemail mark": ["20261123T200000-0123456789ab", "listened"],
    "voicemail outcome": [NUMBER, "reached", *BY],
    **{f"voicemail {name}": [NUMBER, *BY] for name in ("take", "release", "call")},
    "registry take": [NUMBER, *BY],
}  # fmt: skip
# This one starts real parts and has tests of its own; the model reads files that the
# command line names.
ELSEWHERE = {"lab demo"}
ALIKE = {"assign", "release", "answer", "wait", "resume", "escalate", "return", "reopen", "merge"}  # made as `take` is


def commands() -> list[str]:
    names = []
    for program in PROGRAMS:
        if program != "queue-model":
            names += [f"{program} {command}" for command in importlib.import_module(f"{program}.cli").COMMANDS]
    alike = {f"registry {command}" for command in ALIKE}
    return [name for name in names if name not in ELSEWHERE | alike]


@pytest.fixture(scope="module")
def site() -> Iterator[Path]:
    """A configuration, its compiled form and a registry."""
    for name in commands():
        program, command = name.split()
        with contextlib.suppress(ModuleNotFoundError):  # made from the transition table
            importlib.import_module(f"{program}.commands.{command}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(Path(ROOT, "config"), folder / "config", ignore=shutil.ignore_patterns("prompts"))
        (folder / "config/prompts").symlink_to(Path(ROOT, "config/prompts"))
        (folder / "out").mkdir()
        for program, command in (("ivr", "compile"), ("registry", "init")):
            main = importlib.import_module(f"{program}.cli").main
            with contextlib.redirect_stdout(open(os.devnull, "w")) as hidden:
                assert main([f"--config={folder}/config", f"--var={folder}/var", command]) == 0
            hidden.close()
        yield folder


def missing(folder: Path) -> None:
    shutil.rmtree(folder / "var")


def unreadable(folder: Path) -> None:
    (folder / "var").chmod(0)


def read_only(folder: Path) -> None:
    for path in [*(folder / "var").rglob("*"), folder / "var", folder / "out"]:
        path.chmod(0o555 if path.is_dir() else 0o444)


def a_file(folder: Path) -> None:
    shutil.rmtree(folder / "var")
    (folder / "var").write_text("not a folder")


def faulty(folder: Path) -> None:
    for name in ("compiled.json", "registry.db", "seats.json", "keys/registry.key"):
        path = folder / "var" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\xff{not what it should be")


def faulty_configuration(folder: Path) -> None:
    (folder / "config/service.yaml").write_text("service: [")
    (folder / "var/compiled.json").write_text(json.dumps({"format": 99}))


def full(folder: Path) -> None:
    """A full disk for whatever Python itself writes below these folders (a database has tests of its own)."""
    real_open, real_os_open = open, os.open

    def refuse(path: Any) -> None:
        if str(path).startswith(str(folder)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    def os_open(path: Any, flags: int, *arguments: Any, **options: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            refuse(path)
        return real_os_open(path, flags, *arguments, **options)

    def python_open(path: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if set(mode) & set("wax+"):
            refuse(path)
        return real_open(path, mode, *arguments, **options)

    def make(path: Any, *arguments: Any, **options: Any) -> None:
        refuse(path)

    os.open, builtins.open, os.mkdir = os_open, python_open, make


PLACES = (missing, unreadable, read_only, a_file, faulty, faulty_configuration, full)


def run(arguments: list[str], program: str, spoil: Callable[[Path], None], folder: Path) -> tuple[int, str]:
    """Run a command in a child that has no rights of root; its exit status and what it wrote to standard error."""
    with tempfile.TemporaryFile() as errors:
        child = os.fork()
        if not child:
            _be_the_command(arguments, program, spoil, folder, errors.fileno())
        _, status = os.waitpid(child, 0)
        errors.seek(0)
        return os.waitstatus_to_exitcode(status), errors.read().decode()


def _drop_privileges() -> None:
    """Give up every capability: root then needs rights like anybody else."""
    header, nothing = (ctypes.c_uint32 * 2)(CAPABILITIES_3, 0), (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, nothing):
        raise OSError(ctypes.get_errno(), "capset")


def _be_the_command(
    arguments: list[str], program: str, spoil: Callable[[Path], None], folder: Path, errors: int
) -> NoReturn:
    status = 70
    try:
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        os.dup2(errors, 2)
        sys.stdout, sys.stderr = open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115 - for the life of this process
        for name in ("NUL_DATABASE", "NUL_KEYS", "NUL_AMI", "NUL_SWITCH_LOG", "NUL_RECORDINGS"):
            os.environ.pop(name, None)
        import signal

        signal.alarm(20)  # a service that starts after all is stopped
        spoil(folder)
        _drop_privileges()
        main = importlib.import_module(f"{program}.cli").main
        status = main([f"--config={folder}/config", f"--var={folder}/var", *arguments])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 71
    except BaseException:  # noqa: BLE001 - whatever it is, the parent reads it
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


@pytest.mark.parametrize("spoil", PLACES, ids=lambda spoil: spoil.__name__)
@pytest.mark.parametrize("name", commands())
def test_a_sentence_and_no_traceback(name: str, spoil: Callable[[Path], None], site: Path, tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp(dir=site.parent, prefix="bad-places-"))
    try:
        shutil.copytree(site, folder, symlinks=True, dirs_exist_ok=True)
        compiled = folder / "var/compiled.json"
        compiled.write_text(compiled.read_text().replace(str(site), str(folder)))
        program, command = name.split()
        words = [word.replace("OUT", str(folder / "out")) for word in ARGUMENTS.get(name, [])]
        status, said = run([command, *words], program, spoil, folder)
        assert "Traceback" not in said, said
        assert status != 2 or "usage:" not in said, said  # this table must know the command's arguments
        if status == 1 and command not in ("check", "render"):
            assert said.strip().startswith(f"{program} {command}") or ": " in said, said
        assert "delete it" not in said, said
    finally:
        for path in [folder, *folder.rglob("*")]:
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
        shutil.rmtree(folder)
