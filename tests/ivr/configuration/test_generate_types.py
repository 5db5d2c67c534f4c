"""The types of the compiled configuration are those of the settings."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, get_args, get_type_hints

import pytest
from msgspec import Meta, Struct

from ivr.configuration import generate_types
from ivr.configuration.compiled_check import NODES
from ivr.configuration.menu import Node


class Pause(Struct, tag_field="kind", tag="pause"):
    seconds: Annotated[float, Meta(ge=1)] = 5
    days: Annotated[list[datetime.date], Meta(max_length=3)] = []


def test_generated_module_is_up_to_date() -> None:
    assert Path(generate_types.TARGET).read_text(encoding="utf-8") == generate_types.generate(), "run `make types`"


def test_every_kind_of_node_has_the_fields_of_its_struct() -> None:
    written = {node.__struct_config__.tag: {*node.__struct_fields__, "kind"} for node in get_args(Node)}
    assert {kind: set(get_type_hints(node)) for kind, node in NODES.items()} == written


def test_types_are_those_of_json_without_limits_and_defaults() -> None:
    assert generate_types._render_struct(Pause).strip() == (
        'class Pause(TypedDict):\n    kind: Literal["pause"]\n    seconds: float\n    days: list[str]'
    )


def test_a_type_that_json_lacks_is_refused() -> None:
    with pytest.raises(TypeError, match=r"write in generate_types\.py what it is in JSON"):
        generate_types._render_type(datetime.timedelta)
