"""`voicemail transcribe`: transcribe messages with a speech model of the site."""

from __future__ import annotations

import argparse

from common.places import Places
from voicemail.commands.callback_service import registry_imports


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", nargs="?", help="one message (default: all without a transcript)")


def run(options: argparse.Namespace, places: Places, now: float) -> int:
    with registry_imports():
        from registry.site import Site
        from voicemail.callback.transcript import transcribe_messages
    done = failed = 0
    for transcription in transcribe_messages(Site.of(places), options.id):
        if transcription.problem is None:
            done += 1
            continue
        failed += 1
        id = transcription.message_id
        print(f"{id}: {transcription.problem}; the message itself can be heard: voicemail play {id}")
    print(f"{done} transcribed" + (f", {failed} failed" if failed else ""))
    return 1 if failed else 0
