"""Finds what an Italian text says in numbers: keys, scales, durations, counts, shares and opening hours.

`find_numbers` and `find_hours` read words as people write them: "3 minuti", "tre minuti", "un'ora e mezza", "prema
uno", "da 1, per niente, a 5", "dalle ore 9 alle ore 18". `ivr.configuration.spoken` compares them with the settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from charter.calendar import MIDNIGHT, WEEKDAYS, Range

Unit = Literal["key", "scale", "seconds", "days", "questions", "operators", "seats", "attempts", "percent"]

DAY = 86400  # s
_UNITS = ("zero", "uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove")
_TEENS = (
    "dieci", "undici", "dodici", "tredici", "quattordici", "quindici", "sedici", "diciassette", "diciotto",
    "diciannove",
)  # fmt: skip
_TENS = ("venti", "trenta", "quaranta", "cinquanta", "sessanta", "settanta", "ottanta", "novanta")


class SpokenNumber(NamedTuple):
    """A number in a text: its place there, and what it means."""

    start: int
    end: int
    unit: Unit
    low: float  # a key: its number, or the code of * or #
    high: float  # differs from `low` for a scale, and for months and years, whose days vary

    def within(self, text: str) -> str:
        return text[self.start : self.end]


def _number_words() -> dict[str, int]:
    words = {word: value for value, word in enumerate((*_UNITS, *_TEENS))}
    for tens, word in enumerate(_TENS, 2):
        words[word] = tens * 10
        for units, unit in enumerate(_UNITS[1:], 1):
            stem = word[:-1] if unit[0] in "uo" else word
            words[stem + unit] = words[stem + ("tré" if unit == "tre" else unit)] = tens * 10 + units
    words |= {"un": 1, "una": 1, "un'": 1, "cento": 100, "centottanta": 180, "centoventi": 120}
    return words


_WORDS = _number_words()
_N = r"(?:\d{1,5}(?:,\d)?|" + "|".join(sorted(_WORDS, key=len, reverse=True)) + ")"
_NAMED_KEYS = {"asterisco": "*", "cancelletto": "#"}
_SECONDS = {"second": 1, "minut": 60, "or": 3600}
_DAYS = {"giorn": 1.0, "settiman": 7.0}
_COUNTS: dict[str, Unit] = {
    "domand": "questions", "operator": "operators", "postazion": "seats", "tentativ": "attempts", "volt": "attempts",
    "%": "percent", "per cento": "percent",
}  # fmt: skip

_KEY = re.compile(
    rf"\b(?:(?:prem(?:a|i|ere)|digit(?:i|are)|schiacci)\s+(?:(?:il|l'|un)\s*)?(?:tasto\s+|numero\s+)?|tasto\s+)"
    rf"({_N}|asterisco|cancelletto)(?![\w'])",
    re.IGNORECASE,
)
_SCALE = re.compile(rf"\bda\s+({_N})(?:,[^,.;:?]{{1,60}},)?\s+a\s+({_N})(?![\w'])", re.IGNORECASE)
_MEASURE = re.compile(
    rf"(?<![\w,])({_N})\s*(second[oi]|minut[oi]|or[ae]|giorn[oi]|settiman[ae]|mes[ei]|ann[oi]|domand[ae]|operator[ie]|"
    rf"postazion[ei]|tentativ[oi]|volt[ae]|%|per\s+cento)(?!\w)(?!\s+su\s+24)(\s+e\s+mezz[oa]\b)?",
    re.IGNORECASE,
)
_HALF_HOUR = re.compile(r"\bmezz'\s?ora\b", re.IGNORECASE)


def find_numbers(text: str) -> list[SpokenNumber]:
    """The numbers that a text says, in order; opening hours are found by `find_hours`."""
    found = [*_keys(text), *_scales(text), *_measures(text)]
    found += [SpokenNumber(*half.span(), "seconds", 1800, 1800) for half in _HALF_HOUR.finditer(text)]
    return sorted(found)


def key_code(key: str) -> float:
    """The number by which a key is compared."""
    return float(key) if key.isdecimal() else float(-ord(key))


def key_name(code: float) -> str:
    """The key of a code: 5 or *."""
    return f"{code:.0f}" if code >= 0 else chr(-int(code))


def _keys(text: str) -> Iterator[SpokenNumber]:
    for match in _KEY.finditer(text):
        word = match[1].lower()
        if word not in ("un", "una", "un'"):  # "prema un tasto"
            code = key_code(_NAMED_KEYS[word]) if word in _NAMED_KEYS else _value(word)
            yield SpokenNumber(*match.span(), "key", code, code)


def _scales(text: str) -> Iterator[SpokenNumber]:
    for match in _SCALE.finditer(text):
        yield SpokenNumber(*match.span(), "scale", _value(match[1]), _value(match[2]))


def _measures(text: str) -> Iterator[SpokenNumber]:
    for match in _MEASURE.finditer(text):
        number, name = _value(match[1]) + (0.5 if match[3] else 0), " ".join(match[2].lower().split())
        stem = name if name in _COUNTS else name.rstrip("oiae")
        if stem in _SECONDS:
            yield SpokenNumber(*match.span(), "seconds", *[number * _SECONDS[stem]] * 2)
        elif stem in _DAYS:
            yield SpokenNumber(*match.span(), "days", *[number * _DAYS[stem]] * 2)
        elif stem in ("mes", "ann"):
            least, most = (365, 366) if stem == "ann" else (30, 31)
            yield SpokenNumber(*match.span(), "days", number * least, number * most)
        elif stem in _COUNTS and number != 1:  # "un operatore" is no number
            yield SpokenNumber(*match.span(), _COUNTS[stem], number, number)


def _value(word: str) -> float:
    word = word.lower()
    return float(_WORDS[word]) if word in _WORDS else float(word.replace(",", "."))


# --- opening hours ---------------------------------------------------------------------------------------------------

_ITALIAN_DAYS = ("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica")
_DAY = "(?:luned[ìi]|marted[ìi]|mercoled[ìi]|gioved[ìi]|venerd[ìi]|sabato|domenica)"
_HOUR = rf"(?:mezzogiorno|mezzanotte|(?:{_N}|\d\d?[:.]\d\d)(?:\s+e\s+(?:mezza|un\s+quarto|{_N}))?)"
_HOURS = re.compile(
    rf"(?P<every>\b(?:tutti\s+i\s+giorni|ogni\s+giorno)\b)"
    rf"|\bdal(?:la)?\s+(?P<first>{_DAY})\s+al(?:la)?\s+(?P<last>{_DAY})"
    rf"|\b(?P<day>{_DAY})"
    rf"|\bda(?:lle|ll'|lla|l|)\s*(?:ore\s+)?(?P<from>{_HOUR})\s+(?:fino\s+)?a(?:lle|ll'|lla|l|)\s*(?:ore\s+)?(?P<until>{_HOUR})",
    re.IGNORECASE,
)
_TIME = re.compile(r"\b(?:dalle|dall'|da\s+mezzogiorno|dalla\s+mezzanotte)", re.IGNORECASE)


class SpokenHours(NamedTuple):
    """The opening hours that a text states, and where they stand."""

    week: dict[str, list[Range]]  # weekday name -> ranges
    places: list[tuple[int, int]]


def find_hours(text: str) -> SpokenHours | None:
    """The opening hours that a text states in words; None when it states no hours with their days."""
    week: dict[str, list[Range]] = {day: [] for day in WEEKDAYS}
    places: list[tuple[int, int]] = []
    days: set[str] = set()
    had_hours = False
    for match in _HOURS.finditer(text):
        if match["from"]:
            if _TIME.match(match[0]) is None:
                continue  # "da 1 a 5"
            span = Range(_minutes(match["from"]), _minutes(match["until"]) or MIDNIGHT)
            for day in days:
                week[day].append(span)
            if days:
                places.append(match.span())
            had_hours = True
            continue
        if had_hours:  # the days of the next group
            days, had_hours = set(), False
        days |= _days(match)
    return SpokenHours(week, places) if places else None


def _days(match: re.Match[str]) -> set[str]:
    if match["every"]:
        return set(WEEKDAYS)
    first, last = (_day(match["first"] or match["day"]), _day(match["last"] or match["day"]))
    return {*WEEKDAYS[first : last + 1]}


def _day(word: str) -> int:
    return next(number for number, day in enumerate(_ITALIAN_DAYS) if day[:3] == word.lower()[:3])


def _minutes(text: str) -> int:
    """Minutes after midnight of "9", "9:30", "nove e mezza", "mezzogiorno"."""
    text = " ".join(text.lower().split())
    if text.startswith("mezz"):
        return 720 if text.startswith("mezzogiorno") else 0
    hour, _, rest = text.partition(" e ")
    whole, _, minute = hour.replace(".", ":").partition(":")
    minutes = {"mezza": 30, "un quarto": 15, "": 0}.get(rest)
    return int(_value(whole)) * 60 + int(minute or 0) + (int(_value(rest)) if minutes is None else minutes)
