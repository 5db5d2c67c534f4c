"""Facts that a full disk refused, taken back from the log into the spool.

While the spool cannot be written, each fact stands in the engine's log, in a line with the event "alarm" and the key
`fact`. The lines may come from a file or from `journalctl`, with or without its prefix. Facts keep their ids, so a fact
that is recovered twice, or that was written after all, counts once: the registry knows facts by their id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from ivr.facts import Fact, Spool, parse


def logged_facts(lines: Iterable[bytes]) -> Iterator[Fact]:
    """The facts in lines of an engine's log, each once, in the order of the log.

    Other lines are passed over. Raises ValueError for a line that claims to hold a fact and does not.
    """
    seen = set()
    for number, line in enumerate(lines, 1):
        start = line.find(b"{")  # journalctl puts the time, the host and the program before it
        if start < 0 or b'"fact"' not in line:
            continue
        try:
            record = json.loads(line[start:])
        except ValueError:
            continue  # another program's line
        if not isinstance(record, dict) or record.get("event") != "alarm" or record.get("what") != "facts":
            continue
        fact = parse(json.dumps(record.get("fact")).encode(), f"line {number}")
        if fact.id not in seen:
            seen.add(fact.id)
            yield fact


def write_back(facts: Iterable[Fact], spool: Spool) -> int:
    """Write facts into the spool and seal it; the number written. Raises OSError when the spool refuses one again."""
    written = 0
    for fact in facts:
        if not spool.write(fact):
            raise OSError("the spool still cannot be written")
        written += 1
    spool.seal()
    return written
