"""Writes Asterisk's files: collects the values of a switch, shows what changes, asks, writes.

`ivr render` does this for an existing Asterisk, `lab switch render` for a private one.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from common.command_line import Refusal
from common.file_errors import describe
from common.places import Places
from common.safe_files import write_file
from ivr.configuration import service
from ivr.configuration.compiled import Compiled
from ivr.dialplan import Change, Seat, Values, changes, make_seats, render, script_files, write
from ivr.engine_key import keep_engine_key, make_engine_key, read_engine_key

YEARS_AHEAD = 5  # of closed days in the dialplan, after the current year


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of both commands."""
    parser.add_argument("--output", metavar="DIR", help="where Asterisk reads them; a site's is often /etc/asterisk")
    parser.add_argument("--diff-only", action="store_true", help="write nothing; exit status 1 when something differs")
    parser.add_argument("--yes", action="store_true", help="write without asking")


def render_into(
    folder: str,
    values_of: Callable[[Compiled, float], Values],
    options: argparse.Namespace,
    places: Places,
    *,
    site: bool,
) -> tuple[int, dict[str, str]]:
    """Check and compile the configuration, show what changes in `folder`, ask, write.

    Returns the exit status and the files. Raises `Refusal` when the configuration has errors, the person declines or a
    file cannot be written.
    """
    now = time.time()
    configuration, problems = service.examine(places)
    for problem in problems:
        print(f"{problem.severity}: {problem}")
    if configuration is None:
        raise Refusal(f"nothing was written; correct {places.config} first")
    compiled = service.compiled(configuration, places)
    values = values_of(compiled, now)
    files, scripts = render(compiled, values, site=site), script_files(places)
    try:
        altered = changes(files, folder) + changes(scripts, places.scripts)
        _show(altered)
        if options.diff_only:
            return int(bool(altered)), {}
        if altered and not options.yes and not _agreed(len(altered)):
            raise Refusal("nothing was written; add --yes to write without being asked")
        service.compile(places, configuration)
        make_folder(places.native_messages)
        keep_passwords(places, values.seats)
        keep_engine_key(places, values.engine_key)
        write(scripts, places.scripts, mode=0o755)
        write(files, folder, datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ"))
    except OSError as problem:
        raise Refusal(f"{describe(problem, folder)}; no file was half written") from None
    print(f"{folder}: {len(altered)} changed; a running Asterisk reads them on `core reload`")
    return 0, files


def common_values(compiled: Compiled, places: Places, now: float) -> dict[str, Any]:
    """The arguments of `Values` that a private switch and a site's share."""
    return {
        "templates": places.templates,
        "scripts": places.scripts,
        "native": places.native_messages,
        "first_year": _year(compiled, now),
        "last_year": _year(compiled, now) + YEARS_AHEAD,
        "seats": registered_seats(places, compiled["service"]["queue"]["seats"]),
        "engine_host": compiled["service"]["engine"]["host"],
        "engine_port": _engine_port(compiled, places),
        "engine_key": _engine_key(places),
        "blocked": places.blocked,
    }


def registered_seats(places: Places, count: int) -> Sequence[Seat]:
    """Telephones that register, with the passwords of `var/seats.json`; a new seat gets a new password."""
    path = _seats_file(places)
    try:
        with open(path, encoding="utf-8") as file:
            passwords: dict[str, str] = json.load(file)
    except FileNotFoundError:
        passwords = {}
    except OSError as problem:
        raise Refusal(describe(problem, path)) from None
    except ValueError as problem:
        raise Refusal(
            f"{path}: {problem}; restore it from a backup: it holds the password of every telephone. Only if there is "
            "none, move it aside: every telephone then gets a new password"
        ) from None
    return make_seats(count, lambda name: Seat(name, password=passwords.get(name) or secrets.token_urlsafe(15)))


def _engine_key(places: Places) -> str:
    """The key of `var/engine.key`, or a new one."""
    try:
        return read_engine_key(places) or make_engine_key()
    except OSError as problem:
        raise Refusal(f"{problem.filename}: {problem.strerror}; render as its owner or as root") from None
    except ValueError as problem:
        raise Refusal(f"{problem}; delete the file first") from None


def keep_passwords(places: Places, seats: Sequence[Seat]) -> None:
    """Save the passwords, so that telephones can register after the next rendering. Only the owner may read them."""
    os.makedirs(places.var, exist_ok=True)
    document = json.dumps({seat.name: seat.password for seat in seats}, indent=1)
    write_file(_seats_file(places), document + "\n", mode=0o600)


def make_folder(path: str) -> None:
    """Make a folder and its missing parents. Root gives them to the owner of the parent (the user `asterisk`), since
    the engine and the switch write there."""
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


def _engine_port(compiled: Compiled, places: Places) -> int:
    """The port of the configuration; when that is 0, the port of the running engine."""
    if port := compiled["service"]["engine"]["port"]:
        return port
    try:
        with open(places.engine_state, encoding="utf-8") as file:
            return int(json.load(file)["port"])
    except (OSError, ValueError, KeyError, TypeError):
        raise Refusal(
            "config/service.yaml: engine.port is 0 (any free port), and no engine is running; "
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
