"""The first half of every AGI script: hand the call to the running engine, at once and with nothing to import.

Asterisk starts a script for every call, so what a script imports is silence on the line. The engine has everything
loaded already: this relay joins the script's stdin and stdout to the engine's unix socket, and is on its way before
Python has finished importing `os`. Hence only `posix`, `_signal`, `_socket` and `select`, the built-in modules behind
the ones that everybody uses (benchmarks/process_start.py measures it).

Three things differ between the two ends, and are made good here:

- The engine wants to know which script was asked for; over FastAGI the switch says so in `agi_network_script`.
- A hang-up is the signal SIGHUP for a script, and the line HANGUP for the engine. The line may only stand between two
  replies. Where one reply ends cannot be told from the outside (values have line feeds), but where it begins can:
  after a command. So the line is put before the first byte of a reply.
- An engine that hangs must not leave the caller in silence: when it is the engine's turn, it has a deadline.

An engine that does not take the call, or does not speak in time, leaves everything as it was: the script then runs the
flow itself (`ivr.drivers.process`) from what the switch has said so far.
"""

import _signal  # type: ignore[import-not-found]
import _socket
import posix
import select
import sys

FIRST_COMMAND_MS = 1000  # the engine's deadline for its first command, before the flow is run here
COMMAND_MS = 5000  # and for every further one, before the dialplan has to go on without

SIGHUP: int = _signal.SIGHUP


class Relay:
    """One call between the switch (file descriptors 0 and 1) and the engine."""

    def __init__(self, script: str) -> None:
        self.hung_up = False  # SIGHUP has come
        # What the engine was told: it has to be told again to whoever runs the flow when the engine does not.
        self.kept = b"agi_network_script: %s\n" % script.encode()
        self._owed = False  # the engine has not been told HANGUP yet
        self._begun = True  # something was received since the last command: no place for HANGUP now
        self._answered = False
        self._engine: _socket.socket | None = None

    def watch(self) -> None:
        """Note SIGHUP from now on; without it the signal would end the script in mid word."""
        _signal.signal(SIGHUP, self._on_hangup)

    def run(self, path: str) -> bool:
        """Relay the whole call to the engine at `path`. False when it did not take the call."""
        try:
            with_engine = _connect(path)
        except OSError:
            return False
        self._engine = with_engine
        try:
            with_engine.sendall(b"agi_network: yes\n" + self.kept)
            self._pump(with_engine)
        except OSError:
            pass  # the engine has gone
        finally:
            self._engine = None
            with_engine.close()
        return self._answered

    def _pump(self, engine: _socket.socket) -> None:
        """Copy both ways until one of them ends the call or the engine has let its deadline pass."""
        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(engine.fileno(), select.POLLIN)
        while True:
            ready = poll.poll(self._patience())
            if not ready:
                return None
            for descriptor, _ in ready:
                if descriptor == 0:
                    data = posix.read(0, 65536)
                    if not data:
                        return self._last_words(engine)
                    self._to_engine(engine, data)
                else:
                    data = engine.recv(65536)
                    if not data:
                        return None
                    self._to_switch(data)

    def _patience(self) -> int:
        """How long to wait for the next byte, in ms; -1 for ever: a caller may listen as long as it takes."""
        if not self._answered:
            return FIRST_COMMAND_MS if self.kept.endswith(b"\n\n") else -1
        return COMMAND_MS if self._begun else -1

    def _to_engine(self, engine: _socket.socket, data: bytes) -> None:
        if not self._answered:
            self.kept += data
        self._begun = True
        engine.sendall(data)

    def _to_switch(self, data: bytes) -> None:
        self._answered = True
        try:
            write(1, data)
        except OSError:
            return  # the switch has closed; the end of its input says so too
        if data.endswith(b"\n"):
            self._begun = False
            self._tell_hangup()

    def _last_words(self, engine: _socket.socket) -> None:
        """The switch has closed. The engine is told, and may finish what it writes down."""
        self._answered = True  # there is no call left to be run here
        engine.shutdown(_socket.SHUT_WR)
        engine.settimeout(COMMAND_MS / 1000)
        while engine.recv(65536):
            pass

    def _on_hangup(self, number: int, frame: object) -> None:
        self.hung_up = self._owed = True
        self._tell_hangup()

    def _tell_hangup(self) -> None:
        if self._owed and not self._begun and self._engine is not None:
            self._owed = False
            try:
                self._engine.sendall(b"HANGUP\n")
            except OSError:
                return  # the engine has gone: the pump sees it too


def _connect(path: str) -> _socket.socket:
    """A connection to the engine. Raises OSError at once when there is none, or when it is too busy to accept."""
    engine = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    engine.settimeout(FIRST_COMMAND_MS / 1000)
    try:
        engine.connect(path)
    except OSError:
        engine.close()
        raise
    return engine


def write(descriptor: int, data: bytes) -> None:
    """Write all of it."""
    while data:
        data = data[posix.write(descriptor, data) :]


def run_script(flow: str, root: str, compiled: str | None) -> None:
    """What an AGI script does. `flow`: "module:function"; the function's name is the script's. Does not return.

    `root` is the folder of our packages, `compiled` the compiled configuration (None: in $IVR_VAR or <root>/var).
    """
    _keep_standard_descriptors()
    relay = Relay(flow.rpartition(":")[2])
    relay.watch()
    path = compiled or f"{posix.environ.get(b'IVR_VAR', (root + '/var').encode()).decode()}/compiled.json"
    if relay.run(f"{path.rpartition('/')[0]}/engine.sock"):
        posix._exit(0)
    _find_packages()
    _import_lazily("pprint")
    from ivr.drivers.process import main

    posix._exit(main(flow, path, relay))


def _find_packages() -> None:
    """Make installed packages importable, which the option -S has left undone.

    A virtual environment has them in one folder; looking there spares the reading of every .pth file (5 to 15 ms).
    """
    if "site" in sys.modules:
        return
    prefix, (major, minor) = sys.executable.rpartition("/bin/")[0], sys.version_info[:2]
    sys.path.append(f"{prefix}/lib/python{major}.{minor}/site-packages")
    try:
        import asterisk  # noqa: F401 -- needed anyway
    except ImportError:
        import site

        site.main()


def _import_lazily(name: str) -> None:
    """Import a module of the standard library when it is first used, not before.

    pyst2 imports `pprint` for messages that it will not print here; with `dataclasses` and `inspect` behind it, that
    is a third of all that a script has to import (12 ms).
    """
    stand_in = type(sys)(name)

    def fetch(attribute: str) -> object:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return getattr(__import__(name), attribute)

    stand_in.__getattr__ = fetch  # type: ignore[method-assign]
    sys.modules.setdefault(name, stand_in)


def _keep_standard_descriptors() -> None:
    """A script started without stderr must not get its socket or its spool as descriptor 2, and write alarms there."""
    while True:
        descriptor = posix.open("/dev/null", posix.O_RDWR)
        if descriptor > 2:
            return posix.close(descriptor)


def render_script(source: str, interpreter: str, root: str, compiled: str) -> str:
    """An AGI script's text as it is installed for the switch: with its interpreter and its paths.

    Raises ValueError when `source` lacks the marker lines, or a path cannot stand in a script's first line.
    """
    first = f"#!{interpreter} -ISE"
    if not interpreter.startswith("/") or not first.isprintable() or " " in interpreter or len(first.encode()) > 254:
        raise ValueError(f"{interpreter!r}: cannot stand in a script's first line; use a short path without spaces")
    lines = source.splitlines()
    for name, value in (("ROOT", root), ("COMPILED", compiled)):
        marker = f"{name} = None  # set by ivr render"
        if lines.count(marker) != 1:
            raise ValueError(f"not an AGI script of ours: the line `{marker}` must stand in it once")
        lines[lines.index(marker)] = f"{name} = {value!r}"
    return "\n".join([first, *lines[1:], ""])
