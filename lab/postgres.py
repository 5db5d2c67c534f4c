"""A private PostgreSQL for tests, benchmarks and trying things out; obtained like the private switch, without root.

It runs in a temporary folder, with its own port on loopback and its own password. A power cut may damage its data. It
ends with the process that started it, in whatever way that ends. The data of the service belongs on a server of the
site's own (docs/database.md).
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Sequence

from common import unprivileged
from common.command_line import Refusal
from common.places import Places
from common.ports import HOST, free_ports
from lab.debian import tree as trees
from lab.debian.download import Report
from lab.debian.tree import MACHINE_MIRROR, Kind, Source, Stamp

USER = "nul"
START_SECONDS = 60.0
STOP_SECONDS = 20.0
ATTEMPTS = 3  # a free port may be gone a moment later
PROGRAMS = ("initdb", "postgres", "pg_dump", "pg_restore")
LIBRARIES = re.compile(
    r"libc6|libgcc-s1|libstdc\+\+6|zlib1g|libgssapi-krb5-2|libkrb5-3|libk5crypto3|libkrb5support0|libcom-err2"
    r"|libkeyutils1|libicu\d+|libldap2|libsasl2-2|liblz4-1|libnuma1|libpam0g|libaudit1|libcap-ng0|libpq5|libselinux1"
    r"|libpcre2-8-0|libssl3\w*|libsystemd0|libcap2|libgcrypt20|libgpg-error0|liblzma5|liburing2|libuuid1"
    r"|libxml2(-\d+)?|libxslt1\.1|libzstd1|libxxhash0"
)
# The server's programs start one another by name, so each name is a script that calls the tree's own loader.
SCRIPT = """#!/bin/sh
here=${{0%/*}}
lib=$here/../../../{triplet}
exec "$lib/{loader}" --library-path "$lib" --argv0 "$0" "$here/../programs/{name}" "$@"
"""
# Starts the server; ends it when our end of the pipe is closed, by `stop` or because our process has ended.
WITH_US = 'exec 3<&0; "$@" 3<&- & server=$!; (read -r _ <&3; kill -INT "$server" 2>/dev/null) & wait "$server"'


def home(places: Places) -> str:
    """Where the programs are unpacked."""
    return os.path.join(places.var, "postgres", "tree")


def installed(places: Places) -> bool:
    return trees.read_stamp(home(places), KIND) is not None


def install(places: Places, source: Source = MACHINE_MIRROR, *, report: Report = print) -> str:
    """Obtain PostgreSQL; the folder of its programs. See `lab.debian.tree.install`."""
    trees.install(places, home(places), KIND, source, report)
    return _programs(home(places))


def _programs(tree: str) -> str:
    versions = os.listdir(os.path.join(tree, "usr/lib/postgresql"))
    return os.path.join(tree, "usr/lib/postgresql", max(versions, key=int), "bin")


def _try_out(tree: str, stamp: Stamp) -> None:
    """Replace the programs by scripts that start them, and run each once, so that a missing library is noticed now."""
    folder = _programs(tree)
    os.mkdir(os.path.join(folder, "../programs"), 0o755)
    for name in PROGRAMS:
        path = os.path.join(folder, name)
        os.rename(path, os.path.join(folder, "../programs", name))
        with open(path, "w", encoding="ascii") as file:
            file.write(SCRIPT.format(triplet=stamp["triplet"], loader=stamp["loader"], name=name))
        os.chmod(path, 0o755)
        outcome = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        if outcome.returncode:
            raise Refusal(
                f"the {name} of this suite does not start ({outcome.stderr.strip()}); name another with --suite"
            )
        stamp["version"] = outcome.stdout.split()[2]


def _summary(stamp: Stamp) -> str:
    return f"PostgreSQL {stamp['version']} (signature {stamp['signature']})"


KIND = Kind("PostgreSQL", ("postgresql-18", "postgresql-client-18"), LIBRARIES, 1, _try_out, _summary)


class Server:
    """One PostgreSQL in a folder of its own, which should be temporary: `with Server(programs, folder) as server:`.

    `programs` is what `install` returns. Started by root, it runs as `nobody` (or as the folder's owner), because
    PostgreSQL refuses to run as root. Unless `durable`, its data may not survive a power cut.
    """

    def __init__(self, programs: str, folder: str, *, durable: bool = False) -> None:
        self.folder = os.path.abspath(folder)
        self.port = 0
        self._durable = durable
        self._password = secrets.token_urlsafe(18)
        self._process: subprocess.Popen[bytes] | None = None
        os.makedirs(self.folder, exist_ok=True)
        self._who = unprivileged.account_for(self.folder)
        self.programs = self._within_reach(os.path.abspath(programs))

    @property
    def data(self) -> str:
        return os.path.join(self.folder, "data")

    @property
    def log(self) -> str:
        return os.path.join(self.folder, "server.log")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{USER}:{self._password}@{HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Start it, and return when it accepts connections. The port stays the same from one start to the next."""
        if not os.path.exists(os.path.join(self.data, "PG_VERSION")):
            self._initialise()
        for attempt in range(ATTEMPTS):
            self.port = self.port or free_ports(1, "tcp")[0]
            self._spawn()
            if self._ready(time.monotonic() + START_SECONDS):
                return
            self.stop()
            output = _last_lines(self.log)
            if "could not bind" not in output or attempt == ATTEMPTS - 1:
                raise Refusal(f"PostgreSQL does not start: {output} (full log: {self.log})")
            self.port = 0

    def stop(self) -> None:
        """Stop it: connections are closed, committed data stays. Does nothing when it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise Refusal(f"PostgreSQL in {self.folder} does not end (process {process.pid}, {self.log})") from None

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _within_reach(self, programs: str) -> str:
        """The programs, or a copy that the other account can run: a checkout may be closed to others."""
        if self._who is None:
            return programs
        unprivileged.give_ownership(self.folder, self._who)
        if unprivileged.find_obstacle(self._who, [os.path.join(programs, "postgres"), "--version"], ()) is None:
            return programs
        tree = os.path.normpath(os.path.join(programs, "../../../../.."))
        copy = os.path.join(self.folder, "tree")
        if not os.path.exists(copy):
            shutil.copytree(tree, copy, symlinks=True)
        copied = _programs(copy)
        if why := unprivileged.find_obstacle(self._who, [os.path.join(copied, "postgres"), "--version"], ()):
            raise Refusal(f"PostgreSQL cannot run as root, nor as {self._who.name} ({why}); run this as another user")
        return copied

    def _initialise(self) -> None:
        secret = os.path.join(self.folder, "password")
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(self._password)
        if self._who:
            os.chown(secret, self._who.uid, self._who.gid)
        try:
            self._run(
                "initdb", "--pgdata", self.data, "--username", USER, "--pwfile", secret, "--no-sync",
                "--no-instructions", "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C",
                "--set", "scram_iterations=1",
            )  # fmt: skip
        finally:
            os.unlink(secret)

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [os.path.join(self.programs, program), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", check=False, cwd=self.folder, **(self._who.popen() if self._who else {}),
        )  # fmt: skip
        if done.returncode:
            raise Refusal(f"{program}: {done.stderr.strip() or f'exit status {done.returncode}'}")

    def _spawn(self) -> None:
        settings = {
            "port": str(self.port),
            "listen_addresses": HOST,
            "unix_socket_directories": "",
            "max_connections": "40",
            "shared_buffers": "64MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self._durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        with contextlib.suppress(FileNotFoundError):  # left by an earlier start, and says "ready"
            os.unlink(os.path.join(self.data, "postmaster.pid"))
        line = [os.path.join(self.programs, "postgres"), "-D", self.data]
        line += [f"--{name}={value}" for name, value in settings.items()]
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", WITH_US, "sh", *line], stdin=subprocess.PIPE, stdout=log, stderr=log,
                cwd=self.folder, start_new_session=True, **(self._who.popen() if self._who else {}),
            )  # fmt: skip

    def _ready(self, end: float) -> bool:
        """Whether it accepts connections before `end`, by the status line of its pid file."""
        assert self._process is not None
        while time.monotonic() < end and self._process.poll() is None:
            if _status(os.path.join(self.data, "postmaster.pid")) == "ready":
                return True
            time.sleep(0.01)
        return False


def _status(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            lines: Sequence[str] = file.read().split("\n")
    except FileNotFoundError:
        return ""
    return lines[7].strip() if len(lines) > 7 else ""


def _last_lines(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return " | ".join([line.strip() for line in file if line.strip()][-3:])
