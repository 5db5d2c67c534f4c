"""The checks of service.yaml, survey.yaml and prompts.yaml beyond their types.

Each check yields every finding, as (path in the document, message, severity).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise

import msgspec

from charter.calendar import WEEKDAYS, Range, parse_range
from common.places import Places
from common.suggestions import did_you_mean
from ivr.configuration.menu import AskNode, Finding, Menu, NoticeNode, edges, reachable
from ivr.configuration.required_prompts import REQUIRED
from ivr.configuration.settings import Catalogue, Closure, Holidays, PromptText, Service, Survey
from ivr.configuration.spoken import check_spoken_hours
from ivr.prompts import placeholders
from ivr.prompts.sound import RATE, SUFFIX


def check_service(service: Service) -> Iterator[Finding]:
    """Mistakes of service.yaml beyond its types."""
    zone = service.service.time_zone
    if not _zone_exists(zone):
        yield "service.time_zone", f'no time zone "{zone}"{_zones_like(zone)}', "error"
    for day in WEEKDAYS:
        yield from _check_day(f"hours.{day}", getattr(service.hours, day))
    if not any(getattr(service.hours, day) for day in WEEKDAYS):
        yield "hours", "every day is closed, so no caller could reach an operator; open at least one day", "error"
    yield from _check_holidays(service.holidays)
    for index, network in enumerate(service.engine.allow):
        yield from _check_network(f"engine.allow[{index}]", network)
    yield from _check_countries(service)
    yield from _check_limits(service)
    ports = (service.engine.port, service.engine.metrics_port)
    if ports[0] and ports[0] == ports[1]:
        yield "engine.metrics_port", f"{ports[1]} is already engine.port; choose another, or 0", "error"


def _check_countries(service: Service) -> Iterator[Finding]:
    """Countries that no telephone number can have, such as UK for GB."""
    countries = {f"callbacks.countries[{index}]": name for index, name in enumerate(service.callbacks.countries)}
    countries["voicemail.default_country"] = service.voicemail.default_country
    if set(countries.values()) == {"IT"}:  # as shipped; the import takes 60 ms
        return
    from phonenumbers import SUPPORTED_REGIONS

    for where, name in countries.items():
        if name not in SUPPORTED_REGIONS:
            remedy = "write the two letters of ISO 3166: IT, SM, GB"
            yield where, f'"{name}" is not a country with telephone numbers; {remedy}', "error"


def _check_limits(service: Service) -> Iterator[Finding]:
    """Numbers that contradict each other, or promise nothing."""
    queue, voicemail, limits = service.queue, service.voicemail, service.limits
    if queue.seats > queue.operators:
        yield "queue.operators", f"fewer than the {queue.seats} seats, so some seats stay empty", "warning"
    if voicemail.silence_seconds >= voicemail.longest_seconds:
        what = "not below longest_seconds, so silence would never end a message"
        yield "voicemail.silence_seconds", f"{what}; make it smaller", "error"
    if limits.menu_seconds >= limits.longest_call_seconds:
        yield "limits.menu_seconds", "not below longest_call_seconds; make it smaller", "error"
    for promise in ("email", "second_level", "callback"):
        if not getattr(service.promises, f"{promise}_share"):
            yield f"promises.{promise}_share", "0 promises nothing; write a share such as 0.9", "error"
    if not service.callbacks.hours_between:
        yield "callbacks.hours_between", "0: a person who does not answer is called again at once", "warning"


def _check_day(where: str, hours: list[str]) -> Iterator[Finding]:
    ranges: list[Range] = []
    for index, text in enumerate(hours):
        try:
            ranges.append(parse_range(text))
        except ValueError as problem:
            yield f"{where}[{index}]", str(problem), "error"
            return
    for index, (before, after) in enumerate(pairwise(ranges), 1):
        if after.start < before.start:
            yield (
                f"{where}[{index}]",
                f'"{hours[index]}" starts before "{hours[index - 1]}"; write them in order',
                "error",
            )
        elif after.start < before.until:
            yield f"{where}[{index}]", f'"{hours[index]}" overlaps "{hours[index - 1]}"; write one range', "error"


def _check_holidays(holidays: Holidays) -> Iterator[Finding]:
    from charter.patron_saints import CITIES

    if holidays.patron_saint is not None and holidays.patron_saint not in CITIES:
        other = "; `ivr check --cities` lists them; for another city, write the day into extra_closures"
        hint = did_you_mean(holidays.patron_saint, CITIES) or other
        what = f'"{holidays.patron_saint[:60]}" is not a city whose patron saint\'s day is known'
        yield "holidays.patron_saint", f"{what}{hint}", "error"
    latest: Closure | None = None
    for index, closure in enumerate(holidays.extra_closures):
        where = f"holidays.extra_closures[{index}]"
        if closure.last < closure.first:
            yield f"{where}.last", f"{closure.last} is before the first day, {closure.first}; swap them", "error"
        elif (closure.last - closure.first).days > 366:
            yield f"{where}.last", f"{closure.last} is more than a year after {closure.first}; check the years", "error"
        if latest is not None and closure.first <= latest.last:
            remedy = "write closures in order, without overlap"
            yield f"{where}.first", f"{closure.first} is not after the previous closure; {remedy}", "error"
        latest = closure


def _check_network(where: str, network: str) -> Iterator[Finding]:
    import ipaddress

    try:
        ipaddress.ip_network(network)
    except ValueError as problem:
        yield where, f'{problem}; write an address or a network: "127.0.0.0/8"', "error"


def _zone_exists(name: str) -> bool:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _zones_like(name: str) -> str:
    from zoneinfo import available_timezones

    return did_you_mean(name, sorted(available_timezones())) or '; write one like "Europe/Rome"'


def check_survey(survey: Survey) -> Iterator[Finding]:
    """Mistakes of survey.yaml beyond its types."""
    seen: set[str] = set()
    for index, question in enumerate(survey.questions):
        where = f"questions[{index}]"
        if question.code in seen:
            yield f"{where}.code", f'"{question.code}" is the code of an earlier question; choose another', "error"
        seen.add(question.code)
        if question.title is None:
            yield f"{where}.title", "missing, so reports show the code; add {it: ..., en: ...}", "warning"
        low, high = question.bounds
        outside = sorted(key for key in question.keys if not low <= int(key) <= high)
        if low >= high:
            message = f'"{question.scale}" does not go up; write the worst answer, then the best: "1-5"'
            yield f"{where}.scale", message, "error"
        elif outside:
            what = f'"{outside[0]}" is not on the scale {question.scale}'
            yield f"{where}.keys", f"{what}; change keys or scale, and the words of the prompt", "error"
        twice = sorted({key for key in question.keys if question.keys.count(key) > 1})
        if twice:
            yield f"{where}.keys", f'"{twice[0]}" is written twice; write each key once', "error"


def survey_prompts(survey: Survey) -> Iterator[tuple[str, str]]:
    """Every prompt that the questionnaire plays, as (path, id)."""
    lists = {name: getattr(survey, name) for name in ("invitation", "thanks", "no_input", "wrong_input")}
    lists |= {f"questions[{index}].prompts": each.prompts for index, each in enumerate(survey.questions)}
    for path, prompts in lists.items():
        yield from ((f"{path}[{index}]", each) for index, each in enumerate(prompts) if isinstance(each, str))


def check_prompts(catalogue: Catalogue, service: Service | None, places: Places) -> Iterator[Finding]:
    """Prompts without text or audio, and announced hours that differ from the real ones."""
    for name, prompt in catalogue.prompts.items():
        if not prompt.text.strip():
            yield f"prompts.{name}.text", "empty; write what callers hear", "error"
        yield from _check_announcement(f"prompts.{name}", prompt, service)
    for name in sorted(REQUIRED - catalogue.prompts.keys()):
        yield (
            "prompts",
            f'"{name}" is missing, which callers or operators hear; copy it from the shipped file',
            "error",
        )
    identity = {"service": msgspec.to_builtins(service.service)} if service is not None else {}
    silent = [
        name
        for name, prompt in catalogue.prompts.items()
        if placeholders.fill(prompt.text, identity) and audio_seconds(places, name) is None
    ]
    if silent:
        some = ", ".join(silent[:5]) + (", ..." if len(silent) > 5 else "")
        noun = "prompt has" if len(silent) == 1 else "prompts have"
        yield "prompts", f"{len(silent)} {noun} no audio: {some}; run `ivr prompts synthesise`", "warning"


def _check_announcement(where: str, prompt: PromptText, service: Service | None) -> Iterator[Finding]:
    """The hours that a prompt states: its words, its `announces_hours` and service.yaml must agree."""
    if prompt.announces_hours is None:
        yield from check_spoken_hours(where, prompt, None)
        return
    where_announced = f"{where}.announces_hours"
    try:
        announced = parse_week(prompt.announces_hours)
    except ValueError as problem:
        yield where_announced, str(problem), "error"
        return
    yield from check_spoken_hours(where, prompt, announced)
    if service is None:
        return
    for day in WEEKDAYS:
        hours = getattr(service.hours, day)
        try:
            real = [parse_range(each) for each in hours]
        except ValueError:  # reported as a mistake of service.yaml
            continue
        if announced[day] != real:
            spoken = ", ".join(_clock(each) for each in announced[day]) or "closed"
            remedy = "change the text and this line, or service.yaml"
            message = f"{day}: announces {spoken}, but service.yaml has {', '.join(hours) or 'closed'}; {remedy}"
            yield where_announced, message, "error"


def check_refuse_key(service: Service, menu: Menu) -> Iterator[Finding]:
    """A caller who knows the menu may press a key during the notice: that key must not mean a refusal."""
    ways = {name: [edge.target for edge in edges(node) if not edge.key] for name, node in menu.nodes.items()}
    after = reachable(ways, [name for name, node in menu.nodes.items() if isinstance(node, NoticeNode)])
    for name in menu.nodes:
        node = menu.nodes[name]
        key = service.recording.refuse_key
        if name in after and isinstance(node, AskNode) and key in (*node.keys, node.repeat_key):
            clash = f'"{key}" is also a key of "{name}" in menu.yaml, which comes after the notice'
            yield "recording.refuse_key", f"{clash}; choose a key that is free there", "error"


def _clock(hours: Range) -> str:
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in hours)


def parse_week(text: str) -> dict[str, list[Range]]:
    """`"mon-fri 09:00-13:00 14:00-18:00, sat 09:00-12:00"` as weekday name -> ranges; other days are closed."""
    week: dict[str, list[Range]] = {day: [] for day in WEEKDAYS}
    for part in text.split(","):
        days, *hours = part.split() or [""]
        first, _, last = days.partition("-")
        start, end = _weekday(first), _weekday(last or first)
        if end < start or not hours:
            raise ValueError(f'{part.strip()!r}: write days and hours, like "mon-fri 09:00-18:00"')
        for day in WEEKDAYS[start : end + 1]:
            week[day] += [parse_range(each) for each in hours]
    return week


def _weekday(word: str) -> int:
    matches = [index for index, day in enumerate(WEEKDAYS) if len(word) >= 3 and day.startswith(word.lower())]
    if not matches:
        raise ValueError(f'{word!r} is not a weekday; write "mon-fri 09:00-18:00"')
    return matches[0]


def audio_seconds(places: Places, prompt: str) -> float | None:
    """How long a prompt's audio lasts, or None when the file is missing or empty."""
    try:
        size = os.path.getsize(os.path.join(places.audio, prompt + SUFFIX))
    except OSError:
        return None
    return size / RATE or None
