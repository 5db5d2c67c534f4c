"""Checks the sounds of a site: whether its Asterisk finds every prompt, the tone and the music.

Asterisk plays a sound that it does not find as silence, and logs a warning that nobody reads. The sounds are in
Asterisk's data folder, below `sounds/<language>/`, where a site links the folder of its prompts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import msgspec

from common import unprivileged
from common.places import Places
from ivr.configuration.service import Configuration
from ivr.flows.speech import sound
from ivr.prompts import placeholders

DATA_FOLDERS = ("/usr/share/asterisk", "/var/lib/asterisk")  # of Debian, and of Asterisk itself
RENDERED = "extensions_nul.conf"
FORMATS = (
    "alaw", "al", "ulaw", "ul", "pcm", "wav", "WAV", "wav16", "gsm", "g722", "g729", "sln", "sln16", "ogg", "opus",
    "siren7", "siren14",
)  # fmt: skip

_DATA = re.compile(r"^\s*(astdatadir|astvarlibdir)\s*=>?\s*([^;\n]+)", re.MULTILINE)


def is_site(folder: str) -> bool:
    """Whether an Asterisk reads the service's files from this folder."""
    return os.path.isfile(os.path.join(folder, RENDERED))


def data_folder(etc: str) -> str | None:
    """Asterisk's data folder (`astdatadir` of asterisk.conf); None when there is none."""
    try:
        with open(os.path.join(etc, "asterisk.conf"), encoding="utf-8", errors="replace") as file:
            written = {match[1]: match[2].strip() for match in _DATA.finditer(file.read())}
    except OSError:
        written = {}
    folders = [written[name] for name in ("astdatadir", "astvarlibdir") if name in written] or list(DATA_FOLDERS)
    return next((folder for folder in folders if os.path.isdir(folder)), None)


def find_missing_sounds(etc: str, configuration: Configuration, places: Places) -> Iterator[str]:
    """What callers and operators would not hear, one line each, with the remedy. `etc`: where Asterisk's files are."""
    data = data_folder(etc)
    if data is None:
        yield (
            f"{os.path.join(etc, 'asterisk.conf')}: astdatadir names no folder, so the sounds cannot be checked; write "
            "Asterisk's data folder there"
        )
        return
    sounds = os.path.join(data, "sounds")
    own = os.path.join(sounds, configuration.service.service.language)
    yield from _check_folder(os.path.join(own, "nul"), places.audio, etc)
    yield from _check_folder(os.path.join(own, "digits"), os.path.join(places.audio, "digits"), etc)
    yield from _check_prompts(own, configuration)
    if not any(_has_sound(os.path.join(sounds, language), "beep") for language in _tone_folders(sounds, own)):
        yield f"{own}/beep: missing, so no tone announces the recording; install Asterisk's Italian or English sounds"
    music = os.path.join(data, "moh")
    if not (os.path.isdir(music) and os.listdir(music)):
        yield f"{music}: no music, so waiting callers hear silence; install Asterisk's music or put files there"


def _check_folder(folder: str, prompts: str, etc: str) -> Iterator[str]:
    if not os.path.isdir(folder):
        link = os.path.islink(folder)
        what = f"leads to {os.readlink(folder)}, which is missing" if link else "missing"
        command = (
            f"ln -sfn {prompts} {folder}" if link else f"mkdir -p {os.path.dirname(folder)}; ln -s {prompts} {folder}"
        )
        yield f"{folder}: {what}, so callers hear nothing from it; run: {command}"
    elif why := _find_obstacle(etc, folder):
        yield f"{folder}: Asterisk cannot read it: {why}; open the folders to it"


def _find_obstacle(etc: str, folder: str) -> str | None:
    """Why the account of Asterisk may not enter the folder. Where root owns Asterisk's files the account is unknown."""
    who = unprivileged.account_for(etc) if os.stat(etc).st_uid else None
    return unprivileged.find_obstacle(who, ["/bin/true"], [folder]) if who else None


def _check_prompts(own: str, configuration: Configuration) -> Iterator[str]:
    service = {"service": msgspec.to_builtins(configuration.service.service)}
    # A prompt that names a setting which is still null is never played, so it has no audio.
    played = (name for name, prompt in configuration.prompts.items() if placeholders.fill(prompt.text, service))
    names = {prompt: sound(prompt) for prompt in played}
    names = {prompt: name for prompt, name in names.items() if os.path.isdir(os.path.join(own, name.partition("/")[0]))}
    missing = [prompt for prompt, name in names.items() if not _has_sound(own, name)]
    if missing:
        some = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        noun = "prompt is" if len(missing) == 1 else "prompts are"
        yield f"{own}: {len(missing)} {noun} silent there: {some}; run `ivr prompts synthesise`, or link the folder"


def _has_sound(folder: str, name: str) -> bool:
    paths = (os.path.join(folder, f"{name}.{ending}") for ending in FORMATS)
    return any(os.path.isfile(path) and os.path.getsize(path) for path in paths)


def _tone_folders(sounds: str, own: str) -> list[str]:
    try:
        english = [name for name in os.listdir(sounds) if name.startswith("en")]
    except OSError:
        english = []
    return [os.path.basename(own), *english]
