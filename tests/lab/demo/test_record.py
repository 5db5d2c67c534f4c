"""The record of a run holds only its own calls, whatever their times are."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.places import Places
from ivr.facts import Fact, Spool, new_id, stderr_alarm
from lab.demo.record import Record
from lab.stack import Stack
from lab.switch.installation import NOT_INSTALLED


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(Places(var=str(tmp_path)), NOT_INSTALLED, system_name="demo2")


def fact(call: str, at: float, kind: str = "answered") -> Fact:
    return Fact(new_id(at), call, at, kind, {})


def write(stack: Stack, *facts: Fact) -> None:
    spool = Spool(stack.places.facts, stderr_alarm)
    for one in facts:
        assert spool.write(one)
    spool.seal()


def test_facts_of_another_run_are_left_out_also_when_they_are_later(stack: Stack) -> None:
    ours = fact("demo2-1796115600.25", 1796115600)
    write(stack, fact("demo1-1796115600.25", 1796115600), fact("demo1-1796115609.25", 1796115609))
    write(stack, ours, fact("1796115600.25", 1796115601), fact("demo22-1796115600.25", 1796115601))
    record = Record(stack)
    assert record.facts() == [ours]
    assert record.calls() == {ours.call}


def test_facts_are_remembered_after_an_intake_has_moved_them(stack: Stack) -> None:
    first, second = fact("demo2-5.1", 5), fact("demo2-5.1", 4, "choice")
    record = Record(stack)
    write(stack, first)
    assert record.facts() == [first]
    for segment in Path(stack.places.facts).glob("*/*"):
        segment.unlink()
    write(stack, second)
    assert record.facts() == [second, first]


def test_lines_of_queue_log_are_selected_by_the_call(stack: Stack) -> None:
    folder = Path(stack.switch.log)
    folder.mkdir(parents=True)
    folder.joinpath("queue_log").write_text(
        "5|demo1-5.1|nul|NONE|ENTERQUEUE||06|1\n4|demo2-4.1|nul|NONE|ENTERQUEUE||06|1\n4|NONE|NONE|NONE|QUEUESTART|\n"
    )
    assert Record(stack).queue_log() == [["4", "demo2-4.1", "nul", "NONE", "ENTERQUEUE", "", "06", "1"]]
