"""The parts of the documentation that are made from the code are up to date."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from common.places import ROOT
from docs.scripts import file_map, packages_picture

LARGEST_FOLDER = 20  # modules


def test_the_picture_of_the_packages_is_up_to_date() -> None:
    assert packages_picture.PICTURE.read_text(encoding="utf-8") == packages_picture.picture(), "run `make picture`"


def test_the_file_map_is_up_to_date() -> None:
    assert file_map.PAGE.read_text(encoding="utf-8") == file_map.page(), "run `make file-map`"


def sources() -> list[Path]:
    packages = [name for row in packages_picture.layers() for name in row]
    return [path for name in (*packages, "benchmarks") for path in Path(ROOT, name).rglob("*.py")]


def test_every_module_has_a_docstring() -> None:
    silent = [path for path in sources() if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert silent == []


def test_no_folder_has_too_many_modules() -> None:
    folders = {path.parent for path in sources()}
    crowded = {
        str(folder.relative_to(ROOT)): count
        for folder in folders
        if (count := sum(path.name != "__init__.py" for path in folder.glob("*.py"))) > LARGEST_FOLDER
    }
    assert crowded == {}


def test_the_packages_of_the_picture_are_those_of_the_checkout() -> None:
    setup = Path(ROOT, "setup.cfg").read_text(encoding="utf-8")
    included = re.search(r"\[options.packages.find\]\ninclude =\n((?: +.*\n)+)", setup)
    assert included is not None
    assert {name.strip().rstrip("*") for name in included[1].split()} == {
        name for row in packages_picture.layers() for name in row
    }
