"""`ivr prompts`: list, play and make what callers hear."""

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
from ivr.prompts import prompts, sound, voices

# Players, the best first; each is given a PCM WAV.
PLAYERS = (("paplay",), ("aplay", "-q"), ("play", "-q"), ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"))


def arguments(parser: argparse.ArgumentParser) -> None:
    deeds = parser.add_subparsers(dest="deed", metavar="DEED")
    listing = deeds.add_parser("list", help="every prompt: id, length, state, text")
    listing.add_argument("ids", nargs="*", metavar="ID")
    listing.add_argument("--work", action="store_true", help="only those whose audio is missing or older than the text")
    deeds.add_parser("check", help="exit 1 when an audio is missing, older than its text, or not fit for the telephone")
    play = deeds.add_parser("play", help="play a prompt")
    play.add_argument("id", metavar="ID")
    make = deeds.add_parser(
        "synthesise", help="make audio: of the ids, else of all that is missing or older than its text"
    )
    make.add_argument("ids", nargs="*", metavar="ID")
    make.add_argument("--voice", default="auto", help=f"auto (default), {', '.join(voices.VOICES)}")
    adopt = deeds.add_parser(
        "adopt", help="take a studio recording (WAV, 16 bits, 8 kHz or more) as the audio of a prompt"
    )
    adopt.add_argument("file", metavar="FILE")
    adopt.add_argument("id", metavar="ID")
    deeds.add_parser("fetch-voice", help="obtain Kokoro, the voice of the shipped prompts (92 MB) into var/cache")
    parser.set_defaults(deed="list", ids=[], work=False)


def run(options: argparse.Namespace, places: Places) -> int:
    deeds = {
        "list": _list,
        "check": _check,
        "play": _play,
        "synthesise": _synthesise,
        "adopt": _adopt,
        "fetch-voice": _fetch_voice,
    }
    try:
        return deeds[options.deed or "list"](options, places)
    except BrokenPipeError:  # `ivr prompts list | head`: for `ivr.cli`
        raise
    except (prompts.PromptError, sound.SoundError, voices.VoiceError, OSError) as problem:
        raise Refusal(str(problem)) from None


def _list(options: argparse.Namespace, places: Places) -> int:
    sheets = prompts.sheets(places)
    for id in options.ids:
        _known(id, [sheet.id for sheet in sheets], places)
    for sheet in sheets:
        if (options.ids and sheet.id not in options.ids) or (options.work and sheet.state not in prompts.REMEDIES):
            continue
        length = "    -" if sheet.seconds is None else f"{sheet.seconds:5.1f}"
        print(f"{sheet.id:<22} {length} s  {sheet.state:<21} {sheet.text or ''}".rstrip())
    return 0


def _check(options: argparse.Namespace, places: Places) -> int:
    found = prompts.findings(places)
    for finding in found:
        print(finding)
    count = len(prompts.catalogue(places))
    print(f"{count} prompts, {len(found)} to put right" if found else f"{count} prompts, all with audio of their text")
    return 1 if found else 0


def _play(options: argparse.Namespace, places: Places) -> int:
    prompt = _known(options.id, prompts.catalogue(places), places)
    path = prompts.audio_path(places, prompt)
    if not os.path.exists(path):
        raise Refusal(f"{path}: not there yet; `ivr prompts synthesise {prompt}`")
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
    catalogue = prompts.catalogue(places)
    wanted = [_known(id, catalogue, places) for id in options.ids]
    for id in wanted:
        if prompts.is_studio(places, id):
            path = prompts.audio_path(places, id)
            raise Refusal(f"{id} is a studio recording and stays; to have it synthesised all the same, delete {path}")
    if not options.ids:
        wanted = [sheet.id for sheet in prompts.sheets(places) if sheet.state in ("no audio", "text newer than audio")]
    if not wanted:
        print("nothing to do: every prompt has the audio of its text")
        return 0
    voice = voices.find(options.voice, places)
    print(f"voice: {voice.name}")
    texts = [catalogue[id].text for id in wanted]
    for id, alaw in zip(wanted, voices.telephone(voice, texts), strict=True):
        prompts.keep(places, catalogue[id], alaw, voice.name)
        print(f"{id:<22} {len(alaw) / sound.RATE:5.1f} s", flush=True)
    return 0


def _adopt(options: argparse.Namespace, places: Places) -> int:
    catalogue = prompts.catalogue(places)
    id = _known(options.id, catalogue, places)
    samples, rate = sound.read_wav(options.file)
    try:
        alaw = sound.telephone(samples, rate)
    except sound.SoundError as problem:
        raise Refusal(f"{options.file}: {problem}") from None
    print(f"{prompts.keep(places, catalogue[id], alaw, prompts.STUDIO)}  {len(alaw) / sound.RATE:.1f} s")
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
    raise Refusal(f"{prompts.texts_path(places)}: no prompt is named {id!r}{hint}")
