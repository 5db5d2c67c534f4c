"""The compiled configuration: what `ivr compile` writes and every call reads.

One JSON document, the validated content of `config/` with every default filled in, so that a call parses no YAML and
checks nothing. Its shapes (`Compiled` and its parts) are in `ivr.configuration.shapes` and are reached from here;
they are loaded
only when somebody wants them at run time. `ivr.configuration.service` holds the rules, and a test holds the two
together.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ivr.configuration.shapes import Agreement as Agreement
    from ivr.configuration.shapes import AllBusy as AllBusy
    from ivr.configuration.shapes import AskNode as AskNode
    from ivr.configuration.shapes import Closure as Closure
    from ivr.configuration.shapes import Compiled as Compiled
    from ivr.configuration.shapes import Engine as Engine
    from ivr.configuration.shapes import HangupNode as HangupNode
    from ivr.configuration.shapes import Holidays as Holidays
    from ivr.configuration.shapes import HoursNode as HoursNode
    from ivr.configuration.shapes import Identity as Identity
    from ivr.configuration.shapes import InformNode as InformNode
    from ivr.configuration.shapes import Limits as Limits
    from ivr.configuration.shapes import Menu as Menu
    from ivr.configuration.shapes import MessageNode as MessageNode
    from ivr.configuration.shapes import Miss as Miss
    from ivr.configuration.shapes import Node as Node
    from ivr.configuration.shapes import NoticeNode as NoticeNode
    from ivr.configuration.shapes import NumberNode as NumberNode
    from ivr.configuration.shapes import Paths as Paths
    from ivr.configuration.shapes import PlayNode as PlayNode
    from ivr.configuration.shapes import Promises as Promises
    from ivr.configuration.shapes import Prompt as Prompt
    from ivr.configuration.shapes import PromptSheet as PromptSheet
    from ivr.configuration.shapes import Question as Question
    from ivr.configuration.shapes import Queue as Queue
    from ivr.configuration.shapes import QueueNode as QueueNode
    from ivr.configuration.shapes import Recording as Recording
    from ivr.configuration.shapes import Registry as Registry
    from ivr.configuration.shapes import Retention as Retention
    from ivr.configuration.shapes import SayToken as SayToken
    from ivr.configuration.shapes import Service as Service
    from ivr.configuration.shapes import Statistics as Statistics
    from ivr.configuration.shapes import Survey as Survey
    from ivr.configuration.shapes import SurveySwitch as SurveySwitch
    from ivr.configuration.shapes import Voicemail as Voicemail

FORMAT = 1  # raised when the shape changes; a file of another format is refused


class CompiledError(Exception):
    """The compiled configuration cannot be used; the message says what to do."""


def load(path: str) -> Compiled:
    """Read the compiled configuration, or raise `CompiledError` with the remedy."""
    try:
        with open(path, "rb") as file:
            document: Any = json.load(file)
    except FileNotFoundError:
        raise CompiledError(f"{path}: not there yet; run `ivr compile`") from None
    except (OSError, ValueError) as problem:
        raise CompiledError(f"{path}: {problem}; run `ivr compile` again") from None
    found = document.get("format") if isinstance(document, dict) else None
    if found != FORMAT:
        raise CompiledError(f"{path}: format {found!r}, this program reads {FORMAT}; run `ivr compile` again")
    compiled: Compiled = document
    return compiled


if not TYPE_CHECKING:

    def __getattr__(name):
        if name.startswith("__"):
            raise AttributeError(name)
        import ivr.configuration.shapes

        return getattr(ivr.configuration.shapes, name)
