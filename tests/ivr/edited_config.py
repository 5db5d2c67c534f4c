"""A copy of the shipped configuration on somebody's desk: edited, spoiled and checked."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from common.places import ROOT, Places
from ivr.configuration.service import examine

FILES = ("service", "menu", "survey", "prompts")


class Desk:
    """`config/` in a folder of its own, with small stand-ins for the sounds, so that nothing is missing."""

    def __init__(self, folder: Path) -> None:
        self.places = Places(config=str(folder / "config"), var=str(folder / "var"))
        os.mkdir(self.places.config)
        for name in FILES:
            shutil.copy(os.path.join(ROOT, "config", f"{name}.yaml"), self.places.config)
        # The sounds themselves are not looked at here, and 200 files a test are slow.
        os.symlink(os.path.join(ROOT, "config", "prompts"), self.places.audio)

    def path(self, name: str) -> Path:
        return Path(self.places.config, f"{name}.yaml")

    def write(self, name: str, content: str | bytes) -> None:
        self.path(name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace the first occurrence of some words of a file, which must be there."""
        text = self.path(name).read_text(encoding="utf-8")
        assert old in text, f"{name}.yaml has no {old!r}"
        self.write(name, text.replace(old, new, 1))

    def problems(self, severity: str = "error") -> list[str]:
        """What the check says, without the folder that the test happens to be in."""
        configuration, found = examine(self.places)
        assert (configuration is None) == any(each.severity == "error" for each in found)
        parent = os.path.dirname(self.places.config) + os.sep
        return [str(each).replace(parent, "") for each in found if each.severity == severity]
