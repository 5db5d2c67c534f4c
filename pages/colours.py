"""The colours of pages and pictures, safe for readers who do not see red or green.

On white, the inks (all except `LIGHT`, `PALE`, `GRID` and `AMBER`) have a contrast of at least 4.5 to 1, which WCAG 2.1
AA requires for text; it requires 3 to 1 for the marks of a picture.
"""

from __future__ import annotations

INK, SOFT, GRID = "#1b2430", "#55606e", "#dde2e8"
DARK, LIGHT, PALE, ORANGE, GREEN = "#1f4e8c", "#7fb2e5", "#e3edf8", "#b3500b", "#1d7044"
RED, AMBER, PLUM = "#a3261b", "#c08a1a", "#6a3d8f"


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours `#rrggbb`, 1 to 21 (WCAG 2.1, relative luminance)."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
