"""Pieces of SVG that the pictures share."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def picture(title: str, width: float, height: float, lines: Sequence[str]) -> str:
    """A picture inside a page; its title is read aloud."""
    head = f"<svg viewBox='0 0 {width} {height}' role='img' font-size='12'><title>{escape(title)}</title>"
    return "\n".join([head, *lines, "</svg>"])


def text(x: float, y: float, content: str, anchor: str, fill: str, attributes: str = "") -> str:
    """A line of text; `anchor` is start, middle or end. `attributes`: more of them, as markup."""
    more = f" {attributes}" if attributes else ""
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' fill='{fill}'{more}>{escape(content)}</text>"


def bar(x: float, y: float, width: float, height: float, fill: str) -> str:
    """A filled rectangle; a negative height draws nothing."""
    return f"<rect x='{x:.1f}' y='{y:.1f}' width='{width:.1f}' height='{max(0.0, height):.1f}' fill='{fill}'/>"
