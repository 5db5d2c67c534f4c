"""The opening hours and closed days of the dialplan are those of the calendar."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from charter.calendar import OpeningHours
from ivr import dialplan
from ivr.configuration.compiled import Compiled
from tests.ivr.conftest import FIRST, LAST
from tests.ivr.test_dialplan import contexts

ROME = ZoneInfo("Europe/Rome")

Open = Callable[[datetime], bool]


def interpret_like_asterisk(text: str) -> Open:
    """Interpret [nul-static-hours] and [nul-closed-days] like Asterisk: a range includes its last minute."""
    plan = contexts(text)
    closed = {line.split(" ")[2].split(",")[0] for line in plan["nul-closed-days"]}
    spans = []
    for line in plan["nul-static-hours"]:
        if match := re.search(r"GotoIfTime\((\d\d):(\d\d)-(\d\d):(\d\d),(\w{3}),\*,\*,Europe/Rome\?open\)", line):
            a, b, c, d = (int(match[n]) for n in range(1, 5))
            spans.append((["mon", "tue", "wed", "thu", "fri", "sat", "sun"].index(match[5]), a * 60 + b, c * 60 + d))

    def is_open(moment: datetime) -> bool:
        minute = moment.hour * 60 + moment.minute
        return f"{moment:%Y%m%d}" not in closed and any(
            day == moment.weekday() and first <= minute <= last for day, first, last in spans
        )

    return is_open


def test_the_static_hours_are_those_of_the_calendar(files: dict[str, str], shipped: Compiled) -> None:
    """Each day of the rendered years, at the minutes where the two could differ."""
    is_open, hours = interpret_like_asterisk(files["extensions_nul.conf"]), OpeningHours.of(shipped["service"])
    day, last = date(FIRST, 1, 1), date(LAST, 12, 31)
    while day <= last:
        for hour, minute, second in ((0, 0, 0), (8, 59, 59), (9, 0, 0), (12, 30, 0), (17, 59, 59), (18, 0, 0)):
            moment = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=ROME)
            assert is_open(moment) == hours.is_open(moment.timestamp()), moment
        day += timedelta(days=1)


def test_every_closed_day_is_in_the_table_by_name(files: dict[str, str], shipped: Compiled) -> None:
    days = OpeningHours.of(shipped["service"]).closed_days(FIRST, LAST)
    assert len(days) > 12 * (LAST - FIRST + 1)
    for day, name in days:
        assert f"exten => {day:%Y%m%d},1,Return() ; {name}\n" in files["extensions_nul.conf"]


RANGES = st.lists(st.integers(0, 48), min_size=2, max_size=6, unique=True).map(
    lambda cuts: [
        f"{a // 2:02d}:{a % 2 * 30:02d}-{b // 2:02d}:{b % 2 * 30:02d}"
        for a, b in zip(sorted(cuts)[::2], sorted(cuts)[1::2], strict=False)
    ]
)


@given(week=st.lists(RANGES, min_size=7, max_size=7), at=st.integers(1767225600, 1893452399))
def test_any_valid_hours_are_rendered_correctly(shipped: Compiled, week: list[list[str]], at: int) -> None:
    service = copy.deepcopy(shipped["service"])
    service["hours"] = dict(zip(service["hours"], week, strict=True))
    text = (
        f"[nul-static-hours]\n{dialplan.hours(service)}\n[nul-closed-days]\n{dialplan.closed_days(service, 2026, 2029)}"
    )
    moment = datetime.fromtimestamp(at, UTC).astimezone(ROME)
    assert interpret_like_asterisk(text)(moment) == OpeningHours.of(service).is_open(at)


def test_a_reason_written_by_ops_stays_a_comment(compiled: Compiled) -> None:
    closure = {"first": "2026-12-24", "last": "2026-12-24", "reason": "Chiusura; --\nexten => 1,1,System(x)"}
    compiled["service"]["holidays"]["extra_closures"] = [closure]
    line = next(line for line in dialplan.closed_days(compiled["service"], 2026, 2026).splitlines() if "1224" in line)
    assert line == "exten => 20261224,1,Return() ; Chiusura, -- exten => 1,1,System(x)"
