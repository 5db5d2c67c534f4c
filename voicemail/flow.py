"""The flow `voicemail`: when nobody can answer, the caller leaves a message and a number to call back.

The flow says when the caller is called back and how the message is used; records at once if the number is known, else
asks for it first; offers to hear the message, to record it again, to send it; and confirms the number last, so that the
tone comes soon. If the caller hangs up, everything said until then is kept. A caller who hangs up before the tone has
left no message: the promise to call back needs a message and a number, and a number alone may be a change of mind; it
is reported as a fact. If no key is pressed, the number is taken as right and the message is sent, since the keys of
some telephones do not arrive.
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

PRIVACY_KEY = "5"  # plays the rest of the data-protection notice
WAIT_SECONDS = 5.0  # for a key
MOST_DIGITS = 17  # 00 and the longest number of the world
OFFERS = 2  # how often a choice is offered
ATTEMPTS = 2  # to record, when nothing was heard
REVIEWS = 6  # choices about one message; then it is sent
CONTINUATIONS = 5  # after a silence
LEAST_SECONDS = 5.0  # of a continuation; with less time left it is not offered


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
        self.number = call.number  # to call back
        self.source = "cli" if call.number else "none"
        self.attempts = 0  # to type another number
        self.number_in_message = False  # the caller was asked to say it there
        self.told = False  # the caller has heard everything that comes before the number and the message
        self._kept = False

    @property
    def fate(self) -> str:
        return "message" if self.message is not None and not self.message.empty else "no_message"

    @property
    def can_be_called(self) -> bool:
        """Whether the number is in a country that may be called back."""
        prefixes = self._call.compiled["call_back_prefixes"]
        return self.number is not None and self.number.startswith(tuple(prefixes))

    def set_number(self, number: str | None, source: str) -> None:
        self.number, self.source = number, source
        if self.draft is not None:
            self.draft.sheet = self.draft.sheet._replace(number=number, number_source=source)

    def open(self) -> Draft:
        """Prepare the recording. Raises OSError."""
        call, rules = self._call, self.rules
        store = Store(call.compiled["paths"]["messages"], rules["empty_below_seconds"])
        self.draft = store.draft(
            call=call.id, reason=self.reason, number=self.number, number_source=self.source,
            at=call.now(), longest_seconds=rules["longest_seconds"],
        )  # fmt: skip
        return self.draft

    def keep(self) -> bool:
        """Publish what was recorded, once, and report it; return whether it is a message with sound."""
        if not self._kept:
            self._kept = True
            if self.told:
                self._call.report("number", source=self.source, attempts=self.attempts)
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
    if (yield from say(call, [WHY[box.reason], "vm-privacy"], PRIVACY_KEY)):
        yield from _explain_privacy(call)
    box.told = True
    if not box.can_be_called:
        yield from _ask_number(call, box)
    try:
        farewell = yield from _message(call, box, box.open())
        if farewell and box.source == "cli" and box.can_be_called and not (yield from _confirmed(call, box)):
            yield from _ask_number(call, box)
    except (OSError, AudioError, StoreFailed) as problem:
        box.alarm(problem)
        farewell = "vm-saved-anyway"  # what was recorded before the failure, if anything
    if not box.keep():
        farewell = "vm-store-failed" if box.ended_by == "failed" else "vm-not-left"
    elif not (box.can_be_called or box.number_in_message):
        farewell = "vm-not-called-back"
    yield from say(call, [farewell])


def _explain_privacy(call: Call) -> Flow:
    """The rest of the notice: how long, the caller's rights, who is responsible, where everything is written."""
    yield from say(call, ["vm-privacy-full", "privacy-controller", "privacy-page"], KEYS)


# --- the number to call back ------------------------------------------------------------------------------------------


def _ask_number(call: Call, box: Box) -> Flow:
    """Ask for a number that can be called back, and keep it in the box. A foreign one is kept if there is no other."""
    refused = box.source == "cli" and box.can_be_called  # the caller wants another one
    foreign = None if refused or box.number is None else (box.number, box.source)
    if not refused:
        yield from say(call, ["vm-number-foreign" if foreign else "vm-number-hidden"])
    while box.attempts < box.rules["number_attempts"]:
        box.set_number(None, "none")
        box.attempts += 1
        digits = yield from collect(call, ["vm-type-number"], MOST_DIGITS, WAIT_SECONDS)
        number = phone_numbers.normalise(digits, box.rules["default_country"])
        if number is None:
            # A digit that interrupts this prompt is the first of the next number.
            call.typed = (yield from say(call, ["vm-number-wrong"], "0123456789")) if digits else ""
            continue
        box.set_number(number, "typed")
        if not box.can_be_called:
            foreign = number, "typed"
            call.typed = yield from say(call, ["vm-number-foreign"], "0123456789")
        elif (yield from _confirmed(call, box)):
            return
    call.typed = ""
    box.set_number(*(foreign or (None, "none")))
    if foreign is None and box.draft is None:
        box.number_in_message = True
        yield from say(call, ["vm-number-given-up"])


def _confirmed(call: Call, box: Box) -> Generator[Command[Any], Any, bool]:
    """Say the number digit by digit; return False if the caller wants another one."""
    # An Italian number is said as it is dialled in Italy.
    number = box.number or ""
    home = box.rules["default_country"] == "IT" and number.startswith(ITALY)
    digits = number.removeprefix(ITALY if home else "+")
    call.typed = yield from say(call, ["vm-your-number-is"] if home else ["vm-your-number-is", "vm-plus"], "12")
    if not call.typed:
        call.typed = (yield SayDigits(digits, "12")).digit
    key, _ = yield from choose(call, ["vm-confirm-number"], "12", WAIT_SECONDS, OFFERS, [], ["wrong-input"])
    return key != "2"


# --- the message ------------------------------------------------------------------------------------------------------


def _message(call: Call, box: Box, draft: Draft) -> Generator[Command[Any], Any, str]:
    """Record and review; return the farewell prompt, "" if nothing was said. Raises `StoreFailed`, OSError,
    `AudioError`."""
    for _ in range(ATTEMPTS):
        yield from _record(call, box, draft)
        if not draft.empty:
            return (yield from _review(call, box, draft))
        yield from say(call, ["vm-nothing-heard"])
        draft.next()
    return ""


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
    """Record a message; return whether there is sound. A silence ends it only if the caller does not continue."""
    call.typed = ""
    # Any key goes straight to the tone, but for the one that the notice has just named.
    while (yield from say(call, ["vm-record"], KEYS)) == PRIVACY_KEY:
        yield from _explain_privacy(call)
    left = float(box.rules["longest_seconds"])
    has_sound, seconds, silent = yield from _record_once(call, box, draft, left)
    goes_on = has_sound
    for _ in range(CONTINUATIONS):
        left -= seconds
        if not (goes_on and silent and left >= LEAST_SECONDS):
            break
        key, _why = yield from choose(call, ["vm-continue"], "12", WAIT_SECONDS, 1, [], [])
        if key != "1":
            break
        draft.next()
        goes_on, seconds, silent = yield from _record_once(call, box, draft, left)
    return has_sound


def _record_once(
    call: Call, box: Box, draft: Draft, longest: float
) -> Generator[Command[Any], Any, tuple[bool, float, bool]]:
    """Record from the tone on; return whether there is sound, the seconds, and whether silence has ended it.

    Tries again without the tone: a missing tone is an error, too.
    """
    milliseconds, silence, failure = int(longest * 1000), box.rules["silence_seconds"], ""
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
            has_sound = _check_recording(draft, recorded.endpos / RATE)
            if has_sound and ended_by in ("dtmf", "timeout"):  # not if the caller was cut off in mid sentence
                draft.settle()
            seconds = recorded.endpos / RATE
            return has_sound, seconds, ended_by == "timeout" and seconds + 1 < longest
        failure = ended_by
        call.log("record_failed", ended_by=failure, tone=tone)
    raise StoreFailed(f"RECORD FILE: {failure}")


def _check_recording(draft: Draft, seconds: float) -> bool:
    """Whether the recording of so many seconds has sound. Raises `StoreFailed` if it is not whole on the disk."""
    sound = draft.measure()
    if sound.seconds + 1 < seconds:  # the disk filled up while the caller spoke
        raise StoreFailed(f"{sound.seconds} of {seconds} s have reached the disk")
    if draft.disk_full:
        raise StoreFailed(f"the disk is full; {sound.seconds} s have reached it, perhaps not all")
    return draft.has_sound(sound)


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
