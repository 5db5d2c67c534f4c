"""The first half of every AGI script: hand the call to the running engine, without importing anything.

Asterisk starts a script for every call, so the caller hears silence while the script imports modules. The engine has
everything loaded: this relay connects the script's stdin and stdout to the engine's unix socket before Python would
have imported `os`. That is why it uses only `posix`, `_signal`, `_socket` and `select`, the built-in modules behind the
usual ones (benchmarks/process_start.py measures the time).

It bridges three differences between a script and FastAGI:

- The engine needs the script's name; over FastAGI the switch sends it in `agi_network_script`.
- A script gets a hang-up as the signal SIGHUP, the engine as the line HANGUP, which is allowed only between two
  replies. The relay cannot see where a reply ends (values have line feeds), but it can see where one begins: after a
  command. So it sends the line before the first byte of a reply.
- A hanging engine must not leave the caller in silence: it has a deadline whenever it is its turn.

If the engine does not accept the call, or sends no command in time, the script runs the flow itself
(`ivr.drivers.process`), beginning with what the switch has sent so far.
"""

import _signal  # type: ignore[import-not-found]
import _socket
import posix
import select
import sys

FIRST_COMMAND_MS = 1000  # the engine's deadline for its first command; after it the flow is run here
COMMAND_MS = 5000  # the deadline for every further command; after it the dialplan continues alone

SIGHUP: int = _signal.SIGHUP


class Relay:
    """One call between the switch (file descriptors 0 and 1) and the engine."""

    def __init__(self, script: str) -> None:
        self.hung_up = False  # SIGHUP has come
        # What the switch has sent so far: needed again when the flow is run here.
        self.kept = b"agi_network_script: %s\n" % script.encode()
        self._owed = False  # the engine has not been told HANGUP yet
        self._begun = True  # a reply has begun since the last command: HANGUP must wait
        self._answered = False
        self._engine: _socket.socket | None = None

    def watch(self) -> None:
        """Handle SIGHUP from now on, which would otherwise end the script at any point."""
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
            pass  # the engine is gone
        finally:
            self._engine = None
            with_engine.close()
        return self._answered

    def _pump(self, engine: _socket.socket) -> None:
        """Copy both ways until one side ends the call or the engine misses its deadline."""
        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(engine.fileno(), select.POLLIN)
        while True:
            ready = poll.poll(self._timeout_ms())
            if not ready:
                return None
            for descriptor, _ in ready:
                if descriptor == 0:
                    data = posix.read(0, 65536)
                    if not data:
                        return self._finish(engine)
                    self._to_engine(engine, data)
                else:
                    data = engine.recv(65536)
                    if not data:
                        return None
                    self._to_switch(data)

    def _timeout_ms(self) -> int:
        """How long to wait for the next byte, in ms; -1: no limit, since a caller may listen for any time."""
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
            return  # the switch has closed; its input ends, too
        if data.endswith(b"\n"):
            self._begun = False
            self._send_hangup()

    def _finish(self, engine: _socket.socket) -> None:
        """The switch has closed: close towards the engine, and give it time to finish its records."""
        self._answered = True  # no call is left to run here
        engine.shutdown(_socket.SHUT_WR)
        engine.settimeout(COMMAND_MS / 1000)
        while engine.recv(65536):
            pass

    def _on_hangup(self, number: int, frame: object) -> None:
        self.hung_up = self._owed = True
        self._send_hangup()

    def _send_hangup(self) -> None:
        if self._owed and not self._begun and self._engine is not None:
            self._owed = False
            try:
                self._engine.sendall(b"HANGUP\n")
            except OSError:
                return  # the engine is gone; `_pump` notices it, too


def _connect(path: str) -> _socket.socket:
    """Connect to the engine. Raises OSError at once when there is none, or when it is too busy to accept."""
    engine = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    engine.settimeout(FIRST_COMMAND_MS / 1000)
    try:
        engine.connect(path)
    except OSError:
        engine.close()
        raise
    return engine


def write(descriptor: int, data: bytes) -> None:
    """Write all the data."""
    while data:
        data = data[posix.write(descriptor, data) :]


def run_script(flow: str, root: str, compiled: str | None) -> None:
    """Run an AGI script: relay the call, or else run the flow here. Does not return.

    `flow`: "module:function"; the function has the script's name. `root`: the folder of our packages. `compiled`: the
    compiled configuration (None: in $IVR_VAR or <root>/var).
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
    """Make installed packages importable, which Python's option -S does not do.

    A virtual environment has them in one folder; adding it directly avoids reading every .pth file (5 to 15 ms).
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
    """Import a module of the standard library only when it is first used.

    pyst2 imports `pprint` for messages that it never prints here. With `dataclasses` and `inspect`, which it imports,
    that is a third of a script's imports (12 ms).
    """
    stand_in = type(sys)(name)

    def fetch(attribute: str) -> object:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return getattr(__import__(name), attribute)

    stand_in.__getattr__ = fetch  # type: ignore[method-assign]
    sys.modules.setdefault(name, stand_in)


def _keep_standard_descriptors() -> None:
    """Open descriptors 0 to 2 if they are closed, so that alarms cannot end up in a socket or in the spool."""
    while True:
        descriptor = posix.open("/dev/null", posix.O_RDWR)
        if descriptor > 2:
            return posix.close(descriptor)


def render_script(source: str, interpreter: str, root: str, compiled: str) -> str:
    """The text of an AGI script to install for the switch, with its interpreter and paths.

    Raises ValueError when `source` lacks the marker lines, or the interpreter does not fit in a script's first line.
    """
    first = f"#!{interpreter} -ISE"
    if not interpreter.startswith("/") or not first.isprintable() or " " in interpreter or len(first.encode()) > 254:
        raise ValueError(f"{interpreter!r}: not allowed in a script's first line; use a short path without spaces")
    lines = source.splitlines()
    for name, value in (("ROOT", root), ("COMPILED", compiled)):
        marker = f"{name} = None  # set by ivr render"
        if lines.count(marker) != 1:
            raise ValueError(f"not an AGI script of ours: it must contain the line `{marker}` once")
        lines[lines.index(marker)] = f"{name} = {value!r}"
    return "\n".join([first, *lines[1:], ""])
