"""`voicemail`: who is to be called back. Messages are listed, heard and marked; nothing is erased here."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from common import argument_types
from common.command_line import Refusal, as_sentence, is_output_error, run_guarded, user_name
from common.places import Places
from common.terminal_table import format_age, printable
from ivr.configuration.compiled import CompiledError, load
from ivr.facts import Spool, stderr_alarm
from voicemail.message import STATES, StoreError
from voicemail.native import HousekeepingError, housekeeping
from voicemail.store import Store
from voicemail.terminal_view import document, local, table

SETTLED = ("called_back", "closed")
PLAYERS = (("aplay", "-q"), ("paplay",), ("play", "-q"), ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"))


def main(argv: Sequence[str] | None = None, clock: Callable[[], float] = time.time) -> int:
    return run_guarded("voicemail", lambda: _run(argv, clock))


def _run(argv: Sequence[str] | None, clock: Callable[[], float]) -> int:
    options = _parser().parse_args(argv)
    places = Places(options.config, options.var)
    try:
        status: int = options.run(options, places, clock())
    except (Refusal, StoreError) as problem:
        print(f"voicemail {options.command}: {printable(str(problem))}", file=sys.stderr)
        return 1
    except OSError as problem:
        if isinstance(problem, BrokenPipeError) or is_output_error(problem):
            raise
        where = problem.filename or places.messages
        print(f"voicemail {options.command}: {where}: {problem.strerror}; mend the rights or the disk", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="voicemail", description="The messages of callers who are to be called back.")
    parser.add_argument("--config", metavar="DIR", help="what ops own (default: config/, or $IVR_CONFIG)")
    parser.add_argument("--var", metavar="DIR", help="what the program writes (default: var/, or $IVR_VAR)")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(
        name: str, summary: str, run: Callable[[argparse.Namespace, Places, float], int]
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=summary, description=as_sentence(summary))
        added.set_defaults(run=run)
        return added

    listed = command("list", "list who is to be called back, most urgent first", _list)
    listed.add_argument("--all", action="store_true", help="all messages of the store, those that are settled, too")
    shown = command("show", "show all that is known of a message", _show)
    played = command("play", "play a message on this machine", _play)
    marked = command("mark", "record what was done about a message", _mark)
    for with_id in (shown, played, marked):
        with_id.add_argument("id", metavar="ID", help="a message's id, or a beginning of it that no other has")
    for with_json in (listed, shown):
        with_json.add_argument("--json", action="store_true", help="for programs")
    marked.add_argument("state", metavar="STATE", choices=tuple(STATES), help=", ".join(STATES))
    marked.add_argument("--note", default="", help="what the next person should know")
    marked.add_argument("--by", metavar="WHO", help="who did it (default: you)")
    _desk_commands(command)
    command("recover", "take in what a crash left behind, and what the switch recorded by itself", _recover)
    return parser


def _desk_commands(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Those that need the registry: what they do is in `voicemail.callback.actions`, imported when one of them is
    called."""
    taken = command("take", "take an entry: from then on it is yours", _desk("take"))
    released = command("release", "give an entry back untouched", _desk("release"))
    called = command("call", "ring your telephone, then the citizen's", _desk("call"))
    ended = command("outcome", "say how the call ended", _desk("outcome"))
    for each in (taken, released, called, ended):
        each.add_argument("id", metavar="ID", help="a message's id, or a beginning of it, or the protocol number")
        each.add_argument("--by", metavar="OPERATOR", required=True, help="who does it: op117")
    called.add_argument("--switch", default="main", metavar="NAME", help="of a private switch (default: %(default)s)")
    ended.add_argument("result", metavar="RESULT", help="reached, no_answer, busy, wrong_number, refused")
    ends = "how the request ends when reached: resolved (default), informed, referred, withdrawn, out_of_scope"
    ended.add_argument("--as", dest="ends_as", default="resolved", metavar="OUTCOME", help=ends)
    ended.add_argument("--keep", action="store_true", help="reached, and the request stays with you")
    ended.add_argument("--note", metavar="WORDS", help="what the next person should know")
    notified = command("notify", "e-mail the team leader about messages, each once (for a timer)", _desk("notify"))
    notified.add_argument("--dry-run", action="store_true", help="print the letters, send none")
    notified.add_argument("--follow", action="store_true", help="go on, until SIGTERM or Ctrl-C")
    notified.add_argument(
        "--every", type=argument_types.pause, default=60.0, metavar="SECONDS", help="with --follow (default: 60)"
    )
    notified.add_argument(
        "--metrics-port", type=argument_types.port, metavar="PORT", help="with --follow: for Prometheus; 0: any"
    )
    written = command("transcribe", "write down what messages say, with a model of yours", _desk("transcribe"))
    written.add_argument("id", metavar="ID", nargs="?", help="of one message (default: all that have none)")


def _from_desk(name: str) -> Any:
    """A function of `voicemail.callback.actions`. Raises `Refusal` where the registry's packages are not installed."""
    try:
        from voicemail.callback import actions
    except ImportError as problem:
        raise Refusal(f"{problem.name} is not installed; pip install 'numero-unico-lavoro[desk]'") from None
    return getattr(actions, name)


def _desk(name: str) -> Callable[[argparse.Namespace, Places, float], int]:
    def run(options: argparse.Namespace, places: Places, now: float) -> int:
        done: int = _from_desk(name)(options, places, now)
        return done

    return run


# --- commands ---------------------------------------------------------------------------------------------------------


def _list(options: argparse.Namespace, places: Places, now: float) -> int:
    """The work list of the registry; the store alone where there is no registry: messages must be reachable."""
    if not options.all:
        try:
            return _desk("listed")(options, places, now)
        except Refusal as refusal:
            print(f"voicemail list: the message store alone: {printable(str(refusal))}", file=sys.stderr)
    found, problems = Store(places.messages).scan()
    wanted = [message for message in found if options.all or message.state not in SETTLED]
    if options.json:
        print(json.dumps([document(message) for message in wanted], indent=1))
    elif wanted:
        print(table(wanted, now))
    else:
        print("No message at all." if not found else "No message waits: all are settled (`voicemail list --all`).")
    for problem in problems:
        print(f"voicemail list: {printable(problem)}", file=sys.stderr)
    return 1 if problems else 0


def _show(options: argparse.Namespace, places: Places, now: float) -> int:
    store = Store(places.messages)
    message = store.get(store.find(options.id))
    _looked(places, message.id, "show", now)
    path = store.audio(message.id)
    if options.json:
        print(json.dumps({**message.document(), "audio": path}, indent=1))
        return 0
    number = {"cli": "the line they called from", "typed": "typed by the caller", "none": "none: listen for it"}
    lines = {
        "message": message.id,
        "left": f"{local(message.left_at, '%A %d %B %Y, %H:%M:%S')} (Rome), {format_age(now - message.left_at)} ago",
        "reason": message.reason,
        "call back": f"{message.number or '-'} ({number.get(message.number_source, message.number_source)})",
        "length": f"{message.seconds:.1f} s, {message.sound_seconds:.1f} s of sound"
        + (", empty" if message.empty else ""),
        "ended by": message.ended_by,
        "call": message.call,
        "audio": path if os.path.exists(path) else f"{path} (erased)",
        "state": message.state,
    }
    for name, text in lines.items():
        print(f"{name:>9}  {printable(text)}")
    for mark in message.history:
        note = f": {mark.note}" if mark.note else ""
        print(f"{'':>9}  {local(mark.at, '%d %b %H:%M')}  {printable(f'{mark.state}, by {mark.by}{note}')}")
    return 0


def _play(options: argparse.Namespace, places: Places, now: float) -> int:
    store = Store(places.messages)
    id = store.find(options.id)
    path = store.audio(id)
    if not os.path.exists(path):
        raise Refusal(f"{path}: not there any more; the sound of old messages is erased")
    player = next((command for command in PLAYERS if shutil.which(command[0])), None)
    if player is None:
        names = ", ".join(command[0] for command in PLAYERS)
        raise Refusal(f"no player on this machine ({names}); install one, or copy and play {path}")
    _looked(places, id, "play", now)
    print(f"{id}: then `voicemail mark {id} listened`")
    return subprocess.run([*player, path], check=False).returncode


def _looked(places: Places, id: str, action: str, now: float) -> None:
    """Who hears or reads a message is written down, where there is a registry."""
    with contextlib.suppress(Refusal):
        _from_desk("looked")(places, id, action, user_name(), now)


def _protocol(places: Places, id: str) -> str | None:
    """Under which number the registry holds a message."""
    try:
        found: str | None = _from_desk("registered")(places, id)
    except Refusal:
        return None
    return found


def _mark(options: argparse.Namespace, places: Places, now: float) -> int:
    """`listened` is the store's own; the other states follow the registry, once it holds the message."""
    store = Store(places.messages)
    by = options.by or user_name()
    id = store.find(options.id)
    if options.state != "listened" and (protocol := _protocol(places, id)) is not None:
        raise Refusal(
            f"{id}: is request {protocol} in the registry, and its sheet follows what is said there: "
            f"`voicemail outcome {protocol} RESULT --by OPERATOR`, or `registry close`, `registry reopen`"
        )
    marked = store.mark(id, options.state, by=by, at=now, note=options.note)
    print(printable(f"{marked.id}: {marked.state}, by {by}"))
    return 0


def _recover(options: argparse.Namespace, places: Places, now: float) -> int:
    try:
        compiled = load(places.compiled)
    except CompiledError as problem:
        raise Refusal(str(problem)) from None
    store = Store(places.messages)
    before = {message.id for message in store.list()}
    spool = Spool(places.facts, stderr_alarm)
    try:
        housekeeping(places, compiled, spool.write, now)
    except HousekeepingError as problem:
        raise Refusal(str(problem)) from None
    finally:
        spool.seal()
        came = [message for message in store.list() if message.id not in before]
        for message in came:
            print(printable(f"{message.id}  {message.seconds:.0f} s  {message.reason}"))
        print(f"{len(came)} message{'' if len(came) == 1 else 's'} recovered")
    return 0


if __name__ == "__main__":
    sys.exit(main())
