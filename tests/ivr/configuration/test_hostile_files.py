"""Random content of config/ is accepted or refused with a message; the check never crashes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from common.documents import Unreadable, parse
from common.places import Places
from common.type_errors import find_type_errors
from ivr.configuration import menu as menus
from ivr.configuration.settings import Catalogue, Service, Survey
from tests.ivr.edited_config import FILES

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.dates(),
    st.datetimes(),
    st.sampled_from(["09:00-18:00", "queue", "1", "ask", 10**400, "x" * 5000]),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(scalars.filter(lambda key: key == key), inner, max_size=3)
    ),
    max_leaves=8,
)
SHIPPED = {name: yaml.safe_load(Path(Places().config, f"{name}.yaml").read_bytes()) for name in FILES}
# The catalogue is long and uniform: a few entries are enough.
SHIPPED["prompts"] = {"prompts": dict(list(SHIPPED["prompts"]["prompts"].items())[:3])}
TYPES: dict[str, Any] = {"service": Service, "menu": menus.Menu, "survey": Survey, "prompts": Catalogue}


@st.composite
def altered(draw: st.DrawFn) -> tuple[str, Any]:
    """A shipped document with one or two values replaced."""
    name = draw(st.sampled_from(FILES))
    document = json.loads(json.dumps(SHIPPED[name]))
    for _ in range(draw(st.integers(1, 2))):
        here, way = document, []
        while isinstance(here, (dict, list)) and here and draw(st.integers(0, 3)):
            key = draw(st.sampled_from(list(here) if isinstance(here, dict) else range(len(here))))
            way.append(key)
            here = here[key]
        inside = document
        for key in way[:-1]:
            inside = inside[key]
        if way:
            inside[way[-1]] = draw(values)
    return name, document


def test_a_null_key_is_unknown() -> None:
    found = list(find_type_errors({**SHIPPED["service"], "holidays": {None: None}}, TYPES["service"]))
    assert [(path, message.partition(";")[0]) for path, message in found] == [
        ("holidays.nothing (null)", "unknown key")
    ]


@given(altered())
@settings(max_examples=200)
def test_any_document_is_accepted_or_reported(named: tuple[str, Any]) -> None:
    name, document = named
    errors = list(find_type_errors(document, TYPES[name]))
    if not errors:
        converted = msgspec.convert(document, TYPES[name])
        if isinstance(converted, menus.Menu):
            assert all(len(finding) == 3 for finding in menus.check(converted))
    for path, message in errors:
        assert message and len(message) < 1000 and (path + message).isprintable()


@given(st.binary(max_size=200) | st.text("ab:&*[]{}-?!|>%@`\"'\n \t<1", max_size=60).map(str.encode))
@settings(max_examples=300)
def test_no_bytes_crash_the_reader(raw: bytes) -> None:
    try:
        parse(raw)
    except Unreadable as problem:
        assert str(problem) and "\n" not in str(problem)


@given(values, st.sampled_from(list(TYPES)))
def test_type_errors_agree_with_msgspec(value: Any, name: str) -> None:
    try:
        msgspec.convert(value, TYPES[name])
    except (msgspec.ValidationError, OverflowError):
        assert list(find_type_errors(value, TYPES[name]))
