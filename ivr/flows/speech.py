"""Prompts as names of Asterisk's sound files; numbers, hours and days are joined from recorded pieces."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from charter.calendar import OpeningHours

if TYPE_CHECKING:
    from ivr.configuration.compiled import Compiled, Prompt, Service

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def sounds(compiled: Compiled, prompts: Iterable[Prompt], now: float) -> list[str]:
    """The sound files for a list of prompts, in order. `now`: epoch seconds, for what depends on the time."""
    files: list[str] = []
    for prompt in prompts:
        if isinstance(prompt, str):
            files.append(sound(prompt))
        elif prompt["say"] == "opening_hours":
            files += map(sound, opening_hours(compiled["service"]))
        else:
            files += map(sound, next_opening(compiled["service"], now))
    return files


def sound(prompt: str) -> str:
    """Asterisk's name of a prompt: numbers are where Asterisk itself looks for them, all others under nul/."""
    return prompt if prompt.startswith("digits/") else f"nul/{prompt}"


def number(value: int) -> list[str]:
    """An Italian number from 0 to 99: venti + tre, but ventuno and ventotto have sounds of their own."""
    tens, units = divmod(value, 10)
    if value <= 20 or units in (0, 1, 8):
        return [f"digits/{value}"]
    return [f"digits/{tens * 10}", f"digits/{units}"]


def clock_time(hour: int, minute: int) -> list[str]:
    """18:30 as "diciotto e trenta"."""
    return number(hour) + (["and-join", *number(minute)] if minute else [])


def opening_hours(service: Service) -> list[str]:
    """The weekly hours, with equal days grouped: "dal lunedi al venerdi, dalle ore 9 alle ore 18"."""
    pieces = ["hours-intro"]
    for days, ranges in _runs(service["hours"]):
        pieces += _days(days)
        for position, span in enumerate(ranges):
            begin, end = (datetime.strptime(edge, "%H:%M") for edge in span.replace("24:00", "00:00").split("-"))
            pieces += ["and-join"] if position else []
            pieces += ["hours-from", *clock_time(begin.hour, begin.minute)]
            pieces += ["hours-to", *clock_time(end.hour, end.minute)]
    return [*pieces, "except-holidays"]


def next_opening(service: Service, now: float) -> list[str]:
    """When the service opens again: "domani alle ore 9", "lunedi alle ore 9", "mercoledi 7 gennaio alle ore 9"."""
    zone = ZoneInfo(service["service"]["time_zone"])
    today = datetime.fromtimestamp(now, zone).date()
    instant = OpeningHours.of(service).next_opening(now)
    if instant == math.inf:  # closed for years: nothing to announce
        return []
    opening = datetime.fromtimestamp(instant, zone)
    day = opening.date()
    if day == today:
        when = ["today"]
    elif day == today + timedelta(days=1):
        when = ["tomorrow"]
    else:
        when = [f"day-{DAYS[day.weekday()]}"]
    if day - today >= timedelta(days=7):
        when += ["digits/h-1"] if day.day == 1 else number(day.day)
        when.append(f"digits/mon-{day.month - 1}")
    return ["next-opening-intro", *when, "at-hour", *clock_time(opening.hour, opening.minute)]


def _runs(hours: dict[str, list[str]]) -> list[tuple[list[str], list[str]]]:
    """Consecutive open days with the same hours, as ([days], [ranges])."""
    runs: list[tuple[list[str], list[str]]] = []
    previous: list[str] = []
    for day in DAYS:
        ranges = hours.get(day, [])
        if ranges and ranges == previous:
            runs[-1][0].append(day)
        elif ranges:
            runs.append(([day], ranges))
        previous = ranges
    return runs


def _days(days: list[str]) -> list[str]:
    if len(days) == 7:
        return ["every-day"]
    if len(days) == 1:
        return [f"day-{days[0]}"]
    whole = f"days-{days[0]}-{days[-1]}"
    if whole in ("days-monday-friday", "days-monday-saturday"):  # one recording
        return [whole]
    return [f"days-from-{days[0]}", f"days-to-{days[-1]}"]
