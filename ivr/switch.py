"""A private Asterisk for development, tests and the demonstration: prepared, started, asked, stopped.

Each switch is a folder with everything that this Asterisk reads and writes. `state.json` in it says which process runs
it and on which ports; a process is known by its pid *and* the moment it began, so that nobody else's is ever stopped.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from ivr import ports as blocks
from ivr import procfs, switch_files, unprivileged
from ivr.cli import Refusal
from ivr.download import Report
from ivr.faketime import Clock
from ivr.installation import Installation, install, installed, places_wanted, system_installation
from ivr.places import Places
from ivr.ports import Claim, Ports

__all__ = [
    "Ami",
    "Installation",
    "Ports",
    "Status",
    "Switch",
    "install",
    "installed",
    "named",
    "names",
    "system_installation",
]

SOCKET = "asterisk.ctl"
LONGEST_SOCKET = 107  # bytes in a Unix socket's path
AMI_USER = "ivr"
CLI_SECONDS = 30

_children: dict[int, subprocess.Popen[bytes]] = {}  # started by this very program, which must also collect them


class Ami(NamedTuple):
    """How to log in to the manager interface."""

    host: str
    port: int
    user: str
    secret: str


class Status(NamedTuple):
    running: bool
    pid: int | None
    user: str | None
    asterisk: str | None
    ports: Ports | None
    note: str  # "" or what is odd: it died, it runs as root...


class Switch:
    """One Asterisk: an installation, and the folder that it runs in.

    `prompts` holds `<id>.wav`, heard as `nul/<id>` (default: `Places().audio`). `shared` are further folders that it
    writes into, which matters when root starts it and it runs as somebody else. `report` is told what is worth knowing.
    """

    def __init__(
        self,
        installation: Installation,
        folder: str,
        *,
        prompts: str | None = None,
        shared: Sequence[str] = (),
        report: Report = lambda line: None,
    ) -> None:
        self.installation = installation
        self.folder = os.path.abspath(folder)
        self.prompts = prompts or Places().audio
        self.shared = tuple(shared)
        self.clock = Clock(os.path.join(self.folder, "clock"))
        self._report = report
        self._claim: Claim | None = None

    # where things are

    @property
    def etc(self) -> str:
        return os.path.join(self.folder, "etc")

    @property
    def spool(self) -> str:
        return os.path.join(self.folder, "spool")

    @property
    def log(self) -> str:
        """The folder of messages.log, queue_log, cdr-csv/ and console.log, which has what Asterisk itself prints."""
        return os.path.join(self.folder, "log")

    @property
    def run(self) -> str:
        """Of the control socket: in the folder, or a short one elsewhere when the path would be too long."""
        here = os.path.join(self.folder, "run")
        if len(os.fsencode(os.path.join(here, SOCKET))) <= LONGEST_SOCKET:
            return here
        name = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return os.path.join(tempfile.gettempdir(), f"ivr-switch-{os.geteuid()}-{name}")

    @property
    def conf(self) -> str:
        return os.path.join(self.etc, "asterisk.conf")

    @property
    def ports(self) -> Ports:
        """Given by `prepare`, kept until another `prepare` finds them taken."""
        if self._claim:
            return self._claim.ports
        if known := self._state().get("ports"):
            return Ports(**known)
        raise Refusal(f"{self.folder}: this switch has no ports yet; prepare it first (`ivr switch start` does)")

    @property
    def ami(self) -> Ami:
        path = os.path.join(self.folder, "ami.json")
        try:
            with open(path, encoding="utf-8") as file:
                return Ami(**json.load(file))
        except FileNotFoundError:
            raise Refusal(f"{path}: not there yet; prepare the switch first (`ivr switch start` does)") from None
        except (OSError, ValueError, TypeError) as problem:
            raise Refusal(f"{path}: {problem}; delete it, stop the switch and start it again") from None

    @property
    def pid(self) -> int | None:
        """Of the running Asterisk, or None."""
        who = self._who()
        return who.pid if who and _alive(who) else None

    # what it does

    def prepare(self, render: Callable[[Switch], None] | None = None) -> None:
        """Make the folders, claim ports, write asterisk.conf and ami.json, and let `render` write the rest of etc/.

        Without `render` and with an empty etc/, a bare configuration is written. A switch that runs keeps its ports.
        """
        places_wanted(self.folder)
        for name in ("", *switch_files.FOLDERS):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        if self.pid is None and self._claim is None:
            known = self._state().get("ports")
            self._claim = blocks.claim(Ports(**known) if known else None)
            self._save({"ports": self._claim.ports._asdict()})
        self._write_ami()
        switch_files.link_sounds(self.folder, self.installation, self.prompts)
        _write(self.conf, switch_files.asterisk_conf(self.folder, self.run, self.installation))
        if render:
            render(self)
        elif not os.path.exists(os.path.join(self.etc, "modules.conf")):
            for name, text in switch_files.bare(self.ports, self.ami._asdict(), self.folder).items():
                _write(os.path.join(self.etc, name), text, mode=0o600 if name == "manager.conf" else 0o644)

    def start(self, deadline: float = 30, faketime: str | None = None) -> bool:
        """Run it, and return when it is fully booted; False when it was running already.

        `faketime` gives it a clock that can be moved (`clock.move`): an ISO instant, in Rome's time if it names no
        zone. Raises `Refusal`, with what Asterisk said, when it ends or is not ready within `deadline` seconds.
        """
        with self._locked():
            if self.pid is not None:
                return False
            if self._claim is None:
                self._reclaim()
            assert self._claim is not None
            who = self._account()
            self._make_run(who)
            environment = {key: value for key, value in os.environ.items() if not key.startswith(("LD_", "FAKETIME"))}
            if faketime is not None:
                self.clock.move(faketime)
                environment |= self.clock.environment
            if who:
                unprivileged.give(self.folder, who)
            process = self._spawn(who, environment, faketime is not None)
            identity = procfs.identify(process.pid)
            self._save(
                {
                    "ports": self._claim.ports._asdict(),
                    "process": identity._asdict() if identity else None,
                    "asterisk": self.installation.asterisk_version,
                    "user": who.name if who else None,
                }
            )
            self._claim.release()  # Asterisk has inherited it
            self._claim = None
            try:
                self._wait_until_booted(process, deadline)
            except BaseException:
                self._end(time.monotonic(), graceful=False)
                raise
        return True

    def stop(self, deadline: float = 15) -> bool:
        """End it, and return when it is gone; False when it was not running. Calls under way are cut."""
        if not os.path.isdir(self.folder):
            return False
        with self._locked():
            return self._end(time.monotonic() + deadline)

    def cli(self, command: str, timeout: float = CLI_SECONDS) -> str:
        """What the switch answers to a command of its own command line."""
        try:
            outcome = subprocess.run(
                [*self._command(), "-rx", command],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Refusal(f"{self.folder}: no answer to {command!r} within {timeout:g} s") from None
        if outcome.returncode:
            said = (outcome.stderr or outcome.stdout).strip()
            raise Refusal(f"{self.folder}: the switch cannot be asked {command!r} ({said}); is it running?")
        return outcome.stdout

    def console(self) -> None:
        """Become the switch's own command line; returns only by an error."""
        if self.pid is None:
            raise Refusal(f"{self.folder}: this switch is not running; `ivr switch start`")
        line = [*self._command(), "-r"]
        os.execv(line[0], line)

    def status(self) -> Status:
        state = self._state()
        who = self._who()
        ports = Ports(**state["ports"]) if state.get("ports") else None
        running = who is not None and _alive(who)
        note = ""
        if who and not running:
            note = f"its process {who.pid} is gone without having been stopped; {self.log}/console.log may say why"
        elif running and state.get("user") is None and os.geteuid() == 0:
            note = "runs as root"
        pid = who.pid if who and running else None
        return Status(running, pid, state.get("user") if running else None, state.get("asterisk"), ports, note)

    # how

    def _command(self) -> list[str]:
        return [*self.installation.command("asterisk"), "-C", self.conf]

    def _account(self) -> unprivileged.Account | None:
        """Who it runs as; None for ourselves, which is said aloud when that is root."""
        who = unprivileged.account(self.folder)
        if who is None:
            return None
        probe = [*self.installation.command("asterisk"), "-V"]
        folders = [os.path.dirname(self.folder), *(path for path in (self.prompts,) if os.path.isdir(path))]
        why = unprivileged.obstacle(who, probe, folders)
        if why is None:
            closed = [path for path in self.shared if not unprivileged.share(path, who)]
            closed += [path for path in self.shared if unprivileged.obstacle(who, probe, [path])]
            why = f"{closed[0]} cannot be shared with {who.name}" if closed else None
        if why is None:
            return who
        self._report(f"runs as root, because {why}; start it as another user, or put var/ elsewhere with --var")
        return None

    def _spawn(
        self, who: unprivileged.Account | None, environment: dict[str, str], moved: bool
    ) -> subprocess.Popen[bytes]:
        assert self._claim is not None
        line = [*self.installation.command("asterisk", preload="faketime" if moved else None), "-C", self.conf, "-f"]
        with open(os.path.join(self.log, "console.log"), "wb") as output:
            try:
                process = subprocess.Popen(
                    line,
                    cwd=self.folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C in this terminal is not meant for it
                    pass_fds=[self._claim.fileno()],
                    **(who.popen() if who else {}),
                )
            except OSError as problem:
                raise Refusal(f"{line[0]}: {problem.strerror}; run `ivr switch install`") from None
        _children[process.pid] = process
        return process

    def _wait_until_booted(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        end = time.monotonic() + deadline
        while not self._answers():
            if process.poll() is not None:
                raise Refusal(f"Asterisk ended at once (status {process.returncode}): {self._said()}")
            if time.monotonic() > end:
                raise Refusal(f"Asterisk is not ready after {deadline:g} s: {self._said()}")
            time.sleep(0.01)
        try:
            self.cli("core waitfullybooted", timeout=max(0.1, end - time.monotonic()))
        except Refusal as problem:
            raise Refusal(f"Asterisk is not fully booted after {deadline:g} s ({problem}): {self._said()}") from None

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(os.path.join(self.run, SOCKET))
            except OSError:
                return False
            return True

    def _said(self) -> str:
        """The end of what Asterisk printed."""
        path = os.path.join(self.log, "console.log")
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file if line.strip()]
        telling = [line for line in lines if "ERROR" in line] or lines
        return f"{' | '.join(telling[-3:]) or 'it said nothing'} (all of it: {path})"

    def _end(self, end: float, graceful: bool = True) -> bool:
        who = self._who()
        was_running = who is not None and _alive(who)
        if who and was_running:
            now = time.monotonic()
            with procfs.Handle(who) as process:
                if graceful and end > now:
                    with contextlib.suppress(Refusal):
                        self.cli("core stop now", timeout=(end - now) / 2)
                    process.wait((end - now) / 2)
                for number in (signal.SIGTERM, signal.SIGKILL):
                    if process.wait(0):
                        break
                    process.send(number)
                    process.wait(max(1.0, end - time.monotonic()))
                if not process.wait(5):
                    raise Refusal(
                        f"process {who.pid} ignores SIGKILL; is its disk gone? {self.folder} is left as it is"
                    )
            _collect(who.pid)
        self._clean()
        return was_running

    def _clean(self) -> None:
        if os.path.isdir(self.run):
            shutil.rmtree(self.run)
        state = self._state()
        if state.pop("process", None):
            self._save(state)

    def _make_run(self, who: unprivileged.Account | None) -> None:
        """A fresh folder for the control socket; what a killed Asterisk left in it goes."""
        shutil.rmtree(self.run, ignore_errors=True)
        os.mkdir(self.run, 0o700)  # fails when somebody else put a folder of that name into the temporary directory
        if who:
            unprivileged.give(self.run, who)

    def _reclaim(self) -> None:
        """Take the ports that etc/ was written for."""
        ports = self.ports
        claim = blocks.claim(ports)
        if claim.ports != ports:
            claim.release()
            raise Refusal(f"{self.folder}: its ports from {ports.sip} on are in use now; prepare it again")
        self._claim = claim

    def _write_ami(self) -> None:
        path = os.path.join(self.folder, "ami.json")
        secret = self.ami.secret if os.path.exists(path) else secrets.token_urlsafe(24)
        document = Ami(blocks.HOST, self.ports.ami, AMI_USER, secret)._asdict()
        _write(path, json.dumps(document, indent=1) + "\n", mode=0o600)

    def _who(self) -> procfs.Identity | None:
        known = self._state().get("process")
        return procfs.Identity(**known) if known else None

    def _state(self) -> dict[str, Any]:
        path = os.path.join(self.folder, "state.json")
        try:
            with open(path, encoding="utf-8") as file:
                state: dict[str, Any] = json.load(file)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as problem:
            raise Refusal(f"{path}: {problem}; stop this Asterisk by hand if it runs, then delete the file") from None
        return state

    def _save(self, state: dict[str, Any]) -> None:
        _write(os.path.join(self.folder, "state.json"), json.dumps(state, indent=1) + "\n")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One start or stop of this switch at a time."""
        os.makedirs(self.folder, exist_ok=True)
        with open(os.path.join(self.folder, ".lock"), "w", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def named(places: Places, name: str = "main", *, system: bool = False, report: Report = lambda line: None) -> Switch:
    """The switch of this name below `var/`, with the folders that the service's calls write into."""
    if not name.isidentifier() or name == os.path.basename(places.tree):
        raise Refusal(f"--name {name}: a switch is called by one word of letters, digits and underscores, not 'tree'")
    installation = system_installation(places) if system else installed(places)
    if installation is None:
        raise Refusal("the private switch is not installed; run `ivr switch install`")
    shared = (places.facts, places.messages, places.native_messages)
    return Switch(installation, places.switch(name), prompts=places.audio, shared=shared, report=report)


def names(places: Places) -> list[str]:
    """The switches that have ever been prepared here."""
    home = os.path.dirname(places.tree)
    found = os.listdir(home) if os.path.isdir(home) else []
    return sorted(name for name in found if os.path.exists(os.path.join(home, name, "state.json")))


def _alive(who: procfs.Identity) -> bool:
    if who.pid in _children and _children[who.pid].poll() is not None:
        del _children[who.pid]
    return procfs.is_alive(who)


def _collect(pid: int) -> None:
    if process := _children.pop(pid, None):
        process.wait()


def _write(path: str, text: str, mode: int = 0o644) -> None:
    """Whole or not at all, and never readable by more than `mode` says, not for a moment."""
    fresh = f"{path}.{os.getpid()}"
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(fresh, path)
