"""A private Asterisk for development, tests and the demonstration: prepared, started, queried, stopped.

Each switch is a folder with everything that this Asterisk reads and writes. Its `state.json` holds the process and the
ports. A process is identified by its pid *and* its start time, so that no other process is ever stopped.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from common import ports as blocks
from common import unprivileged
from common.command_line import Refusal
from common.file_errors import describe
from common.places import Places
from common.ports import Claim, Ports
from common.safe_files import make_private_folder, open_truncated, write_file
from ivr.ami.account import Ami, load_ami, save_ami
from lab import processes
from lab.debian.download import Report
from lab.switch import folder as folders
from lab.switch import state as states
from lab.switch.faketime import Clock
from lab.switch.installation import Installation, check_path
from lab.switch.state import Printed, State

CLI_SECONDS = 30


class Status(NamedTuple):
    running: bool
    pid: int | None
    user: str | None
    asterisk: str | None
    ports: Ports | None
    note: str  # "" or something unusual: it died, it runs as root...


class Switch:
    """One Asterisk: an installation, and the folder that it runs in.

    `prompts` holds `<id>.wav`, heard as `nul/<id>` (default: `Places().audio`). When root starts it and it runs as
    somebody else, that account can write into the `shared` folders too, and can run the command lines `starts` (AGI
    scripts), or it is root after all. With a `system_name` every call id begins with it. `report` is called with a line
    about what is worth knowing.
    """

    def __init__(
        self,
        installation: Installation,
        folder: str,
        *,
        prompts: str | None = None,
        shared: Sequence[str] = (),
        starts: Sequence[list[str]] = (),
        system_name: str = "",
        report: Report = lambda line: None,
    ) -> None:
        self.installation = installation
        self.folder = os.path.abspath(folder)
        self.prompts = prompts or Places().audio
        self.shared = tuple(shared)
        self.starts = tuple(starts)
        self.system_name = system_name
        self.clock = Clock(os.path.join(self.folder, "clock"))
        self._report = report
        self.alone = states.Lock(self.folder)  # `with switch.alone():` around steps that belong together
        self._claim: Claim | None = None

    # paths and ports

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
        return folders.run_folder(self.folder)

    @property
    def conf(self) -> str:
        return os.path.join(self.etc, "asterisk.conf")

    @property
    def ports(self) -> Ports:
        """Assigned by `prepare`, and kept until another `prepare` finds them in use."""
        if self._claim:
            return self._claim.ports
        if known := self._state.ports:
            return known
        raise Refusal(f"{self.folder}: this switch has no ports yet; prepare it first (`lab switch start` does)")

    @property
    def ami(self) -> Ami:
        return load_ami(self.folder)

    @property
    def pid(self) -> int | None:
        """Of the running Asterisk, or None."""
        state = self._state
        return state.process.pid if state.process and state.alive else None

    # actions

    def prepare(self, render: Callable[[Switch], None] | None = None) -> None:
        """Make the folders, claim ports, write asterisk.conf and ami.json, and let `render` write the rest of etc/.

        Without `render`, and if nothing was rendered there yet, write a minimal configuration. A running switch keeps
        its ports.
        """
        check_path(self.folder)
        with self.alone():
            for name in ("", *folders.FOLDERS):
                make_private_folder(os.path.join(self.folder, name))
            bare = folders.is_bare(self.etc)
            if self.pid is None and self._claim is None:
                self._claim_ports(may_change=bare or render is not None)
            save_ami(self.folder, self.ports.ami)
            folders.link_sounds(self.folder, self.installation, self.prompts)
            text = folders.asterisk_conf(self.folder, self.run, self.installation, self.system_name)
            write_file(self.conf, text, sync=False)
            if render:
                render(self)
            elif bare:
                for name, text in folders.bare(self.ports, self.ami._asdict(), self.folder).items():
                    mode = 0o600 if name == "manager.conf" else 0o644
                    write_file(os.path.join(self.etc, name), text, mode, sync=False)

    def start(self, deadline: float = 30, faketime: str | None = None) -> bool:
        """Start it, and return when it is fully booted; False when it was running already.

        `faketime`, an ISO instant (Rome's time without a zone), gives it a clock that can be moved with `clock.move`.
        Raises `Refusal`, with Asterisk's output, when it ends or is not ready within `deadline` seconds.
        """
        with self.alone():
            if self.pid is not None:
                return False
            self._confirm_ports()
            who = self._account()
            self._make_run(who)
            environment = {key: value for key, value in os.environ.items() if not key.startswith(("LD_", "FAKETIME"))}
            if faketime is not None:
                self.clock.move(faketime)
                environment |= self.clock.environment
            if who:
                unprivileged.give_ownership(self.folder, who)
            process = self._spawn(who, environment, faketime is not None)
            try:
                self._wait_until_booted(process, deadline)
            except BaseException:
                self._end(time.monotonic(), graceful=False)
                raise
            self._wait_until_printed(time.monotonic() + 2)
            if complaint := self._printed.complaint:
                self._report(f"Asterisk runs, but complains: {complaint}")
        return True

    def stop(self, deadline: float = 15) -> bool:
        """Stop it, and return when it has ended; False when it was not running. Current calls are cut off."""
        if not os.path.isdir(self.folder):
            return False
        with self.alone():
            if self._claim:  # prepared and never started
                self._claim.release()
                self._claim = None
            return self._end(time.monotonic() + deadline)

    def cli(self, command: str, timeout: float = CLI_SECONDS) -> str:
        """The output of a command of Asterisk's own command line. Raises `Refusal`."""
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
            output = (outcome.stderr or outcome.stdout).strip()
            raise Refusal(f"{self.folder}: the switch cannot run {command!r} ({output}); is it running?")
        if outcome.stdout.startswith("No such command"):
            raise Refusal(f"{self.folder}: {outcome.stdout.strip()}; does etc/modules.conf load its module?")
        return outcome.stdout

    def console(self) -> None:
        """Replace this process by Asterisk's command line; returns only by an error."""
        if not sys.stdin.isatty():  # Asterisk's console would spin at the end of its input
            raise Refusal("the console needs a terminal; pass one command as arguments instead")
        if self.pid is None:
            raise Refusal(f"{self.folder}: this switch is not running; `lab switch start`")
        line = [*self._command(), "-r"]
        os.execv(line[0], line)

    def status(self) -> Status:
        state = self._state
        pid = self.pid
        note = ""
        if pid is None and state.process:
            note = f"its process {state.process.pid} has ended without being stopped; {self._printed.path} may show why"
        elif pid is not None and state.user is None and os.geteuid() == 0:
            note = "runs as root"
        return Status(pid is not None, pid, state.user if pid else None, state.asterisk, state.ports, note)

    # details

    def _command(self) -> list[str]:
        return [*self.installation.command("asterisk"), "-C", self.conf]

    @property
    def _printed(self) -> Printed:
        return Printed(os.path.join(self.log, "console.log"))

    @property
    def _state(self) -> State:
        return states.load(self.folder)

    def _account(self) -> unprivileged.Account | None:
        """The account it runs as; None for our own, which is reported when that is root."""
        probe = [*self.installation.command("asterisk"), "-V"]
        entered = [os.path.dirname(self.folder), *([self.prompts] if os.path.isdir(self.prompts) else [])]
        who, why = unprivileged.choose_account(self.folder, [probe, *self.starts], entered, self.shared)
        if why:
            self._report(f"runs as root, because {why}; start it as another user, or put var/ elsewhere with --var")
        return who

    def _spawn(
        self, who: unprivileged.Account | None, environment: dict[str, str], moved: bool
    ) -> subprocess.Popen[bytes]:
        assert self._claim is not None
        line = [*self.installation.command("asterisk", preload="faketime" if moved else None), "-C", self.conf, "-f"]
        with open_truncated(self._printed.path, 0o640) as output:
            try:
                process = subprocess.Popen(
                    line,
                    cwd=self.folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # so that Ctrl-C in this terminal does not reach it
                    # Asterisk listens shortly before it ignores SIGPIPE; a client that disconnects then would end it.
                    # Python ignores SIGPIPE, and a new program inherits that.
                    restore_signals=False,
                    umask=0o027,  # its logs and recordings are about people
                    pass_fds=[self._claim.fileno()],
                    **(who.popen() if who else {}),
                )
            except OSError as problem:
                if isinstance(problem, FileNotFoundError):
                    raise Refusal(f"{line[0]}: not there; run `lab switch install`") from None
                raise Refusal(describe(problem, line[0])) from None
        states.adopt(process)
        states.save(
            self.folder,
            State(
                ports=self._claim.ports,
                process=processes.identify(process.pid),
                asterisk=self.installation.asterisk_version,
                user=who.name if who else None,
                system=self.installation.is_system,
            ),
        )
        self._claim.release()  # Asterisk has inherited the claim
        self._claim = None
        return process

    def _wait_until_booted(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        end = time.monotonic() + deadline
        while not self._is_booted(end):
            try:
                process.wait(0.01)
            except subprocess.TimeoutExpired:
                if time.monotonic() > end:
                    raise Refusal(f"Asterisk is not ready after {deadline:g} s: {self._printed.last}") from None
            else:
                raise Refusal(f"Asterisk ended at once (status {process.returncode}): {self._printed.last}")

    def _wait_until_printed(self, end: float) -> None:
        """Asterisk answers shortly before it has printed everything: wait a moment, but do not fail."""
        while not self._printed.whole and time.monotonic() < end:
            time.sleep(0.01)

    def _is_booted(self, end: float) -> bool:
        """Ask Asterisk once its socket accepts connections, and wait for the answer until `end`."""
        left = end - time.monotonic()
        if left <= 0 or not self._answers():
            return False
        try:
            return "fully booted" in self.cli("core waitfullybooted", timeout=left)
        except Refusal:  # it has ended, or the time is over
            return False

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(os.path.join(self.run, folders.SOCKET))
            except OSError:
                return False
            return True

    def _end(self, end: float, graceful: bool = True) -> bool:
        state = self._state
        who, was_running = state.process, state.alive
        if who and was_running:
            now = time.monotonic()
            with processes.Handle(who) as process:
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
                        f"process {who.pid} does not end after SIGKILL; is its disk gone? {self.folder} was not changed"
                    )
            states.collect(who.pid)
        self._clean()
        return was_running

    def _clean(self) -> None:
        if os.path.isdir(self.run):
            shutil.rmtree(self.run)
        if (state := self._state).process:
            states.save(self.folder, state._replace(process=None))

    def _make_run(self, who: unprivileged.Account | None) -> None:
        """Make an empty folder for the control socket; delete what a killed Asterisk has left there."""
        shutil.rmtree(self.run, ignore_errors=True)
        try:
            os.mkdir(self.run, 0o700)
        except OSError as problem:  # anybody can create a file of that name in the temporary directory
            raise Refusal(
                f"{self.run}: {problem.strerror}; remove it, or put var/ on a shorter path with --var"
            ) from None
        if who:
            unprivileged.give_ownership(self.run, who)

    def _claim_ports(self, may_change: bool) -> None:
        """Claim the last ports if they are free; others only if etc/ is going to be written for them."""
        known = self._state.ports
        claim = blocks.claim_block(known)
        if known not in (None, claim.ports) and not may_change:
            claim.release()
            raise Refusal(
                f"{self.folder}: its ports from {known.sip} on are in use by another switch; stop that one, "
                f"or render etc/ again for other ports (`lab switch render`)"
            )
        self._claim = claim
        states.save(self.folder, self._state._replace(ports=claim.ports))

    def _confirm_ports(self) -> None:
        """Hold the ports that etc/ was written for."""
        ports = self.ports
        if self._claim is None:
            self._claim_ports(may_change=False)
        elif ports != self._state.ports:
            self._claim.release()
            self._claim = None
            raise Refusal(f"{self.folder}: this switch was prepared by another process meanwhile; prepare it again")
