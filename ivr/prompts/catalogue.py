"""The catalogue of prompts: the Italian text and the sound file of each, and which of the two is newer.

`config/prompts.yaml` has the texts, `config/prompts/<id>.alaw` the sounds. `config/prompts/made.json` records the text
from which each sound was made, so that a changed text is noticed. Any other sound (a studio recording, placed with
`ivr prompts adopt` or by hand) belongs to the site, and no synthesiser overwrites it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from common import documents
from common.places import Places
from common.safe_files import drafts, write_file
from ivr.prompts import placeholders, sound

STUDIO = "studio"  # as the voice of a sound in made.json
FIELDS = ("text", "version", "pause_seconds", "announces_hours", "speaks", "source", "reviewed", "note")

State = Literal[
    "ok", "no audio", "text newer than audio", "studio recording", "studio, text newer", "audio without text",
    "setting is null",
]  # fmt: skip
REMEDIES: dict[State, str] = {
    "no audio": "`ivr prompts synthesise {id}`, or `ivr prompts adopt FILE {id}`",
    "text newer than audio": "`ivr prompts synthesise {id}`",
    "studio, text newer": "record it again, then `ivr prompts adopt FILE {id}`",
    "audio without text": "add {id} to prompts.yaml, or delete the file",
}
LEVEL_TOLERANCE_DB = 3.0  # a prompt that differs more from the others is a mistake
LOUDEST = 32256  # the last step of A-law, reached only by clipping


class PromptError(ValueError):
    """prompts.yaml, made.json or a sound is wrong; the message names the file, the key and the remedy."""


@dataclass(frozen=True)
class Prompt:
    """One prompt of prompts.yaml."""

    id: str
    text: str
    version: int
    pause_seconds: float | None = None  # between the sentences; None: as the voice reads them
    unset: str | None = None  # the setting in the text that service.yaml leaves null; then the prompt is not played

    @property
    def digest(self) -> str:
        """Changes with the text, the version and the pauses, not with line breaks."""
        pause = "" if self.pause_seconds is None else f"\n{self.pause_seconds:g}"
        return _digest(f"{self.version}\n{' '.join(self.text.split())}{pause}".encode())

    @property
    def parts(self) -> list[str]:
        """What the voice speaks at a time: the sentences if there are pauses between them, else the whole text."""
        return [self.text] if self.pause_seconds is None else re.split(r"(?<=[.!?])\s+", self.text.strip())


@dataclass(frozen=True)
class Status:
    """A line of `ivr prompts list`."""

    id: str
    state: State
    seconds: float | None  # None without audio
    text: str | None  # None without text
    path: str


# --- texts -----------------------------------------------------------------------------------------------------------


def load(places: Places) -> dict[str, Prompt]:
    """Every prompt of prompts.yaml by its id, in the order of the file. Raises `PromptError`."""
    path = texts_path(places)
    try:
        document = documents.read(path)
    except documents.Unreadable as problem:
        raise PromptError(f"{path}: {problem}") from None
    entries = document.get("prompts") if isinstance(document, dict) else None
    if not isinstance(entries, dict) or not entries:
        raise PromptError(f"{path}: no prompts; write `prompts:` and below it `<id>: {{text: ..., version: 1}}`")
    service = _service(places)
    return {str(id): _prompt(path, str(id), entry, service) for id, entry in entries.items()}


def _service(places: Places) -> Mapping[str, Any]:
    """The content of service.yaml; empty when it cannot be read, which `ivr check` reports."""
    try:
        document = documents.read(os.path.join(places.config, "service.yaml"))
    except documents.Unreadable:
        return {}
    return document if isinstance(document, dict) else {}


def _prompt(path: str, id: str, entry: Any, service: Mapping[str, Any]) -> Prompt:
    where = f"{path}: prompts.{id}"
    if id.startswith(("/", ".")) or "/." in id or id.endswith("/"):
        raise PromptError(f"{where}: an id is a name like `welcome` or `digits/3`")
    if not isinstance(entry, dict):
        raise PromptError(f"{where}: write {{text: ..., version: 1}}")
    text, version = entry.get("text"), entry.get("version", 1)
    if not isinstance(text, str) or not text.strip():
        raise PromptError(f"{where}.text: the Italian text is missing")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise PromptError(f"{where}.version: {version!r}; write a whole number from 1")
    unknown = set(entry) - set(FIELDS)
    if unknown:
        raise PromptError(f"{where}.{min(map(str, unknown))}: unknown; a prompt has {', '.join(FIELDS)}")
    pause = entry.get("pause_seconds")
    if pause is not None and (isinstance(pause, bool) or not isinstance(pause, int | float) or not 0 < pause <= 3):
        raise PromptError(f"{where}.pause_seconds: {pause!r}; write seconds up to 3, such as 0.5")
    return Prompt(id, placeholders.fill(text, service) or text, version, pause, placeholders.unset(text, service))


def texts_path(places: Places) -> str:
    return os.path.join(places.config, "prompts.yaml")


# --- sounds ----------------------------------------------------------------------------------------------------------


def audio_path(places: Places, id: str) -> str:
    """The path of a prompt's sound; the file may be missing."""
    return os.path.join(places.audio, *id.split("/")) + sound.SUFFIX


def seconds(path: str) -> float:
    """How long a sound file lasts. Raises `ivr.prompts.sound.SoundError`, `OSError`."""
    return sound.seconds(path)


def statuses(places: Places) -> list[Status]:
    """Every prompt with its state, in the order of prompts.yaml; then sounds without a text. Raises `PromptError`."""
    made = _read_made(places)
    prompts = load(places)
    known = [_status(places, prompt, made.get(prompt.id)) for prompt in prompts.values()]
    strays = [id for id in _sounds(places) if id not in prompts]
    return known + [
        Status(id, "audio without text", seconds(audio_path(places, id)), None, audio_path(places, id)) for id in strays
    ]


def missing(places: Places) -> list[str]:
    """The prompts without audio, for `make run` to synthesise. Raises `PromptError`."""
    return [id for id, prompt in load(places).items() if not (prompt.unset or os.path.exists(audio_path(places, id)))]


def findings(places: Places) -> list[str]:
    """What is wrong with texts and sounds, one line each, with the remedy. Raises `PromptError`."""
    lines = []
    for status in statuses(places):
        if status.state in REMEDIES:
            lines.append(f"{status.path}: {status.state}; {REMEDIES[status.state].format(id=status.id)}")
        if status.seconds is not None and status.text is not None:
            lines += [f"{status.path}: {problem}" for problem in _unfit(status.path, status.seconds, status.text)]
    return lines


def _unfit(path: str, length: float, text: str) -> Iterator[str]:
    """What makes a sound unfit for the telephone. Nobody reads 25 letters a second, or only 3, of this text."""
    with open(path, "rb") as file:
        samples = sound.decode(file.read())
    level = sound.level_db(samples)
    if abs(level - sound.LEVEL_DB) > LEVEL_TOLERANCE_DB:
        yield f"its level is {level:.1f} dB, the others have {sound.LEVEL_DB:.0f}; place it with `ivr prompts adopt`"
    elif max(map(abs, samples)) >= LOUDEST:
        yield "it is clipped; record it again at a lower level"
    least, most = len(text) / 25, len(text) / 3 + 1.2
    if not least <= length <= most:
        yield f"{length:.1f} s do not fit its text ({least:.1f} to {most:.1f} s); listen to it"


def is_studio(places: Places, id: str) -> bool:
    """Whether the sound of a prompt is the site's own, not synthesised here."""
    path = audio_path(places, id)
    return os.path.exists(path) and _by_hand(path, _read_made(places).get(id))


def _status(places: Places, prompt: Prompt, made: Mapping[str, Any] | None) -> Status:
    path = audio_path(places, prompt.id)
    if prompt.unset:
        return Status(prompt.id, "setting is null", None, prompt.text, path)
    if not os.path.exists(path):
        return Status(prompt.id, "no audio", None, prompt.text, path)
    # The text of a sound that was placed by hand was not recorded: assume that it is the current one.
    newer = made is not None and made["text"] != prompt.digest and not _replaced(path, made)
    state: State
    if _by_hand(path, made):
        state = "studio, text newer" if newer else "studio recording"
    else:
        state = "text newer than audio" if newer else "ok"
    return Status(prompt.id, state, seconds(path), prompt.text, path)


def _by_hand(path: str, made: Mapping[str, Any] | None) -> bool:
    return made is None or made["voice"] == STUDIO or _replaced(path, made)


def _replaced(path: str, made: Mapping[str, Any]) -> bool:
    with open(path, "rb") as file:
        return _digest(file.read()) != str(made["audio"])


def _sounds(places: Places) -> Iterator[str]:
    for folder, folders, names in os.walk(places.audio):
        folders.sort()
        for name in sorted(names):
            if name.endswith(sound.SUFFIX):
                path = os.path.join(folder, name.removesuffix(sound.SUFFIX))
                yield os.path.relpath(path, places.audio).replace(os.sep, "/")


# --- what was made from what -----------------------------------------------------------------------------------------


def keep(places: Places, prompt: Prompt, alaw: bytes, voice: str) -> str:
    """Place a finished sound and record its text in made.json; returns its path. Raises `OSError`, `PromptError`.

    The record is written after the old sound is deleted and before the new one is placed. So an interruption leaves
    "no audio", which is noticed and synthesised again, and never a sound that looks like the site's own recording.
    """
    path = audio_path(places, prompt.id)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with drafts([path]) as [draft]:
        with open(draft, "wb") as file:
            file.write(alaw)
        made = _read_made(places)
        made[prompt.id] = {"text": prompt.digest, "version": prompt.version, "voice": voice, "audio": _digest(alaw)}
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        _write_made(places, made)
    return path


def _made_path(places: Places) -> str:
    return os.path.join(places.audio, "made.json")


def _read_made(places: Places) -> dict[str, dict[str, Any]]:
    path = _made_path(places)
    try:
        with open(path, encoding="utf-8") as file:
            document: Any = json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        raise PromptError(f"{path}: {problem}; restore the file from version control") from None
    if not isinstance(document, dict) or not all(
        isinstance(note, dict) and {"text", "voice", "audio"} <= set(note) for note in document.values()
    ):
        raise PromptError(f"{path}: not written by `ivr prompts`; restore the file from version control")
    return document


def _write_made(places: Places, made: Mapping[str, Mapping[str, Any]]) -> None:
    # One line per prompt, so that changing one prompt changes one line.
    lines = [f"{json.dumps(id)}: {json.dumps(dict(sorted(note.items())))}" for id, note in sorted(made.items())]
    write_file(_made_path(places), "{\n" + ",\n".join(lines) + "\n}\n")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
