"""`registry export`: copy everything that is held about a person, for that person (art. 15 GDPR)."""

from __future__ import annotations

import argparse
import json
import os
import time

from common.command_line import Refusal
from common.instants import iso, with_iso_times
from common.places import Places
from registry.commands.find import log_query
from registry.commands.shared import person_options
from registry.people import data_page
from registry.people.personal_data import find_data, stores
from registry.people.registry_store import RegistryStore
from registry.site import Site

PAGE = "dati.html"


def arguments(parser: argparse.ArgumentParser) -> None:
    person_options.arguments(parser)
    parser.add_argument("--output", required=True, metavar="DIR", help="a new folder, for this person only")


def run(options: argparse.Namespace, places: Places) -> int:
    site = Site.of(places)
    query = person_options.parse(options, site)
    try:
        os.makedirs(options.output, mode=0o700)
    except OSError as problem:
        raise Refusal(f"--output {options.output}: {problem.strerror}; name a folder that does not exist yet") from None
    log_query(site, query, "export")
    written = [name for store in stores() for name in store.export(site, query.person, options.output)]
    held, at = find_data(site, query.person), str(iso(time.time()))
    contents = {
        "exported_at": at,
        "files": [PAGE, *written],
        "held": with_iso_times([each._asdict() for each in held]),
    }
    with open(os.path.join(options.output, "contents.json"), "w", encoding="utf-8") as file:
        json.dump(contents, file, ensure_ascii=False, indent=1)
    with open(os.path.join(options.output, RegistryStore.document), encoding="utf-8") as file:
        document = json.load(file)
    with open(os.path.join(options.output, PAGE), "w", encoding="utf-8") as file:
        file.write(data_page.render(document, [PAGE, *written], held, at))
    print(
        f"{options.output}: {len(written)} file{'' if len(written) == 1 else 's'}, listed in contents.json;"
        f" {PAGE} is the page for the person"
    )
    return 0
