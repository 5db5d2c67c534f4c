"""Compares the numbers and opening hours that prompts say with the settings.

A prompt declares the settings that it says (`speaks` in prompts.yaml), each with the words that say it:

    speaks: {voicemail.longest_seconds: "3 minuti"}

The name is a setting of service.yaml, or `survey.questions` (how many there are), `survey.scale` (of all questions) or
`survey.scale.<code>` of survey.yaml. `no_setting` lists words that no setting decides ("meno di un minuto"). Keys need
no declaration where a prompt offers the keys of its menu node, or of the program itself (`PROGRAM_KEYS`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from charter.calendar import WEEKDAYS, Range
from common.suggestions import did_you_mean
from ivr.configuration.menu import AskNode, Finding, InformNode, Menu, Node, NoticeNode, PlayNode, Severity
from ivr.configuration.settings import Catalogue, PromptText, Service, Survey
from ivr.configuration.spoken_numbers import DAY, SpokenNumber, Unit, find_hours, find_numbers, key_code, key_name

NO_SETTING = "no_setting"

# The keys that the program itself accepts after its prompts. tests/ compares them with the flows and the dialplan.
PROGRAM_KEYS = {
    "number-confirm": "12",
    "vm-confirm-number": "12",
    "vm-review": "123#",
    "vm-record": "#",
    "vm-privacy": "5",
    "vm-continue": "12",
    "vm-type-number": "#",
    "fallback-record": "#",
}

# Settings whose name does not end with their unit.
_SECONDS = ("longest_wait", "voicemail_offer_every", "announce_every")
_HOURS = ("hours_between",)
_ATTEMPTS = ("most_attempts", "number_attempts")


class Setting(NamedTuple):
    """A setting as callers would hear it; a scale has two values."""

    unit: Unit
    low: float
    high: float
    written: str  # as in the file


def check_spoken(
    catalogue: Catalogue, service: Service | None, menu: Menu | None, survey: Survey | None
) -> Iterator[Finding]:
    """Words that say something else than the settings, as findings of prompts.yaml."""
    settings = find_settings(service, survey)
    compared = {prompt for _, prompt, _ in prompts_with_keys(menu)} if menu is not None else None
    for name, prompt in catalogue.prompts.items():
        if name.startswith("digits/"):
            continue
        prompt = msgspec.structs.replace(prompt, text=" ".join(prompt.text.split()))  # noqa: PLW2901
        numbers, where = find_numbers(prompt.text), f"prompts.{name}"
        numbers = [number for number in numbers if not _inside(number, _hour_places(prompt))]
        for path, phrase in _declarations(prompt):
            covered = _places(prompt.text, phrase)
            if not covered:
                message = f'"{phrase}" is not in the text; write the words that say it, as they are there'
                yield f"{where}.speaks.{path}", message, "error"
            elif path != NO_SETTING and service is not None and survey is not None:
                said = [number for number in numbers if _inside(number, covered)]
                yield from _check_declared(f"{where}.speaks.{path}", path, phrase, said, settings)
            numbers = [number for number in numbers if not _inside(number, covered)]
        yield from _check_program_keys(name, prompt, numbers)
        free_keys = compared is None or name in compared or name in PROGRAM_KEYS
        for number in numbers:
            if not (number.unit == "key" and free_keys):
                yield _undeclared(where, number, prompt, settings)


def _declarations(prompt: PromptText) -> Iterator[tuple[str, str]]:
    for path, phrases in (prompt.speaks or {}).items():
        for phrase in [phrases] if isinstance(phrases, str) else phrases:
            yield path, phrase


def _check_declared(
    where: str, path: str, phrase: str, said: list[SpokenNumber], settings: dict[str, Setting | None]
) -> Iterator[Finding]:
    if path not in settings:
        hint = did_you_mean(path, settings) or f'; write one like queue.voicemail_key, or "{NO_SETTING}"'
        # A question may be removed and its prompt kept.
        severity: Severity = "warning" if path.startswith("survey.scale.") else "error"
        yield where, f"no setting has this name{hint}", severity
        return
    setting = settings[path]
    if setting is None:  # switched off, so the prompt is not played
        return
    if len(said) != 1:
        count = "no number" if not said else f"{len(said)} numbers"
        yield where, f'"{phrase}" says {count}; write the words that say one, such as "30 giorni" or "prema 1"', "error"
    elif not _agree(said[0], setting):
        remedy = "change the text (and its audio) or the setting"
        yield where, f'callers hear "{phrase}", but {path} is {setting.written}; {remedy}', "error"


def _agree(number: SpokenNumber, setting: Setting) -> bool:
    if number.unit == setting.unit:
        if number.unit == "scale":
            return (number.low, number.high) == (setting.low, setting.high)
        return number.low <= setting.low <= number.high
    in_seconds = {"seconds": 1, "days": DAY}
    if number.unit in in_seconds and setting.unit in in_seconds:
        value = setting.low * in_seconds[setting.unit]
        return number.low * in_seconds[number.unit] <= value <= number.high * in_seconds[number.unit]
    return False


def _check_program_keys(name: str, prompt: PromptText, numbers: list[SpokenNumber]) -> Iterator[Finding]:
    known = PROGRAM_KEYS.get(name)
    for number in numbers:
        if known is not None and number.unit == "key" and number.low not in map(key_code, known):
            words = number.within(prompt.text)
            message = f'callers hear "{words}", but the keys after this prompt are {", ".join(known)}; change the text'
            yield f"prompts.{name}.text", message, "error"


def _undeclared(where: str, number: SpokenNumber, prompt: PromptText, settings: dict[str, Setting | None]) -> Finding:
    words = number.within(prompt.text)
    fitting = [path for path, setting in settings.items() if setting is not None and _agree(number, setting)]
    some = fitting[0] if fitting else NO_SETTING
    other = f", or {NO_SETTING} if no setting decides it" if fitting else " if no setting decides it"
    return f"{where}.text", f'says "{words}"; add `speaks: {{{some}: "{words}"}}`{other}', "warning"


# --- the keys of the menu --------------------------------------------------------------------------------------------


def prompts_with_keys(menu: Menu) -> Iterator[tuple[str, str, set[str]]]:
    """Every prompt after which, or during which, callers can press a key, as (path, prompt, keys)."""
    for name, node in menu.nodes.items():
        if question := _question_after(menu, node):
            keys = {*question.keys, *([question.repeat_key] if question.repeat_key else [])}
            lists = {"prompts": node.prompts} if isinstance(node, AskNode | PlayNode | InformNode) else {}
            if isinstance(node, AskNode):
                lists |= {"no_input.prompts": node.no_input.prompts, "wrong_input.prompts": node.wrong_input.prompts}
                lists |= {"retry_prompts": node.retry_prompts}
            for path, prompts in lists.items():
                for index, prompt in enumerate(prompts):
                    if isinstance(prompt, str):
                        yield f"nodes.{name}.{path}[{index}]", prompt, keys


def _question_after(menu: Menu, node: Node | None) -> AskNode | None:
    """The question that a key pressed in this node answers."""
    for _ in menu.nodes:  # a circle is reported by the checks of the menu
        if isinstance(node, AskNode) or not isinstance(node, PlayNode | InformNode | NoticeNode):
            break
        node = menu.nodes.get(node.next)
    return node if isinstance(node, AskNode) else None


def check_menu_keys(menu: Menu, catalogue: Catalogue) -> Iterator[Finding]:
    """Keys that a text names and the menu lacks, as findings of menu.yaml. Texts are free, so these are warnings."""
    for path, prompt, keys in prompts_with_keys(menu):
        text = catalogue.prompts[prompt].text if prompt in catalogue.prompts else ""
        for number in find_numbers(text):
            if number.unit == "key" and number.low not in map(key_code, keys):
                real = ", ".join(sorted(keys))
                key = key_name(number.low)
                message = f'"{prompt}" says to press {key}, but the keys here are {real}; change one of them'
                yield path, message, "warning"


# --- settings --------------------------------------------------------------------------------------------------------


def find_settings(service: Service | None, survey: Survey | None) -> dict[str, Setting | None]:
    """Every setting that a prompt can say, by its path; None for one that is switched off."""
    settings = dict(_leaves(msgspec.to_builtins(service), "")) if service is not None else {}
    if survey is not None:
        count = len(survey.questions)
        settings["survey.questions"] = Setting("questions", count, count, str(count))
        scales = {question.code: question.bounds for question in survey.questions}
        settings |= {f"survey.scale.{code}": _scale(*bounds) for code, bounds in scales.items()}
        if len(set(scales.values())) == 1:
            settings["survey.scale"] = next(_scale(*bounds) for bounds in scales.values())
    return settings


def _scale(low: int, high: int) -> Setting:
    return Setting("scale", low, high, f'"{low}-{high}"')


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Setting | None]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else key)
        return
    name = path.rpartition(".")[2]
    if name.endswith("_key"):
        yield path, None if value is None else Setting("key", key_code(value), key_code(value), f'"{value}"')
    elif isinstance(value, int | float) and not isinstance(value, bool) and (unit := _unit(path, name)):
        number = value * {"percent": 100, "seconds": 3600 if _in_hours(name) else 1}.get(unit, 1)
        number = number * 60 if name.endswith("_minutes") else number
        yield path, Setting(unit, round(number, 6), round(number, 6), str(value))


def _in_hours(name: str) -> bool:
    return name.endswith("_hours") or name in _HOURS


def _unit(path: str, name: str) -> Unit | None:
    if name.endswith(("_seconds", "_minutes")) or name in _SECONDS or _in_hours(name):
        return "seconds"
    if path.startswith("retention_days.") or name.endswith("_days"):
        return "days"
    if name.endswith("_share") or name == "sampling":
        return "percent"
    if name in _ATTEMPTS:
        return "attempts"
    return {"queue.seats": "seats", "queue.operators": "operators"}.get(path)  # type: ignore[return-value]


# --- words -----------------------------------------------------------------------------------------------------------


def check_spoken_hours(where: str, prompt: PromptText, announced: dict[str, list[Range]] | None) -> Iterator[Finding]:
    """Opening hours in the words of a prompt that differ from its `announces_hours`. `announced`: that, as a week."""
    spoken = find_hours(prompt.text)
    if spoken is None:
        if announced is not None:
            yield (
                f"{where}.announces_hours",
                'the text states no hours in the form "dal lunedì al venerdì, dalle ore 9 alle ore 18", so they cannot '
                "be compared; write it so, or remove this line",
                "warning",
            )
        return
    line = write_week(spoken.week)
    if announced is None:
        yield f"{where}.text", f'states opening hours; add `announces_hours: "{line}"`', "warning"
        return
    for day in WEEKDAYS:
        if spoken.week[day] != announced[day]:
            said, real = (_clocks(week[day]) or "closed" for week in (spoken.week, announced))
            remedy = f'change the text, or write announces_hours: "{line}"'
            yield f"{where}.text", f"{day}: the text says {said}, but announces_hours {real}; {remedy}", "error"


def write_week(week: dict[str, list[Range]]) -> str:
    """A week in the form of `announces_hours`: "monday-friday 09:00-18:00, saturday 09:00-12:00"."""
    runs: list[tuple[list[str], str]] = []
    for number, day in enumerate(WEEKDAYS):
        hours = _clocks(week[day])
        if hours and runs and runs[-1][1] == hours and runs[-1][0][-1] == WEEKDAYS[number - 1]:
            runs[-1][0].append(day)
        elif hours:
            runs.append(([day], hours))
    return ", ".join(f"{days[0]}-{days[-1]} {hours}" if len(days) > 1 else f"{days[0]} {hours}" for days, hours in runs)


def _clocks(ranges: list[Range]) -> str:
    return " ".join("-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in span) for span in ranges)


def _hour_places(prompt: PromptText) -> list[tuple[int, int]]:
    hours = find_hours(prompt.text)
    return hours.places if hours is not None else []


def _places(text: str, phrase: str) -> list[tuple[int, int]]:
    """Where a phrase stands in a text, whatever its case."""
    places, low, wanted = [], text.lower(), phrase.lower().strip()
    at = low.find(wanted) if wanted else -1
    while at >= 0:
        places.append((at, at + len(wanted)))
        at = low.find(wanted, at + 1)
    return places


def _inside(number: SpokenNumber, places: list[tuple[int, int]]) -> bool:
    return any(start < number.end and number.start < end for start, end in places)
