"""A call, and the functions from which every flow is built.

A flow is a generator: it yields commands of `ivr.agi` and receives their replies, as a SimPy process yields events. It
does no I/O: the same generator runs for Asterisk over FastAGI, as a process script, and for a simulated caller. When
the caller has hung up, `ivr.agi.Hangup` is raised at the flow's `yield`. Put what must still be done into
`except Hangup` or `finally`, with only such commands as the switch accepts on a dead channel.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ivr.agi import Command, Environment, Hangup, SetVariable, StreamFile, WaitForDigit
from ivr.facts import Fact, new_id
from ivr.flows import phone_numbers
from ivr.flows.speech import sounds

if TYPE_CHECKING:
    from ivr.configuration.compiled import Compiled, Prompt

Flow = Generator[Command[Any], Any, None]
FlowFunction = Callable[["Call"], Flow]

KEYS = "0123456789*#"
REPEATS = 10  # how often a caller may have the same question repeated


class Call:
    """One caller's call as a flow sees it."""

    def __init__(
        self,
        environment: Environment,
        compiled: Compiled,
        report: Callable[[Fact], object],
        log: Callable[..., None],
        clock: Callable[[], float],
    ) -> None:
        self.environment = environment
        self.compiled = compiled
        self.service = compiled["service"]
        # The dialplan passes the switch's clock and LINKEDID; another dialplan may not, then our own are used.
        self.id = environment.arg(2) or environment.uniqueid
        self._clock = clock
        self._ahead = _seconds_ahead(environment.arg(1), clock())
        self.began = self.now()
        self.typed = ""  # a key pressed ahead of its question
        self.missed = False  # the last `say` was incomplete: a sound is missing, or the caller hung up
        self.refusal_key = ""  # refuses the recording, from the notice on; "" when the call will not be recorded
        self.log = log
        self._report = report

    def argument(self, number: int) -> str:
        """An argument that the dialplan passed to this flow, from 1; "" when it is missing."""
        return self.environment.arg(2 + number)

    @property
    def number(self) -> str | None:
        """The caller's number in E.164, or None when it is withheld or cannot be called back."""
        given = self.environment.callerid
        return None if given is None else phone_numbers.normalise(given, self.service["voicemail"]["default_country"])

    def now(self) -> float:
        """Epoch seconds, UTC, by the clock of the switch."""
        return self._clock() + self._ahead

    def report(self, kind: str, *, once: bool = False, **data: Any) -> None:
        """Write a fact into the spool. `once`: a call has only one fact of this kind, however often it is reported."""
        at = self.now()
        identity = f"{kind}-{self.id}" if once else new_id(at)
        self._report(Fact(identity, self.id, round(at, 3), kind, data))

    def refuse_recording(self) -> None:
        """The caller does not want this call to be recorded."""
        self.refusal_key = ""
        self.report("refusal", of="recording")

    def in_sample(self, purpose: str, share: float) -> bool:
        """Whether this call belongs to a random sample of that share; always the same answer for the same call."""
        return zlib.crc32(f"{purpose}:{self.id}".encode()) < share * 2**32


def _seconds_ahead(epoch: str, now: float) -> float:
    """Seconds by which the switch's clock is ahead of ours; 0 within its resolution of a second."""
    if not (epoch.isascii() and epoch.isdigit() and len(epoch) <= 12):
        return 0.0
    difference = int(epoch) - now
    return 0.0 if -2 < difference < 2 else difference


def say(call: Call, prompts: Iterable[Prompt], keys: str = "") -> Generator[Command[Any], Any, str]:
    """Play prompts one after the other; returns the key of `keys` that interrupted them, or ""."""
    call.missed = False
    for sound in sounds(call.compiled, prompts, call.now()):
        played = yield StreamFile(sound, keys)
        if played.failed:
            # A missing file, or the caller hung up, which the next command shows. A missing prompt never ends a call.
            call.missed = True
            call.log("prompt_failed", sound=sound)
        if played.digit:
            digit: str = played.digit
            return digit
    return ""


def ask(call: Call, prompts: Sequence[Prompt], wait_seconds: float) -> Generator[Command[Any], Any, str]:
    """Play a question and wait for one key; "" without one. A key may interrupt the question or come before it."""
    key, call.typed = call.typed, ""
    if not key:
        key = yield from say(call, prompts, KEYS)
    if not key:
        key = yield WaitForDigit(int(wait_seconds * 1000))
    return key


def choose(
    call: Call, prompts: Sequence[Prompt], valid: str, wait_seconds: float, attempts: int,
    no_input: Sequence[Prompt], wrong_input: Sequence[Prompt], repeat_key: str | None = None,
    retry_prompts: Sequence[Prompt] = (),
) -> Generator[Command[Any], Any, tuple[str, str]]:  # fmt: skip
    """Ask until one of the valid keys is pressed or the attempts are used up.

    Returns (key, "") or ("", why) where why is "no_input" or "wrong_input". `retry_prompts` ask again after a miss. A
    repeat, which plays the whole question, and the refusal of a recording are not attempts.
    """
    why, repeats, question = "no_input", 0, prompts
    while attempts > 0:
        key = yield from ask(call, question, wait_seconds)
        if key and key in valid:
            return key, ""
        if key and key == repeat_key and repeats < REPEATS:
            repeats += 1
            question = prompts
            continue
        if key and key == call.refusal_key:
            call.refuse_recording()
            call.typed = yield from say(call, ["recording-refused"], KEYS)
            continue
        attempts -= 1
        question = retry_prompts or prompts
        why = "wrong_input" if key else "no_input"
        if not attempts:
            break  # what comes next says more than a hint to which nobody can react
        # A key that interrupts the hint is the answer to the question.
        call.typed = yield from say(call, wrong_input if key else no_input, KEYS)
    return "", why


def collect(call: Call, prompts: Sequence[Prompt], most: int, wait_seconds: float) -> Generator[Command[Any], Any, str]:
    """Ask for digits until `#`, `most` digits or a pause; `*` starts again. Returns the digits, or ""."""
    digits, key = "", (yield from ask(call, prompts, wait_seconds))
    while key and key != "#":
        digits = "" if key == "*" else digits + key
        if len(digits) == most:
            break
        key = yield WaitForDigit(int(wait_seconds * 1000))
    return digits


def set_variables_despite_hangup(variables: dict[str, str]) -> Flow:
    """`set_variables`, also when the caller hangs up in the meantime."""
    for name, value in variables.items():
        try:
            yield SetVariable(name, value)
        except Hangup:
            yield SetVariable(name, value)


def set_variables(variables: dict[str, str]) -> Flow:
    """Set the dialplan's variables in the given order. The last one is IVR_OUTCOME by convention: without it the
    dialplan knows that the flow did not finish."""
    for name, value in variables.items():
        yield SetVariable(name, value)
