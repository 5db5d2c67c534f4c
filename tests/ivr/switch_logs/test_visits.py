"""From events to visits: every trap of the reference, by its number, and properties for any events."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.switch_logs.queue_log import Event, parse
from ivr.switch_logs.visits import (
    CallVisits,
    Period,
    Visit,
    _Call,
    _find_simple_visit,
    find_call_visits,
    find_visits,
    joins,
)


def events(text: str) -> list[Event]:
    found = [parse(line.strip()) for line in text.strip().splitlines()]
    assert None not in found
    return [event for event in found if event is not None]


def visits(text: str, restarts: tuple[int, ...] = ()) -> list[Visit]:
    return find_visits(events(text), restarts)


def told(text: str, restarts: tuple[int, ...] = ()) -> list[tuple[object, ...]]:
    return [(each.fate, each.wait, each.talk) for each in visits(text, restarts)]


ANSWERED = """
101|a.1|nul|NONE|ENTERQUEUE||0612345678|2
104|a.1|nul|op102|RINGNOANSWER|5000
110|a.1|nul|op101|CONNECT|9|a.2|4
180|a.1|nul|op101|COMPLETECALLER|9|70|1
181|a.1|nul|NONE|ENDED|answered|survey
"""


def test_an_answered_call() -> None:
    assert visits(ANSWERED) == [
        Visit("a.1", 1, "nul", 101, "answered", 180, 9, 70, 4, "0612345678", 2, operator="op101"),
    ]


@pytest.mark.parametrize(
    ("line", "fate", "wait"),
    [
        ("129|a.1|nul|NONE|ABANDON|1|2|28", "abandoned", 28),
        ("129|a.1|nul|op101|ABANDON|1|2|28", "abandoned", 28),  # hung up while the operator heard the announcement
        ("146|a.1|nul|NONE|EXITWITHKEY|1|1|2|45", "key", 45),
        ("701|a.1|nul|NONE|EXITWITHTIMEOUT|1|2|600", "timeout", 600),
        ("121|a.1|nul|NONE|EXITEMPTY|2|2|20", "empty", 20),
        ("121|a.1|nul|NONE|WITHDRAW|2|2|20|moved", "withdrawn", 20),
        ("121|a.1|nul|op101|SYSCOMPAT|", "lost", 20),
    ],
)
def test_every_end_of_a_wait_is_a_fate(line: str, fate: str, wait: int) -> None:
    (visit,) = visits(f"101|a.1|nul|NONE|ENTERQUEUE||06|2\n{line}")
    assert (visit.fate, visit.wait, visit.talk, visit.left) == (fate, wait, None, int(line[:3]))
    assert visit.key == ("1" if fate == "key" else "")


INTERRUPTED = "101|a.1|nul|NONE|ENTERQUEUE||06|3\n120|a.1|nul|NONE|EXITWITHKEY|\x01|2|3|19\n"


@pytest.mark.parametrize(
    ("rest", "fate", "wait", "left"),
    [
        ("128|a.1|nul|NONE|ENTERQUEUE||06|2\n148|a.1|nul|op101|CONNECT|20|a.2|4\n190|a.1|nul|op101|COMPLETEAGENT|20|42|2",
         "answered", 47, 190),
        ("128|a.1|nul|NONE|ENTERQUEUE||06|2\n130|a.1|nul|NONE|ABANDON|2|2|2", "abandoned", 29, 130),
        ("124|a.1|nul|NONE|ENDED|abandoned|queue", "abandoned", 19, 120),  # hung up while the offer was repeated
        ("160|a.1|nul|NONE|ENDED|message|voicemail", "key", 19, 120),
        ("128|a.1|nul|NONE|ENTERQUEUE||06|2\n140|a.1|nul|NONE|EXITWITHKEY|\x01|2|3|12\n"
         "148|a.1|nul|NONE|ENTERQUEUE||06|1\n150|a.1|nul|NONE|EXITWITHKEY|1|2|1|2", "key", 49, 150),
    ],
)  # fmt: skip
def test_a_key_in_an_announcement_divides_no_visit(rest: str, fate: str, wait: int, left: int) -> None:
    """Asterisk logs code 1 instead of the key, and the caller enters the queue again when they wait on."""
    (visit,) = visits(INTERRUPTED + rest)
    assert (visit.number, visit.entered, visit.fate, visit.wait, visit.left, visit.position) == (
        1, 101, fate, wait, left, 3
    )  # fmt: skip
    assert visit.key == ("1" if "EXITWITHKEY|1|" in rest else "")


@pytest.mark.parametrize(
    "line",
    [
        "BLINDTRANSFER|101|seats|9|40|2", "ATTENDEDTRANSFER|BRIDGE|x|9|40|2", "ATTENDEDTRANSFER|LINK|x|y|9|40|2",
        "TRANSFER|101|seats|9|40|2",
    ],
)  # fmt: skip
def test_a_transfer_ends_the_talk_with_the_operator(line: str) -> None:
    (visit,) = visits("".join(ANSWERED.splitlines(True)[:4]) + f"150|a.1|nul|op101|{line}")
    assert (visit.fate, visit.talk, visit.transferred, visit.left) == ("answered", 40, True, 150)


AGAIN = """
181|a.1|nul|NONE|ENTERQUEUE||0612345678|1
190|a.1|nul|op102|CONNECT|9|a.3|4
250|a.1|nul|op102|COMPLETEAGENT|9|60|1
251|a.1|nul|NONE|ENDED|answered|survey
"""
DIED = "".join(ANSWERED.splitlines(True)[:5])


@pytest.mark.parametrize("end", ["COMPLETEAGENT|9|70|1", "COMPLETECALLER|9|70|1"])
def test_a_talk_that_ended_because_a_line_died_is_not_answered(end: str) -> None:
    log = "".join(ANSWERED.splitlines(True)[:4]) + f"180|a.1|nul|op101|{end}\n"
    assert told(log + "181|a.1|nul|NONE|LINELOST|caller") == [("lost", 9, None)]
    assert told(log + "180|a.1|nul|NONE|LINELOST|caller\n180|a.1|nul|NONE|ENDED|lost|queue") == [("lost", 9, None)]


def test_a_caller_whose_operator_died_makes_a_second_visit() -> None:
    for second in (180, 181):
        log = DIED + f"{second}|a.1|nul|NONE|LINELOST|seat" + AGAIN
        assert told(log) == [("lost", 9, None), ("answered", 9, 60)]
    twice = DIED + "180|a.1|nul|NONE|LINELOST|seat" + AGAIN + "250|a.1|nul|NONE|LINELOST|caller"
    assert told(twice) == [("lost", 9, None), ("lost", 9, None)]


def test_a_lost_line_without_a_talk_changes_nothing() -> None:
    assert told("101|a.1|nul|NONE|ENTERQUEUE||06|2\n103|a.1|nul|NONE|LINELOST|caller") == [("waiting", None, None)]


def test_a_caller_without_an_end_still_waits_or_talks() -> None:
    assert told("101|a.1|nul|NONE|ENTERQUEUE||06|2") == [("waiting", None, None)]
    assert told("".join(ANSWERED.splitlines(True)[:4])) == [("talking", 9, None)]


def test_an_attempt_or_a_dump_is_not_an_end() -> None:
    assert told("101|a.1|nul|NONE|ENTERQUEUE||06|2\n105|a.1|nul|op101|AGENTDUMP|\n") == [("waiting", None, None)]


# --- the traps, by their number --------------------------------------------------------------------------------------


def test_trap_1_a_channel_that_enters_twice_makes_two_visits() -> None:
    again = "181|a.1|nul|NONE|ENTERQUEUE||06|1\n781|a.1|nul|NONE|EXITWITHTIMEOUT|1|1|600"
    assert told("".join(ANSWERED.splitlines(True)[:5]) + again) == [("answered", 9, 70), ("timeout", 600, None)]


def test_trap_1_and_so_does_one_that_enters_two_queues() -> None:
    found = visits("""
        101|a.1|first|NONE|ENTERQUEUE||06|1
        131|a.1|first|NONE|EXITWITHTIMEOUT|1|1|30
        131|a.1|second|NONE|ENTERQUEUE||06|1
        140|a.1|second|op101|CONNECT|9|a.2|4
        150|a.1|second|op101|COMPLETEAGENT|9|10|1
    """)
    assert [(each.number, each.queue, each.fate) for each in found] == [
        (1, "first", "timeout"), (2, "second", "answered"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "fate"), [("FULL", "full"), ("JOINEMPTY", "busy"), ("JOINUNAVAIL", "busy"), ("UNKNOWN", "busy")]
)
def test_trap_2_a_refused_caller_has_the_fate_that_the_dialplan_logged(status: str, fate: str) -> None:
    assert visits(f"101|a.1|nul|NONE|{status}|") == [Visit("a.1", 1, "nul", 101, fate, 101, 0)]  # type: ignore[arg-type]


def test_trap_2_a_withdrawal_that_the_dialplan_repeats_counts_once() -> None:
    found = find_call_visits(
        events("101|a.1|nul|NONE|ENTERQUEUE||06|2\n121|a.1|nul|NONE|WITHDRAW|2|2|20|x\n121|a.1|nul|NONE|WITHDRAW|")
    )
    assert [each.fate for each in found.visits] == ["withdrawn"]
    assert found.orphans == 0


def test_trap_3_members_come_and_go_without_making_a_visit() -> None:
    assert visits("100|MANAGER|nul|PJSIP/seat01|ADDMEMBER|\n101|NONE|nul|op101|PAUSE|lunch") == []


def test_trap_4_waits_and_talks_are_the_lines_own_and_no_moving_average() -> None:
    """Each visit has its own seconds: none come from the averages of the switch."""
    assert [each.wait for each in visits(ANSWERED)] == [9]


def test_trap_5_repeated_and_shuffled_lines_make_no_difference() -> None:
    again = "181|a.1|nul|NONE|ENTERQUEUE||06|1\n781|a.1|nul|NONE|EXITWITHTIMEOUT|1|1|600"
    told = events(ANSWERED + again)
    expected = find_visits(told)
    for seed in range(50):
        mixed = told * 2
        random.Random(seed).shuffle(mixed)
        assert find_visits(mixed) == expected


def test_trap_6_a_bar_in_a_members_name_hides_no_answer() -> None:
    assert told(ANSWERED.replace("op101", "Rossi|Mario")) == [("answered", 9, 70)]


def test_trap_7_a_clock_that_was_set_back_within_a_stay_leaves_its_fate() -> None:
    assert told("3701|a.1|nul|NONE|ENTERQUEUE||06|1\n129|a.1|nul|NONE|ABANDON|1|1|-3572") == [("abandoned", 0, None)]
    assert told("""
        3701|a.1|nul|NONE|ENTERQUEUE||06|1
        3710|a.1|nul|op101|CONNECT|9|a.2|4
        180|a.1|nul|op101|COMPLETEAGENT|9|-3530|1
    """) == [("answered", 9, 0)]


def test_trap_8_an_unknown_verb_changes_nothing() -> None:
    assert visits(ANSWERED + "105|a.1|nul|op101|SINGING|la") == visits(ANSWERED)


def test_trap_9_a_visit_over_midnight_is_one_and_belongs_to_the_day_on_which_it_began() -> None:
    midnight = 1795561200  # of 25 November 2026, in Rome
    (visit,) = visits(f"""
        {midnight - 30}|a.1|nul|NONE|ENTERQUEUE||06|1
        {midnight + 10}|a.1|nul|op101|CONNECT|40|a.2|4
        {midnight + 99}|a.1|nul|op101|COMPLETEAGENT|40|89|1
    """)
    assert (visit.entered, visit.fate, visit.left) == (midnight - 30, "answered", midnight + 99)


def test_trap_10_an_answer_without_an_end_has_a_talk_of_unknown_length() -> None:
    (visit,) = visits("".join(ANSWERED.splitlines(True)[:4]), (50, 200, 300))
    assert (visit.fate, visit.wait, visit.talk, visit.left) == ("answered", 9, None, 200)
    (visit,) = visits("".join(ANSWERED.splitlines(True)[:4]) + "181|a.1|nul|NONE|ENDED|answered|queue")
    assert (visit.fate, visit.wait, visit.talk, visit.left) == ("answered", 9, None, 181)


def test_trap_10_the_wait_is_unknown_for_callers_lost_in_a_switch_restart() -> None:
    assert told("101|a.1|nul|NONE|ENTERQUEUE||06|2", (50, 200)) == [("lost", None, None)]


def test_trap_11_the_visit_names_the_channel_which_the_cdr_leads_to_the_call() -> None:
    assert visits(ANSWERED.replace("a.1", "1795510790.7"))[0].call == "1795510790.7"


# --- what else may happen --------------------------------------------------------------------------------------------


def test_the_start_of_the_switch_ends_no_stay_that_has_an_end() -> None:
    assert told(ANSWERED, (105, 150)) == [("answered", 9, 70)]


def test_a_lost_line_does_not_leave_a_caller_waiting_for_ever() -> None:
    entered = "101|a.1|nul|NONE|ENTERQUEUE||06|2\n"
    assert told(entered + "131|a.1|nul|NONE|ENDED|abandoned|queue") == [("abandoned", 30, None)]
    assert told(entered + "131|a.1|nul|NONE|ENDED|message|voicemail") == [("lost", 30, None)]
    assert told(entered + "131|a.1|nul|NONE|ENTERQUEUE||06|2") == [("lost", 30, None), ("waiting", None, None)]


def test_everything_within_one_second_is_put_in_order() -> None:
    text = """
        101|a.1|nul|NONE|EXITEMPTY|1|1|0
        101|a.1|nul|NONE|ENTERQUEUE||06|1
        101|a.1|other|op101|COMPLETEAGENT|0|0|1
        101|a.1|other|op101|CONNECT|0|a.2|0
        101|a.1|other|NONE|ENTERQUEUE||06|1
    """
    assert [(each.queue, each.fate) for each in visits(text)] == [("nul", "empty"), ("other", "answered")]
    back = "110|a.1|nul|NONE|ENTERQUEUE||06|1\n110|a.1|nul|NONE|ABANDON|1|1|0\n110|a.1|nul|op101|COMPLETEAGENT|4|5|1\n"
    assert told("101|a.1|nul|NONE|ENTERQUEUE||06|2\n105|a.1|nul|op101|CONNECT|4|a.2|4\n" + back) == [
        ("answered", 4, 5), ("abandoned", 0, None),
    ]  # fmt: skip


def test_an_answer_in_the_second_before_an_entry_does_not_answer_it() -> None:
    text = """
    103|a.1|nul|op101|CONNECT|3|a.2|4
    104|a.1|nul|NONE|ENTERQUEUE||0612345678|1
    107|a.1|nul|NONE|ABANDON|1|1|3
    """
    assert [(each.entered, each.fate, each.wait) for each in visits(text)] == [
        (100, "answered", 3),
        (104, "abandoned", 3),
    ]


def test_an_end_without_a_beginning_makes_a_visit_from_its_seconds() -> None:
    """As in the case `part_log`: the ends of calls that began in a file that is missing."""
    assert find_call_visits(events("129|a.1|nul|NONE|ABANDON|1|2|28")) == CallVisits(
        [Visit("a.1", 1, "nul", 101, "abandoned", 129, 28, entry_logged=False)], 0
    )
    assert find_call_visits(events("".join(ANSWERED.splitlines(True)[3:5]))) == CallVisits(
        [Visit("a.1", 1, "nul", 101, "answered", 180, 9, 70, 4, operator="op101", entry_logged=False)], 0
    )
    assert find_call_visits(events("180|a.1|nul|op101|COMPLETECALLER|9|70|1")) == CallVisits(
        [Visit("a.1", 1, "nul", 101, "answered", 180, 9, 70, None, operator="op101", entry_logged=False)], 0
    )


@pytest.mark.parametrize(
    "line", ["129|a.1|nul|NONE|ABANDON|1|2|soon", "129|a.1|nul|op101|SYSCOMPAT|", "129|a.1|nul|op101|TRANSFER|s|user"]
)
def test_an_end_without_a_beginning_and_without_seconds_is_counted(line: str) -> None:
    assert find_call_visits(events(line)) == CallVisits([], 1)


def test_a_repeated_end_of_a_stay_makes_no_visit_of_its_own() -> None:
    """Two different ends of one wait, and one that is longer than any call."""
    ended = "101|a.1|nul|NONE|ENTERQUEUE||06|2\n129|a.1|nul|NONE|EXITWITHTIMEOUT|1|2|28\n"
    for again in ("129|a.1|nul|NONE|ABANDON|1|2|28", "130|a.1|nul|NONE|ABANDON|1|2|10"):
        found = find_call_visits(events(ended + again))
        assert ([each.fate for each in found.visits], found.orphans) in ((["timeout"], 1), (["abandoned"], 1))
    assert find_call_visits(events("9000|a.1|nul|NONE|ABANDON|1|2|7201"), (), Period(7200)) == CallVisits([], 1)
    assert len(find_visits(events("9000|a.1|nul|NONE|ABANDON|1|2|7200"), (), Period(7200))) == 1


def test_the_end_of_a_talk_replaces_a_lost_answer() -> None:
    (visit,) = visits(ANSWERED.replace("110|a.1|nul|op101|CONNECT|9|a.2|4\n", ""))
    assert (visit.fate, visit.entered, visit.wait, visit.talk) == ("answered", 101, 9, 70)
    assert visit.operator == "op101"


# --- visits without an end, and impossible durations ------------------------------------------------------------------

ENTERED = "101|a.1|nul|NONE|ENTERQUEUE||06|2\n"
CONNECTED = "110|a.1|nul|op101|CONNECT|9|a.2|4\n"


def after(text: str, now: float, restarts: tuple[int, ...] = ()) -> list[tuple[object, ...]]:
    found = find_visits(events(text), restarts, Period(7200, now))
    return [(each.fate, each.wait, each.talk, each.left) for each in found]


def test_a_visit_without_an_end_is_closed_when_the_longest_call_is_over() -> None:
    """As in the case `no_end`. At the very end of the longest call it may still go on."""
    assert after(ENTERED, 7301) == [("waiting", None, None, None)]
    assert after(ENTERED, 7301.5) == [("unknown", None, None, None)]
    assert after(ENTERED + CONNECTED, 7301) == [("talking", 9, None, None)]
    assert after(ENTERED + CONNECTED, 7302) == [("answered", 9, None, None)]


def test_a_restart_long_after_the_longest_call_does_not_end_it() -> None:
    assert after(ENTERED, 90000, (7301,)) == [("lost", None, None, 7301)]
    assert after(ENTERED, 90000, (7302,)) == [("unknown", None, None, None)]
    assert after(ENTERED + CONNECTED, 90000, (80000,)) == [("answered", 9, None, None)]


def test_an_end_that_is_logged_after_all_counts() -> None:
    assert after(ENTERED + "700|a.1|nul|NONE|EXITWITHTIMEOUT|1|2|599", 90000) == [("timeout", 599, None, 700)]


def test_durations_that_no_call_can_have_are_unknown() -> None:
    """The switch's clock was moved by a year during the call."""
    year = "31449709|a.1|nul|op101|COMPLETEAGENT|9|31449589|1"
    assert after(ENTERED + CONNECTED + year, 4e7) == [("answered", 9, None, None)]
    assert after(ENTERED + "31449709|a.1|nul|NONE|ABANDON|1|2|31449608", 4e7) == [("abandoned", None, None, None)]
    connected = "31449709|a.1|nul|op101|CONNECT|31449608|a.2|31449600\n"
    ended = "31449779|a.1|nul|op101|COMPLETEAGENT|31449608|70|1"
    (visit,) = find_visits(events(ENTERED + connected + ended), (), Period(7200, 4e7))
    assert (visit.fate, visit.wait, visit.talk, visit.ring, visit.left) == ("answered", None, 70, None, None)
    # The clock was moved back: the seconds of the line are bounded as well.
    assert after(ENTERED + CONNECTED + "180|a.1|nul|op101|COMPLETEAGENT|9|7201|1", 4e7)[0][2] is None
    assert after(ENTERED + CONNECTED + "7301|a.1|nul|op101|COMPLETEAGENT|9|7191|1", 4e7)[0][2] == 7191


# --- the halves of a transferred stay ---------------------------------------------------------------------------------


# Logged by Asterisk 22.10 (tests/asterisk/calls/test_pjsua.py): seat01 talks with the caller, dials the queue, and
# connects the two calls.
TRANSFERRED = """
803|x.2|nul|NONE|ENTERQUEUE||0612345678|1
803|x.2|nul|op101|CONNECT|0|x.3|0
806|x.2|nul|op101|ATTENDEDTRANSFER|APP|Queue|0|3|1
809|x.2|nul|op101|CONNECT|6|x.5|1
812|x.2|nul|op101|COMPLETECALLER|6|3|1
812|x.2|nul|NONE|ENDED|answered|queue
"""


def test_an_attended_transfer_into_the_queue_gives_the_caller_a_second_visit() -> None:
    first, second = visits(TRANSFERRED)
    assert (first.entered, first.fate, first.wait, first.talk, first.left) == (803, "answered", 0, 3, 806)
    assert (second.entered, second.fate, second.wait, second.talk, second.left) == (803, "answered", 6, 3, 812)
    assert (second.entry_logged, second.caller) == (False, "0612345678")
    (begun,) = visits("803|x.4|nul|NONE|ENTERQUEUE||seat01|1")
    assert joins(begun, second)
    assert not joins(begun, first)
    ended = TRANSFERRED.replace("809|x.2|nul|op101|CONNECT|6|x.5|1", "809|x.2|nul|NONE|ABANDON|1|1|6")
    assert [each.fate for each in visits(ended.replace("812|x.2|nul|op101|COMPLETECALLER|6|3|1\n", ""))] == [
        "answered", "abandoned",
    ]  # fmt: skip


def test_the_halves_of_a_stay_are_joined_by_queue_and_time() -> None:
    (begun,) = visits("101|a.1|nul|NONE|ENTERQUEUE||06|2")
    halves = "110|b.7|nul|op101|CONNECT|{}|a.2|4\n180|b.7|nul|op101|COMPLETECALLER|{}|70|1"
    for wait, joined in ((11, False), (10, True), (9, True), (8, True), (7, False)):
        (ended,) = visits(halves.format(wait, wait))
        assert joins(begun, ended) is joined
        assert not joins(ended, begun)
    (other,) = visits(halves.format(9, 9).replace("|nul|", "|protocollo|"))
    assert not joins(begun, other)
    (whole,) = visits(ANSWERED.replace("a.1", "c.1"))
    assert not joins(begun, whole)
    assert not joins(whole, visits(halves.format(9, 9))[0])


# --- the formats of Asterisk 1.2 to 22 --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "end", "wait", "talk"),
    [
        ("1.2", "TRANSFER|s|user", 9, None),
        ("1.4", "TRANSFER|s|user|9|51", 9, 51),
        ("1.6.0", "TRANSFER|s|user|9|51", 9, 51),
        ("1.8, 11", "TRANSFER|s|user|9|51|1", 9, 51),
        ("13 to 22", "BLINDTRANSFER|s|user|9|51|1", 9, 51),
        ("13 to 22", "ATTENDEDTRANSFER|BRIDGE|5a1c|9|51|1", 9, 51),
        ("13 to 22", "ATTENDEDTRANSFER|APP|Queue|9|51|1", 9, 51),
        ("13 to 22", "ATTENDEDTRANSFER|LINK|PJSIP/a-1|PJSIP/b-2|9|51|1", 9, 51),
        ("1.2, 1.4", "COMPLETEAGENT|9|51", 9, 51),
        ("1.8 to 22", "COMPLETECALLER|9|51|1", 9, 51),
    ],
)
def test_the_end_of_a_talk_is_read_in_the_format_of_each_version(
    version: str, end: str, wait: int, talk: int | None
) -> None:
    old = "101|a.1|nul|NONE|ENTERQUEUE||0612345678\n110|a.1|nul|op101|CONNECT|9\n"
    (visit,) = visits(f"{old}161|a.1|nul|op101|{end}")
    assert (visit.fate, visit.wait, visit.talk, visit.caller) == ("answered", wait, talk, "0612345678"), version
    if talk is not None:  # the end alone contains the same seconds
        (visit,) = visits(f"161|a.1|nul|op101|{end}")
        assert (visit.entered, visit.wait, visit.talk) == (101, wait, talk), version


@pytest.mark.parametrize(
    ("version", "end", "fate"),
    [
        ("1.2 to 22", "ABANDON|1|2|28", "abandoned"),
        ("11", "EXITWITHKEY|1|2", "key"),
        ("1.8, 13 to 22", "EXITWITHKEY|1|2|2|28", "key"),
        ("1.2, some of 1.8 and 11", "EXITWITHTIMEOUT|2", "timeout"),
        ("1.8 to 22", "EXITWITHTIMEOUT|2|2|28", "timeout"),
        ("1.2 to 22", "EXITEMPTY|2|2|28", "empty"),
        ("18 to 22", "WITHDRAW|2|2|28|moved", "withdrawn"),
    ],
)
def test_the_end_of_a_wait_is_read_in_the_format_of_each_version(version: str, end: str, fate: str) -> None:
    (visit,) = visits(f"101|a.1|nul|NONE|ENTERQUEUE||0612345678|2\n129|a.1|nul|NONE|{end}")
    assert (visit.fate, visit.wait, visit.key) == (fate, 28, "1" if fate == "key" else ""), version


def test_the_case_of_an_older_transfer() -> None:
    found = find_visits(
        events("""
        1168222540|1168222529.1|q1|NONE|ENTERQUEUE||0612345678
        1168222549|1168222529.1|q1|Agent/1|CONNECT|9
        1168222600|1168222529.1|q1|Agent/1|TRANSFER|s|user|9|51
    """)
    )
    assert [(each.wait, each.talk, each.transferred) for each in found] == [(9, 51, True)]


STEPS = (
    "ENTERQUEUE||06|1", "CONNECT|9|a.2|4", "ABANDON|1|2|28", "COMPLETEAGENT|9|70|1", "EXITWITHKEY|1|1|1|45",
    "BLINDTRANSFER|101|x|9|40|1", "FULL|", "ENDED|abandoned|queue", "ENDED|answered|survey", "WITHDRAW|", "SYSCOMPAT|",
    "RINGNOANSWER|5000", "ABANDON|1|2|soon",
)  # fmt: skip
MANY = st.lists(
    st.builds(
        lambda at, queue, step: Event(at, "a.1", queue, "op101", *step.split("|", 1)),
        st.integers(100, 106), st.sampled_from(("nul", "nul", "other")), st.sampled_from(STEPS),
    ),
    max_size=8,
)  # fmt: skip
STARTS = st.lists(st.integers(99, 107), max_size=2, unique=True).map(sorted)


@given(MANY, STARTS, st.randoms(use_true_random=False))
def test_any_events_give_each_entry_one_fate_and_order_does_not_matter(
    told: list[Event], starts: list[int], chance: random.Random
) -> None:
    found = find_visits(told, starts)
    entered = {event for event in told if event.verb in ("ENTERQUEUE", "FULL")}
    assert sum(each.entry_logged for each in found) == len(entered)
    assert [each.number for each in found] == list(range(1, len(found) + 1))
    for each in found:
        assert (each.left is None) == (each.fate in ("waiting", "talking"))
        assert each.wait is None or each.wait >= 0
        assert each.entry_logged or (each.entered, each.queue) not in {(event.at, event.queue) for event in entered}
    mixed = told + chance.sample(told, len(told) // 2)
    chance.shuffle(mixed)
    assert find_visits(mixed, starts) == found


@given(MANY, STARTS)
def test_the_fast_path_gives_the_same_visits(told: list[Event], starts: list[int]) -> None:
    quick = _find_simple_visit(told)
    if quick is not None:
        slow = _Call(sorted({event for event in told if event.verb != "RINGNOANSWER"}), starts).result()
        assert quick.visits == slow.visits
