"""The grammar of queue_log: every event is read, and an invalid line is neither lost nor guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.switch_logs.queue_log import (
    GRAMMAR,
    MAX_LINE_BYTES,
    Event,
    decode,
    parse,
    parse_entry,
    parse_row,
    recover_line,
    ring_seconds,
    talk_seconds,
    wait_seconds,
)

ROME = ZoneInfo("Europe/Rome")


def event(words: str, agent: str = "op101") -> Event:
    found = parse(f"1795510800|1795510790.7|nul|{agent}|{words}")
    assert found is not None
    return found


def test_a_line_is_its_fields() -> None:
    found = event("CONNECT|9|1795510791.8|4")
    assert found == Event(1795510800, "1795510790.7", "nul", "op101", "CONNECT", "9|1795510791.8|4")
    assert found.words == ["9", "1795510791.8", "4"]
    assert found.line() == "1795510800|1795510790.7|nul|op101|CONNECT|9|1795510791.8|4"


def test_a_line_without_parameters_ends_with_a_bar_or_not() -> None:
    assert parse("1795510800|NONE|NONE|NONE|QUEUESTART|") == parse("1795510800|NONE|NONE|NONE|QUEUESTART")


@pytest.mark.parametrize(
    ("words", "caller", "position", "url"),
    [
        ("ENTERQUEUE||0612345678|3", "0612345678", 3, ""),
        ("ENTERQUEUE||+390612345678|3|Rossi", "+390612345678", 3, ""),
        ("ENTERQUEUE|||2", "", 2, ""),
        ("ENTERQUEUE|http://x/?a=1|06|1", "06", 1, "http://x/?a=1"),
        ("ENTERQUEUE|http://x/?a=1|2|0612345678|1|Rossi", "0612345678", 1, "http://x/?a=1|2"),
        ("ENTERQUEUE||0612345678", "0612345678", None, ""),
        ("ENTERQUEUE|", "", None, ""),
        ("ENTERQUEUE||anonymous|1", "anonymous", 1, ""),
    ],
)
def test_an_entry_gives_number_and_position(words: str, caller: str, position: int | None, url: str) -> None:
    assert parse_entry(event(words, "NONE")) == (url, caller, position)


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("CONNECT|9|a.2|4", 9), ("ABANDON|1|2|28", 28), ("EXITWITHKEY|1|3|3|45", 45), ("EXITWITHTIMEOUT|1|1|600", 600),
        ("EXITEMPTY|1|1|5", 5), ("WITHDRAW|2|3|12|moved", 12), ("SYSCOMPAT|", None), ("ABANDON|1|2|soon", None),
        ("ABANDON|1|2", None), ("ABANDON|1|2|-3540", 0), ("ABANDON|1|2|99999999999", None),
    ],
)  # fmt: skip
def test_how_long_a_caller_waited(words: str, seconds: int | None) -> None:
    assert wait_seconds(event(words)) == seconds


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("COMPLETECALLER|9|70|1", 70), ("COMPLETEAGENT|9|70|1", 70), ("BLINDTRANSFER|101|seats|9|40|1", 40),
        ("TRANSFER|101|seats|9|40|1", 40), ("ATTENDEDTRANSFER|BRIDGE|b-7|9|40|1", 40),
        ("ATTENDEDTRANSFER|APP|VoiceMail|9|40|1", 40), ("ATTENDEDTRANSFER|LINK|PJSIP/a-1|PJSIP/b-2|9|40|1", 40),
        ("COMPLETECALLER|9", None),
    ],
)  # fmt: skip
def test_how_long_was_talked(words: str, seconds: int | None) -> None:
    assert talk_seconds(event(words)) == seconds


def test_how_long_the_telephone_rang() -> None:
    assert ring_seconds(event("CONNECT|9|a.2|4")) == 4
    assert ring_seconds(event("CONNECT|9|a.2")) is None  # before Asterisk 1.8


# --- what is odd -----------------------------------------------------------------------------------------------------


def test_trap_6_a_bar_in_a_members_name_moves_nothing() -> None:
    found = event("CONNECT|9|a.2|4", "Rossi|Mario|2")
    assert (found.agent, found.verb, found.words) == ("Rossi|Mario|2", "CONNECT", ["9", "a.2", "4"])
    assert event("PAUSE|lunch", "A|B").agent == "A|B"
    assert parse(found.line()) == found


def test_trap_8_an_unknown_verb_is_an_event() -> None:
    assert event("SINGING|la|la") == Event(1795510800, "1795510790.7", "nul", "op101", "SINGING", "la|la")
    assert event("SINGING|CONNECT|la").verb == "SINGING"


@pytest.mark.parametrize(
    "line",
    [
        "", "rubbish", "1795510800|x|nul|NONE", "day|x|nul|NONE|ABANDON|1|1|1", "|||||", "1795510800|x|nul|NONE||",
        "99999999999|x|nul|NONE|ABANDON|1|1|1", "-1|x|nul|NONE|ABANDON|1|1|1", "٣|x|nul|NONE|ABANDON|1|1|1",
        "1795510800|x|nul|NONE|ABANDON|" + "1" * MAX_LINE_BYTES,
    ],
)  # fmt: skip
def test_a_torn_line_is_not_an_event(line: str) -> None:
    assert parse(line) is None


@pytest.mark.parametrize(
    "torn", ["17955", "1795510800", "1795510800|x|nul|NONE|ENTERQ", "1795510800|x|nul|op101|CONNECT|12|", "1795510800|"]
)
def test_the_start_of_the_switch_is_read_after_a_line_that_it_did_not_finish(torn: str) -> None:
    start = "1795510900|NONE|NONE|NONE|QUEUESTART|"
    assert parse(torn + start) is None
    assert recover_line(torn + start) == start


def test_wrong_encoding_and_zero_bytes_are_accepted() -> None:
    text = decode(b"\0\0\0\x001795510800|x|nul|Nicol\xf2|PAUSE|caff\xe8\r\n1795510801|")
    first, rest = text.split("\n")
    found = parse(first)
    assert found is not None
    assert (found.agent, found.words, rest) == ("Nicol\ufffd", ["caff\ufffd"], "1795510801|")


WORDS = st.text(st.characters(exclude_characters="|\n", codec="utf-8"), max_size=12)


@given(st.integers(0, 9999999999), WORDS, WORDS, WORDS, st.sampled_from(sorted(GRAMMAR)), st.lists(WORDS, min_size=1))
def test_every_written_line_is_read(at: int, call: str, queue: str, agent: str, verb: str, words: list[str]) -> None:
    written = Event(at, call, queue, agent, verb, "|".join(words))
    assert parse(written.line()) in (written, None)
    assert parse(written.line()) is not None or "QUEUESTART" in words


@given(st.text(max_size=300))
def test_any_line_can_be_read(line: str) -> None:
    found = parse(line)
    recover_line(line)
    if found is not None:
        parse_entry(found), wait_seconds(found), talk_seconds(found), ring_seconds(found)


def test_a_long_line_without_events_is_fast() -> None:
    assert recover_line("1795510800|" * 700) is None


# --- the realtime table ----------------------------------------------------------------------------------------------


def row(time: Any, verb: str, *data: str) -> dict[str, Any]:
    named = {f"data{place}": word for place, word in enumerate((*data, *[""] * (5 - len(data))), 1)}
    return {"id": 7, "time": time, "callid": "a.1", "queuename": "nul", "agent": "op101", "event": verb, **named}


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-24 10:00:00.123456", datetime(2026, 11, 24, 10, 0, 0, 999), "1795510800", 1795510800,
        datetime(2026, 11, 24, 9, tzinfo=UTC),
    ],
)  # fmt: skip
def test_a_row_is_the_event_of_its_line(time: Any) -> None:
    expected = parse("1795510800|a.1|nul|op101|CONNECT|9|a.2|4")
    assert parse_row(row(time, "CONNECT", "9", "a.2", "4"), ROME) == expected


def test_the_hour_of_a_row_is_local_or_not() -> None:
    utc = parse_row(row("2026-11-24 10:00:00", "PAUSE"), UTC)
    assert utc is not None
    assert utc.at == 1795510800 + 3600


def test_the_fifth_column_holds_the_rest() -> None:
    found = parse_row(row("1795510800", "ATTENDEDTRANSFER", "LINK", "PJSIP/a-1", "PJSIP/b-2", "9", "40|1"))
    assert found is not None
    assert talk_seconds(found) == 40


def test_empty_columns_are_no_parameters_but_those_of_an_entry_are() -> None:
    found = parse_row(row("1795510800", "ENTERQUEUE", "", "", "2"))
    assert found is not None
    assert parse_entry(found) == ("", "", 2)
    none = parse_row(row("1795510800", "ENTERQUEUE"))
    assert none is not None
    assert none.rest == "||"
    old = parse_row(
        {"time": "1795510800", "callid": "a.1", "queuename": "nul", "agent": "", "event": "ABANDON", "data": "1|1|5"}
    )
    assert old is not None
    assert wait_seconds(old) == 5


@pytest.mark.parametrize("time", [None, "", "yesterday", "99999-01-01", b"\xff"])
def test_a_row_without_a_time_is_not_an_event(time: Any) -> None:
    assert parse_row(row(time, "PAUSE")) is None
