"""Runs a call for a simulated caller: no switch, no sound, its own clock.

The third driver of flows, beside FastAGI and the process script. A `SimulatedCaller` decides what to do while a prompt
plays, in the silence after it, and after the tone. Prompts last as long as their recordings, so a rehearsed walk
through the menu takes the time that a caller would spend in it. The staffing model relies on that, and so does every
test of a branch that would take minutes on a real line.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from ivr.agi import (
    Answer,
    Command,
    Digits,
    Environment,
    Exec,
    GetData,
    GetFullVariable,
    GetVariable,
    Hangup,
    HangupCall,
    Played,
    Recorded,
    RecordFile,
    Result,
    SayDigits,
    SayNumber,
    SetVariable,
    StreamFile,
    WaitForDigit,
)
from ivr.configuration.compiled import Compiled
from ivr.drivers.session import FlowStepper
from ivr.facts import Fact
from ivr.flows.call import Call, FlowFunction

SHORTEST_SILENCE = 0.5  # seconds; a shorter wait is a pause in which nobody thinks of pressing a key
COMMAND_LIMIT = 10_000  # a flow with more commands than this does not end


class Press(NamedTuple):
    """A key, pressed `after` seconds after the caller was asked."""

    key: str
    after: float = 0.0


class Speech(NamedTuple):
    """Speech after the tone: its length in seconds, and the key that ends it ("" for silence)."""

    seconds: float
    end_key: str = "#"


class HangsUp(Exception):
    """The simulated caller hangs up `after` seconds after being asked."""

    def __init__(self, after: float = 0.0) -> None:
        super().__init__(f"after {after} s")
        self.after = after


class SimulatedCaller(Protocol):
    """The decisions of a caller. Each method may raise `HangsUp`."""

    def hear(self, prompt: str, seconds: float, keys: str) -> Press | None:
        """A prompt plays (its id, its length in seconds); one of the `keys` would interrupt it."""

    def wait(self, seconds: float) -> Press | None:
        """Silence for so many seconds: the time to press a key."""

    def speak(self, longest: float) -> Speech:
        """The tone has sounded; the recording takes `longest` seconds at most."""


class Rehearsed(NamedTuple):
    """The results of a rehearsed flow: variables, facts, the start of each command, and how it ended."""

    variables: dict[str, str]
    facts: list[Fact]
    commands: list[tuple[float, Command[Any]]]
    seconds: float
    hung_up: bool


class Rehearsal:
    """A channel without a switch. One object is one call; `run` may be called for each of its flows in turn."""

    def __init__(
        self,
        compiled: Compiled,
        caller: SimulatedCaller,
        *,
        at: float,
        number: str | None = "0612345678",
        call_id: str = "rehearsal.1",
        log: Callable[..., None] = lambda event, **fields: None,
    ) -> None:
        self.compiled = compiled
        self.caller = caller
        self.now = float(at)
        self.number = number
        self.call_id = call_id
        self.log = log
        self.hung_up = False
        self.variables: dict[str, str] = {}
        self.facts: list[Fact] = []

    def run(self, name: str, flow: FlowFunction, *arguments: str) -> Rehearsed:
        """Run one flow to its end; `arguments` follow the clock and the call's id, as in the dialplan."""
        began, commands, first_fact = self.now, list[tuple[float, Command[Any]]](), len(self.facts)
        call = Call(self._environment(name, arguments), self.compiled, self.facts.append, self.log, lambda: self.now)
        policy = FlowStepper(flow(call))
        command = policy.advance(None, hung_up=self.hung_up)
        while command is not None:
            commands.append((self.now, command))
            if len(commands) > COMMAND_LIMIT:
                raise RuntimeError(f"flow {name!r}: more than {COMMAND_LIMIT} commands; it does not end")
            command = policy.advance(self._reply(command), hung_up=self.hung_up)
        return Rehearsed(self.variables, self.facts[first_fact:], commands, self.now - began, self.hung_up)

    def _environment(self, name: str, arguments: tuple[str, ...]) -> Environment:
        keys = {
            "agi_network_script": name,
            "agi_channel": "Rehearsal/1",
            "agi_uniqueid": self.call_id,
            "agi_callerid": self.number or "unknown",
            "agi_callingpres": "0" if self.number else "67",
        }
        everything = (str(int(self.now)), self.call_id, *arguments)
        return Environment({**keys, **{f"agi_arg_{n}": text for n, text in enumerate(everything, 1)}})

    def _reply(self, command: Command[Any]) -> Any:
        if self.hung_up:
            return self._reply_when_gone(command)
        answer = REPLIES.get(type(command))
        try:
            return answer(self, *command.words) if answer else None
        except HangsUp as hang_up:
            self.now += hang_up.after
            self.hung_up = True
            return _CUT_SHORT.get(type(command), Hangup("the caller has hung up"))

    def _reply_when_gone(self, command: Command[Any]) -> Any:
        if isinstance(command, SetVariable):
            self._set(*command.words)
        elif isinstance(command, (GetVariable, GetFullVariable)):
            return self._get(*command.words)
        elif isinstance(command, Exec):
            return 0
        return None

    # One method for each command: what the switch would do and reply.

    def _answer(self) -> Result:
        return Result(0)

    def _play(self, sound: str, keys: str = "", *rest: Any) -> Played:
        prompt = sound.removeprefix("nul/")
        sheet = self.compiled["prompts"].get(prompt)
        if sheet is None:
            return Played("", 0, True)
        return self._listen(prompt, sheet["seconds"], str(keys))

    def _say_digits(self, digits: str | int, keys: str = "", *rest: Any) -> Played:
        sheets = self.compiled["prompts"]
        seconds = sum(sheets[f"digits/{digit}"]["seconds"] for digit in str(digits) if f"digits/{digit}" in sheets)
        return self._listen(f"digits {digits}", seconds, str(keys))

    def _listen(self, prompt: str, seconds: float, keys: str) -> Played:
        press = self.caller.hear(prompt, seconds, keys)
        if press is None or press.key not in keys or press.after >= seconds:
            self.now += seconds
            return Played("", int(seconds * 8000), False)
        self.now += press.after
        return Played(press.key, int(press.after * 8000), False)

    def _wait(self, milliseconds: int) -> str:
        seconds = int(milliseconds) / 1000
        press = self.caller.wait(seconds)
        if press is None or press.after > seconds:
            self.now += seconds
            return ""
        self.now += press.after
        return press.key

    def _get_data(self, sound: str, milliseconds: int = 2000, most: int = 255) -> Digits:
        first = self._play(sound, "0123456789*#").digit or self._wait(milliseconds)
        digits = ""
        while first and first != "#":
            digits += first
            if len(digits) == int(most):
                return Digits(digits, False)
            first = self._wait(milliseconds)
        return Digits(digits, first == "")

    def _record(self, path: str, suffix: str, keys: str, milliseconds: int, *rest: Any) -> Recorded:
        longest = int(milliseconds) / 1000
        try:
            speech = self.caller.speak(longest)
        except HangsUp as hang_up:
            write_speech(f"{path}.{suffix}", min(hang_up.after, longest))
            raise
        seconds = min(speech.seconds, longest)
        write_speech(f"{path}.{suffix}", seconds)
        self.now += seconds
        if seconds < longest and speech.end_key and speech.end_key in str(keys):
            return Recorded("dtmf", speech.end_key, int(seconds * 8000))
        return Recorded("timeout", "", int(seconds * 8000))

    def _set(self, name: str | int, value: str | int) -> None:
        self.variables[str(name)] = str(value)

    def _get(self, name: str | int, *rest: Any) -> str | None:
        return self.variables.get(str(name))

    def _execute(self, application: str, options: str = "") -> int:
        return 0

    def _hang_up(self, *rest: Any) -> None:
        self.hung_up = True


REPLIES: Mapping[type[Command[Any]], Callable[..., Any]] = {
    Answer: Rehearsal._answer,
    StreamFile: Rehearsal._play,
    SayDigits: Rehearsal._say_digits,
    SayNumber: Rehearsal._say_digits,
    WaitForDigit: Rehearsal._wait,
    GetData: Rehearsal._get_data,
    RecordFile: Rehearsal._record,
    SetVariable: Rehearsal._set,
    GetVariable: Rehearsal._get,
    GetFullVariable: Rehearsal._get,
    Exec: Rehearsal._execute,
    HangupCall: Rehearsal._hang_up,
}

# The reply to the command during which the caller hangs up.
_CUT_SHORT: Mapping[type[Command[Any]], Any] = {
    StreamFile: Played("", 0, True),
    SayDigits: Played("", 0, True),
    SayNumber: Played("", 0, True),
    GetData: Digits("", False),
    RecordFile: Recorded("hangup", "", 0),
}


QUEUE_FATES = ("answered", "abandoned", "timeout", "key", "refused")


def rehearse_call(rehearsal: Rehearsal, flows: Mapping[str, FlowFunction], queue: Callable[[Rehearsal], str]) -> str:
    """Run all flows of a call in the order of the dialplan (config/asterisk/extensions.conf); returns its fate.

    `queue` plays the operators: it is called for a caller in the queue, advances `rehearsal.now`, and returns how the
    wait ended, one of `QUEUE_FATES`.
    """
    variables = rehearsal.variables
    variables.update(IVR_FATE="left_menu", IVR_STAGE="menu")
    rehearsal.run("menu", flows["menu"])
    outcome, reason, status = variables.get("IVR_OUTCOME"), variables.get("IVR_REASON", "closed"), ""
    if outcome == "queue" and not rehearsal.hung_up:
        variables.update(IVR_FATE="abandoned", IVR_STAGE="queue")
        ended = queue(rehearsal)
        status = {"answered": "CONTINUE", "timeout": "TIMEOUT", "refused": "FULL"}.get(ended, "")
        rehearsal.hung_up = ended == "abandoned"
        if ended == "answered":
            _after_the_conversation(rehearsal, flows)
        elif ended != "abandoned":
            outcome, reason = "voicemail", "caller_choice" if ended == "key" else "all_busy"
    if outcome == "voicemail" and not rehearsal.hung_up:
        variables.update(IVR_FATE="no_message", IVR_STAGE="voicemail")
        rehearsal.run("voicemail", flows["voicemail"], reason)
    if variables["IVR_FATE"] == "no_message" and status == "FULL":
        variables["IVR_FATE"] = "refused"
    rehearsal.hung_up = True
    rehearsal.run("ended", flows["ended"], variables["IVR_FATE"], variables["IVR_STAGE"], status)
    return variables["IVR_FATE"]


def _after_the_conversation(rehearsal: Rehearsal, flows: Mapping[str, FlowFunction]) -> None:
    rehearsal.variables.update(IVR_FATE="answered", IVR_STAGE="survey")
    if rehearsal.compiled["service"]["survey"]["offered"]:
        rehearsal.run("survey", flows["survey"])


def write_speech(path: str, seconds: float) -> None:
    """Write a WAV file (8 kHz, 16 bit, mono) with a tone of that length, which stands for speech."""
    samples = int(seconds * 8000)
    wave = struct.pack("<40h", *(int(8000 * ((n % 20) / 10 - 1)) for n in range(40)))
    data = (wave * (samples // 40 + 1))[: samples * 2]
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16,
                         b"data", len(data))  # fmt: skip
    with open(path, "wb") as file:
        file.write(header + data)


class ScriptedCaller:
    """A caller who acts from a list: one entry for each silence, "" to let it pass, "hangup" to hang up.

    A `hurried` caller presses the key while the prompt still plays. `says`: the seconds spoken after each tone. At the
    end of the list a `patient` caller stays on the line silently, another one hangs up.
    """

    def __init__(
        self, keys: str | list[str], *, hurried: bool = False, says: tuple[float, ...] = (), patient: bool = True
    ) -> None:
        self.keys = list(keys)
        self.hurried = hurried
        self.says = list(says)
        self.patient = patient
        self.heard: list[str] = []

    def hear(self, prompt: str, seconds: float, keys: str) -> Press | None:
        self.heard.append(prompt)
        if self.hurried and self.keys and self.keys[0] and self.keys[0] in keys:
            return Press(self.keys.pop(0), seconds / 4)
        return None

    def wait(self, seconds: float) -> Press | None:
        if seconds < SHORTEST_SILENCE:
            return None
        if not self.keys:
            if self.patient:
                return None
            raise HangsUp(seconds / 2)
        key = self.keys.pop(0)
        if key == "hangup":
            raise HangsUp(seconds / 2)
        return Press(key, seconds / 4) if key else None

    def speak(self, longest: float) -> Speech:
        if not self.says:
            raise HangsUp(0.0)
        return Speech(self.says.pop(0))
