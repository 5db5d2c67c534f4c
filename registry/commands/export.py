"""`registry export`: copies of everything that is held about a person, for that person (art. 15 GDPR)."""

from __future__ import annotations

import argparse
import json
import os
import time

from common.command_line import Refusal
from common.places import Places
from registry.commands import person_options
from registry.commands.find import log
from registry.people.data_subject import find, keepers
from registry.site import Site


def arguments(parser: argparse.ArgumentParser) -> None:
    person_options.arguments(parser)
    parser.add_argument("--output", required=True, metavar="DIR", help="a new folder, for this person only")


def run(options: argparse.Namespace, places: Places) -> int:
    site = Site.of(places)
    asked = person_options.asked(options, site)
    try:
        os.makedirs(options.output, mode=0o700)
    except OSError as problem:
        raise Refusal(f"--output {options.output}: {problem.strerror}; name a folder that is not there yet") from None
    log(site, asked, "export")
    written = [name for each in keepers() for name in each.export(site, asked.about, options.output)]
    contents = {
        "exported_at": time.time(),
        "files": written,
        "held": [each._asdict() for each in find(site, asked.about)],
    }
    with open(os.path.join(options.output, "contents.json"), "w", encoding="utf-8") as file:
        json.dump(contents, file, ensure_ascii=False, indent=1)
    print(f"{options.output}: {len(written)} file{'' if len(written) == 1 else 's'}, listed in contents.json")
    return 0
