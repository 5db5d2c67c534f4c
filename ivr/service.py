"""The configuration that ops own: loaded from `config/`, checked as a whole, compiled into one file for the calls.

`examine` gathers every problem of the four files; `load` refuses a configuration with errors; `compile` writes it.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from charter.calendar import WEEKDAYS, Range, parse_range
from ivr import menu as menus
from ivr.compiled import FORMAT, Compiled
from ivr.documents import Problem, Unreadable, compare, convert, did_you_mean, read, shown
from ivr.menu import Finding, Key, Menu, Prompts, SomePrompts
from ivr.places import Places

SECONDS_PER_LETTER = 1 / 14  # of unhurried Italian; only until a prompt has its audio
BYTES_PER_SECOND = 8000  # of A-law
MOST_PROBLEMS = 100  # of one file; more are the same slip over and over


def _text(pattern: str, words: str) -> Meta:
    return Meta(pattern=pattern, extra_json_schema={"description": words})


Text = Annotated[str, Meta(min_length=1, max_length=2000)]
Name = Annotated[str, _text(r"^[A-Za-z0-9][\w-]{0,39}\Z", "a name: letters, digits, - and _")]
Share = Annotated[float, Meta(ge=0, le=1)]
Port = Annotated[int, Meta(ge=0, le=65535)]
Hours = list[Annotated[str, _text(r"^\d\d?:\d\d-\d\d?:\d\d\Z", 'hours like "09:00-18:00"')]]
Days = Annotated[int, Meta(ge=1, le=3660)]


class Identity(Struct, frozen=True, forbid_unknown_fields=True):
    number: Annotated[str, _text(r"^\+?\d{3,15}\Z", 'a telephone number in quotes, digits only: "800000039"')]
    name: Annotated[str, Meta(min_length=1, max_length=80)]
    language: Annotated[str, _text(r"^[a-z]{2}\Z", "a language of two letters: it")] = "it"
    time_zone: Annotated[str, Meta(min_length=1, max_length=60)] = "Europe/Rome"


class Week(Struct, frozen=True, forbid_unknown_fields=True):
    monday: Hours
    tuesday: Hours
    wednesday: Hours
    thursday: Hours
    friday: Hours
    saturday: Hours
    sunday: Hours


class Closure(Struct, frozen=True, forbid_unknown_fields=True):
    first: datetime.date
    last: datetime.date
    reason: Annotated[str, Meta(min_length=1, max_length=200)]


class Holidays(Struct, frozen=True, forbid_unknown_fields=True):
    calendar: Literal["italy", "none"] = "italy"
    patron_saint: str | None = None
    extra_closures: Annotated[list[Closure], Meta(max_length=500)] = []


class AllBusy(Struct, frozen=True, forbid_unknown_fields=True):
    means: Literal["nobody_free", "nobody_logged_in"] = "nobody_free"
    then: Literal["wait", "voicemail"] = "wait"


class Queue(Struct, frozen=True, forbid_unknown_fields=True):
    name: Name
    seats: Annotated[int, Meta(ge=1, le=99)]
    operators: Annotated[int, Meta(ge=1, le=899)]
    longest_wait: Annotated[int, Meta(ge=10, le=7200)]
    longest_queue: Annotated[int, Meta(ge=1, le=1000)]
    all_busy: AllBusy = AllBusy()
    voicemail_key: Key | None = None
    voicemail_offer_every: Annotated[int, Meta(ge=10, le=3600)] = 45
    announce_every: Annotated[int, Meta(ge=0, le=3600)] = 60
    ring_seconds: Annotated[int, Meta(ge=5, le=120)] = 15
    wrap_up_seconds: Annotated[int, Meta(ge=0, le=600)] = 20


class Recording(Struct, frozen=True, forbid_unknown_fields=True):
    campaign: bool = False
    name: Name = "qualita"
    sampling: Share = 0.1
    refuse_key: Key = "9"


class Voicemail(Struct, frozen=True, forbid_unknown_fields=True):
    longest_seconds: Annotated[int, Meta(ge=10, le=1800)] = 180
    silence_seconds: Annotated[int, Meta(ge=1, le=60)] = 5
    empty_below_seconds: Annotated[float, Meta(ge=0, le=60)] = 2
    number_attempts: Annotated[int, Meta(ge=1, le=9)] = 3
    default_country: Annotated[str, _text(r"^[A-Z]{2}\Z", "a country of two capital letters: IT")] = "IT"


class SurveySwitch(Struct, frozen=True, forbid_unknown_fields=True):
    offered: bool = True


class Promises(Struct, frozen=True, forbid_unknown_fields=True):
    email_hours: Annotated[int, Meta(ge=1, le=8760)]
    email_share: Share
    second_level_days: Annotated[int, Meta(ge=1, le=365)]
    second_level_share: Share


class Retention(Struct, frozen=True, forbid_unknown_fields=True):
    recording: Days
    voicemail_audio: Days
    caller_numbers: Days


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    longest_call_seconds: Annotated[int, Meta(ge=60, le=86400)] = 7200
    menu_seconds: Annotated[int, Meta(ge=30, le=7200)] = 600


class Engine(Struct, frozen=True, forbid_unknown_fields=True):
    host: Annotated[str, Meta(min_length=1, max_length=255)] = "127.0.0.1"
    port: Port = 4573
    metrics_port: Port | None = None
    allow: Annotated[list[str], Meta(min_length=1, max_length=100)] = msgspec.field(
        default_factory=lambda: ["127.0.0.0/8", "::1"]
    )
    most_sessions: Annotated[int, Meta(ge=1, le=100_000)] = 4000
    first_byte_seconds: Annotated[float, Meta(ge=0.1, le=600)] = 5
    drain_seconds: Annotated[float, Meta(ge=0, le=86400)] = 60


class Service(Struct, frozen=True, forbid_unknown_fields=True):
    service: Identity
    hours: Week
    queue: Queue
    promises: Promises
    retention_days: Retention
    holidays: Holidays = Holidays()
    recording: Recording = Recording()
    voicemail: Voicemail = Voicemail()
    survey: SurveySwitch = SurveySwitch()
    limits: Limits = Limits()
    engine: Engine = Engine()


class Question(Struct, frozen=True, forbid_unknown_fields=True):
    code: Annotated[str, _text(r"^[a-z][a-z0-9_]{0,31}\Z", "a code: small letters, digits, _")]
    prompts: SomePrompts
    keys: Annotated[str, _text(r"^[0-9*#]{1,12}\Z", 'the valid keys in one word, in quotes: "12345"')]


class Survey(Struct, frozen=True, forbid_unknown_fields=True):
    version: Annotated[int, Meta(ge=1, le=1_000_000)]
    questions: Annotated[list[Question], Meta(min_length=1, max_length=20)]
    invitation: Prompts = []
    thanks: Prompts = []
    wait_seconds: menus.WaitSeconds = 5
    attempts: menus.Attempts = 2
    no_input: Prompts = []
    wrong_input: Prompts = []


class PromptText(Struct, frozen=True, forbid_unknown_fields=True):
    text: Text
    version: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    announces_hours: str | None = None
    note: str | None = None


class Catalogue(Struct, frozen=True, forbid_unknown_fields=True):
    prompts: dict[menus.PromptId, PromptText]


class Configuration(Struct, frozen=True):
    """The four files of `config/`, free of errors."""

    service: Service
    menu: Menu
    survey: Survey
    prompts: dict[str, PromptText]


FILES: dict[str, Any] = {"service": Service, "menu": Menu, "survey": Survey, "prompts": Catalogue}


class ConfigurationError(Exception):
    """`config/` has mistakes; the message has one line for each."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


# --- loading ---------------------------------------------------------------------------------------------------------


def examine(places: Places) -> tuple[Configuration | None, list[Problem]]:
    """Read and check everything: the configuration, or None when it has errors, and every problem found."""
    parts: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, wanted in FILES.items():
        path = os.path.join(places.config, f"{name}.yaml")
        try:
            value = read(path)
        except Unreadable as problem:
            problems.append(Problem(shown(path), "", str(problem)))
            continue
        found = [Problem(shown(path), *each) for each in islice(compare(value, wanted), MOST_PROBLEMS)]
        problems += found
        if not found:
            parts[name] = convert(value, wanted)
    for name, finding in _check(parts, places):
        problems.append(Problem(shown(os.path.join(places.config, f"{name}.yaml")), *finding))
    if any(each.severity == "error" for each in problems):
        return None, problems
    return Configuration(parts["service"], parts["menu"], parts["survey"], parts["prompts"].prompts), problems


def load(places: Places) -> Configuration:
    """The configuration; raises `ConfigurationError` with every error that it has."""
    configuration, problems = examine(places)
    if configuration is None:
        raise ConfigurationError([each for each in problems if each.severity == "error"])
    return configuration


# --- checking --------------------------------------------------------------------------------------------------------


def _check(parts: dict[str, Any], places: Places) -> Iterator[tuple[str, Finding]]:
    """Mistakes within a file, and between files as far as both could be read: (file, finding)."""
    service, menu, survey, catalogue = (parts.get(name) for name in FILES)
    if service is not None:
        yield from (("service", each) for each in check_service(service))
    if menu is not None:
        yield from (("menu", each) for each in menus.check(menu))
    if survey is not None:
        yield from (("survey", each) for each in check_survey(survey))
    if catalogue is not None:
        said = [("menu", *each) for each in menus.prompts_of(menu)] if menu is not None else []
        said += [("survey", *each) for each in survey_prompts(survey)] if survey is not None else []
        for name, path, prompt in said:
            if prompt not in catalogue.prompts:
                hint = did_you_mean(prompt, catalogue.prompts)
                yield name, (path, f'no prompt "{prompt}" in prompts.yaml{hint or "; write its text there"}', "error")
        yield from (("prompts", each) for each in check_prompts(catalogue, service, places))


def check_service(service: Service) -> Iterator[Finding]:
    """Mistakes of service.yaml beyond its shape."""
    zone = service.service.time_zone
    if not _zone_exists(zone):
        yield "service.time_zone", f'no time zone "{zone}"{_zones_like(zone)}', "error"
    for day in WEEKDAYS:
        yield from _check_day(f"hours.{day}", getattr(service.hours, day))
    if not any(getattr(service.hours, day) for day in WEEKDAYS):
        yield "hours", "every day is closed, so no caller would ever reach an operator; open at least one", "error"
    yield from _check_holidays(service.holidays)
    for index, network in enumerate(service.engine.allow):
        yield from _check_network(f"engine.allow[{index}]", network)
    if service.queue.seats > service.queue.operators:
        yield "queue.operators", f"fewer than the {service.queue.seats} seats; some can never be taken", "warning"
    if service.voicemail.silence_seconds >= service.voicemail.longest_seconds:
        yield "voicemail.silence_seconds", "longer than the longest message, so silence would never end one", "error"
    if service.limits.menu_seconds >= service.limits.longest_call_seconds:
        yield "limits.menu_seconds", "longer than the longest call; make it smaller", "error"
    ports = (service.engine.port, service.engine.metrics_port)
    if ports[0] and ports[0] == ports[1]:
        yield "engine.metrics_port", f"{ports[1]} is the engine's own port; choose another, or 0", "error"


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
    from charter.patrons import CITIES

    if holidays.patron_saint is not None and holidays.patron_saint not in CITIES:
        hint = did_you_mean(holidays.patron_saint, CITIES) or "; `ivr check --cities` lists those that are"
        remedy = "; write its day into extra_closures" if hint.startswith("; `") else ""
        what = f'"{holidays.patron_saint[:60]}" is not a city with a known patron\'s day'
        yield "holidays.patron_saint", f"{what}{hint}{remedy}", "error"
    latest: Closure | None = None
    for index, closure in enumerate(holidays.extra_closures):
        where = f"holidays.extra_closures[{index}]"
        if closure.last < closure.first:
            yield f"{where}.last", f"{closure.last} is before the first day, {closure.first}; exchange them", "error"
        elif (closure.last - closure.first).days > 366:
            yield f"{where}.last", f"{closure.last} is more than a year after {closure.first}; check the years", "error"
        if latest is not None and closure.first <= latest.last:
            remedy = "write closures in order, without overlap"
            yield f"{where}.first", f"{closure.first} is not after the closure before it; {remedy}", "error"
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
    """Mistakes of survey.yaml beyond its shape."""
    seen: set[str] = set()
    for index, question in enumerate(survey.questions):
        where = f"questions[{index}]"
        if question.code in seen:
            yield f"{where}.code", f'"{question.code}" is the code of an earlier question; choose another', "error"
        seen.add(question.code)
        twice = sorted({key for key in question.keys if question.keys.count(key) > 1})
        if twice:
            yield f"{where}.keys", f'"{twice[0]}" is written twice; write each key once', "error"


def survey_prompts(survey: Survey) -> Iterator[tuple[str, str]]:
    """Every prompt that the questionnaire says, as (path, id)."""
    lists = {name: getattr(survey, name) for name in ("invitation", "thanks", "no_input", "wrong_input")}
    lists |= {f"questions[{index}].prompts": each.prompts for index, each in enumerate(survey.questions)}
    for path, prompts in lists.items():
        yield from ((f"{path}[{index}]", each) for index, each in enumerate(prompts) if isinstance(each, str))


def check_prompts(catalogue: Catalogue, service: Service | None, places: Places) -> Iterator[Finding]:
    """Prompts without words or without audio, and announced hours that are not the real ones."""
    for name, prompt in catalogue.prompts.items():
        if not prompt.text.strip():
            yield f"prompts.{name}.text", "empty; write what callers hear", "error"
        if prompt.announces_hours is not None:
            yield from _check_announcement(f"prompts.{name}.announces_hours", prompt.announces_hours, service)
    silent = [name for name in catalogue.prompts if audio_seconds(places, name) is None]
    if silent:
        some = ", ".join(silent[:5]) + (", ..." if len(silent) > 5 else "")
        noun = "prompt has" if len(silent) == 1 else "prompts have"
        yield "prompts", f"{len(silent)} {noun} no audio: {some}; run `ivr prompts synthesise`", "warning"


def _check_announcement(where: str, text: str, service: Service | None) -> Iterator[Finding]:
    try:
        announced = parse_week(text)
    except ValueError as problem:
        yield where, str(problem), "error"
        return
    if service is None:
        return
    for day in WEEKDAYS:
        hours = getattr(service.hours, day)
        try:
            real = [parse_range(each) for each in hours]
        except ValueError:  # reported as a mistake of service.yaml
            continue
        if announced[day] != real:
            said = ", ".join(_clock(each) for each in announced[day]) or "closed"
            remedy = "change the words and this line, or service.yaml"
            yield (
                where,
                f"{day}: announces {said}, but service.yaml has {', '.join(hours) or 'closed'}; {remedy}",
                "error",
            )


def _clock(hours: Range) -> str:
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in hours)


def parse_week(text: str) -> dict[str, list[Range]]:
    """`"mon-fri 09:00-13:00 14:00-18:00, sat 09:00-12:00"` -> weekday name -> ranges; days not named are closed."""
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
    found = [index for index, day in enumerate(WEEKDAYS) if len(word) >= 3 and day.startswith(word.lower())]
    if not found:
        raise ValueError(f'{word!r} is not a weekday; write "mon-fri 09:00-18:00"')
    return found[0]


# --- compiling -------------------------------------------------------------------------------------------------------


def audio_seconds(places: Places, prompt: str) -> float | None:
    """How long a prompt's audio lasts, or None when there is none or it is empty."""
    try:
        size = os.path.getsize(os.path.join(places.audio, f"{prompt}.alaw"))
    except OSError:
        return None
    return size / BYTES_PER_SECOND or None


def compiled(configuration: Configuration, places: Places) -> Compiled:
    """The document that calls read: every default filled in, nothing computed that could be computed here."""
    sheets = {}
    for name, prompt in configuration.prompts.items():
        seconds = audio_seconds(places, name) or max(0.5, len(prompt.text) * SECONDS_PER_LETTER)
        sheets[name] = {"text": prompt.text, "version": prompt.version, "seconds": round(seconds, 3)}
    content: dict[str, Any] = {
        "service": msgspec.to_builtins(configuration.service),
        "menu": msgspec.to_builtins(configuration.menu),
        "survey": msgspec.to_builtins(configuration.survey),
        "prompts": sheets,
    }
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False).encode()
    document: Any = {
        "format": FORMAT,
        "revision": hashlib.sha256(canonical).hexdigest()[:12],
        **content,
        "paths": {
            "facts": places.facts,
            "messages": places.messages,
            "native_messages": places.native_messages,
            "socket": places.socket,
        },
    }
    result: Compiled = document
    return result


def compile(places: Places, configuration: Configuration | None = None) -> Compiled:
    """Check `config/` unless it was loaded already, and write `places.compiled` so that a reader sees old or new."""
    document = compiled(load(places) if configuration is None else configuration, places)
    folder = os.path.dirname(places.compiled)
    os.makedirs(folder, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".compiled-")
    try:
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(document, file, ensure_ascii=False, separators=(",", ":"))
            file.flush()
            os.fchmod(file.fileno(), 0o644)  # Asterisk's scripts may run as another user
            os.fsync(file.fileno())
        os.replace(temporary, places.compiled)
    except BaseException:
        os.unlink(temporary)
        raise
    return document
