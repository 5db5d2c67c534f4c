"""Renders Asterisk's files from the templates in `config/asterisk/` and the compiled configuration.

A template is an Asterisk file with `{{placeholders}}`; everything else, `${VARIABLES}` included, is copied as it is.
Files named `*_nul.conf` are the service itself, and an existing Asterisk can include them. The other files are the
frame of the private switch. Each ends by including `<name>_custom.conf`, which belongs to ops and is never written.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from charter.calendar import WEEKDAYS, OpeningHours, parse_range
from common.command_line import Refusal
from common.file_errors import describe
from common.places import ROOT, Places
from common.ports import HOST, Ports
from common.safe_files import drafts
from ivr.configuration.compiled import Compiled, Service
from ivr.drivers.relay import render_script
from ivr.engine_key import proof_expression

# A seat is asked so often whether it is there, and has so long to answer (seconds).
QUALIFY_SECONDS, QUALIFY_TIMEOUT = 5, 2
FIRST_CODE = 101  # of the operators; the last one follows from queue.operators

FIRST_PRIORITY = 1000  # in the queue, above those of menu.yaml: callers whose operator's telephone died
HELD_SECONDS = 600  # a telephone on hold may send no sound for so long

# Asterisk complains when these files are missing; they may be empty.
EMPTY = (
    *("acl.conf", "ccss.conf", "cel.conf", "cli.conf", "codecs.conf", "dsp.conf", "features.conf"),
    *("pjproject.conf", "queuerules.conf", "udptl.conf"),
)

_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}")
_SAFE = re.compile(r"[\w./@+~-]+", re.ASCII)  # characters without a special meaning in Asterisk's files
_SECRET = re.compile(
    r"^([ +-]*(?:secret|password) = ).*$|(?<=\?proof=\$\{MD5\()\w+|(?<=linkedid\)\})\w+(?=\)\})", re.MULTILINE
)
_PRIVATE = {"extensions_nul.conf", "manager.conf", "pjsip_nul.conf"}  # they contain passwords and keys

# Conditions under which a member does not count (queues.conf: joinempty, leavewhenempty).
_NOBODY_THERE = "unavailable,invalid,unknown"
_NOBODY_FREE = "paused,inuse,ringing,wrapup,unavailable,invalid,unknown"


@dataclass(frozen=True)
class Seat:
    """One operator's telephone: at a fixed `contact` (SIP URI), or registering with `password`."""

    name: str
    contact: str | None = None
    password: str | None = None


@dataclass(frozen=True)
class Values:
    """What a rendering needs besides the configuration: ports, folders, secrets and years."""

    templates: str  # folder
    scripts: str  # folder of the AGI scripts
    native: str  # folder for messages that Asterisk records itself
    recordings: str  # folder of the quality campaign
    moh: str  # folder of the music
    first_year: int  # of the table of closed days
    last_year: int
    seats: Sequence[Seat]
    engine_host: str = HOST
    engine_port: int = 4573
    engine_key: str = ""  # by which the engine recognises the dialplan; "": it accepts every peer
    ports: Ports = field(default=Ports(5060, 5038, 8088, 10000, 20000))  # from here on: the private switch only
    ami_user: str = "nul"
    ami_secret: str = ""
    trunks: Sequence[str] = (HOST,)  # addresses from which callers come
    trunk_contact: str | None = None  # SIP URI to which call-backs are sent
    blocked: str = ""  # path of `Places.blocked`
    media_address: str | None = None  # the only address for sound; None: every address of the machine


def make_seats(count: int, make: Callable[[str], Seat]) -> list[Seat]:
    """The seats `make("seat01")`, `make("seat02")` and so on."""
    return [make(f"seat{number:02d}") for number in range(1, count + 1)]


@dataclass(frozen=True)
class Change:
    """A file that a rendering changes; `before` is None for a new file."""

    name: str
    before: str | None
    after: str

    def diff(self) -> str:
        """Like `diff -u`, with passwords hidden."""
        before, after = (_hide_secrets(text).splitlines(True) for text in (self.before or "", self.after))
        return "".join(difflib.unified_diff(before, after, f"{self.name} (now)", f"{self.name} (rendered)"))


def _hide_secrets(text: str) -> str:
    return _SECRET.sub(lambda match: f"{match[1] or ''}***", text)


def render(compiled: Compiled, values: Values, *, site: bool = False) -> dict[str, str]:
    """Render the files: name -> text. `site`: only those that an existing Asterisk includes (`*_nul.conf`)."""
    known = placeholders(compiled, values)
    texts = {} if site else dict.fromkeys(EMPTY, '#tryinclude "{{custom}}"')
    for name in template_names(values.templates):
        if name.endswith("_nul.conf") or not site:
            with open(os.path.join(values.templates, name), encoding="utf-8") as file:
                texts[name] = file.read()
    files = {}
    for name, text in texts.items():
        custom = name.removesuffix(".conf") + "_custom.conf"
        head = (
            f"; Rendered by `ivr render` from config/asterisk/{name}, configuration {compiled['revision']}.\n"
            f"; Changes made here are lost; write your own lines into {custom}.\n\n"
        )
        files[name] = head + fill(text, {**known, "custom": custom}, os.path.join(values.templates, name))
    return files


def template_names(folder: str) -> list[str]:
    """The templates of a folder, in order; not the `*_custom.conf` files of ops."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as problem:
        raise Refusal(describe(problem, folder)) from None
    templates = [name for name in names if name.endswith(".conf") and not name.endswith("_custom.conf")]
    if not templates:
        raise Refusal(f"{folder}: no templates (*.conf); copy those of the shipped config/asterisk/")
    return templates


def fill(template: str, known: Mapping[str, str], path: str) -> str:
    """Replace the placeholders. One whose value has several lines (or none) must be alone on its line."""
    return "".join(_line(line, known, f"{path}:{number}") for number, line in enumerate(template.splitlines(), 1))


def _line(line: str, known: Mapping[str, str], where: str) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1].strip()
        if name in known:
            return known[name]
        close = difflib.get_close_matches(name, known, 1)
        hint = f'; did you mean "{close[0]}"?' if close else f"; use {', '.join(sorted(known))}"
        raise Refusal(f'{where}: no placeholder is named "{name}"{hint}')

    text = _PLACEHOLDER.sub(value, line)
    if ("\n" in text or not text) and line and not _PLACEHOLDER.fullmatch(line.strip()):
        raise Refusal(f"{where}: the value of this placeholder is whole lines; put it alone on a line")
    return text + "\n"


def placeholders(compiled: Compiled, values: Values) -> dict[str, str]:
    """Every placeholder of the templates and its value, except `custom`, which differs from file to file."""
    service = compiled["service"]
    identity, queue, voicemail = service["service"], service["queue"], service["voicemail"]
    joinempty, leavewhenempty = empty_policy(service)
    key = queue["voicemail_key"]
    unquoted = {
        "number": identity["number"],
        "language": identity["language"],
        "zone": identity["time_zone"],
        "engine": f"agi://{_url_host(values.engine_host)}:{values.engine_port}",
        "scripts": values.scripts,
        "native": values.native,
        "recordings": values.recordings,
        "moh": values.moh,
        "queue": queue["name"],
        "callback_trunk": service["callbacks"]["trunk"],
        "sip_bind": HOST,
        "ami_user": values.ami_user,
    }
    for name, value in unquoted.items():
        _refuse_unsafe(name, value, ":[]" if name == "engine" else "")
    return {
        **unquoted,
        "ami_secret": _secret(values.ami_secret, "ami_secret"),
        "longest_call": str(service["limits"]["longest_call_seconds"]),
        "open_calls": str(service["limits"]["open_calls"]),
        "dead_line": str(service["limits"]["dead_line_seconds"]),
        "dead_held_line": str(max(HELD_SECONDS, service["limits"]["dead_line_seconds"])),
        "first_priority": str(FIRST_PRIORITY),
        "silence": str(voicemail["silence_seconds"]),
        "longest_message": str(voicemail["longest_seconds"]),
        "longest_wait": str(queue["longest_wait"]),
        "longest_queue": str(queue["longest_queue"]),
        "ring_seconds": str(queue["ring_seconds"]),
        "missed_rings": str(queue["missed_rings"]),
        "qualify": str(QUALIFY_SECONDS),
        "qualify_timeout": str(QUALIFY_TIMEOUT),
        "wrap_up": str(queue["wrap_up_seconds"]),
        "joinempty": joinempty,
        "leavewhenempty": leavewhenempty,
        "announce_every": str(queue["announce_every"]),
        "announce": "yes" if queue["announce_every"] else "no",
        "voicemail_offer": _voicemail_offer(queue["voicemail_offer_every"])
        if key
        else "; leaving by key is not offered",
        "exit_key": _exit_key(key),
        "callback_ring": str(service["callbacks"]["ring_seconds"]),
        "survey_offered": str(int(service["survey"]["offered"])),
        "refuse_key": service["recording"]["refuse_key"],
        "privacy_prompts": _privacy_prompts(compiled),
        "first_code": str(FIRST_CODE),
        "last_code": str(FIRST_CODE + queue["operators"] - 1),
        "hours": hours(service),
        "first_year": str(values.first_year),
        "last_year": str(values.last_year),
        "closed_days": closed_days(service, values.first_year, values.last_year),
        "seats": "\n".join(_seat(seat) for seat in values.seats),
        "seat_names": "\n".join(f"exten => {seat.name},1,Return()" for seat in values.seats),
        "blocked": _blocked(values.blocked),
        "media": _media(values.media_address),
        "proof": proof_expression(_secret(values.engine_key, "engine_key")),
        "sip_port": str(values.ports.sip),
        "ami_port": str(values.ports.ami),
        "rtp_first": str(values.ports.rtp_first),
        "rtp_last": str(values.ports.rtp_last),
        "trunk_addresses": "\n".join(f"match = {address}" for address in values.trunks),
        "trunk_contact": _contact("the trunk", values.trunk_contact) or "; none: call-backs find no way out",
    }


def _url_host(host: str) -> str:
    """A host as it stands in a URL: an IPv6 address has brackets."""
    return f"[{host}]" if ":" in host else host


def _privacy_prompts(compiled: Compiled) -> str:
    """Further sounds of the notice, whose settings have a value: `&nul/...`, or ""."""
    sheets = compiled["prompts"]
    names = ("privacy-controller", "privacy-page")
    return "".join(f"&nul/{name}" for name in names if name in sheets and sheets[name]["text"])


def empty_policy(service: Service) -> tuple[str, str]:
    """`joinempty` and `leavewhenempty`: the operators who do not count for a new caller, and for a waiting one.

    Callers go to the voicemail when no operator is logged in, and waiting callers when the last operator logs out; only
    `nobody_logged_in` with `wait` lets them wait. With `nobody_free` and `voicemail`, new callers go to the voicemail
    while all operators are busy; callers who joined before stay.
    """
    policy = service["queue"]["all_busy"]
    if policy["means"] == "nobody_free":
        return (_NOBODY_FREE if policy["then"] == "voicemail" else _NOBODY_THERE), _NOBODY_THERE
    return ("yes", "no") if policy["then"] == "wait" else (_NOBODY_THERE, _NOBODY_THERE)


def hours(service: Service) -> str:
    """The weekly hours as dialplan. A range includes its last minute in Asterisk, but not in service.yaml."""
    zone = service["service"]["time_zone"]
    lines = []
    for day in WEEKDAYS:
        for text in service["hours"][day]:
            start, until = parse_range(text)
            span = f"{start // 60:02d}:{start % 60:02d}-{(until - 1) // 60:02d}:{(until - 1) % 60:02d}"
            lines.append(f" same => n,GotoIfTime({span},{day[:3]},*,*,{zone}?open)")
    return "\n".join(lines) or " ; never open"


def closed_days(service: Service, first_year: int, last_year: int) -> str:
    """One extension per holiday or closure, named by the local date."""
    days = OpeningHours.of(service).closed_days(first_year, last_year)
    return "\n".join(f"exten => {day:%Y%m%d},1,Return() ; {_comment(name)}" for day, name in days) or "; none"


def _exit_key(key: str | None) -> str:
    """The offered key, and the code that Asterisk takes instead of any key pressed during an announcement."""
    if key is None:
        return "; leaving by key is not offered"
    return f"exten => {key},1,Goto(nul-queue-left,s,1)\nexten => _[\x01],1,Goto(nul-queue-offer,s,1)"


def _voicemail_offer(every: int) -> str:
    return (
        "context = nul-queue-exit\n"
        "periodic-announce = nul/queue-offer-voicemail\n"
        f"periodic-announce-frequency = {every}\n"
        "relative-periodic-announce = yes"
    )


def _blocked(path: str) -> str:
    if not path:
        return "; No file is included."
    _refuse_unsafe("blocked", path, "")
    return f'#tryinclude "{path}"'


def _media(address: str | None) -> str:
    if address is None:
        return "; To bind it to one: media_address and bind_rtp_to_media_address = yes, in a custom file."
    _refuse_unsafe("media_address", address, ":")
    return f"media_address = {address}\nbind_rtp_to_media_address = yes"


def _seat(seat: Seat) -> str:
    lines = [f"[{seat.name}](nul-seat)", f"aors = {seat.name}"]
    if seat.password is not None:
        lines += [f"auth = {seat.name}", f"[{seat.name}]", "type = auth", "auth_type = userpass"]
        lines += [f"username = {seat.name}", f"password = {_secret(seat.password, seat.name)}"]
    lines.append(f"[{seat.name}](nul-seat-aor)")
    if contact := _contact(seat.name, seat.contact):
        lines.append(contact)
    return "\n".join(lines) + "\n"


def _contact(whose: str, uri: str | None) -> str:
    """The line of a fixed address, or ""."""
    if uri is None:
        return ""
    _refuse_unsafe(f"{whose}'s contact", uri, ":[]")
    return f"contact = {uri}"


def _comment(text: str) -> str:
    return " ".join(text.replace(";", ",").split())


def _refuse_unsafe(name: str, value: str, further: str) -> None:
    if not _SAFE.fullmatch(value.translate({ord(sign): None for sign in further})):
        raise Refusal(
            f"{name}: {value!r} cannot be written into an Asterisk file; use only letters, digits and . _ - / @ + ~"
            " (for a folder: another --var or --config)"
        )


def _secret(value: str, name: str) -> str:
    if value and not re.fullmatch(r"[\w-]+", value, re.ASCII):
        raise Refusal(f"{name}: not a valid password; use only letters, digits, - and _")
    return value


def script_files(places: Places) -> dict[str, str]:
    """The AGI scripts as Asterisk runs them: name -> text, with this interpreter and the paths of this installation."""
    source = os.path.join(ROOT, "agi_scripts")
    scripts = {}
    for name in sorted(os.listdir(source)):
        path = os.path.join(source, name)
        if "." in name or not os.path.isfile(path):
            continue
        with open(path, encoding="utf-8") as file:
            try:
                scripts[name] = render_script(file.read(), sys.executable, ROOT, places.compiled)
            except ValueError as problem:
                raise Refusal(f"{path}: {problem}") from None
    return scripts


def install_scripts(places: Places) -> None:
    """Write the scripts into `places.scripts`, where the dialplan starts them."""
    write(script_files(places), places.scripts, mode=0o755)


# --- writing -----------------------------------------------------------------------------------------------------


def changes(files: Mapping[str, str], folder: str) -> list[Change]:
    """What writing these files would change."""
    changed = []
    for name, after in sorted(files.items()):
        try:
            with open(os.path.join(folder, name), encoding="utf-8", errors="surrogateescape") as file:
                before = file.read()
        except FileNotFoundError:
            before = None
        if before != after:
            changed.append(Change(name, before, after))
    return changed


def write(files: Mapping[str, str], folder: str, stamp: str | None = None, mode: int = 0o644) -> list[Change]:
    """Write the files that differ, and return the changes. Raises OSError.

    With a `stamp` (a time that can be the name of a folder) the old files are kept in `<folder>/replaced/<stamp>/`. All
    new files are on the disk before the first is renamed into place: neither a full disk nor a crash leaves half a
    file, and Asterisk never reads one. Only the owner may read files with passwords, whatever `mode` is.
    """
    altered = changes(files, folder)
    if not altered:
        return []
    os.makedirs(folder, exist_ok=True)
    paths = [os.path.join(folder, change.name) for change in altered]
    with drafts(paths, mode=0o600, sync=False) as fresh:
        for change, draft in zip(altered, fresh, strict=True):
            _write_draft(draft, change.after, 0o600 if change.name in _PRIVATE else mode)
        if stamp is not None:
            _keep(altered, folder, stamp)
    return altered


def _write_draft(path: str, text: str, mode: int) -> None:
    """Fill a draft and sync it, so that old files are kept only when all new ones are on the disk.

    When root renders, the file gets the owner of its folder (the user `asterisk`).
    """
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        if os.geteuid() == 0:
            owner = os.stat(os.path.dirname(path))
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        os.fchmod(file.fileno(), mode)


def _keep(altered: Sequence[Change], folder: str, stamp: str) -> None:
    replaced = [change.name for change in altered if change.before is not None]
    if not replaced:
        return
    kept = os.path.join(folder, "replaced", stamp)
    os.makedirs(kept, mode=0o700, exist_ok=True)
    for name in replaced:
        if not os.path.exists(os.path.join(kept, name)):  # a second rendering with the same stamp keeps the first copy
            os.link(os.path.join(folder, name), os.path.join(kept, name))
