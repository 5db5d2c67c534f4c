"""Reading YAML files safely, and the errors that name file, key, problem and remedy.

`read` turns YAML into plain values. A word is a number, date or truth value only if it looks like one to everybody:
`012`, `9:00`, `1_000`, `0x1F`, `NO`, `on` and `yes`, which YAML 1.1 converts, stay the text that was written. Then
`common.type_errors`, which compares the value with its type, reports what to write instead. `read` refuses what a file
written in good faith does not contain: anchors that multiply, cycles, repeated keys, thousands of levels.
"""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

import yaml

from common.file_errors import reason

LARGEST = 1_000_000  # bytes; all shipped files together have 20 000
DEEPEST = 40  # levels
LONGEST_NUMBER = 4000  # digits
MOST_VALUES = 100_000  # with every anchor written out


class Problem(NamedTuple):
    """A mistake in a file: the place, the problem and the remedy. With a warning the service still starts."""

    file: str
    path: str  # `nodes.welcome.next`; empty for the file as a whole
    message: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.path, self.message) if part)


class Unreadable(Exception):
    """The file is not usable YAML; the message gives the reason and the remedy."""


_TAG = "tag:yaml.org,2002:"

_THOUSANDS = r"-?[1-9][0-9]{0,2}\.000"  # 10.000 is ten thousand in Italy

# What a word without quotes means; anything else is text. The first letters speed the reading up.
_PLAIN = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", rf"(?!{_THOUSANDS}\Z)-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", "-.0123456789"),
    ("float", r"-?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-."),
    ("timestamp", r"[0-9]{4}-[0-9][0-9]-[0-9][0-9]", "0123456789"),
    ("merge", r"<<", "<"),
)


class _Loader(yaml.CSafeLoader):
    """The safe loader, without the conversions of YAML 1.1 that surprise."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - an attribute of PyYAML

    def construct_int(self, node: yaml.ScalarNode) -> int:
        return int(_plain(node, "int"))

    def construct_float(self, node: yaml.ScalarNode) -> float:
        return float(_plain(node, "float").lower().replace(".inf", "inf").replace(".nan", "nan"))

    def construct_bool(self, node: yaml.ScalarNode) -> bool:
        return _plain(node, "bool").lower() == "true"


def _plain(node: yaml.ScalarNode, kind: str) -> str:
    """The text of a word of this kind; ValueError for `!!int 012`."""
    text = str(node.value)
    if not any(re.fullmatch(pattern, text) for name, pattern, _ in _PLAIN if name == kind):
        raise ValueError(f"not a valid {kind}")
    return text


for _kind, _pattern, _first in _PLAIN:
    _Loader.add_implicit_resolver(_TAG + _kind, re.compile(f"(?:{_pattern})\\Z"), list(_first))
_Loader.add_constructor(f"{_TAG}int", _Loader.construct_int)
_Loader.add_constructor(f"{_TAG}float", _Loader.construct_float)
_Loader.add_constructor(f"{_TAG}bool", _Loader.construct_bool)


def read(path: str, missing: str = "not there; put it beside the other files of the configuration") -> Any:
    """The plain value of a YAML file: dict, list, str, int, float, bool, date or None. Raises `Unreadable`.

    `missing`: the message when there is no such file.
    """
    try:
        with open(path, "rb") as file:
            raw = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise Unreadable(missing) from None
    except OSError as problem:
        raise Unreadable(f"cannot be read: {reason(problem)}") from None
    return parse(raw)


def parse(raw: bytes) -> Any:
    """The plain value of YAML text in UTF-8. Raises `Unreadable`."""
    if len(raw) > LARGEST:
        raise Unreadable(f"larger than {LARGEST // 1_000_000} MB; a configuration has a few pages")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("written in UTF-16; save it as UTF-8")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        raise Unreadable(f"line {line}: not UTF-8; save the file as UTF-8") from None
    try:
        _check_depth(text)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _check_nodes(node, loader)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as problem:
        raise Unreadable(_explain(problem)) from None
    except (yaml.YAMLError, ValueError, OverflowError) as problem:
        reason = " ".join(str(problem).split()).replace(' in "<unicode string>"', "")
        raise Unreadable(f"not YAML: {reason}") from None


def _check_depth(text: str) -> None:
    """Limit the depth. This reads a flat stream of events, so it is safe before anything recursive runs."""
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise Unreadable(f"line {line}: more than {DEEPEST} nested levels; write it flatter")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_nodes(root: yaml.Node, loader: _Loader) -> None:
    """Refuse cycles, multiplied anchors, repeated keys and invalid values, on the graph of nodes, where anchors are not
    expanded yet."""
    sizes: dict[int, int] = {}
    above: set[int] = set()

    def size(node: yaml.Node) -> int:
        if isinstance(node, yaml.ScalarNode):
            _refuse_invalid_scalar(node, loader)
            return 1
        if id(node) in above:
            raise Unreadable(f"line {node.start_mark.line + 1}: an anchor contains itself; write the value out")
        if id(node) not in sizes:
            above.add(id(node))
            if isinstance(node, yaml.MappingNode):
                _refuse_repeated_keys(node)
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


def _refuse_repeated_keys(node: yaml.MappingNode) -> None:
    seen: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise Unreadable(f"line {line}: a key must be text or a number, not a list or a mapping")
        if key.value in seen and key.tag != f"{_TAG}merge":
            raise Unreadable(
                f'line {line}: "{key.value}" was already written in line {seen[key.value]}; keep one of them'
            )
        seen[key.value] = line


def _refuse_invalid_scalar(node: yaml.ScalarNode, loader: _Loader) -> None:
    """Refuse what is resolved or tagged as a date, number or truth value, but cannot be converted to one, such as
    `!!bool perhaps`."""
    kind, at = node.tag.removeprefix(_TAG), f"line {node.start_mark.line + 1}"
    if kind not in ("timestamp", "int", "float", "bool"):
        return
    if kind == "int" and len(node.value) > LONGEST_NUMBER:
        raise Unreadable(f"{at}: a number of {len(node.value)} digits; write a smaller one")
    try:
        loader.construct_object(node)
    except (ValueError, LookupError, AttributeError, OverflowError) as problem:
        is_date = kind == "timestamp" and isinstance(problem, ValueError)
        why = f"no such date: {problem}" if is_date else f"not a valid {kind}"
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
