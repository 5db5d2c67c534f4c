"""The texts that a package asks for (`common.texts`), found in its code."""

from __future__ import annotations

import ast
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
