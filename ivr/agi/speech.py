"""Commands for a speech recognition engine of the switch. All but the last return False when no engine has been
created."""

from __future__ import annotations

from ivr.agi.commands import Changes, Command
from ivr.agi.replies import RawReply, Recognized, Utterance, whole_number


class SpeechCreate(Changes):
    """`engine`: its name, "" for the default one."""

    verb = "SPEECH CREATE"

    def __init__(self, engine: str) -> None:
        self.words = (engine,)


class SpeechSet(Changes):
    verb = "SPEECH SET"

    def __init__(self, name: str, value: str) -> None:
        self.words = (name, value)


class SpeechDestroy(Changes):
    verb = "SPEECH DESTROY"
    dead_capable = True


class SpeechLoadGrammar(Changes):
    verb = "SPEECH LOAD GRAMMAR"

    def __init__(self, name: str, path: str) -> None:
        self.words = (name, path)


class SpeechUnloadGrammar(Changes):
    verb = "SPEECH UNLOAD GRAMMAR"
    dead_capable = True

    def __init__(self, name: str) -> None:
        self.words = (name,)


class SpeechActivateGrammar(Changes):
    verb = "SPEECH ACTIVATE GRAMMAR"

    def __init__(self, name: str) -> None:
        self.words = (name,)


class SpeechDeactivateGrammar(Changes):
    verb = "SPEECH DEACTIVATE GRAMMAR"

    def __init__(self, name: str) -> None:
        self.words = (name,)


class SpeechRecognize(Command[Recognized]):
    """Listens while a prompt plays, and `timeout_s` seconds after it (0: no limit). `offset` in samples."""

    verb = "SPEECH RECOGNIZE"

    def __init__(self, prompt: str, timeout_s: int, offset: int = 0) -> None:
        self.words = (prompt, timeout_s, offset)

    def parse(self, reply: RawReply) -> Recognized:
        if reply.number != 1 or reply.data is None:
            return Recognized("", endpos=reply.endpos)
        digit = reply.field("digit") if reply.data == "digit" else ""
        return Recognized(reply.data, digit, reply.endpos, _utterances(reply.tail))


def _utterances(tail: str) -> tuple[Utterance, ...]:
    """Parse ` score0=900 text0="due parole" grammar0=topics score1=...`; the text may hold anything."""
    utterances: list[Utterance] = []
    rest = f" {tail}"
    while True:
        place = len(utterances)
        _, begun, rest = rest.partition(f" score{place}=")
        if not begun:
            return tuple(utterances)
        score, _, rest = rest.partition(f' text{place}="')
        text, _, rest = rest.partition(f'" grammar{place}=')
        utterances.append(Utterance(whole_number(score, "score"), text, rest.partition(" ")[0]))
