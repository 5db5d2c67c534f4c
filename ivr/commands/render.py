"""`ivr render`: Asterisk's files from `config/`, for the private switch or for an Asterisk that is there already."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from ivr import service, switch
from ivr.cli import Refusal
from ivr.compiled import Compiled
from ivr.dialplan import Change, Seat, Values, changes, render, script_files, write
from ivr.places import ROOT, Places
from ivr.switch import unprivileged
from ivr.switch.state import write as write_whole

YEARS_AHEAD = 5  # of closed days in the dialplan, beside the current year

_DESCRIPTION = """\
Checks and compiles config/, then writes Asterisk's files and the AGI scripts that they start. Shows what changes and
asks first. What a file said before is kept in replaced/ beside it; files called *_custom.conf are yours and never
written.

  --for private  the whole configuration of the private switch (ivr switch)
  --for site     for an Asterisk that is there already, only the four files that it includes:
                 extensions_nul.conf, queues_nul.conf, pjsip_nul.conf, musiconhold_nul.conf
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = _DESCRIPTION
    parser.add_argument(
        "--for", dest="whom", choices=("private", "site"), default="private", help="default: %(default)s"
    )
    parser.add_argument("--output", metavar="DIR", help="where Asterisk reads them; a site's is often /etc/asterisk")
    parser.add_argument("--name", default="main", help="which private switch (default: %(default)s)")
    parser.add_argument("--diff-only", action="store_true", help="write nothing; exit status 1 when something differs")
    parser.add_argument("--yes", action="store_true", help="write without asking")


def run(options: argparse.Namespace, places: Places) -> int:
    now = time.time()
    configuration, problems = service.examine(places)
    for problem in problems:
        print(f"{problem.severity}: {problem}")
    if configuration is None:
        raise Refusal(f"nothing was written; correct {places.config} first")
    compiled = service.compiled(configuration, places)
    site = options.whom == "site"
    folder = _folder(options, places)
    if site:
        values = site_values(compiled, places, now)
    else:
        values = private_values(compiled, places, _private(options, places), now)
    files, scripts = render(compiled, values, site=site), script_files(places)
    try:
        altered = changes(files, folder) + changes(scripts, places.scripts)
        _show(altered)
        if options.diff_only:
            return int(bool(altered))
        if altered and not options.yes and not _agreed(len(altered)):
            raise Refusal("nothing was written; add --yes to write without being asked")
        service.compile(places, configuration)
        make_folder(places.native_messages)
        keep_passwords(places, values.seats)
        write(scripts, places.scripts, mode=0o755)
        write(files, folder, datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ"))
    except OSError as problem:
        raise Refusal(
            f"{problem.filename or folder}: {problem.strerror}; nothing there was left half written"
        ) from None
    print(f"{folder}: {len(altered)} changed; a running Asterisk takes them with `core reload`")
    if site:
        _say_who_cannot_run(places, folder)
        _say_what_is_missing(files, folder)
    return 0


def private_values(compiled: Compiled, places: Places, chosen: switch.Switch, now: float) -> Values:
    """For a private switch that has been prepared: its ports and its manager's password."""
    ami = chosen.ami
    return Values(
        templates=places.templates,
        scripts=places.scripts,
        native=places.native_messages,
        recordings=os.path.join(chosen.spool, "monitor"),
        moh=os.path.join(chosen.folder, "share", "moh"),
        first_year=_year(compiled, now),
        last_year=_year(compiled, now) + YEARS_AHEAD,
        seats=registered_seats(places, compiled["service"]["queue"]["seats"]),
        engine_host=compiled["service"]["engine"]["host"],
        engine_port=_engine_port(compiled, places),
        ports=chosen.ports,
        ami_user=ami.user,
        ami_secret=ami.secret,
    )


def site_values(compiled: Compiled, places: Places, now: float) -> Values:
    """For an Asterisk that is there already: recordings and music in its own folders (relative paths)."""
    return Values(
        templates=places.templates,
        scripts=places.scripts,
        native=places.native_messages,
        recordings="nul",
        moh="moh",
        first_year=_year(compiled, now),
        last_year=_year(compiled, now) + YEARS_AHEAD,
        seats=registered_seats(places, compiled["service"]["queue"]["seats"]),
        engine_host=compiled["service"]["engine"]["host"],
        engine_port=_engine_port(compiled, places),
    )


def registered_seats(places: Places, count: int) -> Sequence[Seat]:
    """Telephones that register themselves, with the passwords of `var/seats.json`; a seat not in it gets a new one."""
    path = _seats_file(places)
    try:
        with open(path, encoding="utf-8") as file:
            passwords: dict[str, str] = json.load(file)
    except FileNotFoundError:
        passwords = {}
    except (OSError, ValueError) as problem:
        raise Refusal(f"{path}: {problem}; delete it, and every telephone gets a new password") from None
    return Values.seats_named(count, lambda name: Seat(name, password=passwords.get(name) or secrets.token_urlsafe(15)))


def keep_passwords(places: Places, seats: Sequence[Seat]) -> None:
    """So that telephones go on registering after the next rendering; readable by the owner alone."""
    os.makedirs(places.var, exist_ok=True)
    document = json.dumps({seat.name: seat.password for seat in seats}, indent=1)
    write_whole(_seats_file(places), document + "\n", mode=0o600)


def make_folder(path: str) -> None:
    """With what is missing above it. What root makes belongs to whom the folder above belongs to (the user `asterisk`):
    the engine and the switch are to write there."""
    if os.path.isdir(path):
        return
    above = os.path.dirname(path)
    make_folder(above)
    os.mkdir(path)
    if os.geteuid() == 0:
        owner = os.stat(above)
        os.chown(path, owner.st_uid, owner.st_gid)


def _seats_file(places: Places) -> str:
    return os.path.join(places.var, "seats.json")


def _private(options: argparse.Namespace, places: Places) -> switch.Switch:
    """The private switch, with ports of its own; while it does not run, new ones are given if others took them."""
    chosen = switch.named(places, options.name, needed=False)
    if chosen.pid is not None or options.diff_only:
        return chosen
    chosen = switch.named(places, options.name)
    with chosen.alone():
        chosen.prepare(lambda prepared: None)
    return chosen


def _folder(options: argparse.Namespace, places: Places) -> str:
    if options.output:
        output: str = options.output
        return os.path.abspath(output)
    if options.whom == "site":
        raise Refusal("--for site: say where that Asterisk reads its files, such as --output /etc/asterisk")
    return os.path.join(places.switch(options.name), "etc")


def _engine_port(compiled: Compiled, places: Places) -> int:
    """That of the configuration; when it leaves the port open, the one that a running engine has found."""
    if port := compiled["service"]["engine"]["port"]:
        return port
    try:
        with open(places.engine_state, encoding="utf-8") as file:
            return int(json.load(file)["port"])
    except (OSError, ValueError, KeyError, TypeError):
        raise Refusal(
            "config/service.yaml: engine.port is 0, a free one, and no engine runs that has found it; "
            "write a port, or start the engine first (`ivr serve`)"
        ) from None


def _year(compiled: Compiled, now: float) -> int:
    from zoneinfo import ZoneInfo

    return datetime.fromtimestamp(now, ZoneInfo(compiled["service"]["service"]["time_zone"])).year


def _show(altered: Sequence[Change]) -> None:
    for change in altered:
        if change.before is None:
            print(f"new: {change.name} ({change.after.count(chr(10))} lines)")
        else:
            print(change.diff() or f"changed: {change.name} (passwords only)\n", end="")
    if not altered:
        print("no file changes")


def _agreed(count: int) -> bool:
    if not sys.stdin.isatty():
        return False
    return input(f"Write these {count} files? [y/N] ").strip().lower() in ("y", "yes", "s", "si", "sì")


def _say_who_cannot_run(places: Places, folder: str) -> None:
    """Asterisk tells nobody when it may not start a script, and the second ring would be missing when it is needed."""
    asterisk = unprivileged.account(folder)
    if asterisk and (why := unprivileged.obstacle(asterisk, [sys.executable, "-V"], [places.scripts, ROOT])):
        print(f"warning: {asterisk.name}, to whom {folder} belongs, cannot run the scripts: {why}")


def _say_what_is_missing(files: dict[str, str], folder: str) -> None:
    for name in files:
        main = name.replace("_nul", "")
        try:
            with open(os.path.join(folder, main), encoding="utf-8", errors="replace") as file:
                included = any(line.startswith("#") and name in line for line in file)
        except OSError:
            included = False
        if not included:
            print(f'still to be written into {os.path.join(folder, main)}, once: #include "{name}"')
