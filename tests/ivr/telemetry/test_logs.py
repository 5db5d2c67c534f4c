"""The engine's log: lines for programs, without telephone numbers, that never block a call."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.telemetry.logs import LONGEST_LINE, Log, Throttle, format_traceback, mask


class Pipe:
    """A pipe to which a log is written, and its lines."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)

    def lines(self) -> list[dict[str, Any]]:
        data = b""
        while True:
            try:
                chunk = os.read(self.reader, 65536)
            except BlockingIOError:
                break
            if not chunk:
                break
            data += chunk
        return [json.loads(line) for line in data.splitlines()]

    def close(self) -> None:
        os.close(self.reader)
        os.close(self.writer)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


def log_to(pipe: Pipe, **options: Any) -> Log:
    return Log(pipe.writer, clock=lambda: 1785000000.0625, **options)


def test_a_line_is_an_object_with_instant_level_event_and_the_call(pipe: Pipe) -> None:
    log_to(pipe).info("prompt_failed", call="1785000000.42", sound="nul/welcome")
    assert pipe.lines() == [
        {
            "at": "2026-07-25T17:20:00.062Z",
            "level": "info",
            "event": "prompt_failed",
            "call": "1785000000.42",
            "sound": "nul/welcome",
        }
    ]


def test_the_happy_path_is_silent_unless_asked_for(pipe: Pipe) -> None:
    log_to(pipe).debug("session_ended")
    assert pipe.lines() == []
    log_to(pipe, verbose=True).debug("session_ended")
    assert [line["level"] for line in pipe.lines()] == ["debug"]


@pytest.mark.parametrize(
    "text",
    ["3331234567", "+393331234567", "06 1234 5678", "333-123.4567", "agi_callerid: 3331234567", "x12345y"],
)
def test_no_telephone_number_is_logged(pipe: Pipe, text: str) -> None:
    log_to(pipe).warning("garbage", error=f"unexpected {text!r}")
    [line] = pipe.lines()
    assert "#####" in line["error"]
    assert "12345" not in line["error"].replace(" ", "").replace("-", "").replace(".", "")


@given(st.from_regex(r"[0-9]{5,20}", fullmatch=True), st.text(max_size=30), st.text(max_size=30))
def test_a_run_of_digits_never_passes_the_mask(number: str, before: str, after: str) -> None:
    assert number not in mask(f"{before}{number}{after}")


@pytest.mark.parametrize("text", ["line 1234", "res_agi.c:3526", "rate 44,100"])
def test_text_that_is_not_a_telephone_number_stays(text: str) -> None:
    assert mask(text) == text


def test_a_traceback_gives_the_place_and_not_the_number(pipe: Pipe) -> None:
    try:
        raise KeyError("no such caller: 3331234567")
    except KeyError as problem:
        log_to(pipe).error("flow_failed", call="1785000000.42", trace=format_traceback(problem))
    [line] = pipe.lines()
    assert "test_logs.py" in line["trace"]
    assert "KeyError" in line["trace"]
    assert "3331234567" not in json.dumps(line)


def test_our_own_identifiers_are_kept_whole(pipe: Pipe) -> None:
    log_to(pipe).error(
        "alarm",
        peer="192.168.100.200",
        path="spool/1785000000000-1.open",
        fact={"id": "0123456789", "call": "1785000000.1"},
    )
    [line] = pipe.lines()
    assert line["peer"] == "192.168.100.200"
    assert line["path"] == "spool/1785000000000-1.open"
    assert line["fact"] == {"id": "0123456789", "call": "1785000000.1"}


def test_long_text_from_outside_is_cut(pipe: Pipe) -> None:
    log_to(pipe).warning("unknown_flow", error="x" * 100_000)
    [line] = pipe.lines()
    assert 200 < len(line["error"]) < 400


def test_a_line_that_is_still_too_long_is_replaced_by_a_notice(pipe: Pipe) -> None:
    log_to(pipe).error("alarm", call="1785000000.1", fact={"data": "x" * LONGEST_LINE})
    [line] = pipe.lines()
    assert line["event"] == "alarm"
    assert line["call"] == "1785000000.1"
    assert line["cut"] > LONGEST_LINE


def test_values_that_json_cannot_encode_become_text(pipe: Pipe) -> None:
    log_to(pipe).info("odd", value={1, 2}, text="\ud800 lone surrogate")
    [line] = pipe.lines()
    assert line["value"] == "{1, 2}"


def test_a_reader_that_has_stopped_reading_does_not_block_the_engine(pipe: Pipe) -> None:
    log = log_to(pipe)
    for _ in range(2000):  # far more than a pipe takes; a log that blocks would hang here
        log.error("alarm", error="x" * 200)
    assert 0 < log.dropped < 2000
    assert len(pipe.lines()) == 2000 - log.dropped
    log.info("again")
    assert [line["event"] for line in pipe.lines()] == ["again"]


def test_a_log_without_a_reader_is_not_an_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    log = Log(writer)
    log.error("alarm")
    os.close(writer)
    log.error("alarm")
    assert log.dropped == 2


def test_a_flood_of_one_kind_leaves_room_for_the_others(pipe: Pipe) -> None:
    log = log_to(pipe)
    for _ in range(1000):
        log.from_outside("refused", peer="192.0.2.1")
    log.from_outside("garbage", peer="192.0.2.1")
    events = [line["event"] for line in pipe.lines()]
    assert events == ["refused"] * Throttle.PER_MINUTE + ["garbage"]


def test_what_was_left_out_is_counted_in_the_next_line(pipe: Pipe) -> None:
    now = [1000.0]
    log = Log(pipe.writer, steady=lambda: now[0])
    for _ in range(25):
        log.from_outside("refused")
    now[0] += 61
    log.from_outside("refused")
    assert [line.get("left_out") for line in pipe.lines()] == [None] * Throttle.PER_MINUTE + [15]


def test_a_clock_that_is_set_back_does_not_silence_the_log(pipe: Pipe) -> None:
    wall, steady = [5000.0], [10.0]
    log = Log(pipe.writer, clock=lambda: wall[0], steady=lambda: steady[0])
    for _ in range(Throttle.PER_MINUTE + 1):
        log.from_outside("refused")
    wall[0], steady[0] = 1000.0, 71.0
    log.from_outside("refused")
    assert pipe.lines()[-1]["left_out"] == 1
