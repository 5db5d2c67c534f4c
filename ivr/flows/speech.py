"""Prompts as names of Asterisk's sound files; numbers, hours and days are joined from recorded pieces."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from charter.calendar import MIDNIGHT, OpeningHours, parse_range

if TYPE_CHECKING:
    from ivr.configuration.compiled import Compiled, Prompt, Service

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def sounds(compiled: Compiled, prompts: Iterable[Prompt], now: float) -> list[str]:
    """The sound files for a list of prompts, in order. `now`: epoch seconds, for what depends on the time.

    A prompt whose text says a setting that is null has an empty text, and is left out.
    """
    files: list[str] = []
    for prompt in prompts:
        if isinstance(prompt, str):
            sheet = compiled["prompts"].get(prompt)
            if sheet is None or sheet["text"]:  # playing one that does not exist fails, which is logged
                files.append(sound(prompt))
        elif prompt["say"] == "opening_hours":
            files += map(sound, opening_hours(compiled["service"], now))
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
    """18:30 as "diciotto e trenta"; one o'clock is "una"."""
    spoken = ["digits/ore-una"] if hour == 1 else number(hour)
    return spoken + (["and-join", *number(minute)] if minute else [])


def opening_hours(service: Service, now: float) -> list[str]:
    """The weekly hours, with equal days grouped: "dal lunedì al venerdì, dalle ore 9 alle ore 18".

    On a day that is open by these hours and closed by a holiday or a closure, callers hear first that it is closed.
    """
    pieces = ["closed-today"] if _closed_by_exception(service, now) else []
    pieces.append("hours-intro")
    groups = _groups(service["hours"])
    for index, (days, ranges) in enumerate(groups):
        pieces += ["and-join"] if index and index == len(groups) - 1 else []
        pieces += _days(days)
        for position, span in enumerate(ranges):
            pieces += ["and-join"] if position else []
            pieces += _range(span)
    return [*pieces, "except-holidays"]


def _range(span: str) -> list[str]:
    opens, closes = parse_range(span)
    if closes - opens == MIDNIGHT:
        return ["all-day"]
    begin, end = divmod(opens, 60), divmod(closes, 60)  # midnight at the end of a day is 24:00
    return ["hours-from", *clock_time(*begin), "hours-to", *clock_time(*end)]


def _closed_by_exception(service: Service, now: float) -> bool:
    hours = OpeningHours.of(service)
    day = hours.local(now).date()
    return bool(service["hours"][DAYS[day.weekday()]]) and hours.day_reason(day).kind != "open"


def next_opening(service: Service, now: float) -> list[str]:
    """When the service opens again: "domani alle ore 9", "lunedì alle ore 9", "mercoledì 7 gennaio alle ore 9"."""
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


def _groups(hours: dict[str, list[str]]) -> list[tuple[list[str], list[str]]]:
    """Open days with the same hours, as ([days], [ranges]), in the order of their first days."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for day in DAYS:
        if hours.get(day):
            groups.setdefault(tuple(hours[day]), []).append(day)
    return [(days, list(ranges)) for ranges, days in groups.items()]


def _days(days: list[str]) -> list[str]:
    """The days of a group: "dal lunedì al mercoledì e il venerdì". Three days or more in a row are a span."""
    if len(days) == 7:
        return ["every-day"]
    spans = [span for run in _runs(days) for span in _span(run)]
    last = ["and-join", *spans[-1]] if len(spans) > 1 else spans[-1]
    return [piece for span in spans[:-1] for piece in span] + last


def _runs(days: list[str]) -> list[list[str]]:
    """Days split where they do not follow each other."""
    runs: list[list[str]] = []
    for day in days:
        if runs and DAYS.index(day) == DAYS.index(runs[-1][-1]) + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def _span(run: list[str]) -> list[list[str]]:
    if len(run) < 3:
        return [[f"on-{day}"] for day in run]
    whole = f"days-{run[0]}-{run[-1]}"
    if whole in ("days-monday-friday", "days-monday-saturday"):  # one recording
        return [[whole]]
    return [[f"days-from-{run[0]}", f"days-to-{run[-1]}"]]
