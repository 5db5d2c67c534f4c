"""`ivr prompts`: list, play and synthesise what callers hear."""

from __future__ import annotations

import argparse
import difflib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable

from common.command_line import Refusal
from common.places import Places
from ivr.prompts import catalogue, sound, voices

# Players of a PCM WAV, the best first.
PLAYERS = (("paplay",), ("aplay", "-q"), ("play", "-q"), ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"))


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    listing = actions.add_parser("list", help="every prompt: id, length, state, text")
    listing.add_argument("ids", nargs="*", metavar="ID")
    listing.add_argument("--work", action="store_true", help="only those whose audio is missing or older than the text")
    actions.add_parser("check", help="exit 1 when audio is missing, older than its text, or unfit for the telephone")
    actions.add_parser("unused", help="prompts that nothing plays; exit 1 when there are any")
    play = actions.add_parser("play", help="play a prompt")
    play.add_argument("id", metavar="ID")
    make = actions.add_parser(
        "synthesise", help="make the audio of the given prompts, or all that is missing or older than its text"
    )
    make.add_argument("ids", nargs="*", metavar="ID")
    make.add_argument("--voice", default="auto", help=f"auto (default), {', '.join(voices.VOICES)}")
    adopt = actions.add_parser(
        "adopt", help="use a studio recording (WAV, 16 bits, 8 kHz or more) as the audio of a prompt"
    )
    adopt.add_argument("file", metavar="FILE")
    adopt.add_argument("id", metavar="ID")
    actions.add_parser("fetch-voice", help="install Kokoro, the voice of the shipped prompts (92 MB), into var/cache")
    parser.set_defaults(action="list", ids=[], work=False)


def run(options: argparse.Namespace, places: Places) -> int:
    actions = {
        "list": _list,
        "check": _check,
        "unused": _unused,
        "play": _play,
        "synthesise": _synthesise,
        "adopt": _adopt,
        "fetch-voice": _fetch_voice,
    }
    try:
        return actions[options.action or "list"](options, places)
    except BrokenPipeError:  # `ivr prompts list | head`: the command-line frame handles it
        raise
    except (catalogue.PromptError, sound.SoundError, voices.VoiceError, OSError) as problem:
        raise Refusal(str(problem)) from None


def _list(options: argparse.Namespace, places: Places) -> int:
    statuses = catalogue.statuses(places)
    for id in options.ids:
        _known(id, [status.id for status in statuses], places)
    for status in statuses:
        if (options.ids and status.id not in options.ids) or (options.work and status.state not in catalogue.REMEDIES):
            continue
        length = "    -" if status.seconds is None else f"{status.seconds:5.1f}"
        print(f"{status.id:<22} {length} s  {status.state:<21} {status.text or ''}".rstrip())
    return 0


def _check(options: argparse.Namespace, places: Places) -> int:
    findings = catalogue.findings(places)
    for finding in findings:
        print(finding)
    result = f"{len(findings)} to correct" if findings else "all with audio of their text"
    print(f"{len(catalogue.load(places))} prompts, {result}")
    return 1 if findings else 0


def _unused(options: argparse.Namespace, places: Places) -> int:
    from ivr.configuration.service import ConfigurationError, load
    from ivr.configuration.unused_prompts import unused_prompts

    try:
        configuration = load(places)
    except ConfigurationError as problem:
        raise Refusal(str(problem)) from None
    unused = unused_prompts(configuration, places)
    for id in unused:
        print(f"{id:<22} {configuration.prompts[id].text}")
    print(f"{len(unused)} of {len(configuration.prompts)} prompts are never played")
    return 1 if unused else 0


def _play(options: argparse.Namespace, places: Places) -> int:
    prompt = _known(options.id, catalogue.load(places), places)
    path = catalogue.audio_path(places, prompt)
    if not os.path.exists(path):
        raise Refusal(f"{path}: not found; `ivr prompts synthesise {prompt}`")
    print(path)
    player = next((player for player in PLAYERS if shutil.which(player[0])), None)
    if player is None:
        raise Refusal("no player on this machine; `apt install alsa-utils` (aplay) or sox, or copy the file elsewhere")
    with open(path, "rb") as file:
        content = sound.wav(file.read())
    with tempfile.NamedTemporaryFile(suffix=".wav") as pcm:
        pcm.write(content)
        pcm.flush()
        if subprocess.run([*player, pcm.name], check=False).returncode:
            raise Refusal(f"{player[0]} could not play it; is there a sound device on this machine?")
    return 0


def _synthesise(options: argparse.Namespace, places: Places) -> int:
    prompt_texts = catalogue.load(places)
    ids = [_known(id, prompt_texts, places) for id in options.ids]
    for id in ids:
        if prompt_texts[id].unset:
            setting = prompt_texts[id].unset
            raise Refusal(f"{id} says {setting}, which is null in service.yaml; write its value there first")
        if catalogue.is_studio(places, id):
            path = catalogue.audio_path(places, id)
            raise Refusal(f"{id} is a studio recording and is kept; to replace it, delete {path} first")
    if not options.ids:
        stale = ("no audio", "text newer than audio")
        ids = [status.id for status in catalogue.statuses(places) if status.state in stale]
    if not ids:
        print("nothing to do: every prompt has the audio of its text")
        return 0
    voice = voices.find(options.voice, places)
    print(f"voice: {voice.name}")
    for id, alaw in zip(ids, voices.telephone(voice, [prompt_texts[id] for id in ids]), strict=True):
        catalogue.keep(places, prompt_texts[id], alaw, voice.name)
        print(f"{id:<22} {len(alaw) / sound.RATE:5.1f} s", flush=True)
    return 0


def _adopt(options: argparse.Namespace, places: Places) -> int:
    prompt_texts = catalogue.load(places)
    id = _known(options.id, prompt_texts, places)
    samples, rate = sound.read_wav(options.file)
    try:
        alaw = sound.telephone(samples, rate)
    except sound.SoundError as problem:
        raise Refusal(f"{options.file}: {problem}") from None
    print(f"{catalogue.keep(places, prompt_texts[id], alaw, catalogue.STUDIO)}  {len(alaw) / sound.RATE:.1f} s")
    return 0


def _fetch_voice(options: argparse.Namespace, places: Places) -> int:
    voices.fetch_kokoro(places, lambda line: print(line, file=sys.stderr, flush=True))
    return 0


def _known(id: str, ids: Iterable[str], places: Places) -> str:
    known = list(ids)
    if id in known:
        return id
    near = difflib.get_close_matches(id, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "; `ivr prompts list` shows all"
    raise Refusal(f"{catalogue.texts_path(places)}: no prompt is named {id!r}{hint}")
