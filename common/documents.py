"""One file of `config/` as it was written: read safely, and compared with the shape that it should have.

`read` turns YAML into plain values and refuses what no honest file contains: anchors that multiply, cycles, keys
written twice, thousands of levels. `compare` walks a value beside a msgspec type and gathers *every* difference, since
a person who corrects a file wants the whole list; msgspec itself would stop at the first.
"""

from __future__ import annotations

import datetime
import difflib
import math
import os
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Literal, NamedTuple

import yaml
from msgspec import inspect as shapes

LARGEST = 1_000_000  # bytes; the shipped files have 20 000 together
DEEPEST = 40  # levels
LONGEST_NUMBER = 4000  # digits
MOST_VALUES = 100_000  # counted with every anchor written out


class Problem(NamedTuple):
    """A mistake in `config/`: where, what, and what to write instead. A warning lets the service start."""

    file: str
    path: str  # `nodes.welcome.next`; empty for the file as a whole
    message: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.path, self.message) if part)


class Unreadable(Exception):
    """The file holds no usable YAML; the message says why and what to write."""


# --- reading ---------------------------------------------------------------------------------------------------------


def read(path: str) -> Any:
    """The plain value of a YAML file: dict, list, str, int, float, bool, date or None. Raises `Unreadable`."""
    try:
        with open(path, "rb") as file:
            raw = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise Unreadable("not there; it belongs beside the other files of the configuration") from None
    except OSError as problem:
        raise Unreadable(f"cannot be read: {problem.strerror}") from None
    return parse(raw)


def parse(raw: bytes) -> Any:
    """The plain value of YAML text in UTF-8. Raises `Unreadable`."""
    if len(raw) > LARGEST:
        raise Unreadable(f"larger than {LARGEST // 1_000_000} MB; a configuration is a few pages")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("written in UTF-16; save it as UTF-8")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        raise Unreadable(f"line {line}: not UTF-8; save the file as UTF-8") from None
    try:
        _measure(text)
        loader = yaml.CSafeLoader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _inspect(node, loader)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as problem:
        raise Unreadable(_explain(problem)) from None
    except (yaml.YAMLError, ValueError, OverflowError) as problem:
        said = " ".join(str(problem).split()).replace(' in "<unicode string>"', "")
        raise Unreadable(f"not YAML: {said}") from None


def _measure(text: str) -> None:
    """Count levels over the flat stream of events, before anything recursive meets them."""
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise Unreadable(f"line {line}: more than {DEEPEST} levels inside each other")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _inspect(root: yaml.Node, loader: yaml.CSafeLoader) -> None:
    """Refuse cycles, multiplied anchors, repeated keys and dates that are none, on the graph of nodes, where an anchor
    costs nothing."""
    sizes: dict[int, int] = {}
    above: set[int] = set()

    def size(node: yaml.Node) -> int:
        if isinstance(node, yaml.ScalarNode):
            _refuse_nonsense(node, loader)
            return 1
        if id(node) in above:
            raise Unreadable(f"line {node.start_mark.line + 1}: an anchor contains itself; write the value out")
        if id(node) not in sizes:
            above.add(id(node))
            if isinstance(node, yaml.MappingNode):
                _refuse_repetition(node)
                sizes[id(node)] = 1 + sum(size(key) + size(value) for key, value in node.value)
            else:
                sizes[id(node)] = 1 + sum(size(item) for item in node.value)
            above.discard(id(node))
            if sizes[id(node)] > MOST_VALUES:
                raise Unreadable(
                    f"line {node.start_mark.line + 1}: its anchors multiply into a huge document; write less"
                )
        return sizes[id(node)]

    size(root)


def _refuse_repetition(node: yaml.MappingNode) -> None:
    seen: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise Unreadable(f"line {line}: a key must be a word, not a list or a mapping")
        if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
            raise Unreadable(
                f'line {line}: "{key.value}" was already written in line {seen[key.value]}; keep one of them'
            )
        seen[key.value] = line


def _refuse_nonsense(node: yaml.ScalarNode, loader: yaml.CSafeLoader) -> None:
    """What looks like a date or a whole number, or is called a number or a truth value (`!!bool perhaps`), and Python
    cannot make one of."""
    kind, at = node.tag.removeprefix("tag:yaml.org,2002:"), f"line {node.start_mark.line + 1}"
    if kind not in ("timestamp", "int", "float", "bool"):
        return
    if kind == "int" and len(node.value) > LONGEST_NUMBER:
        raise Unreadable(f"{at}: a number of {len(node.value)} digits; write a smaller one")
    try:
        loader.construct_object(node)
    except (ValueError, LookupError, AttributeError, OverflowError) as problem:
        why = f"no such date: {problem}" if kind == "timestamp" and isinstance(problem, ValueError) else f"no {kind}"
        raise Unreadable(f"{at}: {node.value[:40]}: {why}") from None


def _explain(problem: yaml.MarkedYAMLError) -> str:
    what = " ".join(part for part in (problem.context, problem.problem) if part)
    mark = problem.problem_mark or problem.context_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    remedy = ""
    if "cannot start any token" in what or "\\t" in what:
        remedy = "; indent with spaces, not tabs, and put text that starts with @, ` or % in quotes"
    elif "alias" in what or "anchor" in what:
        remedy = '; a text that starts with * or & needs quotes: "*"'
    elif any(sign in what for sign in ("mapping values are not allowed", "expected ':'", "expected key", "block end")):
        remedy = "; check the indentation, and put text with a colon in quotes"
    return f"{where}not YAML: {what}{remedy}"


# --- comparing -------------------------------------------------------------------------------------------------------


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "topics"?` when one of the known words is close, else nothing."""
    close = difflib.get_close_matches(word[:60], list(known), 1, 0.7)
    return f'; did you mean "{close[0]}"?' if close else ""


def compare(value: Any, wanted: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every difference between a plain value and a msgspec type, as (path, message)."""
    yield from _compare(value, _shape(wanted), path)


@cache
def _shape(wanted: Any) -> shapes.Type:
    """Looked up once: a sweep reads the same documents hundreds of times."""
    return shapes.type_info(wanted)


_WITH_PARTS = (shapes.UnionType, shapes.StructType, shapes.ListType, shapes.DictType)


def _compare(value: Any, wanted: shapes.Type, path: str) -> Iterator[tuple[str, str]]:
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
        yield path, f"must be {_describe(wanted)}, not {_show(value)}{_remedy(value, wanted)}"


def _compare_union(value: Any, union: shapes.UnionType, path: str) -> Iterator[tuple[str, str]]:
    """A choice of nodes by their `kind`; text or a computed prompt; something or null."""
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
        yield path, f"must be {described}, not {_show(value)}{_remedy(value, others[0])}"


def _of_kind(choices: Iterable[shapes.Type], kind: type) -> list[shapes.Type]:
    """Those of the choices that a list, or a mapping, could be."""
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
            # First among those that are not written yet; a scenario stands on another that writes them all.
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
        yield path, f"must be a list, not {_show(value)}; write it in brackets: [...]"
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
            yield _under(path, key), f"a key here must be {_describe(wanted.key_type)}{_remedy(key, wanted.key_type)}"
        yield from _compare(item, wanted.value_type, _under(path, key))


def _under(path: str, key: Any) -> str:
    name = key if isinstance(key, str) and re.fullmatch(r"[\w/*#-]{1,60}", key) else _show(key)
    return f"{path}.{name}" if path else str(name)


def _fits(value: Any, wanted: shapes.Type) -> bool:
    """Whether a value without parts is what is wanted."""
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
        return number and abs(value) < 1e300 and _within(value, wanted)  # neither infinite nor "not a number"
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
    """What a value should be, in words."""
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


def _remedy(value: Any, wanted: shapes.Type) -> str:
    """For the commonest slips: text that YAML took for a number, a date or a truth value, or the other way round; a
    number beyond a limit that the description does not tell."""
    most = _most(wanted)
    if most is not None and isinstance(value, (int, float)) and not isinstance(value, bool) and value > most:
        return f"; the most is {most:,.15g}"
    if isinstance(value, (int, float, bool, datetime.date)):
        text = str(value).lower() if isinstance(value, bool) else _show(value)
        return f'; write it in quotes: "{text}"' if _is_text(wanted) and _fits(text, wanted) else ""
    if isinstance(wanted, shapes.Metadata):
        return _remedy(value, wanted.type)
    if isinstance(wanted, shapes.LiteralType) and isinstance(value, str):
        return did_you_mean(value, [str(each) for each in wanted.values])
    if isinstance(wanted, (shapes.IntType, shapes.FloatType)) and isinstance(value, str) and value.isdecimal():
        return f"; write it without quotes: {value}"
    if isinstance(wanted, shapes.FloatType) and isinstance(value, str) and (plain := _written_out(value)):
        return f"; write it as {plain}"
    return ""


def _most(wanted: shapes.Type) -> float | None:
    """The greatest number, where the description stands in the place of the limits."""
    described = isinstance(wanted, shapes.Metadata) and (wanted.extra_json_schema or {}).get("description")
    inner = wanted.type if isinstance(wanted, shapes.Metadata) else wanted
    return inner.le if described and isinstance(inner, (shapes.IntType, shapes.FloatType)) else None


def _written_out(text: str) -> str:
    """`100000` for `1e5`, which YAML takes for text; nothing for what is no such number."""
    if not re.fullmatch(r"[+-]?\d+(\.\d+)?[eE][+-]?\d{1,2}", text):
        return ""
    return f"{float(text):.10f}".rstrip("0").rstrip(".")


def _is_text(wanted: shapes.Type) -> bool:
    return isinstance(wanted.type if isinstance(wanted, shapes.Metadata) else wanted, shapes.StrType)


def shown(path: str) -> str:
    """A path as a person would type it: relative to where they stand, when it lies below."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative
