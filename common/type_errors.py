"""Every difference between a plain value and a msgspec type, with its path and what to write instead.

msgspec stops at the first error; a person who corrects a file wants the whole list.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from msgspec import inspect as shapes

from common import corrections
from common.suggestions import did_you_mean


def find_type_errors(value: Any, wanted: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every difference between a plain value and a msgspec type, as (path, message)."""
    yield from _compare(value, _shape(wanted), path)


@cache
def _shape(wanted: Any) -> shapes.Type:
    """Cached, because a sweep reads the same documents hundreds of times."""
    return shapes.type_info(wanted)


_WITH_PARTS = (shapes.UnionType, shapes.StructType, shapes.ListType, shapes.DictType)


def _compare(value: Any, wanted: shapes.Type, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(wanted, shapes.Metadata) and "correct" in (wanted.extra or {}):
        yield from _compare_correctable(value, wanted, path)
        return
    yield from _compare_plain(value, wanted, path)


def _compare_correctable(value: Any, wanted: shapes.Metadata, path: str) -> Iterator[tuple[str, str]]:
    """A type with a correction of its own: its first difference, with the corrected line."""
    found = list(_compare_plain(value, wanted, path))
    corrected = str((wanted.extra or {})["correct"](value)) if found else ""
    if not corrected:
        yield from found
        return
    first, message = found[0]
    yield first, f"{message.partition('; ')[0]}; write {_line(path, corrected)}"


def _line(path: str, text: str) -> str:
    """The corrected line: `saturday: []`; the value alone within a list."""
    key = path.rpartition(".")[2]
    return text if not key or key.endswith("]") else f"{key}: {text}"


def _compare_plain(value: Any, wanted: shapes.Type, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(wanted, shapes.Metadata) and isinstance(wanted.type, _WITH_PARTS):
        yield from _compare(value, wanted.type, path)
    elif isinstance(wanted, shapes.UnionType):
        yield from _compare_union(value, wanted, path)
    elif isinstance(wanted, shapes.StructType):
        yield from _compare_struct(value, wanted, path)
    elif isinstance(wanted, shapes.ListType):
        yield from _compare_list(value, wanted, path)
    elif isinstance(wanted, shapes.DictType):
        yield from _compare_dict(value, wanted, path)
    elif not _fits(value, wanted):
        yield path, f"must be {_describe(wanted)}, not {_show(value)}{_remedy(value, wanted, path)}"


def _compare_union(value: Any, union: shapes.UnionType, path: str) -> Iterator[tuple[str, str]]:
    """A union: nodes told apart by their `kind`, text or a computed prompt, a value or null."""
    structs = [each for each in union.types if isinstance(each, shapes.StructType)]
    others = [each for each in union.types if not isinstance(each, shapes.StructType)]
    if isinstance(value, dict) and structs:
        chosen = next(
            (each for each in structs if each.tag is None or each.tag == value.get(each.tag_field or "")), None
        )
        if chosen is None:
            field = structs[0].tag_field or ""
            names = [str(each.tag) for each in structs]
            found = value.get(field)
            hint = did_you_mean(found, names) if isinstance(found, str) else ""
            what = f"{_show(found)} is not one of" if field in value else "missing; write one of"
            yield f"{path}.{field}", f"{what} {', '.join(names)}{hint}"
            return
        yield from _compare_struct(value, chosen, path)
    elif structs and not others:
        yield path, f"must be a mapping, not {_show(value)}"
    elif isinstance(value, (list, dict)) and (parts := _of_kind(others, type(value))):
        yield from _compare(value, parts[0], path)
    elif not any(_fits(value, each) for each in others):
        described = " or ".join(_describe(each) for each in union.types)
        remedy = _remedy(value, others[0], path)
        if not remedy and any(isinstance(each, shapes.NoneType) for each in others):
            remedy = f"; write {_line(path, null)}" if (null := corrections.nothing(value)) else ""
        yield path, f"must be {described}, not {_show(value)}{remedy}"


def _of_kind(choices: Iterable[shapes.Type], kind: type) -> list[shapes.Type]:
    """The choices that are lists, or mappings."""
    wanted = shapes.ListType if kind is list else shapes.DictType
    return [each for each in choices if isinstance(each.type if isinstance(each, shapes.Metadata) else each, wanted)]


def _compare_struct(value: Any, struct: shapes.StructType, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield (
            path,
            f"must be a mapping with {', '.join(each.encode_name for each in struct.fields)}, not {_show(value)}",
        )
        return
    known = [each.encode_name for each in struct.fields]
    for key in value:
        if key not in known and (key is None or key != struct.tag_field):  # YAML's `~:` is a key of None
            # Prefer keys that are not written yet; a scenario may be based on another that writes them all.
            hint = did_you_mean(str(key), [each for each in known if each not in value])
            hint = hint or did_you_mean(str(key), known)
            yield _under(path, key), f"unknown key{hint or '; known here: ' + ', '.join(known)}"
    for field in struct.fields:
        if field.encode_name in value:
            yield from _compare(value[field.encode_name], field.type, _under(path, field.encode_name))
        elif field.required:
            yield _under(path, field.encode_name), f"missing; write {_describe(field.type)}"


def _compare_list(value: Any, wanted: shapes.ListType, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, list):
        single = isinstance(value, str) and _fits(value, wanted.item_type)
        remedy = f"write {_line(path, corrections.listed(value))}" if single else "write it in brackets: [...]"
        yield path, f"must be a list, not {_show(value)}; {remedy}"
        return
    least = wanted.min_length or 0
    if len(value) < least or len(value) > (wanted.max_length or math.inf):
        yield path, f"must have {_span(least or None, wanted.max_length)} entries, not {len(value)}"
    for index, item in enumerate(value):
        yield from _compare(item, wanted.item_type, f"{path}[{index}]")


def _compare_dict(value: Any, wanted: shapes.DictType, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield path, f"must be a mapping, not {_show(value)}"
        return
    least = wanted.min_length or 0
    if len(value) < least or len(value) > (wanted.max_length or math.inf):
        yield path, f"must have {_span(least or None, wanted.max_length)} entries, not {len(value)}"
    for key, item in value.items():
        if not _fits(key, wanted.key_type):
            remedy = _remedy(key, wanted.key_type, "")
            yield _under(path, key), f"a key here must be {_describe(wanted.key_type)}{remedy}"
        yield from _compare(item, wanted.value_type, _under(path, key))


def _under(path: str, key: Any) -> str:
    name = key if isinstance(key, str) and re.fullmatch(r"[\w/*#-]{1,60}", key) else _show(key)
    return f"{path}.{name}" if path else str(name)


def _fits(value: Any, wanted: shapes.Type) -> bool:
    """Whether a scalar value is of the type."""
    if isinstance(wanted, shapes.Metadata):
        return _fits(value, wanted.type)
    if isinstance(wanted, shapes.AnyType):
        return True
    if isinstance(wanted, shapes.NoneType):
        return value is None
    if isinstance(wanted, shapes.BoolType):
        return isinstance(value, bool)
    if isinstance(wanted, shapes.IntType):
        return isinstance(value, int) and not isinstance(value, bool) and _within(value, wanted)
    if isinstance(wanted, shapes.FloatType):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return number and abs(value) < 1e300 and _within(value, wanted)  # not infinite and not NaN
    if isinstance(wanted, shapes.LiteralType):
        return isinstance(value, str) and value in wanted.values
    if isinstance(wanted, shapes.DateType):
        return _is_date(value)
    if isinstance(wanted, shapes.StrType):
        if not isinstance(value, str) or not (wanted.min_length or 0) <= len(value) <= (wanted.max_length or math.inf):
            return False
        return wanted.pattern is None or re.search(wanted.pattern, value) is not None
    return False


def _within(value: float, wanted: shapes.IntType | shapes.FloatType) -> bool:
    low = -math.inf if wanted.ge is None else wanted.ge
    inside = low <= value <= (math.inf if wanted.le is None else wanted.le)
    inside = inside and (wanted.gt is None or value > wanted.gt) and (wanted.lt is None or value < wanted.lt)
    return inside and (wanted.multiple_of is None or value % wanted.multiple_of == 0)


def _is_date(value: Any) -> bool:
    if isinstance(value, str):
        try:
            datetime.date.fromisoformat(value)
        except ValueError:
            return False
        return re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None
    return isinstance(value, datetime.date) and not isinstance(value, datetime.datetime)


def _describe(wanted: shapes.Type) -> str:
    """A type in words, for an error message."""
    if isinstance(wanted, shapes.Metadata):
        words = (wanted.extra_json_schema or {}).get("description")
        return str(words) if words else _describe(wanted.type)
    if isinstance(wanted, shapes.UnionType):
        return " or ".join(_describe(each) for each in wanted.types)
    if isinstance(wanted, shapes.LiteralType):
        return " or ".join(f'"{each}"' for each in wanted.values)
    if isinstance(wanted, (shapes.IntType, shapes.FloatType)):
        kind = "a whole number" if isinstance(wanted, shapes.IntType) else "a number"
        return f"{kind} {_span(wanted.ge, wanted.le)}".strip()
    if isinstance(wanted, shapes.StructType):
        tagged = f"{wanted.tag_field}: {wanted.tag}" if wanted.tag_field else ""
        return (
            "{"
            + ", ".join(part for part in (tagged, *(f"{each.encode_name}: ..." for each in wanted.fields)) if part)
            + "}"
        )
    plain = {
        shapes.NoneType: "null",
        shapes.BoolType: "true or false",
        shapes.DateType: "a date like 2026-12-24",
        shapes.StrType: "text",
        shapes.ListType: "a list",
        shapes.DictType: "a mapping",
    }
    return plain.get(type(wanted), "something else")


def _span(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"from {low} to {high}"
    return f"of at least {low}" if low is not None else f"of at most {high}" if high is not None else ""


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > 64:
        return "a number of hundreds of digits" if value.bit_length() > 660 else f"{value:d}"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= 60 else text[:57] + "..."


def _remedy(value: Any, wanted: shapes.Type, path: str) -> str:
    """The remedy for common mistakes: text that YAML reads as a number, date or truth value, or the other way round,
    a number in another notation, and a number beyond a limit that the type's description does not give."""
    most = _most(wanted)
    if most is not None and isinstance(value, (int, float)) and not isinstance(value, bool) and value > most:
        return f"; the most is {most:,.15g}"
    inner = wanted.type if isinstance(wanted, shapes.Metadata) else wanted
    if isinstance(inner, shapes.StrType) and isinstance(value, (int, float, bool, datetime.date)):
        return _in_quotes(value, wanted)
    if isinstance(inner, shapes.LiteralType) and isinstance(value, str):
        return did_you_mean(value, [str(each) for each in inner.values])
    if isinstance(inner, (shapes.IntType, shapes.FloatType)) and isinstance(value, str) and ":" in value:
        return "; write one number, in the unit of the setting"
    corrected = _corrected(value, inner)
    if corrected and isinstance(value, str) and value == corrected:
        return f"; write it without quotes: {value}"
    return f"; write {_line(path, corrected)}" if corrected else ""


def _in_quotes(value: Any, wanted: shapes.Type) -> str:
    """The text that was written, in quotes. Of a number with a point the digits that were written are not known."""
    if isinstance(value, float):
        return "; write it in quotes, digit by digit as it is there" if _fits(str(value), wanted) else ""
    text = str(value).lower() if isinstance(value, bool) else _show(value)
    return f'; write it in quotes: "{text}"' if _fits(text, wanted) else ""


def _corrected(value: Any, wanted: shapes.Type) -> str:
    if isinstance(wanted, (shapes.IntType, shapes.FloatType)):
        if (wanted.ge, wanted.le) == (0, 1) and isinstance(value, (int, float)) and 1 < value <= 100:
            return corrections.number(f"{value}%", whole=False)
        return corrections.number(value, whole=isinstance(wanted, shapes.IntType))
    if isinstance(wanted, shapes.BoolType):
        return corrections.truth(value)
    return corrections.day(value) if isinstance(wanted, shapes.DateType) else ""


def _most(wanted: shapes.Type) -> float | None:
    """The upper limit, when the description of the type does not give it."""
    described = isinstance(wanted, shapes.Metadata) and (wanted.extra_json_schema or {}).get("description")
    inner = wanted.type if isinstance(wanted, shapes.Metadata) else wanted
    return inner.le if described and isinstance(inner, (shapes.IntType, shapes.FloatType)) else None
