"""Other ways to read a queue_log, and a file for each of its traps, to compare the counts of calls.

`OneLiner` is what an analyst writes first: pandas, counting the verbs. `RowByRow` is our program with the design of
Asternic Stats Lite, without any of its code: run from time to time, it resumes after the newest time that it has,
splits each line, looks up its words and inserts a row; completed calls count as answered.
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
    """Takes in new lines each time it is called, like a timer job, and counts the calls by fate."""

    def take(self, path: str) -> None: ...

    def fates(self) -> Counter[str]: ...


class OneLiner:
    def __init__(self, path: str) -> None:
        self._path = path

    def take(self, path: str) -> None:
        """Nothing to do: `fates` reads everything."""

    def fates(self) -> Counter[str]:
        import pandas as pd

        logs = generations(self._path)
        verbs = pd.concat([pd.read_csv(log, sep="|", names=list(range(10)), dtype=str)[4] for log in logs])
        return Counter({VERBS[verb]: int(count) for verb, count in verbs.value_counts().items() if verb in VERBS})


class RowByRow:
    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(f"{path}.rows", isolation_level=None)
        for pragma in ("synchronous = OFF", "journal_mode = MEMORY"):  # its original tables are no safer
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
        verbs = self._db.execute("SELECT word, count(*) FROM stats JOIN words ON id = qevent GROUP BY word").fetchall()
        counts: Counter[str] = Counter()
        for verb, count in verbs:
            fate = "answered" if verb in COMPLETED else VERBS.get(verb) if verb != "CONNECT" else None
            if fate is not None:
                counts[fate] += count
        return counts

    def _id(self, kind: str, word: str) -> int:
        row_id = self._ids.get((kind, word))
        if row_id is None:
            self._db.execute("INSERT OR IGNORE INTO words (kind, word) VALUES (?, ?)", (kind, word))
            query = "SELECT id FROM words WHERE kind = ? AND word = ?"
            row_id = self._ids[kind, word] = int(self._db.execute(query, (kind, word)).fetchone()[0])
        return row_id


# --- the traps -------------------------------------------------------------------------------------------------------


class Trap(NamedTuple):
    """Pieces of a log; readers take in each piece as it is written. `ROTATE` renames the log."""

    name: str
    pieces: list[bytes]
    fates: dict[str, int]


def _call(number: int, at: int, *words: str, agent: str = "op101") -> bytes:
    """One line for each event: `+seconds VERB|parameters`."""
    lines = []
    for word in words:
        after, _, event = word.partition(" ")
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
        Trap("2: refused by a full queue", [_call(1, AT, "+0 FULL|") + TWO], {"full": 1, "abandoned": 1}),
        Trap("5: a backup restored into the log", [ONE + TWO, ONE + TWO], {"answered": 1, "abandoned": 1}),
        Trap("5: lines out of order", [shuffled[:90], shuffled[90:]], {"answered": 1, "abandoned": 1}),
        Trap("5: an incomplete last line", [ONE[:half], ONE[half:] + TWO], {"answered": 1, "abandoned": 1}),
        Trap("5: two calls in one second, read in two parts", [_call(1, AT, ENTERS), _call(5, AT, ENTERS, GONE)
             + b"".join(others)], {"answered": 1, "abandoned": 1}),
        Trap("5: rotated in the middle of a call", [first, ROTATE, b"".join(others)],
             {"answered": 1}),
        Trap("6: a bar in a member's name", [_call(1, AT, ENTERS, *ANSWERED, agent="Rossi|Mario") + TWO],
             {"answered": 1, "abandoned": 1}),
        Trap("6: a bar in the URL", [ONE.replace(b"QUEUE|", b"QUEUE|http://x?a|b|c|d|e", 1) + TWO],
             {"answered": 1, "abandoned": 1}),
        Trap("7: the clock set back", [first, b"".join(back) + TWO], {"answered": 1, "abandoned": 1}),
        Trap("8: an unknown verb", [ONE + _call(1, AT, "+80 SINGING|la") + TWO], {"answered": 1, "abandoned": 1}),
        Trap("10: the switch died during a conversation",
             [b"".join(ONE.splitlines(True)[:2]) + f"{AT + 99}{START}".encode() + TWO],
             {"answered": 1, "abandoned": 1}),
        Trap("10: the switch died while a caller waited", [ONE + _call(9, AT, ENTERS) + f"{AT + 99}{START}".encode()],
             {"answered": 1, "lost": 1}),
        Trap("a line cut off and joined with the next", [ONE + _call(9, AT, ENTERS) + dying + TWO],
             {"answered": 1, "lost": 1, "abandoned": 1}),
        Trap("wrong encoding, zero bytes", [ONE.replace(b"op101", b"Nicol\xf2") + b"\0\0\0\0" + TWO],
             {"answered": 1, "abandoned": 1}),
    ]  # fmt: skip


def verdict(trap: Trap, path: str, reader: Reader) -> str:
    """ "right", the wrong counts, or the error that stopped the reader. `path` is that of a new log."""
    try:
        for piece in trap.pieces:
            if piece == ROTATE:
                os.rename(path, f"{path}.1")
                continue
            with open(path, "ab") as file:
                file.write(piece)
            reader.take(path)
        counts = reader.fates()
    except (ValueError, OSError) as problem:
        return f"stops: {type(problem).__name__}"
    if counts == Counter(trap.fates):
        return "right"
    return ", ".join(f"{fate} {count}" for fate, count in sorted(counts.items())) or "nothing"
