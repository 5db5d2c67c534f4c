"""The compiled configuration: what `ivr compile` writes and every call reads.

One JSON document, the validated content of `config/` with every default filled in, so that a call parses no YAML and
checks nothing. Its types are generated from the settings into `ivr.configuration.compiled_types`. Import them from
here, under TYPE_CHECKING or with postponed annotations.
"""

from __future__ import annotations

import json

from common.file_errors import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from common.languages import Language
    from common.places import Places
    from ivr.configuration.compiled_types import *  # noqa: F403 - only the type checker reads it
    from ivr.configuration.compiled_types import Compiled as Compiled

FORMAT = 2  # raised when the shape changes; a file of another format is refused


class CompiledError(Exception):
    """The compiled configuration cannot be used; the message says what to do."""


def load(path: str) -> Compiled:
    """Read the compiled configuration, or raise `CompiledError` with the remedy."""
    try:
        with open(path, "rb") as file:
            document: Any = json.load(file)
    except FileNotFoundError:
        raise CompiledError(f"{path}: not there yet; run `ivr compile`") from None
    except OSError as problem:
        raise CompiledError(describe(problem, path)) from None
    except ValueError as problem:
        raise CompiledError(f"{path}: {problem}; run `ivr compile` again") from None
    number = document.get("format") if isinstance(document, dict) else None
    if number != FORMAT:
        raise CompiledError(f"{path}: format {number!r}, but this program reads {FORMAT}; run `ivr compile` again")
    compiled: Compiled = document
    return compiled


def site_language(places: Places) -> Language:
    """The language of the service, for what operators read; Italian as long as there is no configuration."""
    try:
        language = load(places.compiled)["service"]["service"]["language"]
    except (CompiledError, KeyError, TypeError):
        return "it"
    return "en" if language == "en" else "it"


if not TYPE_CHECKING:

    def __getattr__(name):
        """Load the types for modules that import them at run time; the call path never does."""
        if name.startswith("__"):
            raise AttributeError(name)
        from ivr.configuration import compiled_types

        return getattr(compiled_types, name)
