"""Replies: the line as it came (`RawReply`), and the values that flows receive.

`result=-1` does not mean a hang-up. The switch answers -1 for a missing prompt, for an agent who hung up, for a file
that cannot be written, and also when the caller hung up; the cases look the same. Only the line HANGUP and the code 511
report a hang-up.
"""

from __future__ import annotations

from ivr.agi.errors import RemoteProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar, Literal, TypeAlias

    Ending: TypeAlias = Literal["dtmf", "timeout", "hangup", "waitfor", "writefile", "randomerror"]

Value = str | None  # a variable's value: None is unset, "" is empty

KEY_OF = {ord(key): key for key in "0123456789*#ABCDabcd"}


class RawReply:
    """The parts of a line `200 result=RESULT (DATA) TAIL`, uninterpreted. `data` is None without parentheses."""

    __slots__ = ("data", "result", "tail")

    def __init__(self, result: str, data: str | None = None, tail: str = "") -> None:
        self.result = result
        self.data = data
        self.tail = tail

    @property
    def number(self) -> int:
        try:
            return int(self.result)
        except ValueError:
            return whole_number(self.result, "result")  # raises the proper error

    @property
    def key(self) -> str:
        """The key that was pressed; "" for none. The switch sends its ASCII code."""
        return KEY_OF.get(self.number, "")

    @property
    def endpos(self) -> int:
        """Where the sound ended, in samples; 0 when it is not given."""
        position = self.field("endpos")
        return whole_number(position, "endpos") if position else 0

    def field(self, name: str) -> str:
        """The value of `name=value` in the tail; "" when it is missing."""
        _, _, value = f" {self.tail}".partition(f" {name}=")
        return value.partition(" ")[0]

    def __repr__(self) -> str:
        return f"RawReply({self.result!r}, {self.data!r}, {self.tail!r})"


def whole_number(text: str, what: str) -> int:
    """Convert a number of a reply. Raises `RemoteProtocolError`."""
    try:
        return int(text)
    except ValueError:  # also for more digits than Python converts
        raise RemoteProtocolError(f"{what}={text[:60]!r} in a reply is not a whole number") from None


def parse_reply_line(line: str, with_value: bool) -> RawReply:
    """Parse the text after `200 result=`. `with_value`: the parentheses hold free text and end the line."""
    result, _, rest = line.partition(" ")
    if not rest.startswith("("):
        return RawReply(result, None, rest)
    if with_value:
        return RawReply(result, rest[1:-1])
    data, _, tail = rest[1:].partition(")")
    return RawReply(result, data, tail.lstrip(" "))


class Record:
    """A value with named parts: a dataclass without the 20 ms that importing `dataclasses` takes."""

    __slots__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, name) for name in self.__slots__)))

    def __repr__(self) -> str:
        parts = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({parts})"


class Result(Record):
    """The number that a command returns. `failed`: it is negative, for whatever reason."""

    __slots__ = __match_args__ = ("code",)

    def __init__(self, code: int = 0) -> None:
        self.code = code

    @property
    def failed(self) -> bool:
        return self.code < 0


class Played(Record):
    """A prompt has been played or said.

    `digit`: the key that interrupted it, "" for none. `endpos`: samples played. `failed`: the sound is missing or the
    caller hung up; the switch does not distinguish the two.
    """

    __slots__ = __match_args__ = ("digit", "endpos", "failed")

    def __init__(self, digit: str = "", endpos: int = 0, failed: bool = False) -> None:
        self.digit = digit
        self.endpos = endpos
        self.failed = failed


class Digits(Record):
    """The keys that were typed, without the final `#`.

    `timed_out`: the caller stopped typing, without `#` and before the last digit. `failed`: the sound is missing or the
    caller hung up.
    """

    __slots__ = __match_args__ = ("digits", "timed_out", "failed")

    def __init__(self, digits: str = "", timed_out: bool = False, failed: bool = False) -> None:
        self.digits = digits
        self.timed_out = timed_out
        self.failed = failed


class Recorded(Record):
    """A finished recording. Everything recorded is in the file, whatever ended it, except with `writefile` (the file
    could not be opened) and `randomerror` (nothing was recorded, for example because of a key during the tone).

    `ended_by`: "timeout" includes silence. `digit`: the key that ended it, "" for none. `endpos`: samples.
    """

    ENDINGS: ClassVar[tuple[Ending, ...]] = ("dtmf", "timeout", "hangup", "waitfor", "writefile", "randomerror")

    __slots__ = __match_args__ = ("ended_by", "digit", "endpos")

    def __init__(self, ended_by: Ending, digit: str = "", endpos: int = 0) -> None:
        self.ended_by = ended_by
        self.digit = digit
        self.endpos = endpos


class Utterance(Record):
    """One possible text of what was said, with its score (0-1000) and the matching grammar."""

    __slots__ = __match_args__ = ("score", "text", "grammar")

    def __init__(self, score: int, text: str, grammar: str) -> None:
        self.score = score
        self.text = text
        self.grammar = grammar


class Recognized(Record):
    """What ended the recognition: "speech" (with `utterances`), "digit", "timeout", "hangup", or "" when it could not
    start."""

    __slots__ = __match_args__ = ("ended_by", "digit", "endpos", "utterances")

    def __init__(self, ended_by: str, digit: str = "", endpos: int = 0, utterances: tuple[Utterance, ...] = ()) -> None:
        self.ended_by = ended_by
        self.digit = digit
        self.endpos = endpos
        self.utterances = utterances
