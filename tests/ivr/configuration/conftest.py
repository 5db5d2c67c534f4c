"""A copy of the shipped configuration to edit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ivr.edited_config import EditedConfig


@pytest.fixture
def config(tmp_path: Path) -> EditedConfig:
    return EditedConfig(tmp_path)
