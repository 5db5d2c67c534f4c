"""A switch without a switch: Asterisk's side of an AGI conversation, as bytes in and bytes out.

For tests of whatever speaks AGI. It does what Asterisk 22 was seen to do, its traps included:

    switch = FakeSwitch("menu", ["1795333570", "test-1.0"], keys="2 1")
    session_in = switch.greeting()            # the environment
    session_in = switch.receive_data(out)     # a command -> its reply (b"" when there is none)
    session_in = switch.hang_up()             # HANGUP, and 511 for most commands from now on

What it answers, without being told anything:

- variables and the database are kept (`variables`, `database`); `${NAME}` is replaced in GET FULL VARIABLE;
- STREAM FILE and its kin play 8000 samples; `missing` names the sounds that are not there (-1, the channel lives);
- `keys` are pressed by the caller, one for every sound or question that takes one; a space is a question let pass;
  GET DATA takes keys until `#`, its limit or a space. Without keys left, every question times out;
- RECORD FILE ends by the next key when it is one of its own, else by its time;
- EXEC gives 0, and -2 for an application that is not in `applications`.

`replies` overrides that: `{"STREAM FILE nul/welcome": "200 result=-1 endpos=0"}`, by the beginning of the command.
A value is a reply without its line feed, a function of the words that returns one, or a list of either: one for each
time, the last one for ever. None is no reply at all.

What it does that a naive program does not expect, as Asterisk does: several commands in one segment get one reply until
more data comes; a line of more than 8191 bytes is cut and its tail run as a command; 128 quoted words end it
(`Crashed`). `commands` lists what it understood, word by word, `lines` what it was sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

BUFFER = 8192
MAX_ARGS = 128

Answer = str | None | Callable[[list[str]], "str | None"]

DEAD_CAPABLE = (
    "ASYNCAGI BREAK", "DATABASE DEL", "DATABASE DELTREE", "DATABASE GET", "DATABASE PUT", "EXEC", "GET FULL VARIABLE",
    "GET VARIABLE", "NOOP", "SET VARIABLE", "SPEECH DESTROY", "SPEECH UNLOAD GRAMMAR", "VERBOSE",
)  # fmt: skip
PLAIN = {
    "ANSWER": 0, "ASYNCAGI BREAK": 0, "CHANNEL STATUS": 6, "GOSUB": 0, "NOOP": 0, "RECEIVE TEXT": -1, "SEND IMAGE": 0,
    "SEND TEXT": 0, "SET AUTOHANGUP": 0, "SET CALLERID": 1, "SET CONTEXT": 0, "SET EXTENSION": 0, "SET MUSIC": 0,
    "SET PRIORITY": 0, "SPEECH ACTIVATE GRAMMAR": 0, "SPEECH CREATE": 0, "SPEECH DEACTIVATE GRAMMAR": 0,
    "SPEECH DESTROY": 0, "SPEECH LOAD GRAMMAR": 0, "SPEECH RECOGNIZE": 0, "SPEECH SET": 0, "SPEECH UNLOAD GRAMMAR": 0,
    "TDD MODE": 0, "VERBOSE": 1,
}  # fmt: skip
SAYS = ("SAY ALPHA", "SAY DATE", "SAY DATETIME", "SAY DIGITS", "SAY NUMBER", "SAY PHONETIC", "SAY TIME")


class Crashed(Exception):
    """The switch has crashed because of what it was sent."""


def split(line: str) -> list[str]:
    """The words of a command line as Asterisk reads them: `"` toggles, a backslash escapes, blanks separate."""
    words: list[list[str]] = []
    quoted = escaped = False
    between = True
    for letter in line:
        if letter == '"' and not escaped:
            quoted = not quoted
            if quoted and between:
                words.append([])  # here the limit is not checked
                between = False
                if len(words) >= MAX_ARGS:
                    raise Crashed(f"{MAX_ARGS} quoted words")
        elif letter in " \t" and not quoted and not escaped:
            between = True
        elif letter == "\\" and not escaped:
            escaped = True
            continue
        else:
            if between:
                if len(words) >= MAX_ARGS - 1:
                    continue
                words.append([])
                between = False
            words[-1].append(letter)
        escaped = False
    return ["".join(word) for word in words]


class FakeSwitch:
    """One call on a switch, and the script that it runs."""

    def __init__(
        self,
        script: str | None = "menu",
        arguments: Iterable[str] = (),
        *,
        caller: str | None = "0612345678",
        keys: str = "",
        replies: Mapping[str, Answer | list[Answer]] | None = None,
        environment: Mapping[str, str] | None = None,
        missing: Iterable[str] = (),
        applications: Iterable[str] = ("NoOp", "Playback", "Queue", "Wait", "Hangup"),
    ) -> None:
        self.script = script
        self.arguments = list(arguments)
        self.caller = caller
        self.keys = list(keys)
        self.replies = {beginning: list(_listed(answer)) for beginning, answer in (replies or {}).items()}
        self.environment = dict(environment or {})
        self.missing = set(missing)
        self.applications = {name.lower() for name in applications}
        self.variables: dict[str, str] = {}
        self.database: dict[tuple[str, str], str] = {}
        self.commands: list[list[str]] = []
        self.lines: list[bytes] = []
        self.hung_up = False
        self._buffer = b""

    def greeting(self) -> bytes:
        """The environment, in the order of the real one. `environment` replaces lines and adds some."""
        known = self.caller is not None
        lines = {
            "agi_network": "yes",
            "agi_network_script": self.script,
            "agi_request": f"agi://127.0.0.1/{self.script or ''}",
            "agi_channel": "PJSIP/trunk-00000001",
            "agi_language": "it",
            "agi_type": "PJSIP",
            "agi_uniqueid": "test-1795333570.0",
            "agi_version": "22.10.1",
            "agi_callerid": self.caller or "unknown",
            "agi_calleridname": "unknown",
            "agi_callingpres": "0" if known else "67",
            "agi_callingani2": "0",
            "agi_callington": "0",
            "agi_callingtns": "0",
            "agi_dnid": "800000039",
            "agi_rdnis": "unknown",
            "agi_context": "incoming",
            "agi_extension": "800000039",
            "agi_priority": "2",
            "agi_enhanced": "0.0",
            "agi_accountcode": "",
            "agi_threadid": "139938379716288",
            **{f"agi_arg_{number}": text for number, text in enumerate(self.arguments, 1)},
            **self.environment,
        }
        return "".join(f"{name}: {value}\n" for name, value in lines.items() if value is not None).encode() + b"\n"

    def receive_data(self, data: bytes) -> bytes:
        """The switch's answer to these bytes; b"" until a command is complete."""
        waiting = b"\n" in self._buffer
        self._buffer += data
        out = b""
        while (line := self._take_line()) is not None:
            out += self._answer(line)
            if not waiting:
                break  # what else came in the segment lies in a buffer that nobody looks at until more comes
        return out

    def hang_up(self) -> bytes:
        """The caller hangs up; returns what the switch sends to a FastAGI server at once."""
        self.hung_up = True
        return b"HANGUP\n"

    def _take_line(self) -> bytes | None:
        end = self._buffer.find(b"\n", 0, BUFFER - 1)
        cut = BUFFER - 1 if end < 0 else end + 1
        if end < 0 and len(self._buffer) < BUFFER - 1:
            return None
        line, self._buffer = self._buffer[:cut], self._buffer[cut:]
        return line.removesuffix(b"\n")

    def _answer(self, line: bytes) -> bytes:
        self.lines.append(line)
        words = split(line.decode("utf-8", "replace"))
        self.commands.append(words)
        verb, arguments = _verb(words)
        if not verb:
            reply: str | None = "510 Invalid or unknown command"
        elif self.hung_up and verb not in DEAD_CAPABLE:
            reply = "511 Command Not Permitted on a dead channel or intercept routine"
        else:
            reply = self._told(words) if self._is_told(words) else self._reply(verb, arguments)
        return b"" if reply is None else reply.encode() + b"\n"

    def _is_told(self, words: list[str]) -> bool:
        return any(_begins(words, beginning) for beginning in self.replies)

    def _told(self, words: list[str]) -> str | None:
        beginning = max((each for each in self.replies if _begins(words, each)), key=len)
        answers = self.replies[beginning]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer(words) if callable(answer) else answer

    def _reply(self, verb: str, arguments: list[str]) -> str:
        if verb in PLAIN:
            return f"200 result={PLAIN[verb]}"
        method: Callable[..., str] | None = getattr(self, "_" + verb.lower().replace(" ", "_"), None)
        if verb in SAYS:
            return f"200 result={self._pressed(arguments[1])}"
        assert method is not None, verb
        try:
            return method(*arguments)
        except TypeError:
            return "520-Invalid command syntax.  Proper usage follows:\nUsage.\n520 End of proper usage."

    # Variables and the database

    def _set_variable(self, name: str, value: str) -> str:
        self.variables[name] = value
        return "200 result=1"

    def _get_variable(self, name: str) -> str:
        value = self.variables.get(name)
        return "200 result=0" if value is None else f"200 result=1 ({value[:1023]})"

    def _get_full_variable(self, expression: str, channel: str = "") -> str:
        text = re.sub(r"\$\{(.*?)\}", lambda found: self.variables.get(found[1], ""), expression)
        return "200 result=0" if channel else f"200 result=1 ({text})"

    def _database_put(self, family: str, key: str, value: str) -> str:
        self.database[family, key] = value
        return "200 result=1"

    def _database_get(self, family: str, key: str) -> str:
        value = self.database.get((family, key))
        return "200 result=0" if value is None else f"200 result=1 ({value})"

    def _database_del(self, family: str, key: str) -> str:
        self.database.pop((family, key), None)
        return "200 result=1"

    def _database_deltree(self, family: str, keytree: str = "") -> str:
        gone = [
            (its, key)
            for its, key in self.database
            if its == family and (not keytree or key == keytree or key.startswith(keytree + "/"))
        ]
        for each in gone:
            del self.database[each]
        return "200 result=0" if gone else "200 result=1"  # inverted, as on the real one

    # Sound and keys

    def _stream_file(self, name: str, escape: str, offset: str = "0") -> str:
        if name in self.missing:
            return f"200 result=-1 endpos={offset}"
        return f"200 result={self._pressed(escape)} endpos=8000"

    def _control_stream_file(self, name: str, escape: str, *rest: str) -> str:
        return "200 result=-1 endpos=0" if name in self.missing else f"200 result={self._pressed(escape)} endpos=-1"

    def _get_option(self, name: str, escape: str, timeout: str = "5000") -> str:
        if name in self.missing:
            return "200 result=-1 endpos=0"
        key = self._next_key()
        return f"200 result={ord(key) if key and key in escape else 0} endpos=8000"

    def _wait_for_digit(self, timeout: str) -> str:
        key = self._next_key()
        return f"200 result={ord(key) if key else 0}"

    def _receive_char(self, timeout: str) -> str:
        return "200 result=-1 (hangup)"

    def _get_data(self, name: str, timeout: str = "0", most: str = "1024") -> str:
        if name in self.missing:
            return "200 result=-1"
        digits = ""
        while (key := self._next_key()) and key != "#":
            digits += key
            if len(digits) == int(most):
                break
        return f"200 result={digits}" + ("" if key else " (timeout)")

    def _record_file(self, name: str, suffix: str, escape: str, timeout: str, *rest: str) -> str:
        key = self._pressed(escape)
        return f"200 result={key} (dtmf) endpos=16000" if key else "200 result=0 (timeout) endpos=24000"

    def _exec(self, application: str, options: str = "") -> str:
        return "200 result=0" if application.lower() in self.applications else "200 result=-2"

    def _hangup(self, channel: str = "") -> str:
        if channel:
            return "200 result=-1"
        self.hung_up = True
        return "200 result=1\nHANGUP"

    def _pressed(self, escape: str) -> int:
        """The next key if it ends a sound; else it is kept for the next question, as a channel does."""
        if not self.keys or self.keys[0] not in escape:
            return 0
        return ord(self.keys.pop(0))

    def _next_key(self) -> str:
        key = self.keys.pop(0) if self.keys else " "
        return "" if key == " " else key


def _verb(words: Sequence[str]) -> tuple[str, list[str]]:
    known = (*PLAIN, *SAYS, *_METHODS)
    for length in (3, 2, 1):
        verb = " ".join(words[:length]).upper()
        if len(words) >= length and verb in known:
            return verb, list(words[length:])
    return "", []


def _begins(words: Sequence[str], beginning: str) -> bool:
    text = " ".join(words)
    return text == beginning or text.startswith(beginning + " ")


def _listed(answer: Answer | list[Answer]) -> list[Answer]:
    return answer if isinstance(answer, list) else [answer]


_METHODS = (
    "CONTROL STREAM FILE", "DATABASE DEL", "DATABASE DELTREE", "DATABASE GET", "DATABASE PUT", "EXEC", "GET DATA",
    "GET FULL VARIABLE", "GET OPTION", "GET VARIABLE", "HANGUP", "RECEIVE CHAR", "RECORD FILE", "SET VARIABLE",
    "STREAM FILE", "WAIT FOR DIGIT",
)  # fmt: skip
