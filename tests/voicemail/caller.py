"""A scripted caller of the voicemail, and the switch: records real files, and can hang up at any time."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from ivr.agi import (
    Command,
    CommandError,
    Environment,
    Hangup,
    Played,
    Recorded,
    RecordFile,
    SayDigits,
    SetVariable,
    StreamFile,
    WaitForDigit,
)
from ivr.configuration.compiled import Compiled
from ivr.drivers.session import FlowStepper
from ivr.facts import Fact
from ivr.flows.call import Call
from tests.voicemail.sounds import HEADER, unfinished, wav
from voicemail.flow import voicemail

Ending = Literal["dtmf", "timeout", "hangup", "waitfor", "writefile", "randomerror"]
AT = 1795510800.0
GONE = Hangup("the caller has hung up")


class Take(NamedTuple):
    """What the caller says after the tone, and how the switch ends it."""

    samples: bytes
    ended_by: Ending = "dtmf"
    digit: str = "#"
    lost: int = 0  # bytes that did not reach the disk


class Refused(NamedTuple):
    """The switch does not record."""

    ended_by: Ending | Literal["520"] = "writefile"
    digit: str = ""


Step = str | Take | Refused  # "vm-review:2": at this prompt, this key (or these: the rest follows at once)

# How a caller can be gone: the command under way ends and HANGUP comes with its reply; or only with the next reply; it
# is refused with 511; the switch closes the connection; the engine itself is ending.
Way = Literal["reply", "late", "refused", "closed", "ending"]
WAYS: tuple[Way, ...] = ("reply", "late", "refused", "closed", "ending")


class Line:
    """One call of the flow. `run` plays it; afterwards the attributes hold everything that happened."""

    def __init__(
        self, compiled: Compiled, steps: tuple[Step, ...], number: str | None = "0612345678", reason: str = "closed"
    ) -> None:
        self.facts: list[Fact] = []
        self.logged: list[tuple[str, dict[str, Any]]] = []
        self.commands: list[Command[Any]] = []
        self.variables: dict[str, str] = {}
        self.said: list[bytes] = []  # what was spoken to the end, or until the hang-up
        self.broken_off = False  # whether the last of it was
        self.heard: list[str] = []  # prompts, digits said, recordings played
        self.on_record: Callable[[str], None] = lambda path: None
        self._steps = list(steps)
        self._keys = ""
        keys = {"agi_uniqueid": "1795510800.7", "agi_callerid": number or "unknown", "agi_arg_1": str(int(AT))}
        environment = Environment({**keys, "agi_arg_2": "1795510800.5", "agi_arg_3": reason})
        self._flow = voicemail(Call(environment, compiled, self.facts.append, self._log, lambda: AT))

    def run(self, hang_up_at: int = 0, way: Way = "reply") -> bool:
        """Play the call; the caller hangs up at command `hang_up_at` (from 1). Return False if there are fewer."""
        policy = FlowStepper(self._flow)
        command = policy.advance(None, hung_up=False)
        gone = reported = False
        while command is not None:
            self.commands.append(command)
            reported = gone
            if len(self.commands) == hang_up_at:
                gone, reported = True, way != "late"
                if way == "ending":
                    self._speak_in_part(command)
                    self._flow.close()
                    return True
                if way == "closed":
                    self._speak_in_part(command)
                    policy.abandon()
                    return True
                reply = self._dead(command) if way == "refused" else self._cut_short(command)
            else:
                reply = self._dead(command) if gone else self._reply(command)
            command = policy.advance(reply, hung_up=reported)
        assert gone or not self._steps, f"the flow ended before {self._steps}"
        return gone

    def fact(self, kind: str) -> dict[str, Any]:
        (fact,) = [fact for fact in self.facts if fact.kind == kind]
        return fact.data

    @property
    def alarms(self) -> list[dict[str, Any]]:
        return [fields for event, fields in self.logged if event == "alarm"]

    def _log(self, event: str, **fields: Any) -> None:
        self.logged.append((event, fields))

    def _reply(self, command: Command[Any]) -> Any:
        if isinstance(command, RecordFile):
            return self._record(command)
        if isinstance(command, WaitForDigit):
            return self._press("wait", "0123456789*#")
        if isinstance(command, (StreamFile, SayDigits)):
            name = str(command.words[0])
            prompt = name.removeprefix("nul/") if isinstance(command, StreamFile) else f"digits {name}"
            prompt = os.path.basename(prompt)
            self.heard.append(prompt)
            return Played(self._press(prompt, str(command.words[1])))
        if isinstance(command, SetVariable):
            self.variables[str(command.words[0])] = str(command.words[1])
        return None

    def _press(self, moment: str, valid: str) -> str:
        step = self._steps[0] if self._steps else ""
        if not self._keys and isinstance(step, str) and step.partition(":")[0] == moment:
            self._keys = step.partition(":")[2]
            del self._steps[0]
        if self._keys[:1] and self._keys[0] in valid:
            key, self._keys = self._keys[0], self._keys[1:]
            return key
        return ""

    def _record(self, command: RecordFile) -> Any:
        assert self._steps and not isinstance(self._steps[0], str), f"{self._steps} but the flow records"
        path = f"{command.words[0]}.{command.words[1]}"
        self.heard.append("tone" if "BEEP" in map(str, command.words) else "no tone")
        self.on_record(path)
        step = self._steps.pop(0)
        if isinstance(step, Take):
            with open(path, "wb") as file:
                file.write(wav(step.samples[: len(step.samples) - step.lost]))
            self.said.append(step.samples)
            return Recorded(step.ended_by, step.digit, len(step.samples) // 2)
        assert isinstance(step, Refused)
        if step.ended_by == "520":
            return CommandError(command, 520, "Invalid command syntax.")
        return Recorded(step.ended_by, step.digit)

    def _dead(self, command: Command[Any]) -> Any:
        """The reply of a dead channel."""
        return self._reply(command) if command.dead_capable else GONE

    def _cut_short(self, command: Command[Any]) -> Any:
        """The reply to the command during which the caller hangs up."""
        if isinstance(command, RecordFile):
            return Recorded("hangup", "", self._speak_in_part(command))
        if isinstance(command, (StreamFile, SayDigits)):
            return Played("", 0, True)
        return "" if isinstance(command, WaitForDigit) else self._reply(command)

    def _speak_in_part(self, command: Command[Any]) -> int:
        """Stop in mid sentence: three quarters of the take are on the disk, and the header has no size."""
        step = self._steps[0] if self._steps else ""
        if not isinstance(command, RecordFile) or not isinstance(step, Take):
            return 0
        part = step.samples[: len(step.samples) * 3 // 8 * 2]
        with open(f"{command.words[0]}.wav", "wb") as file:
            file.write(unfinished(part))
        self.said.append(part)
        self.broken_off = True
        return len(part) // 2


def samples(path: str) -> bytes:
    """Return the samples of a finished message; checks its header."""
    with open(path, "rb") as file:
        content = file.read()
    assert HEADER.unpack_from(content)[-1] == len(content) - HEADER.size, "the header tells the length"
    return content[HEADER.size :]
