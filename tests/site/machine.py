"""A booted Debian with systemd, in a container of its own: what a site's machine is to the units.

It needs root, mmdebstrap and systemd-nspawn on this machine (`make site-test` says so when they are missing). The
container has only a loopback network. Its root folder is kept under var/site for the next run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from common.places import ROOT
from lab.stack import wait_until

SUITE = "bookworm"  # its Python is 3.11
PACKAGES = "systemd,systemd-sysv,dbus,python3,python3-venv"
PREFIX = "/opt/numero-unico"
EXTRAS = "desk"  # what the services of a site import
BOOT_SECONDS, COMMAND_SECONDS = 60.0, 120.0


class Machine:
    """A running container. `run` executes a command in it, as root."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        self._container: subprocess.Popen[bytes] | None = None

    def boot(self) -> None:
        with self.root.with_suffix(".log").open("wb") as log:
            self._container = subprocess.Popen(
                ["systemd-nspawn", "--quiet", "-D", self.root, "--boot", "--register=no", "--keep-unit",
                 "--private-network", f"--machine=nul-site-{os.getpid()}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        wait_until(self._is_up, BOOT_SECONDS, "the container to boot")

    def _is_up(self) -> bool:
        return self._leader() is not None and self.run("systemctl is-system-running", check=False) in (
            "running",
            "degraded",
        )

    def _leader(self) -> int | None:
        """The container's first process, seen from outside."""
        assert self._container is not None
        path = Path(f"/proc/{self._container.pid}/task/{self._container.pid}/children")
        children = path.read_text().split() if path.exists() else []
        for child in children:
            grandchildren = Path(f"/proc/{child}/task/{child}/children").read_text().split()
            name = Path(f"/proc/{child}/comm").read_text().strip()
            if name == "systemd":
                return int(child)
            children.extend(grandchildren)
        return None

    def run(self, command: str, *, check: bool = True) -> str:
        """Run a shell command in the container and return its output. Raises when it fails, unless `check` is off."""
        done = subprocess.run(
            ["nsenter", "-t", str(self._leader()), "-m", "-p", "-u", "-i", "-n", "sh", "-c", command],
            capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def wait(self, condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
        wait_until(condition, seconds, what)

    def property(self, unit: str, name: str) -> str:
        return self.run(f"systemctl show {unit} --property={name} --value")

    def stop(self) -> None:
        if self._container is None:
            return
        self.run("systemctl poweroff", check=False)
        try:
            self._container.wait(30)
        except subprocess.TimeoutExpired:
            self._container.kill()
            self._container.wait(10)


def missing_programs() -> list[str]:
    return [name for name in ("mmdebstrap", "systemd-nspawn", "nsenter") if shutil.which(name) is None]


def install(folder: Path) -> None:
    """Make the root folder unless it is there, then install this checkout as docs/ops.md says."""
    if not (folder / "usr/bin/python3").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        _call("mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, folder)
    _wheels(folder)
    _call("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "-D", folder, "sh", "-ec", f"""
        id asterisk >/dev/null 2>&1 || useradd --system --home-dir /var/lib/asterisk asterisk
        mkdir -p /var/lib/numero-unico /var/log/asterisk /var/spool/asterisk/monitor/nul /var/backups/numero-unico
        chown -R asterisk:asterisk /var/lib/numero-unico /var/log/asterisk /var/spool/asterisk /var/backups/numero-unico
        test -x {PREFIX}/.venv/bin/python || python3 -m venv {PREFIX}/.venv
        {PREFIX}/.venv/bin/pip install --quiet --no-index --find-links {PREFIX}/wheels \\
            --force-reinstall --no-deps {PREFIX}/wheels/*.whl
        """)  # fmt: skip
    units = folder / "etc/systemd/system"
    shutil.copytree(Path(ROOT, "config"), folder / "etc/numero-unico", dirs_exist_ok=True)
    shutil.copytree(Path(ROOT, "config/systemd"), units, dirs_exist_ok=True)


def _wheels(folder: Path) -> None:
    """The product and what it needs, as wheels, so that the container needs no network."""
    wheels = folder / PREFIX.lstrip("/") / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    wheels.mkdir(parents=True)
    _call(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--wheel-dir", wheels,
          "--constraint", _pins(wheels), f"{ROOT}[{EXTRAS}]")  # fmt: skip
    os.unlink(wheels / "pins.txt")


def _pins(wheels: Path) -> Path:
    """The versions of the lock file, without hashes (pip refuses to mix hashes with a local folder)."""
    lines = Path(ROOT, "requirements.lock").read_text(encoding="utf-8").splitlines()
    path = wheels / "pins.txt"
    path.write_text("".join(f"{line.split(' ')[0]}\n" for line in lines if "==" in line and not line.startswith(" ")))
    return path


def _call(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL)
