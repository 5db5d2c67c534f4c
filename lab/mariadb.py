"""A private MariaDB, to test what reads the tables that Asterisk writes there; obtained like the private PostgreSQL.

It runs in a temporary folder, on loopback with its own port and password, and ends with the process that started it.
Its data does not survive a power cut. The service's own database is never MariaDB (docs/database.md).
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import time
from typing import Any, NamedTuple

from common import unprivileged
from common.command_line import Refusal
from common.places import Places
from common.ports import HOST, free_ports
from lab.debian import tree as trees
from lab.debian.download import Report
from lab.debian.tree import MACHINE_MIRROR, Kind, Source, Stamp
from lab.postgres import ATTEMPTS, START_SECONDS, STOP_SECONDS, USER, WITH_US

DATABASE = "asterisk"
LIBRARIES = re.compile(
    r"libaio1(t64)?|libc6|libcrypt1|libgcc-s1|libnuma1|libpcre2-8-0|libssl3\w*|libstdc\+\+6|libsystemd0|liburing2"
    r"|zlib1g|libcap2|libgcrypt20|libgpg-error0|liblz4-1|liblzma5|libzstd1"
)
SYSTEM_TABLES = "usr/share/mariadb/mariadb_system_tables.sql"
# Small files and no waiting for the disk: the data is temporary.
SETTINGS = {
    "innodb-log-file-size": "4M", "innodb-buffer-pool-size": "8M", "innodb-undo-tablespaces": "0",
    "innodb-data-file-path": "ibdata1:2M:autoextend", "innodb-temp-data-file-path": "ibtmp1:2M:autoextend",
    "innodb-flush-method": "nosync", "innodb-flush-log-at-trx-commit": "0", "innodb-doublewrite": "0",
    "aria-log-file-size": "8M", "character-set-server": "utf8mb4", "log-warnings": "1",
}  # fmt: skip


class Programs(NamedTuple):
    """The unpacked server."""

    tree: str
    loader: str
    libraries: str

    def line(self, *words: str) -> list[str]:
        server = os.path.join(self.tree, "usr/sbin/mariadbd")
        return [self.loader, "--library-path", self.libraries, server, "--no-defaults", *words]


def home(places: Places) -> str:
    """Where the programs are unpacked."""
    return os.path.join(places.var, "mariadb", "tree")


def install(places: Places, source: Source = MACHINE_MIRROR, *, report: Report = print) -> Programs:
    """Obtain MariaDB. See `lab.debian.tree.install`."""
    return _programs(home(places), trees.install(places, home(places), KIND, source, report))


def _programs(tree: str, stamp: Stamp) -> Programs:
    libraries = os.path.join(tree, "usr/lib", stamp["triplet"])
    return Programs(tree, os.path.join(libraries, stamp["loader"]), libraries)


def _try_out(tree: str, stamp: Stamp) -> None:
    """Run the server once, so that a missing library is noticed now."""
    line = _programs(tree, stamp).line("--version")
    outcome = subprocess.run(line, capture_output=True, text=True, check=False)
    found = re.search(r"Ver (\S+?)-MariaDB", outcome.stdout)
    if outcome.returncode or found is None:
        raise Refusal(
            f"the mariadbd of this suite does not start ({outcome.stderr.strip()}); name another with --suite"
        )
    stamp["version"] = found[1]


def _summary(stamp: Stamp) -> str:
    return f"MariaDB {stamp['version']} (signature {stamp['signature']})"


KIND = Kind("MariaDB", ("mariadb-server-core",), LIBRARIES, 1, _try_out, _summary)


class Server:
    """One MariaDB in a folder of its own, which should be temporary: `with Server(programs, folder) as server:`.

    `programs` is what `install` returns. Started by root, it runs as `nobody` (or as the folder's owner) if that
    account can read the programs.
    """

    def __init__(self, programs: Programs, folder: str) -> None:
        self.programs, self.folder = programs, os.path.abspath(folder)
        self.port = 0
        self._password = secrets.token_urlsafe(18)
        self._process: subprocess.Popen[bytes] | None = None
        os.makedirs(self.folder, exist_ok=True)
        self._account: list[str] = []
        self._as: dict[str, Any] = {}  # the account, for `subprocess`
        who = unprivileged.account_for(self.folder)
        if who is not None and unprivileged.find_obstacle(who, programs.line("--version"), ()) is None:
            unprivileged.give_ownership(self.folder, who)
            self._as = who.popen()
        elif who is not None:  # a checkout that is closed to other accounts
            self._account = ["--user=root"]

    @property
    def data(self) -> str:
        return os.path.join(self.folder, "data")

    @property
    def log(self) -> str:
        return os.path.join(self.folder, "server.log")

    def url(self, database: str = DATABASE) -> str:
        return f"mysql://{USER}:{self._password}@{HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Start it, and return when it accepts connections."""
        if not os.path.exists(os.path.join(self.data, "mysql")):
            self._initialise()
        for attempt in range(ATTEMPTS):
            self.port = free_ports(1, "tcp")[0]
            self._spawn()
            if self._ready(time.monotonic() + START_SECONDS):
                return
            self.stop()
            output = self._last_lines()
            if "Bind on TCP/IP port" not in output or attempt == ATTEMPTS - 1:
                raise Refusal(f"MariaDB does not start: {output} (full log: {self.log})")

    def stop(self) -> None:
        """Stop it. Does nothing when it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise Refusal(f"MariaDB in {self.folder} does not end (process {process.pid}, {self.log})") from None

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _line(self, *words: str) -> list[str]:
        messages = os.path.join(self.programs.tree, "usr/share/mariadb")
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        return self.programs.line(
            "--datadir", self.data, "--lc-messages-dir", messages, *self._account, *settings, "--skip-ssl", *words
        )

    def _initialise(self) -> None:
        """Create the system tables and the account, as `mariadb-install-db` does; a statement ends with its line."""
        with open(os.path.join(self.programs.tree, SYSTEM_TABLES), encoding="utf-8") as file:
            tables = file.read()
        statements = (
            "CREATE DATABASE mysql;", "USE mysql;", tables, "FLUSH PRIVILEGES;", f"CREATE DATABASE {DATABASE};",
            f"CREATE USER {USER}@'{HOST}' IDENTIFIED BY '{self._password}';", f"GRANT ALL ON *.* TO {USER}@'{HOST}';",
        )  # fmt: skip
        os.makedirs(self.data, mode=0o700)
        if self._as:
            os.chown(self.data, self._as["user"], self._as["group"])
        done = subprocess.run(
            self._line("--bootstrap"), input="\n".join(statements) + "\n", capture_output=True, text=True,
            errors="replace", check=False, cwd=self.folder, **self._as,
        )  # fmt: skip
        if done.returncode:
            raise Refusal(f"mariadbd --bootstrap: {done.stderr.strip()[-500:] or f'exit status {done.returncode}'}")

    def _spawn(self) -> None:
        line = self._line(f"--port={self.port}", f"--bind-address={HOST}", f"--socket={self.folder}/server.sock")
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", WITH_US.replace("-INT", "-TERM"), "sh", *line], stdin=subprocess.PIPE, stdout=log,
                stderr=log, cwd=self.folder, start_new_session=True, **self._as,
            )  # fmt: skip

    def _ready(self, end: float) -> bool:
        """Whether it accepts connections before `end`, by its log."""
        assert self._process is not None
        while time.monotonic() < end and self._process.poll() is None:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                if "ready for connections" in file.read():
                    return True
            time.sleep(0.01)
        return False

    def _last_lines(self) -> str:
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return " | ".join([line.strip() for line in file if line.strip()][-3:])
