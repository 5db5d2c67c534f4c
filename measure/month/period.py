"""A month of local days, from midnight to midnight, with the clock changes between."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from charter.calendar import OpeningHours
from charter.promises import end_of_day
from common.command_line import Refusal

ONE_DAY = timedelta(days=1)


class Span(NamedTuple):
    """[start, until), epoch seconds."""

    start: float
    until: float


class Month(NamedTuple):
    year: int
    number: int

    @property
    def code(self) -> str:
        return f"{self.year:04}-{self.number:02}"

    @property
    def days(self) -> list[date]:
        first, following = date(self.year, self.number, 1), self.later(1)
        count = (date(following.year, following.number, 1) - first).days
        return [first + n * ONE_DAY for n in range(count)]

    @property
    def weeks(self) -> list[list[date]]:
        """Its days in weeks from Monday to Sunday; the first and the last week may be short."""
        weeks: list[list[date]] = []
        for day in self.days:
            if not weeks or day.weekday() == 0:
                weeks.append([])
            weeks[-1].append(day)
        return weeks

    def later(self, months: int) -> Month:
        year, number = divmod(12 * self.year + self.number - 1 + months, 12)
        return Month(year, number + 1)

    def span(self, hours: OpeningHours) -> Span:
        days = self.days
        return Span(end_of_day(days[0] - ONE_DAY, hours), end_of_day(days[-1], hours))


def parse_month(text: str) -> Month:
    """The month of `2026-10`. Raises `Refusal`."""
    match = re.fullmatch(r"(\d{4})-(\d\d)", text, re.ASCII)
    if not match or not 1 <= int(match[2]) <= 12 or not 2001 <= int(match[1]) <= 2999:
        raise Refusal(f"--month: {text!r} is not a month; write year and month, such as 2026-10")
    return Month(int(match[1]), int(match[2]))


def week_code(days: Sequence[date]) -> str:
    return f"{days[0].isoformat()}/{days[-1].isoformat()}"
