"""Commands for sounds, keys, recordings and text.

Sounds are named without a suffix; `escape_digits` are the keys that end a sound.
"""

from __future__ import annotations

from ivr.agi.commands import Acts, AsksForKey, AsksForValue, Command, Plays
from ivr.agi.errors import LocalProtocolError
from ivr.agi.replies import Digits, RawReply, Recorded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar


class StreamFile(Plays):
    """Plays a file from sample `offset` on."""

    verb = "STREAM FILE"

    def __init__(self, filename: str, escape_digits: str = "", offset: int = 0) -> None:
        self.words = (filename, escape_digits, offset)


class ControlStreamFile(Plays):
    """Plays a file that the caller can wind; `endpos` and `offset_ms` are in milliseconds here."""

    verb = "CONTROL STREAM FILE"

    def __init__(
        self,
        filename: str,
        escape_digits: str = "",
        skip_ms: int = 3000,
        forward: str = "#",
        rewind: str = "*",
        pause: str = "",
        offset_ms: int = 0,
    ) -> None:
        self.words = (filename, escape_digits, skip_ms, forward, rewind, pause, offset_ms)


class GetOption(Plays):
    """Plays a file, then waits for one of the keys."""

    verb = "GET OPTION"

    def __init__(self, filename: str, escape_digits: str, timeout_ms: int = 5000) -> None:
        self.words = (filename, escape_digits, timeout_ms)


class SayAlpha(Plays):
    """Spells a text."""

    verb = "SAY ALPHA"

    def __init__(self, text: str, escape_digits: str = "") -> None:
        self.words = (text, escape_digits)


class SayDate(Plays):
    """`at`: epoch seconds, said in the switch's own time zone; `SayDatetime` takes another."""

    verb = "SAY DATE"

    def __init__(self, at: int, escape_digits: str = "") -> None:
        self.words = (at, escape_digits)


class SayDatetime(Plays):
    """`at`: epoch seconds. `form`: as in voicemail.conf. `zone`: such as Europe/Rome, "" for the switch's own."""

    verb = "SAY DATETIME"

    DEFAULT_FORM: ClassVar[str] = "ABdY 'digits/at' IMp"

    def __init__(self, at: int, escape_digits: str = "", form: str = "", zone: str = "") -> None:
        # The zone is the fourth word. Without a form before it, the switch takes it for a form and says nothing.
        if zone:
            self.words = (at, escape_digits, form or self.DEFAULT_FORM, zone)
        elif form:
            self.words = (at, escape_digits, form)
        else:
            self.words = (at, escape_digits)


class SayDigits(Plays):
    """Says digit by digit; `*` and `#` may follow the first digit."""

    verb = "SAY DIGITS"

    def __init__(self, digits: str | int, escape_digits: str = "") -> None:
        self.words = (digits, escape_digits)


class SayNumber(Plays):
    """`gender`: "f", "m", "n" or "c", in languages that have genders."""

    verb = "SAY NUMBER"

    def __init__(self, number: int, escape_digits: str = "", gender: str = "") -> None:
        self.words = (number, escape_digits, gender) if gender else (number, escape_digits)


class SayPhonetic(Plays):
    """Spells with names: Alfa, Bravo."""

    verb = "SAY PHONETIC"

    def __init__(self, text: str, escape_digits: str = "") -> None:
        self.words = (text, escape_digits)


class SayTime(Plays):
    """`at`: epoch seconds, said in the switch's own time zone."""

    verb = "SAY TIME"

    def __init__(self, at: int, escape_digits: str = "") -> None:
        self.words = (at, escape_digits)


# Input from the caller


class GetData(Command[Digits]):
    """Plays a file and collects keys until `#`, until there are `max_digits`, or until `timeout_ms` without one."""

    verb = "GET DATA"

    def __init__(self, file: str, timeout_ms: int, max_digits: int) -> None:
        self.words = (file, timeout_ms, max_digits)

    def parse(self, reply: RawReply) -> Digits:
        if reply.result == "-1":
            return Digits(failed=True)
        return Digits(reply.result, reply.data == "timeout")


class WaitForDigit(AsksForKey):
    """`timeout_ms` -1: no limit."""

    verb = "WAIT FOR DIGIT"

    def __init__(self, timeout_ms: int) -> None:
        self.words = (timeout_ms,)


class RecordFile(Command[Recorded]):
    """Records until one of the keys, `timeout_ms` (-1: no limit) or so many seconds of silence.

    `filename` is a path on the switch, without the suffix, which is `format`; `offset`: samples of an existing file to
    keep; `beep` plays a tone first. Raises `LocalProtocolError` for a silence of less than one second.
    """

    verb = "RECORD FILE"

    def __init__(
        self,
        filename: str,
        format: str,
        escape_digits: str,
        timeout_ms: int,
        offset: int = 0,
        beep: bool = False,
        silence_s: int | None = None,
    ) -> None:
        if silence_s is not None and silence_s < 1:
            raise LocalProtocolError(f"{self.verb}: silence_s={silence_s}; give 1 or more, or None for no limit")
        words: list[str | int] = [filename, format, escape_digits, timeout_ms, offset]
        if beep:
            words.append("BEEP")
        if silence_s is not None:
            words.append(f"s={int(silence_s)}")
        self.words = tuple(words)

    def parse(self, reply: RawReply) -> Recorded:
        ended_by: Any = reply.data if reply.data in Recorded.ENDINGS else "randomerror"
        # With "timeout" the number is a remaining wait, and may look like a key.
        key = reply.key if ended_by in ("dtmf", "randomerror") else ""
        return Recorded(ended_by, key, reply.endpos)


class ReceiveChar(AsksForKey):
    """Waits for a character of text telephony; 0: no limit."""

    verb = "RECEIVE CHAR"

    def __init__(self, timeout_ms: int) -> None:
        self.words = (timeout_ms,)

    def parse(self, reply: RawReply) -> str:
        code = reply.number
        return chr(code) if 0 < code < 256 else ""


class ReceiveText(AsksForValue):
    """Waits for a line of text telephony; 0: no limit."""

    verb = "RECEIVE TEXT"

    def __init__(self, timeout_ms: int) -> None:
        self.words = (timeout_ms,)


# Output to the caller


class SendImage(Acts):
    verb = "SEND IMAGE"

    def __init__(self, image: str) -> None:
        self.words = (image,)


class SendText(Acts):
    verb = "SEND TEXT"

    def __init__(self, text: str) -> None:
        self.words = (text,)
