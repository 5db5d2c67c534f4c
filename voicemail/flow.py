"""The flow `voicemail`: when nobody can answer, the caller leaves a message and a number to call back.

The flow says why nobody answers and how the message is used; confirms the number, or asks for another; records; offers
to hear the message, to record it again, to send it. If the caller hangs up, everything said until then is kept. A
caller who hangs up before the tone has left no message: the promise to call back needs a message and a number, and a
number alone may be a change of mind; it is reported as a fact. If no key is pressed, the number is taken as right and
the message is sent, since the keys of some telephones do not arrive.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ivr.agi import Answer, Command, CommandError, Hangup, Noop, RecordFile, SayDigits, StreamFile
from ivr.flows import phone_numbers
from ivr.flows.call import KEYS, Call, Flow, choose, collect, say, set_variables_despite_hangup
from voicemail.audio import RATE, AudioError
from voicemail.message import Message
from voicemail.recording import Draft
from voicemail.store import Store

WHY = {"closed": "vm-closed", "all_busy": "vm-all-busy", "caller_choice": "vm-choice"}
ITALY = "+39"

WAIT_SECONDS = 5.0  # for a key
MOST_DIGITS = 17  # 00 and the longest number of the world
OFFERS = 2  # how often a choice is offered
ATTEMPTS = 2  # to record, when nothing was heard
REVIEWS = 6  # choices about one message; then it is sent


class StoreFailed(Exception):
    """The message cannot be recorded; the text gives the reason."""


def voicemail(call: Call) -> Flow:
    """Argument 1 is the reason: closed, all_busy or caller_choice.

    Sets IVR_FATE to message or no_message, then IVR_OUTCOME, also after the caller has hung up.
    """
    box = Box(call)
    try:
        yield from _conversation(call, box)
    except Hangup:
        box.keep()  # and still set the variables of the dialplan
    finally:
        box.keep()  # also after a bug, or when the engine stops
    yield from set_variables_despite_hangup({"IVR_FATE": box.fate, "IVR_OUTCOME": "done"})


class Box:
    """What the caller has left so far. `keep` never raises: the caller should hear the end of the call."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.rules = call.service["voicemail"]
        self.reason = _reason(call)
        self.ended_by = "hangup"  # unless something else is reported
        self.draft: Draft | None = None
        self.message: Message | None = None
        self._kept = False

    @property
    def fate(self) -> str:
        return "message" if self.message is not None and not self.message.empty else "no_message"

    def open(self, number: str | None, source: str) -> Draft:
        """Prepare the recording. Raises OSError."""
        call, rules = self._call, self.rules
        store = Store(call.compiled["paths"]["messages"], rules["empty_below_seconds"])
        self.draft = store.draft(
            call=call.id, reason=self.reason, number=number, number_source=source,
            at=call.now(), longest_seconds=rules["longest_seconds"],
        )  # fmt: skip
        return self.draft

    def keep(self) -> bool:
        """Publish what was recorded, once, and report it; return whether it is a message with sound."""
        if not self._kept:
            self._kept = True
            if self.draft is not None:
                try:
                    self.message = self.draft.publish(self.ended_by)
                except (OSError, AudioError) as problem:
                    self.alarm(problem)
            self._report()
        return self.fate == "message"

    def alarm(self, problem: Exception) -> None:
        """Log a failure that a person has to look at."""
        self.ended_by = "failed"
        path = self._call.compiled["paths"]["messages"]
        self._call.log(
            "alarm",
            what="messages",
            error=f"{problem}; free disk space, or give the switch write permission",
            path=path,
        )

    def _report(self) -> None:
        no_message = {
            "message_id": None,
            "reason": self.reason,
            "seconds": 0.0,
            "empty": True,
            "ended_by": self.ended_by,
        }
        self._call.report("message", **(no_message if self.message is None else self.message.facts()))


def _reason(call: Call) -> str:
    reason = call.argument(1)
    if reason in WHY:
        return reason
    call.log("unknown_reason", reason=reason)
    return "all_busy"


def _conversation(call: Call, box: Box) -> Flow:
    yield Answer()
    yield from say(call, [WHY[box.reason], "vm-privacy"])
    number, source = yield from _contact(call)
    try:
        farewell = yield from _message(call, box, box.open(number, source))
    except (OSError, AudioError, StoreFailed) as problem:
        box.alarm(problem)
        farewell = "vm-saved-anyway"  # what was recorded before the failure, if anything
    if box.keep():
        yield from say(call, [farewell])
    else:
        yield from say(call, ["vm-store-failed" if box.ended_by == "failed" else "goodbye"])


# --- the number to call back ------------------------------------------------------------------------------------------


def _contact(call: Call) -> Generator[Command[Any], Any, tuple[str | None, str]]:
    """Return the number to call back, or None, and its source."""
    rules = call.service["voicemail"]
    number, attempts = call.number, 0
    source = "cli" if number else "none"
    try:
        if number is None:
            yield from say(call, ["vm-number-hidden"])
        elif (yield from _confirmed(call, number)):
            return number, source
        while attempts < rules["number_attempts"]:
            number, source, attempts = None, "none", attempts + 1
            digits = yield from collect(call, ["vm-type-number"], MOST_DIGITS, WAIT_SECONDS)
            number = phone_numbers.normalise(digits, rules["default_country"])
            if number is not None:
                source = "typed"
                if (yield from _confirmed(call, number)):
                    return number, source
            elif digits:
                # A digit that interrupts this prompt is the first of the next number.
                call.typed = yield from say(call, ["vm-number-wrong"], "0123456789")
        number, source, call.typed = None, "none", ""
        yield from say(call, ["vm-number-given-up"])
        return None, source
    finally:
        call.report("number", source=source, attempts=attempts)


def _confirmed(call: Call, number: str) -> Generator[Command[Any], Any, bool]:
    """Say a number digit by digit; return False if the caller wants another one."""
    # An Italian number is said as it is dialled in Italy.
    home = call.service["voicemail"]["default_country"] == "IT" and number.startswith(ITALY)
    digits = number.removeprefix(ITALY if home else "+")
    call.typed = yield from say(call, ["vm-your-number-is"] if home else ["vm-your-number-is", "vm-plus"], "12")
    if not call.typed:
        call.typed = (yield SayDigits(digits, "12")).digit
    key, _ = yield from choose(call, ["vm-confirm-number"], "12", WAIT_SECONDS, OFFERS, [], ["wrong-input"])
    return key != "2"


# --- the message ------------------------------------------------------------------------------------------------------


def _message(call: Call, box: Box, draft: Draft) -> Generator[Command[Any], Any, str]:
    """Record and review; return the farewell prompt. Raises `StoreFailed`, OSError, `AudioError`."""
    for _ in range(ATTEMPTS):
        yield from _record(call, box, draft)
        if not draft.empty:
            return (yield from _review(call, box, draft))
        yield from say(call, ["vm-nothing-heard"])
        draft.next()
    return "goodbye"


def _review(call: Call, box: Box, draft: Draft) -> Generator[Command[Any], Any, str]:
    """Let the caller send (1), hear (2) or replace (3) the message; return the farewell prompt."""
    for _ in range(REVIEWS):
        # A second # still belongs to the end of the recording: it repeats the question and is not a wrong input.
        key, _why = yield from choose(
            call, ["vm-review"], "123", WAIT_SECONDS, OFFERS, [], ["wrong-input"], repeat_key="#"
        )
        if key == "2":
            call.typed = yield from _play(call, draft)
        elif key == "3":
            draft.replace()
            if not (yield from _record(call, box, draft)):
                yield from say(call, ["vm-nothing-heard"])
        else:
            return "vm-saved" if key else "vm-saved-anyway"
    return "vm-saved-anyway"


def _record(call: Call, box: Box, draft: Draft) -> Generator[Command[Any], Any, bool]:
    """Record once; return whether there is sound. Tries again without the tone: a missing tone is an error, too."""
    call.typed = ""
    yield from say(call, ["vm-record"], KEYS)  # any key goes straight to the tone
    milliseconds, silence, failure = box.rules["longest_seconds"] * 1000, box.rules["silence_seconds"], ""
    for tone in (True, False):
        box.ended_by = "hangup"
        try:
            recorded = yield RecordFile(draft.audio, "wav", "#", milliseconds, beep=tone, silence_s=silence)
            ended_by, key = recorded.ended_by, recorded.digit
            if ended_by == "randomerror" and key:  # during the tone
                ended_by = "dtmf"
            box.ended_by = ended_by
            # The switch replies first and then closes the file. Its next message, a reply to another command or the
            # hang-up, shows that the file is closed.
            yield Noop()
        except CommandError as problem:
            ended_by = str(problem)
        if ended_by in ("dtmf", "timeout", "hangup", "waitfor"):
            sound = draft.measure()
            if sound.seconds + 1 < recorded.endpos / RATE:  # the disk filled up while the caller spoke
                raise StoreFailed(f"{sound.seconds} of {recorded.endpos / RATE} s have reached the disk")
            if draft.disk_full:
                raise StoreFailed(f"the disk is full; {sound.seconds} s have reached it, perhaps not all")
            has_sound = draft.has_sound(sound)
            if has_sound and ended_by in ("dtmf", "timeout"):  # not if the caller was cut off in mid sentence
                draft.settle()
            return has_sound
        failure = ended_by
        call.log("record_failed", ended_by=failure, tone=tone)
    raise StoreFailed(f"RECORD FILE: {failure}")


def _play(call: Call, draft: Draft) -> Generator[Command[Any], Any, str]:
    """Play the recordings; return the key that interrupted them, or ""."""
    for recording in draft.recordings():
        played = yield StreamFile(recording, KEYS)
        if played.failed:
            call.log("prompt_failed", sound=recording)
        if played.digit:
            digit: str = played.digit
            return digit
    return ""
