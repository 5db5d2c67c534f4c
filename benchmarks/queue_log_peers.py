"""Other ways to read a queue_log, and a file for each of its traps, to see who counts the calls right.

`OneLiner` is what an analyst writes first: pandas, the verbs counted. `RowByRow` is ours, after the design that
Asternic Stats Lite is known for: run now and then, it goes on after the newest instant it has, splits each line, looks
up its words and inserts a row for each; answered are the calls that were completed. No line of that program is in it.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from typing import NamedTuple, Protocol

from measure.switch.rotated_files import generations

ROTATE = b""
VERBS = {
    "CONNECT": "answered", "ABANDON": "abandoned", "EXITWITHKEY": "key", "EXITWITHTIMEOUT": "timeout",
    "EXITEMPTY": "empty", "FULL": "full", "JOINEMPTY": "busy",
}  # fmt: skip
COMPLETED = ("COMPLETECALLER", "COMPLETEAGENT", "TRANSFER", "BLINDTRANSFER", "ATTENDEDTRANSFER")


class Reader(Protocol):
    """Takes in what is new, as a timer would have it do; and says how the calls ended."""

    def take(self, path: str) -> None: ...

    def fates(self) -> Counter[str]: ...


class OneLiner:
    def __init__(self, path: str) -> None:
        self._path = path

    def take(self, path: str) -> None:
        """It has no memory: it reads everything when it is asked."""

    def fates(self) -> Counter[str]:
        import pandas as pd

        logs = generations(self._path)
        verbs = pd.concat([pd.read_csv(log, sep="|", names=list(range(10)), dtype=str)[4] for log in logs])
        return Counter({VERBS[verb]: int(count) for verb, count in verbs.value_counts().items() if verb in VERBS})


class RowByRow:
    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(f"{path}.rows", isolation_level=None)
        for pragma in ("synchronous = OFF", "journal_mode = MEMORY"):  # as little as its own tables promise
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS stats"
            " (uniqueid, datetime INTEGER, qname INTEGER, qagent INTEGER, qevent INTEGER, info1, info2, info3)"
        )
        self._db.execute("CREATE INDEX IF NOT EXISTS stats_datetime ON stats (datetime)")
        self._db.execute("CREATE TABLE IF NOT EXISTS words (kind, word, id INTEGER PRIMARY KEY, UNIQUE (kind, word))")
        self._ids: dict[tuple[str, str], int] = {}

    def take(self, path: str) -> None:
        newest = self._db.execute("SELECT coalesce(max(datetime), 0) FROM stats").fetchone()[0]
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                words = line.rstrip("\n").split("|")
                if len(words) < 5 or not words[0].isdigit() or int(words[0]) <= newest:
                    continue
                ids = [self._id(kind, words[place]) for kind, place in (("queue", 2), ("agent", 3), ("event", 4))]
                info = [*words[5:8], "", "", ""][:3]
                row = (words[1], int(words[0]), *ids, *info)
                self._db.execute("INSERT INTO stats VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def fates(self) -> Counter[str]:
        counted = self._db.execute(
            "SELECT word, count(*) FROM stats JOIN words ON id = qevent GROUP BY word"
        ).fetchall()
        found: Counter[str] = Counter()
        for verb, count in counted:
            fate = "answered" if verb in COMPLETED else VERBS.get(verb) if verb != "CONNECT" else None
            if fate is not None:
                found[fate] += count
        return found

    def _id(self, kind: str, word: str) -> int:
        found = self._ids.get((kind, word))
        if found is None:
            self._db.execute("INSERT OR IGNORE INTO words (kind, word) VALUES (?, ?)", (kind, word))
            asked = "SELECT id FROM words WHERE kind = ? AND word = ?"
            found = self._ids[kind, word] = int(self._db.execute(asked, (kind, word)).fetchone()[0])
        return found


# --- the traps -------------------------------------------------------------------------------------------------------


class Trap(NamedTuple):
    """What is written, piece by piece, each reader looking after each; `ROTATE` renames the log."""

    name: str
    pieces: list[bytes]
    fates: dict[str, int]


def _call(number: int, at: int, *words: str, agent: str = "op101") -> bytes:
    """One line for each event: `+seconds VERB|parameters`."""
    lines = []
    for each in words:
        after, _, event = each.partition(" ")
        who = "NONE" if event.startswith(("ENTER", "ABANDON", "EXIT", "FULL")) else agent
        lines.append(f"{at + int(after)}|{at}.{number}|nul|{who}|{event}\n")
    return "".join(lines).encode()


AT = 1795510800
ENTERS, ANSWERED = "+0 ENTERQUEUE||0612345678|1", ("+9 CONNECT|9|a.2|4", "+79 COMPLETECALLER|9|70|1")
GONE = "+28 ABANDON|1|1|28"
START = "|NONE|NONE|NONE|QUEUESTART|\n"
ONE = _call(1, AT, ENTERS, *ANSWERED)
TWO = _call(5, AT + 100, ENTERS, GONE)


def traps() -> list[Trap]:
    half, (first, *others) = len(ONE) - 12, ONE.splitlines(True)
    back = [f"{int(line[:10]) - 3600}".encode() + line[10:] for line in others]
    shuffled = b"".join(sorted((ONE + TWO).splitlines(True), key=lambda line: line[::-1]))
    dying = f"{AT + 200}|{AT}.9|nul|op1{AT + 300}{START}".encode()
    return [
        Trap("an ordinary day", [ONE + TWO], {"answered": 1, "abandoned": 1}),
        Trap("1: enters twice", [ONE + _call(1, AT, "+90 ENTERQUEUE||06|1", "+690 EXITWITHTIMEOUT|1|1|600")],
             {"answered": 1, "timeout": 1}),
        Trap("2: refused at the door", [_call(1, AT, "+0 FULL|") + TWO], {"full": 1, "abandoned": 1}),
        Trap("5: a backup restored into the log", [ONE + TWO, ONE + TWO], {"answered": 1, "abandoned": 1}),
        Trap("5: lines out of order", [shuffled[:90], shuffled[90:]], {"answered": 1, "abandoned": 1}),
        Trap("5: a last line not finished yet", [ONE[:half], ONE[half:] + TWO], {"answered": 1, "abandoned": 1}),
        Trap("5: two calls, one second, two looks", [_call(1, AT, ENTERS), _call(5, AT, ENTERS, GONE)
             + b"".join(others)], {"answered": 1, "abandoned": 1}),
        Trap("5: rotated in the middle of a call", [first, ROTATE, b"".join(others)],
             {"answered": 1}),
        Trap("6: a bar in a member's name", [_call(1, AT, ENTERS, *ANSWERED, agent="Rossi|Mario") + TWO],
             {"answered": 1, "abandoned": 1}),
        Trap("6: a bar in the URL", [ONE.replace(b"QUEUE|", b"QUEUE|http://x?a|b|c|d|e", 1) + TWO],
             {"answered": 1, "abandoned": 1}),
        Trap("7: the clock put back", [first, b"".join(back) + TWO], {"answered": 1, "abandoned": 1}),
        Trap("8: a verb nobody knows", [ONE + _call(1, AT, "+80 SINGING|la") + TWO], {"answered": 1, "abandoned": 1}),
        Trap("10: died while talking", [b"".join(ONE.splitlines(True)[:2]) + f"{AT + 99}{START}".encode() + TWO],
             {"answered": 1, "abandoned": 1}),
        Trap("10: died while somebody waited", [ONE + _call(9, AT, ENTERS) + f"{AT + 99}{START}".encode()],
             {"answered": 1, "lost": 1}),
        Trap("a line cut off, the next written on to it", [ONE + _call(9, AT, ENTERS) + dying + TWO],
             {"answered": 1, "lost": 1, "abandoned": 1}),
        Trap("wrong encoding, zero bytes", [ONE.replace(b"op101", b"Nicol\xf2") + b"\0\0\0\0" + TWO],
             {"answered": 1, "abandoned": 1}),
    ]  # fmt: skip


def verdict(trap: Trap, path: str, mine: Reader) -> str:
    """ "right", what was counted instead, or what stopped it. `path`: of a log that is not there yet."""
    try:
        for piece in trap.pieces:
            if piece == ROTATE:
                os.rename(path, f"{path}.1")
                continue
            with open(path, "ab") as file:
                file.write(piece)
            mine.take(path)
        found = mine.fates()
    except (ValueError, OSError) as problem:
        return f"stops: {type(problem).__name__}"
    if found == Counter(trap.fates):
        return "right"
    return ", ".join(f"{fate} {count}" for fate, count in sorted(found.items())) or "nothing"
