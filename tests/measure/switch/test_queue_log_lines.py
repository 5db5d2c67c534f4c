"""Lines are stored without numbers, and callers under pseudonyms."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.switch_logs.queue_log import MAX_LINE_BYTES
from measure.switch.queue_log_lines import Batch, Callers, Count, _add_unusual, canonical, read_lines
from registry.people.phone_numbers import to_e164
from tests.measure.switch_log import KEYS, MORNING, NOW, START, SwitchLog, day


def test_lines_are_stored_without_numbers(log: SwitchLog) -> None:
    log.write([
        f"{MORNING}|{MORNING}.1|nul|NONE|ENTERQUEUE|http://crm/?from=0612345678|0612345678|1|Mario Rossi\n",
        f"{MORNING + 9}|{MORNING}.1|nul|op101|CONNECT|9|{MORNING}.2|4\n",
        f"{MORNING + 70}|{MORNING}.1|nul|op101|BLINDTRANSFER|3331234567|outside|9|61|1\n",
        f"{MORNING + 71}|{MORNING}.1|nul|NONE|MENU|0612345678|ADR\n",
        f"{MORNING + 72}|{MORNING}.1|nul|NONE|CALLED|+393331234567\n",
    ])  # fmt: skip
    assert log.take().count.unknown == {"CALLED": 1}
    who = KEYS.pseudonym("+390612345678")
    assert [(row.said.split("|", 2)[2], row.caller_hash) for row in log.rows("queue_event")] == [
        ("ENTERQUEUE|http://crm/?from=<number>||1", who), (f"CONNECT|9|{MORNING}.2|4", None),
        ("BLINDTRANSFER|<number>|outside|9|61|1", None), ("MENU|<number>|ADR", None), ("CALLED|<number>", None),
    ]  # fmt: skip
    (made,) = log.visits
    assert (made.fate, made.talk_s, made.caller_hash) == ("answered", 61, who)


@pytest.mark.parametrize(
    "number",
    ["0612345678", "+390612345678", "3331234567", "+393331234567", "3912345678", "00390612345678", "06 1234 5678",
     "+442079460958", "0039333", "06", "*43", "anonymous", ""],
)  # fmt: skip
def test_all_ways_to_write_a_number_have_one_form(number: str) -> None:
    assert to_e164(number) in (None, canonical(number))


def test_common_numbers_need_no_numbering_plan() -> None:
    chance = random.Random(4)
    for _ in range(300):
        number = chance.choice(("0", "3", "+390", "+393")) + "".join(
            chance.choices("0123456789", k=chance.randint(5, 9))
        )
        assert to_e164(number) in (None, canonical(number)), number


def test_a_purged_number_has_no_pseudonym() -> None:
    assert canonical("+xxxxxxxxxxxx") == canonical("xxxxxxxxx") == ""
    assert canonical("+") == canonical("anonymous") == ""


ODD = st.lists(
    st.one_of(
        st.sampled_from([line.rstrip("\n") for line in [*day(4), f"{MORNING}{START}"]]),
        st.sampled_from([
            f"{MORNING}|{MORNING}.1|nul|NONE|ENTERQUEUE||0612345678|01", f"{MORNING}|x|nul|NONE|ENTERQUEUE|http://x|06|1",
            f"{MORNING}|x|nul|NONE|ENTERQUEUE||0612345678|1|Rossi", f"{MORNING}|x|nul|a|b|CONNECT|9|a.2|4", "torn", "",
            f"{MORNING}|x|nul|caff\xe8|PAUSE|", f"{MORNING}|x|nul|op101|CONNECT|1{MORNING}{START.rstrip()}",
            f"{MORNING}|x|nul|op101|BLINDTRANSFER|0612345678|x|9|61|1",
            f"{MORNING}|x|nul|op101|PAUSE|" + "x" * MAX_LINE_BYTES,
            f"{MORNING}|x|nul|op101|PAUSE|" + "\xe8" * 1000, f"{MORNING}|x|nul|op101|WITHDRAW|0612345678|1|9",
            f"{MORNING}0|x|nul|op101|PAUSE|", "12|x|nul|op101|PAUSE|", f"{int(NOW) + 9999}|x|nul|op101|PAUSE|",
            f"{MORNING}|x|nul|op101|PAUSE", f"{MORNING}|x|nul|op101|OUTCALL|0612345678", f"{MORNING}|x|nul|op101|LA|06",
        ]),
        st.text(st.characters(exclude_characters="\n\r\0", codec="utf-8"), max_size=40),
    ),
    max_size=20,
)  # fmt: skip


@given(ODD)
def test_the_fast_path_gives_the_same_result(lines: list[str]) -> None:
    quick, slow = Count(), Count(lines=sum(line != "" for line in lines))
    callers, batch = Callers(KEYS), Batch([], {}, set())
    found = read_lines("\n".join(lines).encode(), callers, NOW, quick)
    for line in lines:
        if line:
            _add_unusual(batch, line, callers, NOW, slow)
    assert (found, quick) == (batch, slow)
