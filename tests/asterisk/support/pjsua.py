"""A telephone that nobody here wrote: pjsua2, for callers and for operators' seats, in a process of its own.

Unlike `tests.asterisk.support.softphone` it holds, transfers (REFER), sends any header, and can die: `kill` ends it as
a power cut does. Every wait has a deadline. It hears a level, not words.

    with Pjsua() as phones, running_system(operators=1, seats_port=phones.port) as system:
        operator = phones.wait_ring()
        operator.answer()
        operator.hold()
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

HOST = "127.0.0.1"
NUMBER = "800000039"
DEADLINE = 10.0  # s
MOST_CALLS = 4  # at once, in one process; and it may have 7 identities: a build option of the wheel
SETTLED = 0.5  # s: a call that was over before it was answered is ended by then
MUSIC = 20  # moments (of about 10 ms) at which something was heard: it was not a click


class Pjsua:
    """A pjsua2 user agent on a UDP port of its own. It rings for calls to any name at that port."""

    def __init__(self, port: int = 0, *, rings: bool = True) -> None:
        """`rings` False: incoming calls are not even told that it rings."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.asterisk.support.pjsua_process", str(port), "rings" if rings else "silent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.changed = threading.Condition()
        self.port = 0
        self.calls: dict[int, PjsuaCall] = {}
        self.incoming: list[PjsuaCall] = []
        self.registered = 0  # the last status of a registration
        self.refused: list[str] = []  # commands that pjsua2 refused
        self._dialled = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        self.wait(lambda: self.port > 0, DEADLINE, "pjsua2 to start")

    def __enter__(self) -> Pjsua:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def register(self, user: str, password: str, sip_port: int) -> None:
        """Register at the switch, as a telephone with a password does."""
        self.registered = 0
        self.send("register", user=user, password=password, registrar=f"sip:{HOST}:{sip_port}")
        self.wait(lambda: self.registered == 200, DEADLINE, "the registration")

    def dial(
        self, sip_port: int, number: str = NUMBER, *, user: str = "0612345678", headers: Mapping[str, str] | None = None
    ) -> PjsuaCall:
        """Dial a number at the switch. `user`: a name, or the whole From (`"Anonymous" <sip:anonymous@...>`)."""
        with self.changed:
            before = len(self.calls)
            self.send("dial", uri=f"sip:{number}@{HOST}:{sip_port}", user=user, headers=dict(headers or {}))
            self._wait(lambda: len(self.calls) > before, DEADLINE, "pjsua2 to dial")
            return self.calls[max(self.calls)]

    def wait_ring(self, seconds: float = DEADLINE) -> PjsuaCall:
        """The next call that rings here and was not returned before."""
        with self.changed:
            self._wait(lambda: bool(self.incoming), seconds, "the telephone to ring")
            return self.incoming.pop(0)

    def answer_next(self, seconds: float = DEADLINE) -> PjsuaCall:
        """Answer the next call. Skips calls that are over: a telephone that was just switched on may get such."""
        end = time.monotonic() + seconds
        while True:
            call = self.wait_ring(max(0.0, end - time.monotonic()))
            self.send("answer", call=call.number, code=200)
            if call.is_confirmed() and not call.ends_within(SETTLED):
                return call

    def hang_up_all(self) -> None:
        self.send("hang_up_all")
        self.incoming.clear()

    def kill(self) -> None:
        """Die as by a power cut: no BYE, no further audio."""
        self._process.kill()
        self._end()

    def close(self) -> None:
        """Hang up and end."""
        self._end()

    def _end(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(DEADLINE)
        self._thread.join(DEADLINE)
        self._process.stdout.close()

    def send(self, action: str, **arguments: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": action, **arguments}).encode() + b"\n")
        self._process.stdin.flush()

    def wait(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        with self.changed:
            self._wait(condition, seconds, what)

    def _wait(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        assert self.changed.wait_for(condition, seconds), f"waited {seconds} s for {what}; refused: {self.refused}"

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = json.loads(line)
            with self.changed:
                self._take(event)
                self.changed.notify_all()

    def _take(self, event: Mapping[str, Any]) -> None:
        kind = event["event"]
        if kind == "started":
            self.port = event["port"]
        elif kind == "registration":
            self.registered = event["code"]
        elif kind == "refused":
            self.refused.append(f"{event['do']}: {event['why']}")
        else:
            known = event["call"]
            call = self.calls.get(known) or self.calls.setdefault(known, PjsuaCall(self, known))
            call.take(event)
            if kind == "ringing":
                self.incoming.append(call)


class PjsuaCall:
    """One call of a `Pjsua`."""

    def __init__(self, phone: Pjsua, number: int) -> None:
        self.phone = phone
        self.number = number
        self.request = ""  # the invitation by which somebody rang here
        self.state = ""  # CALLING, EARLY, CONFIRMED, DISCONNECTED and others, as pjsip writes them
        self.code = 0  # the last SIP status
        self.transfers: list[int] = []  # the answers to our REFER: NOTIFYs and its own refusal
        self.keys = ""  # heard as tones
        self._loud = 0

    @property
    def seat(self) -> str:
        """The name that was dialled."""
        found = re.match(r"INVITE sip:([^@]*)@", self.request)
        assert found, self.request
        return found[1]

    @property
    def ended(self) -> bool:
        return self.state.startswith("DISCONN")  # DISCONNCTD before pjsip 2.12

    def answer(self, code: int = 200) -> None:
        self.phone.send("answer", call=self.number, code=code)
        if code == 200:
            self.wait_answered()

    def hang_up(self) -> None:
        self.phone.send("hang_up", call=self.number)

    def forward(self, uri: str) -> None:
        """Answer "302 Moved Temporarily", as a telephone with call forwarding does."""
        self.phone.send("forward", call=self.number, uri=uri)

    def hold(self) -> None:
        self.phone.send("hold", call=self.number)

    def resume(self) -> None:
        self.phone.send("resume", call=self.number)

    def press(self, keys: str) -> None:
        self.phone.send("press", call=self.number, keys=keys)

    def speak(self) -> None:
        """Say a tone until the end of the call."""
        self.phone.send("speak", call=self.number)

    def transfer(self, uri: str) -> None:
        """Ask the switch to send the other side elsewhere (REFER)."""
        self.transfers.clear()
        self.phone.send("transfer", call=self.number, uri=uri)

    def transfer_to(self, other: PjsuaCall) -> None:
        """Connect the other sides of two calls (REFER with Replaces)."""
        self.transfers.clear()
        self.phone.send("transfer_to_call", call=self.number, other=other.number)

    def wait_answered(self, seconds: float = DEADLINE) -> None:
        assert self.is_confirmed(seconds), f"the call was refused: {self.code}"

    def is_confirmed(self, seconds: float = DEADLINE) -> bool:
        """Wait until the call is confirmed or over; whether it is confirmed."""
        self.phone.wait(lambda: self.state == "CONFIRMED" or self.ended, seconds, "an answer")
        return not self.ended

    def wait_ended(self, seconds: float = DEADLINE) -> None:
        self.phone.wait(lambda: self.ended, seconds, "the end of the call")

    def ends_within(self, seconds: float) -> bool:
        with self.phone.changed:
            return self.phone.changed.wait_for(lambda: self.ended, seconds)

    def wait_transfer(self, seconds: float = DEADLINE) -> int:
        """The first final answer to our REFER."""

        def final() -> list[int]:
            return [code for code in self.transfers if code >= 200]

        self.phone.wait(lambda: bool(final()), seconds, "an answer to the transfer")
        return final()[0]

    def wait_heard(self, seconds: float = DEADLINE) -> None:
        """Wait until something is heard from now on: a voice, or music."""
        with self.phone.changed:
            before = self._loud
        self.phone.wait(lambda: self._loud >= before + MUSIC, seconds, "something to be heard")

    def hears_nothing(self, seconds: float) -> bool:
        """Whether nothing is heard for so long."""
        with self.phone.changed:
            before, end = self._loud, time.monotonic() + seconds
            return not self.phone.changed.wait_for(
                lambda: self._loud >= before + MUSIC, max(0.0, end - time.monotonic())
            )

    def take(self, event: Mapping[str, Any]) -> None:
        """An event of the process. Called with the lock held."""
        if event["event"] == "ringing":
            self.request = event["request"]
        elif event["event"] == "state":
            self.state, self.code = event["state"], event["code"]
        elif event["event"] == "heard":
            self._loud = event["loud"]
        elif event["event"] == "transfer":
            self.transfers.append(event["code"])
        elif event["event"] == "key":
            self.keys += event["key"]
