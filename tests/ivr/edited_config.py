"""A copy of the shipped configuration that a test edits and checks."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from common.places import ROOT, Places
from ivr.configuration.service import examine

CLOSURES = "extra_closures: []"
FILES = ("service", "menu", "survey", "prompts")


class EditedConfig:
    """A copy of `config/` with a link to the shipped sounds."""

    def __init__(self, folder: Path) -> None:
        self.places = Places(config=str(folder / "config"), var=str(folder / "var"))
        os.mkdir(self.places.config)
        for name in FILES:
            shutil.copy(os.path.join(ROOT, "config", f"{name}.yaml"), self.places.config)
        # Copying 200 sound files per test would be slow.
        os.symlink(os.path.join(ROOT, "config", "prompts"), self.places.audio)

    def path(self, name: str) -> Path:
        return Path(self.places.config, f"{name}.yaml")

    def write(self, name: str, content: str | bytes) -> None:
        self.path(name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace the first occurrence of `old` in a file, which must contain it."""
        text = self.path(name).read_text(encoding="utf-8")
        assert old in text, f"{name}.yaml has no {old!r}"
        self.write(name, text.replace(old, new, 1))

    def problems(self, severity: str = "error") -> list[str]:
        """The problems that the check finds, without the folder of the test."""
        configuration, found = examine(self.places)
        assert (configuration is None) == any(each.severity == "error" for each in found)
        parent = os.path.dirname(self.places.config) + os.sep
        return [str(each).replace(parent, "") for each in found if each.severity == severity]
