"""`voicemail play`: play a message on this machine. Playing a message is logged."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess

from common.command_line import Refusal
from common.places import Places
from voicemail.commands.callback_service import log_access, message_argument
from voicemail.store import Store
from voicemail.texts import translate

PLAYERS = (("aplay", "-q"), ("paplay",), ("play", "-q"), ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"))


def arguments(parser: argparse.ArgumentParser) -> None:
    message_argument(parser)


def run(options: argparse.Namespace, places: Places, now: float) -> int:
    store = Store(places.messages)
    id = store.find(options.id)
    path = store.audio(id)
    if not os.path.exists(path):
        raise Refusal(translate("{path}: does not exist; the sound of old messages is erased", path=path))
    player = next((command for command in PLAYERS if shutil.which(command[0])), None)
    if player is None:
        names = ", ".join(command[0] for command in PLAYERS)
        raise Refusal(
            translate(
                "no player on this machine ({names}); install one, or copy and play {path}", names=names, path=path
            )
        )
    log_access(places, id, "play", now)
    print(translate("{id}: then `voicemail mark {id} listened`", id=id))
    return subprocess.run([*player, path], check=False).returncode
