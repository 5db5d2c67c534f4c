"""Prompts that nobody ever hears: neither the menu, the survey, a dialplan template nor the program plays them."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator

from common.places import Places
from ivr.configuration.menu import menu_prompts
from ivr.configuration.required_prompts import REQUIRED
from ivr.configuration.rules import survey_prompts
from ivr.configuration.service import Configuration

SWITCH_FOLDER = "digits/"  # Asterisk plays these by itself when it says numbers and dates


def unused_prompts(configuration: Configuration, places: Places) -> list[str]:
    """The ids in the order of prompts.yaml."""
    used = {prompt for _, prompt in (*menu_prompts(configuration.menu), *survey_prompts(configuration.survey))}
    used |= REQUIRED | set(_template_prompts(places.templates))
    return [name for name in configuration.prompts if name not in used and not name.startswith(SWITCH_FOLDER)]


def _template_prompts(folder: str) -> Iterator[str]:
    """`nul/<id>` in the templates and in the files of ops beside them."""
    for path in glob.glob(os.path.join(folder, "*.conf")):
        with open(path, encoding="utf-8", errors="replace") as file:
            yield from re.findall(r"\bnul/([a-z0-9]+(?:-[a-z0-9]+)*)", file.read())
