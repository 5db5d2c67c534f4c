"""The texts that a package asks for (`common.texts`), found in its code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from common.places import ROOT


def literals(package: str) -> Iterator[tuple[str, str]]:
    """The place and the English of every translate("...") in a package."""
    for path in sorted(Path(ROOT, package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "translate"
                and node.args
            ):
                for value in _strings(node.args[0]):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", value


def _strings(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _strings(node.body)
        yield from _strings(node.orelse)


# Words of English sentences that are no Italian words, codes or names of options.
ENGLISH = re.compile(
    r"\b(?:the|of|with|is|by|from|and|or|to|as|late|level|requests?|nobody|must|not|now|write|give|use|default|show|this"
    r"|usage|error|argument|options|opened|never|who|what|when|version|days?|hours?|that|only|has|last)\b",
    re.IGNORECASE,
)


def english_words(text: str) -> set[str]:
    """The English words of an output, without commands in backquotes, options and their values."""
    plain = re.sub(
        r"`[^`]*`|--[a-z-]+|\{[a-z_,0-9]+\}|op\d+|/\S+|^(?:uso: )?(?:registry|voicemail) [a-z]+",
        " ",
        text,
        flags=re.MULTILINE,
    )
    return {word.lower() for word in ENGLISH.findall(plain)}


def untranslated_refusals(path: str) -> Iterator[str]:
    """The place of every refusal in a module or package whose text is not asked for with translate("...")."""
    whole = Path(ROOT, path)
    for file in sorted(whole.rglob("*.py")) if whole.is_dir() else [whole]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                text = node.exc.args[0]
                if isinstance(text, ast.JoinedStr) or (isinstance(text, ast.Constant) and isinstance(text.value, str)):
                    name = node.exc.func.id if isinstance(node.exc.func, ast.Name) else ""
                    if name in REFUSALS:
                        yield f"{file.relative_to(ROOT)}:{node.lineno}"


REFUSALS = ("Refusal", "NotPossible", "Conflict", "ProtocolError", "StoreError")
