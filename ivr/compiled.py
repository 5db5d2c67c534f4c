"""The compiled configuration: what `ivr compile` writes and every call reads.

One JSON document, the validated content of `config/` with every default filled in, so that a call parses no YAML and
checks nothing. Its shapes (`Compiled` and its parts) are in `ivr.shapes` and are reached from here; they are loaded
only when somebody wants them at run time. `ivr.service` holds the rules, and a test holds the two together.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ivr.shapes import Agreement as Agreement
    from ivr.shapes import AllBusy as AllBusy
    from ivr.shapes import AskNode as AskNode
    from ivr.shapes import Closure as Closure
    from ivr.shapes import Compiled as Compiled
    from ivr.shapes import Engine as Engine
    from ivr.shapes import HangupNode as HangupNode
    from ivr.shapes import Holidays as Holidays
    from ivr.shapes import HoursNode as HoursNode
    from ivr.shapes import Identity as Identity
    from ivr.shapes import InformNode as InformNode
    from ivr.shapes import Limits as Limits
    from ivr.shapes import Menu as Menu
    from ivr.shapes import MessageNode as MessageNode
    from ivr.shapes import Miss as Miss
    from ivr.shapes import Node as Node
    from ivr.shapes import NoticeNode as NoticeNode
    from ivr.shapes import NumberNode as NumberNode
    from ivr.shapes import Paths as Paths
    from ivr.shapes import PlayNode as PlayNode
    from ivr.shapes import Promises as Promises
    from ivr.shapes import Prompt as Prompt
    from ivr.shapes import PromptSheet as PromptSheet
    from ivr.shapes import Question as Question
    from ivr.shapes import Queue as Queue
    from ivr.shapes import QueueNode as QueueNode
    from ivr.shapes import Recording as Recording
    from ivr.shapes import Registry as Registry
    from ivr.shapes import Retention as Retention
    from ivr.shapes import SayToken as SayToken
    from ivr.shapes import Service as Service
    from ivr.shapes import Statistics as Statistics
    from ivr.shapes import Survey as Survey
    from ivr.shapes import SurveySwitch as SurveySwitch
    from ivr.shapes import Voicemail as Voicemail

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
        import ivr.shapes

        return getattr(ivr.shapes, name)
