"""`make file-map`: write docs/files.md, one line for each module, from the first sentence of its docstring."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from docs.scripts.packages_picture import ROOT, first_sentence, layers

PAGE = ROOT / "docs" / "files.md"
HEAD = """\
# Every file

One line for each module, taken from the head of the file itself. This page is written by `make file-map`; do not edit
it. How the packages depend on each other: [developers.md](developers.md). The files of the data folders, `config/` and
`scenarios/`, explain themselves at their top.
"""
TABLE = "| file | what is in it |\n|---|---|"


def page() -> str:
    parts = [HEAD]
    for name in (name for row in layers() for name in row):
        parts.append(
            f"## {name}\n\n{first_sentence(ROOT / name / '__init__.py')}.\n\n| file | what is in it |\n|---|---|"
        )
        parts.append("\n".join(_rows(ROOT / name)) + "\n")
    return "\n".join(parts)


def _rows(package: Path) -> Iterator[str]:
    for path in sorted(package.rglob("*.py"), key=lambda path: (path.parent, path.name != "__init__.py", path.name)):
        if path == package / "__init__.py" or "__pycache__" in path.parts:
            continue
        shown = path.parent if path.name == "__init__.py" else path
        ending = "/" if path.name == "__init__.py" else ""
        text = first_sentence(path).replace("|", "\\|")
        name = f"`{shown.relative_to(ROOT)}{ending}`"
        yield f"| **{name}** | **{text}** |" if ending else f"| {name} | {text} |"


def main() -> int:
    PAGE.write_text(page(), encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
