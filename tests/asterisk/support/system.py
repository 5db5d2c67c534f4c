"""A whole telephone system for tests: the real engine, a real Asterisk, operators that a test controls.

The configuration is the shipped one with short prompts and short waits, so that a call takes seconds. Every system has
its own folders and ports; several run side by side.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from common.places import Places
from ivr.facts import Fact
from lab.stack import Stack
from lab.switch.faketime import instant
from lab.switch.installation import install
from tests.asterisk.support.softphone import Line, Telephone

NUMBER = "800000039"
TUESDAY = "2026-11-24 10:00:00"
PROMPT_BYTES = 4800  # 0.6 s of each prompt: enough to be recognised and to be cut short
BRIEF = 1600  # 0.2 s: enough to be recognised
DEADLINE = 20.0

# The facts of the flows that follow the menu: voicemail, survey, ended.
LATER_FLOWS = {"number": 1, "message": 1, "survey": 1, "queue_refused": 2, "ended": 2}

SHORT: dict[str, Any] = {
    "queue": {"ring_seconds": 5, "wrap_up_seconds": 0, "announce_every": 0, "longest_wait": 60},
    "engine": {"drain_seconds": 10},
    # Asterisk measures silence by its wall clock, which tests move.
    "limits": {"dead_line_seconds": 600},
}


def wait_until(condition: Callable[[], bool], what: str, seconds: float = DEADLINE) -> None:
    """Wait with a deadline; the assertion names what did not happen."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.02)


class System:
    """A stack, its telephones, and queries for tests."""

    def __init__(
        self,
        folder: Path,
        changes: Mapping[str, Any],
        prompt_bytes: int = PROMPT_BYTES,
        seats_port: int | None = None,
    ) -> None:
        self.folder = folder
        self.places = Places(config=str(folder / "config"), var=str(folder / "var"))
        write_config(folder / "config", changes, prompt_bytes)
        self._ahead = 0.0
        self.seats_port = seats_port or 0
        self.caller = Telephone()
        self.seats = Telephone()
        self.stack = Stack(
            self.places,
            install(Places(), report=lambda line: None),
            seat_contact=lambda seat: f"sip:{seat}@127.0.0.1:{seats_port or self.seats.port}",
            trunk_contact=f"sip:127.0.0.1:{self.caller.port}",
        )

    def start(self, *, operators: int = 0, at: str | None = TUESDAY) -> None:
        """Start the system. `at` None: at the real time, with a clock that cannot be moved but is fast to read."""
        self._ahead = instant(at) - time.time() if at else 0.0
        self.stack.start(faketime=at)
        if operators:
            self.stack.log_in(range(1, operators + 1))

    def close(self) -> None:
        self.caller.close()
        self.seats.close()
        self.stack.stop()

    # actions of a test

    def call(self, **options: Any) -> Line:
        """Dial the service and wait until it answers."""
        line = self.caller.dial(NUMBER, self.stack.sip_port, **options)
        line.wait_answered()
        return line

    def answer(self, ringing: Line | None = None) -> Line:
        """The operator whose telephone rings takes the call."""
        line = ringing or self.seats.wait_ring()
        before = self.events().count("CONNECT")
        line.answer()
        line.wait(lambda: line.confirmed, DEADLINE, "the switch to confirm")
        wait_until(lambda: self.events().count("CONNECT") > before, "caller and operator to be connected")
        return line

    def hang_up_all(self) -> None:
        """End all calls, so that one test cannot disturb the next."""
        for telephone in (self.caller, self.seats):
            telephone.hang_up_all()

    def move_clock(self, to: str) -> None:
        """Set the switch's clock, in Italian time; the engine follows with the next call."""
        self.stack.switch.clock.move(to)
        self._ahead = instant(to) - time.time()

    def pass_time(self, seconds: float) -> None:
        """Move the switch's clock forward."""
        self.move_clock(datetime.fromtimestamp(self.now() + seconds, UTC).isoformat())

    def lengthen(self, prompt: str, seconds: float) -> None:
        """Play more of a prompt than of the others."""
        whole = Path(Places().audio, f"{prompt}.alaw").read_bytes()
        Path(self.places.audio, f"{prompt}.alaw").write_bytes(whole[800 : 800 + round(seconds * 8000)])

    def reconfigure(self, changes: Mapping[str, Any]) -> None:
        """Change the configuration under the running engine, as ops do: edit, `ivr compile`, reload."""
        change_config(self.folder / "config", changes)
        self.stack.compile()
        self.reload("done")

    def reload(self, result: str) -> None:
        """Let the engine reload the compiled configuration; the result must be "done" or "refused"."""
        before = self.metric("ivr_reloads_total", result=result)
        self.stack.engine.reload()
        wait_until(lambda: self.metric("ivr_reloads_total", result=result) > before, f"the reload to be {result}")

    def restart_switch(self) -> None:
        """Start the switch again, at the time that its clock shows."""
        self.stack.switch.stop()
        self.stack.switch.start(faketime=datetime.fromtimestamp(self.now(), UTC).isoformat())

    # queries of a test

    def now(self) -> float:
        """Epoch seconds, by the clock of the switch."""
        return time.time() + self._ahead

    def sound(self, prompt: str) -> bytes:
        """The recording as this system plays it."""
        return Path(self.places.audio, f"{prompt}.alaw").read_bytes()

    def facts(self, call_id: str | None = None) -> list[Fact]:
        """The facts in order of time; those of one call in order of its flows.

        The switch passes the time to each flow in whole seconds. So a flow may seem to begin before the flow that it
        follows, if both begin in the same second and the switch's clock was moved.
        """
        facts = [fact for fact in self.stack.facts() if call_id in (None, fact.call)]
        return facts if call_id is None else sorted(facts, key=lambda fact: LATER_FLOWS.get(fact.kind, 0))

    def new_calls(self, known: set[str]) -> list[str]:
        return sorted({fact.call for fact in self.facts()} - known)

    def call_ids(self) -> set[str]:
        return {fact.call for fact in self.facts()}

    def wait_fact(self, kind: str, call_id: str | None = None, count: int = 1) -> list[Fact]:
        def facts() -> list[Fact]:
            return [fact for fact in self.facts(call_id) if fact.kind == kind]

        wait_until(lambda: len(facts()) >= count, f"{count} fact(s) of kind {kind}: {self.kinds(call_id)}")
        return facts()

    def kinds(self, call_id: str | None = None) -> list[str]:
        return [fact.kind for fact in self.facts(call_id)]

    def events(self, call_id: str | None = None) -> list[str]:
        """The verbs of queue_log, in order."""
        return [line[4] for line in self.stack.queue_log() if len(line) > 4 and call_id in (None, line[1])]

    def channels(self) -> int:
        text = self.stack.switch.cli("core show channels count")
        return int(text.split()[0])

    def messages(self) -> list[Path]:
        """Complete messages in the store."""
        return sorted(path.parent for path in Path(self.places.messages).glob("[!.]*/message.json"))

    def leftovers(self) -> list[str]:
        """Drafts of messages, which exist only during a recording."""
        return sorted(path.name for path in Path(self.places.messages).glob(".*") if path.is_dir())

    def wait_idle(self) -> None:
        """Wait until all calls are over and everything about them has been written."""
        wait_until(lambda: self.channels() == 0, "the switch to have no channel left")
        wait_until(lambda: self.open_sessions() == 0, "the engine to have no session left")

    def open_sessions(self) -> int:
        return int(self.metric("ivr_sessions_open"))

    def metrics(self) -> str:
        """The engine's metrics page."""
        url = f"http://127.0.0.1:{self.stack.engine.metrics_port}/metrics"
        with urllib.request.urlopen(url, timeout=5) as answer:
            text: str = answer.read().decode()
        return text

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric over all labels that are not given."""
        lines = self.metrics().splitlines()
        pairs = [f'{label}="{value}"' for label, value in labels.items()]
        samples = [line for line in lines if re.match(rf"{name}[ {{]", line) and all(pair in line for pair in pairs)]
        assert samples, f"the engine counts {name} {labels}"
        return sum(float(line.rsplit(" ", 1)[1]) for line in samples)


@contextmanager
def running_system(
    changes: Mapping[str, Any] | None = None,
    *,
    operators: int = 0,
    at: str | None = TUESDAY,
    prompt_bytes: int = PROMPT_BYTES,
    seats_port: int | None = None,
) -> Iterator[System]:
    """A system that runs for one test or one module.

    `prompt_bytes`: the length of each prompt. `seats_port`: the port of the operators' telephones, if they are not
    those of the system.
    """
    folder = Path(tempfile.mkdtemp(prefix="nul-"))
    folder.chmod(0o755)  # when root runs the tests, the switch runs as another user
    system = System(folder, merged(SHORT, changes or {}), prompt_bytes, seats_port)
    try:
        system.start(operators=operators, at=at)
        yield system
    finally:
        system.close()
        shutil.rmtree(folder, ignore_errors=True)


def write_config(folder: Path, changes: Mapping[str, Any], prompt_bytes: int = PROMPT_BYTES) -> None:
    """The shipped configuration with some keys changed: {"queue": {...}} of service.yaml, {"menu.yaml": {...}}."""
    shipped = Path(Places().config)
    shutil.copytree(shipped, folder, ignore=shutil.ignore_patterns("prompts"))
    for sound in Path(shipped, "prompts").rglob("*.alaw"):
        short = folder / "prompts" / sound.relative_to(shipped / "prompts")
        short.parent.mkdir(parents=True, exist_ok=True)
        short.write_bytes(sound.read_bytes()[800 : 800 + prompt_bytes])
    change_config(folder, changes)


def change_config(folder: Path, changes: Mapping[str, Any]) -> None:
    service = yaml.safe_load((folder / "service.yaml").read_text(encoding="utf-8"))
    own = {name: value for name, value in changes.items() if not name.endswith(".yaml")}
    dump(folder / "service.yaml", merged(service, own))
    for name in changes.keys() - own.keys():
        document = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
        dump(folder / name, merged(document, changes[name]))


def dump(path: Path, document: Any) -> None:
    path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")
    os.chmod(path, 0o644)


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it, mapping by mapping."""
    result = dict(base)
    for key, value in changes.items():
        inner = result.get(key)
        result[key] = merged(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return result
