"""Writes `ivr/configuration/compiled_types.py` from the settings. Run it with `make types`.

The settings are msgspec Structs: they check what people write. The compiled configuration is the same data as plain
dictionaries, and the code that reads it needs their types. Each Struct becomes a TypedDict here.
"""

from __future__ import annotations

import datetime
import keyword
import os
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from ivr.configuration import menu, settings

TARGET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "compiled_types.py")
WIDTH = 120

# Read by weekday, so a mapping is of more use than a TypedDict.
REPLACED: dict[Any, str] = {settings.Week: "dict[str, list[str]]  # weekday name -> 09:00-18:00"}
NOT_COMPILED = (settings.PromptText, settings.Catalogue)

_HEAD = '''"""The types of the compiled configuration. Generated from the settings: do not edit, run `make types`.

Import them from `ivr.configuration.compiled`. They have a module of their own because making fifty typed dictionaries
takes 4 ms, which an AGI script does not have: on the call path only the type checker imports them.
"""

from __future__ import annotations

from typing import Literal, TypedDict

'''


def generate() -> str:
    """The text of the module."""
    parts = [_HEAD]
    for struct in _find_structs(menu, settings):
        parts.append(_render_struct(struct))
        parts += [_render_alias(name, value) for name, value, after in _aliases() if after is struct]
    return "\n".join(parts).rstrip("\n") + "\n"


def main() -> None:
    with open(TARGET, "w", encoding="utf-8") as file:
        file.write(generate())


def _find_structs(*modules: types.ModuleType) -> Iterator[Any]:
    """The Structs that modules define, in the order of the sources."""
    for module in modules:
        for value in vars(module).values():
            struct = isinstance(value, type) and issubclass(value, msgspec.Struct)
            if struct and value.__module__ == module.__name__ and value not in (*REPLACED, *NOT_COMPILED):
                yield value


def _aliases() -> list[tuple[str, Any, Any]]:
    """The unions with a name: (name, type, the Struct after which they can be written)."""
    hints = get_type_hints(menu.Miss)
    return [("Prompt", get_args(hints["prompts"])[0], menu.SayToken), ("Node", menu.Node, get_args(menu.Node)[-1])]


def _render_alias(name: str, value: Any) -> str:
    line = f"{name} = {_render_union(value)}\n"
    if len(line) > WIDTH:
        line = f"{name} = (\n    {' | '.join(map(_render_type, get_args(value)))}\n)\n".replace(" | ", "\n    | ")
    return line + "\n"


def _render_struct(struct: Any) -> str:
    """`struct` as it is written in JSON. Raises TypeError for a type that has no counterpart here."""
    hints = get_type_hints(struct)
    names = zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True)
    fields = {name: _render_type(hints[field]) for name, field in names}
    config = struct.__struct_config__
    if config.tag is not None:
        fields = {config.tag_field: f'Literal["{config.tag}"]', **fields}
    name = struct.__name__
    if any(keyword.iskeyword(field) for field in fields):
        items = ", ".join(f'"{field}": {value}' for field, value in fields.items())
        return f'{name} = TypedDict("{name}", {{{items}}})\n\n'
    lines = [f"    {field}: {value}" for field, value in fields.items()]
    return "\n".join([f"class {name}(TypedDict):", *lines, "\n"])


def _render_type(hint: Any) -> str:
    for name, value, _ in _aliases():
        if hint == value:
            return name
    if hint in REPLACED:
        return REPLACED[hint]
    if hint is datetime.date:
        return "str"
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _render_union(hint)
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]".replace("'", '"')
    if origin in (list, dict):
        return f"{origin.__name__}[{', '.join(map(_render_type, arguments))}]"
    if hint in (bool, int, float, str, types.NoneType) or issubclass(hint, msgspec.Struct):
        return "None" if hint is types.NoneType else str(hint.__name__)
    raise TypeError(f"{hint}: write in {os.path.basename(__file__)} what it is in JSON")


def _render_union(hint: Any) -> str:
    return " | ".join(map(_render_type, get_args(hint)))


if __name__ == "__main__":
    main()
