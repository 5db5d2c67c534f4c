"""What a person probably meant by a value of the wrong form, as the text to write instead; "" when it is not clear.

`common.type_errors` shows it in the message. A type may bring a correction of its own: `Meta(extra={"correct": ...})`
with a function from the value to the text.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

_TRUE = ("yes", "y", "on", "true", "t", "si", "sì", "s", "vero", "1")
_FALSE = ("no", "n", "off", "false", "f", "falso", "0")
_NOTHING = ("no", "off", "none", "nil", "nessuno", "nessuna", "niente", "n/a", "-")


def truth(value: Any) -> str:
    """`true` for yes, on, sì, 1; `false` for no, off, 0."""
    word = _word(value)
    return "true" if word in _TRUE else "false" if word in _FALSE else ""


def nothing(value: Any) -> str:
    """`null` for none, nessuno and an empty text."""
    return "null" if isinstance(value, str) and (_word(value) in _NOTHING or not value.strip()) else ""


def number(value: Any, *, whole: bool) -> str:
    """The decimal number of `012`, `1_000`, `0x1F`, `+5`, `12,5`, `80 %`, `12.0`."""
    if isinstance(value, float):
        return f"{value:.0f}" if whole and value.is_integer() and abs(value) < 1e15 else ""
    if not isinstance(value, str) or len(value) > 40:
        return ""
    text = value.strip().replace("_", "").replace("\u2212", "-")
    if re.fullmatch(r"0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+", text):
        return str(int(text, 0))
    if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]{1,2}", text):
        return _shortest(float(text))
    if percent := re.fullmatch(r"([0-9]+(?:[.,][0-9]+)?) ?%", text):
        return "" if whole else _shortest(float(percent[1].replace(",", ".")) / 100)
    if match := re.fullmatch(r"(\+|-|)0*([0-9]+)(?:[.,]([0-9]+))?", text):
        sign, units, decimals = match[1].replace("+", ""), match[2], (match[3] or "").rstrip("0")
        if match[3] == "000":  # a thousand, or nothing after the point?
            return f"{sign}{units} or {sign}{units}000"
        return "" if whole and decimals else f"{sign}{units}" + (f".{decimals}" if decimals else "")
    return ""


def listed(value: str) -> str:
    """A list with one entry: `["IT"]`."""
    return f'["{value}"]'


def day(value: Any) -> str:
    """`2026-12-24` for `24/12/2026`, `24.12.2026`, `2026-1-5`, `2026-12-24 10:00`."""
    text = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if match := re.match(r"([0-9]{4})[-/.]?([0-9]{1,2})[-/.]?([0-9]{1,2})(?:[T ].*)?\Z", text):
        parts = match[1], match[2], match[3]
    elif match := re.match(r"([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]([0-9]{4})\Z", text):
        parts = match[3], match[2], match[1]
    else:
        return ""
    try:
        return datetime.date(*map(int, parts)).isoformat()
    except ValueError:
        return ""


# --- hours -----------------------------------------------------------------------------------------------------------

_CLOSED = ("", "chiuso", "chiusa", "closed", "no", "n", "false", "off", "nessuno", "festivo", "-", "none", "null", "0")
_ALL_DAY = ("h24", "24h", "24", "24 ore", "24/24", "sempre", "always")


def time_of_day(value: Any) -> str:
    """`"09:30"` for 9.30, 9h30, 0930, 9."""
    times = _times(value)
    return f'"{times[0]}"' if len(times) == 1 else ""


def hours(value: Any) -> str:
    """`"09:00-18:00"` for 9-18, 9.00 - 18.00, "dalle 9 alle 18"."""
    ranges = _ranges(value)
    return ranges[0] if len(ranges) == 1 else ""


def list_of_hours(value: Any) -> str:
    """`["09:00-13:00", "14:00-18:00"]` for [9:00, 13:00, 14:00, 18:00] and 9-13 14-18; `[]` for chiuso and nothing.

    Both forms when the value does not say which hours.
    """
    if value is None or value is False or (isinstance(value, str) and _word(value) in _CLOSED):
        return "[]"
    if isinstance(value, list) and value and all(isinstance(item, str) and _word(item) in _CLOSED for item in value):
        return "[]"
    if isinstance(value, str) and _word(value) in _ALL_DAY:
        return '["00:00-24:00"]'
    ranges = _ranges(value)
    return f"[{', '.join(ranges)}]" if ranges else '["09:00-18:00"], or [] on a closed day'


def _ranges(value: Any) -> list[str]:
    times = _times(value)
    pairs = list(zip(times[::2], times[1::2], strict=len(times) % 2 == 0)) if len(times) % 2 == 0 else []
    rising = all(begin < end for begin, end in pairs) and times == sorted(times)
    return [f'"{begin}-{end}"' for begin, end in pairs] if rising else []


def _times(value: Any) -> list[str]:
    """Every time of day in a value, as HH:MM; none when something is no time of day."""
    text = _flat(value).lower()
    text = text.replace("mezzogiorno", "12").replace("mezzanotte", "24")
    text = re.sub(r"(?<![0-9])([0-9]{2})([0-9]{2})(?![0-9])", r"\1:\2", text)  # 0930
    times = []
    for hour, minute in re.findall(r"([0-9]+)(?:[:.,h]([0-9]+))?", text):
        minute = minute.ljust(2, "0")  # noqa: PLW2901 - YAML reads 9.30 as 9.3
        if len(hour) > 2 or len(minute) > 2 or int(hour) > 24 or int(minute) > 59 or (int(hour) == 24 and int(minute)):
            return []
        times.append(f"{int(hour):02}:{minute}")
    return times


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return _flat(list(value.values()))
    if isinstance(value, list):
        return " ".join(_flat(item) for item in value[:50])
    return "" if isinstance(value, bool) else str(value)[:200]


def address(value: Any) -> str:
    """The e-mail address in `Capoturno <a@example.it>`, or the first of several."""
    found = re.findall(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*", _flat(value))
    return found[0] if found else ""


def recipient(value: Any) -> str:
    """`{to: a@example.it, from: a@example.it}` for an address, or a list of addresses, alone."""
    found = "" if isinstance(value, dict) else address(value)
    return f"{{to: {found}, from: {found}}}" if found else ""


def _word(value: Any) -> str:
    return str(value).strip().lower().rstrip(".")


def _shortest(value: float) -> str:
    return f"{value:.10f}".rstrip("0").rstrip(".")
