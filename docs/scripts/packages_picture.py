"""`make picture`: draw the packages and the imports between them (docs/packages.svg), from the import graph itself.

The rows are the layers of the contract in setup.cfg. An arrow leads from a package to one that it imports; arrows to
the base (`common`, `charter`) are left out, since nearly every package has them.
"""

from __future__ import annotations

import ast
import configparser
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "packages.svg"
CONTRACT = "importlinter:contract:layers"
WIDTH, BOX, ROW, GAP = 960, 62, 118, 24  # the picture's width; a box's height; from row to row; between boxes
Places = dict[str, tuple[float, float, float]]  # of a box: left, top, width
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #17324d } .name { font-weight: 600; font-size: 15px }
rect { fill: #f2f7fc; stroke: #0066cc; stroke-width: 1.2 } .base { fill: #eef1f4; stroke: #5b6f82 }
path { fill: none; stroke: #5b6f82; stroke-width: 1.3; marker-end: url(#tip) }
"""


def layers() -> list[list[str]]:
    """The rows of packages, the uppermost first, as setup.cfg has them."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    return [[name.strip() for name in row.split("|")] for row in setup[CONTRACT]["layers"].split("\n") if row.strip()]


def imports(packages: list[str]) -> set[tuple[str, str]]:
    """Every pair (importer, imported) of different packages."""
    graph = grimp.build_graph(*packages)
    pairs = set()
    for module in graph.modules:
        for target in graph.find_modules_directly_imported_by(module):
            pairs.add((module.partition(".")[0], target.partition(".")[0]))
    return {(importer, imported) for importer, imported in pairs if importer != imported}


def first_sentence(path: Path) -> str:
    """The first sentence of a module's docstring, on one line; "" when it has none."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    paragraph = " ".join(text.partition("\n\n")[0].split())
    for mark in (". ", ": ", "; "):
        first, found, _ = paragraph.partition(mark)
        if found and len(first) > 20:
            return first.rstrip(".")
    return paragraph.rstrip(".")


def wrapped(text: str, letters: int) -> list[str]:
    """At most two lines of about so many letters."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= letters:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines[:2] if len(lines) <= 2 else [lines[0], lines[1].rstrip(",;:") + " …"]


def draw(rows: list[list[str]], edges: set[tuple[str, str]]) -> str:
    """The picture as SVG text."""
    height = ROW * len(rows) + 10
    places = {}
    for row, names in enumerate(rows):
        wide = (WIDTH - GAP * (len(names) + 1)) / len(names)
        wide = min(wide, 300)
        left = (WIDTH - len(names) * wide - (len(names) - 1) * GAP) / 2
        for column, name in enumerate(names):
            places[name] = (left + column * (wide + GAP), 14 + row * ROW, wide)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
            'aria-label="Packages and the imports between them">',
            f"<title>Packages and the imports between them</title><style>{STYLE}</style>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0 8 4 0 8z" style="fill:#5b6f82;stroke:none;marker-end:none"/></marker></defs>',
            *_arrows(places, edges, set(rows[-1])),
            *_boxes(places, set(rows[-1])),
            "</svg>",
            "",
        ]
    )


def _arrows(places: Places, edges: set[tuple[str, str]], base: set[str]) -> Iterator[str]:
    for importer, imported in sorted(edges):
        if imported in base:
            continue
        x1, y1, w1 = places[importer]
        x2, y2, w2 = places[imported]
        start, end = x1 + w1 / 2, x2 + w2 / 2
        # Arrows that leave a box, or arrive at one, stand apart from each other.
        shift = max(-w1 / 3, min(w1 / 3, (end - start) / 4))
        back = max(-w2 / 3, min(w2 / 3, (start - end) / 4))
        top, bottom = y1 + BOX, y2
        bend = (bottom - top) / 2
        yield (
            f'<path d="M{start + shift:.0f} {top:.0f}C{start + shift:.0f} {top + bend:.0f} '
            f'{end + back:.0f} {bottom - bend:.0f} {end + back:.0f} {bottom - 2:.0f}"/>'
        )


def _boxes(places: Places, base: set[str]) -> Iterator[str]:
    for name, (x, y, wide) in places.items():
        mark = ' class="base"' if name in base else ""
        yield f'<rect{mark} x="{x:.0f}" y="{y:.0f}" width="{wide:.0f}" height="{BOX}" rx="6"/>'
        yield f'<text class="name" x="{x + 10:.0f}" y="{y + 20:.0f}">{escape(name)}</text>'
        for number, line in enumerate(wrapped(first_sentence(ROOT / name / "__init__.py"), int(wide / 7.3))):
            yield f'<text x="{x + 10:.0f}" y="{y + 38 + 16 * number:.0f}">{escape(line)}</text>'


def picture() -> str:
    rows = layers()
    return draw(rows, imports([name for row in rows for name in row]))


def main() -> int:
    PICTURE.write_text(picture(), encoding="utf-8")
    print(f"written: {PICTURE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
