"""Italian around values: articles, elision, plurals, ordinals, dates and hours.

A fixed preposition before a number is wrong for some numbers: *nel 90 %* but *nell'80 %*, *dal 9* but *dall'8*. The
form depends on how the value is read aloud, so every function here spells the beginning of its text first. Values in
texts come from here, never from a template with an article before a placeholder.

Only the standard library, so that the call path can import it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

Preposition = Literal["", "a", "da", "di", "in", "su"]
Gender = Literal["m", "f"]
Run = tuple[int, ...]  # consecutive weekdays, Monday is 0

DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")  # in documents
WEEKDAYS = ("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica")
MONTHS = tuple(
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre".split()  # noqa: SIM905
)

# --- numbers ---------------------------------------------------------------------------------------------------------

_UNITS = tuple(
    "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici "  # noqa: SIM905
    "diciassette diciotto diciannove".split()
)
_TENS = ("", "", "venti", "trenta", "quaranta", "cinquanta", "sessanta", "settanta", "ottanta", "novanta")


def number(value: float, digits: int | None = None) -> str:
    """1.234,5: a decimal comma and points between thousands; without `digits`, as many decimals as needed, up to 6."""
    text = f"{value + 0.0:,.{6 if digits is None else digits}f}".translate(str.maketrans(",.", ".,"))
    if digits is None:
        text = text.rstrip("0").rstrip(",")
    return "0" if text == "-0" else text


def number_words(value: int) -> str:
    """A whole number from 0 to 999.999.999 in words: `ottantotto`, `ventitré`."""
    if not 0 <= value < 10**9:
        raise ValueError(f"only numbers from 0 to 999999999 are spelled, not {value}")
    words = _large(value)
    return words[:-3] + "tré" if re.search(r"\wtre$", words) else words


def _large(value: int) -> str:
    if value >= 10**6:
        millions, rest = divmod(value, 10**6)
        head = "un milione" if millions == 1 else f"{_large(millions)} milioni"
        return f"{head} {_large(rest)}" if rest else head
    if value >= 1000:
        thousands, rest = divmod(value, 1000)
        head = "mille" if thousands == 1 else f"{_large(thousands)}mila"
        return head + (_large(rest) if rest else "")
    if value >= 100:
        hundreds, rest = divmod(value, 100)
        tail = _large(rest) if rest else ""
        return ("" if hundreds == 1 else _UNITS[hundreds]) + ("cent" if tail.startswith("ott") else "cento") + tail
    if value >= 20:
        tens, units = divmod(value, 10)
        return (_TENS[tens][:-1] if units in (1, 8) else _TENS[tens]) + (_UNITS[units] if units else "")
    return _UNITS[value]


def count(value: float, singular: str, plural: str) -> str:
    """`1 ora`, `2 ore`, `1,5 ore`, `0 ore`."""
    return f"{number(value)} {singular if value == 1 else plural}"


def ordinal(value: int, gender: Gender = "m") -> str:
    """`1°`, `2ª`."""
    return f"{value}{'°' if gender == 'm' else 'ª'}"


# --- articles --------------------------------------------------------------------------------------------------------

_STEMS: Mapping[str, str] = {"a": "a", "da": "da", "di": "de", "in": "ne", "su": "su"}
_ENDINGS: Mapping[str, str] = {"il": "l", "lo": "llo", "l'": "ll'", "la": "lla", "i": "i", "gli": "gli", "le": "lle"}
_LEADING_NUMBER = re.compile(r"(\d{1,3}(?:\.\d{3})+|\d+)(°|/\d)?")
_NEEDS_LO = re.compile(r"z|x|y|s[bcdfghjklmnpqrstvwxz]|gn|p[sn]|i[aeiou]")


def with_article(text: str, preposition: Preposition = "", gender: Gender = "m", *, plural: bool = False) -> str:
    """The text with its article, joined with a preposition: `l'80 %`, `nell'80 %`, `dello 0,5 %`, `dal 1° maggio`.

    The text begins with a word, a number, an ordinal or a date (`08/12/2026`).
    """
    article = _article(_read_aloud(text), gender, plural)
    form = _STEMS[preposition] + _ENDINGS[article] if preposition else article
    return f"{form}{text}" if form.endswith("'") else f"{form} {text}"


class Inserted(str):
    """Text for a template that asks for its article or noun, so that the template decides, not the code.

    `{:in}` gives `nell'80 %`, `{:il}` `l'80 %`, `{:Da}` `Dall'8 maggio`, `{:ora|ore}` `1 ora` or `2 ore`.
    """

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        singular, bar, plural = spec.partition("|")
        if bar:
            return f"{self} {singular if self == '1' else plural}"
        preposition = _PREPOSITIONS.get(spec.lower())
        if preposition is None:
            return super().__format__(spec)
        text = with_article(self, preposition)
        return text[:1].upper() + text[1:] if spec[:1].isupper() else text


_PREPOSITIONS: Mapping[str, Preposition] = {"il": "", "a": "a", "da": "da", "di": "di", "in": "in", "su": "su"}


def _article(word: str, gender: Gender, plural: bool) -> str:
    needs_lo = _NEEDS_LO.match(word) is not None
    vowel = word[:1] in "aeiouàèéìòùh" and not needs_lo
    if plural:
        return "le" if gender == "f" else "gli" if vowel or needs_lo else "i"
    if vowel:
        return "l'"
    return "la" if gender == "f" else "lo" if needs_lo else "il"


def _read_aloud(text: str) -> str:
    """The beginning of a text as it is read, in lower case: `8` is `otto`, `01/12/2026` is `primo`."""
    match = _LEADING_NUMBER.match(text)
    if match is None:
        return text.lstrip("«“\"'(").lower()
    value = int(match[1].replace(".", ""))
    return "primo" if value == 1 and match[2] else number_words(value)


def join(parts: Sequence[str]) -> str:
    """`a, b e c`; `ed` before an e."""
    if len(parts) < 2:
        return "".join(parts)
    link = "ed" if parts[-1][:1].lower() in ("e", "è", "é") else "e"
    return f"{', '.join(parts[:-1])} {link} {parts[-1]}"


# --- dates -----------------------------------------------------------------------------------------------------------


def day(when: date, preposition: Preposition | None = None, *, year: bool = True) -> str:
    """`1° dicembre 2026`; with a preposition `dall'8 dicembre 2026`, with "" `l'8 dicembre 2026`."""
    number_text = ordinal(1) if when.day == 1 else str(when.day)
    text = f"{number_text} {MONTHS[when.month - 1]}" + (f" {when.year}" if year else "")
    return text if preposition is None else with_article(text, preposition)


def period(first: date, last: date) -> str:
    """`dal 1° all'8 dicembre 2026`, `dal 28 novembre al 3 dicembre 2026`; one day alone: `l'8 dicembre 2026`."""
    if first == last:
        return day(first, "")
    if (first.year, first.month) == (last.year, last.month):
        start = with_article(ordinal(1) if first.day == 1 else str(first.day), "da")
    else:
        start = day(first, "da", year=first.year != last.year)
    return f"{start} {day(last, 'a')}"


def month(year: int, month_number: int) -> str:
    return f"{MONTHS[month_number - 1]} {year}"


# --- hours -----------------------------------------------------------------------------------------------------------


def clock_time(hour: int, minute: int = 0) -> str:
    """`9`, `9:30`."""
    return f"{hour}:{minute:02}" if minute else str(hour)


def clock_words(hour: int, minute: int = 0) -> str:
    """`nove e trenta`, as after "alle ore"; 1 is `una`, midnight at the end of a day (24) is `ventiquattro`."""
    hours = "una" if hour == 1 else number_words(hour)
    return f"{hours} e {number_words(minute)}" if minute else hours


def at_time(hour: int, minute: int = 0, preposition: Literal["a", "da"] = "a", *, words: bool = False) -> str:
    """`alle 9:30`, `dall'una`, `a mezzanotte`; in words: `dalle nove e trenta`."""
    if hour in (0, 24) and not minute:
        return f"{preposition} mezzanotte"
    text = clock_words(hour, minute) if words or (hour == 1 and not minute) else clock_time(hour, minute)
    return with_article(text, preposition, "f", plural=hour != 1)


def time_range(span: str, *, words: bool = False) -> str:
    """A range of a document, `09:00-18:30`: `dalle 9 alle 18:30`. The whole day: `24 ore su 24`."""
    (hour, minute), (last_hour, last_minute) = (map(int, edge.split(":")) for edge in span.split("-"))
    if (hour, minute) == (0, 0) and (last_hour, last_minute) in ((0, 0), (24, 0)):
        return "ventiquattro ore su ventiquattro" if words else "24 ore su 24"
    return f"{at_time(hour, minute, 'da', words=words)} {at_time(last_hour, last_minute, words=words)}"


# --- weekdays --------------------------------------------------------------------------------------------------------


def weekday(index: int, preposition: Preposition = "") -> str:
    """`il lunedì`, `alla domenica`; Monday is 0."""
    return with_article(WEEKDAYS[index], preposition, "f" if index == 6 else "m")


def weekday_runs(days: Sequence[int]) -> list[Run]:
    """Weekdays in runs of three or more consecutive days, and single days: "from Monday to Tuesday" is two days."""
    runs: list[list[int]] = []
    for index in sorted(set(days)):
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return [part for run in runs for part in ([tuple(run)] if len(run) > 2 else [(each,) for each in run])]


def weekdays(days: Sequence[int]) -> str:
    """`dal lunedì al venerdì`, `il lunedì e il martedì`, `tutti i giorni`."""
    runs = weekday_runs(days)
    if runs == [tuple(range(7))]:
        return "tutti i giorni"
    return join([
        weekday(run[0]) if len(run) == 1 else f"{weekday(run[0], 'da')} {weekday(run[-1], 'a')}" for run in runs
    ])  # fmt: skip


def opening_groups(hours: Mapping[str, Sequence[str]]) -> list[tuple[list[int], list[str]]]:
    """The weekly hours of a document as (weekdays, ranges): one group for all days with the same hours."""
    groups: list[tuple[list[int], list[str]]] = []
    for index, name in enumerate(DAY_NAMES):
        ranges = list(hours.get(name, ()))
        same = next((days for days, those in groups if those == ranges), None)
        if same is not None:
            same.append(index)
        elif ranges:
            groups.append(([index], ranges))
    return groups


def opening_hours(hours: Mapping[str, Sequence[str]], *, words: bool = False) -> str:
    """`dal lunedì al venerdì, dalle 9 alle 18, e il sabato, dalle 9 alle 13`; empty if never open."""
    groups = [
        f"{weekdays(days)}, {join([time_range(each, words=words) for each in ranges])}"
        for days, ranges in opening_groups(hours)
    ]
    return f"{', '.join(groups[:-1])}, e {groups[-1]}" if len(groups) > 1 else "".join(groups)
