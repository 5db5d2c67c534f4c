"""Settings inside the text of a prompt: `{service.controller}` becomes the value of that key of service.yaml.

A prompt whose setting is null is not played and has no audio: callers never hear a gap or a bracket.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# The settings that a text may contain; each is one line of text, or null.
SETTINGS = ("service.controller", "service.privacy_page")

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_SPOKEN_SIGNS = {".": " punto ", "/": " barra ", "-": " trattino ", "_": " trattino basso ", "@": " chiocciola "}


def names(text: str) -> list[str]:
    """The settings that a text contains, in order; also names that are no setting."""
    return _PLACEHOLDER.findall(text)


def unset(text: str, service: Mapping[str, Any]) -> str | None:
    """The first setting of the text that is null, or None. `service`: the content of service.yaml."""
    return next((name for name in names(text) if _value(name, service) is None), None)


def fill(text: str, service: Mapping[str, Any]) -> str:
    """The text as it is spoken; "" while one of its settings is null."""
    if unset(text, service) is not None:
        return ""
    return _PLACEHOLDER.sub(lambda match: _spoken(match[1], str(_value(match[1], service))), text)


def _value(name: str, service: Mapping[str, Any]) -> Any:
    group, _, key = name.partition(".")
    values = service.get(group) if name in SETTINGS else None
    return values.get(key) if isinstance(values, Mapping) else None


def _spoken(name: str, value: str) -> str:
    return spoken_address(value) if name == "service.privacy_page" else value


def spoken_address(address: str) -> str:
    """An address of the web as it is read aloud: `https://www.example.it/dati` -> "example punto it barra dati"."""
    bare = re.sub(r"^https?://", "", address.strip()).removeprefix("www.").rstrip("/")
    spoken = "".join(_SPOKEN_SIGNS.get(sign, sign) for sign in bare)
    return " ".join(spoken.split())
