"""A withheld number leaves no trace: not in a file of the switch, the engine or the registry, nor at an operator.

Callers withhold their number in every form that carriers and telephones use. Each form has a number of its own, which
is then looked for in every file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from measure.cli import main as measure
from registry.cli import main as registry
from tests.asterisk.support.pjsua import MOST_CALLS, Pjsua, PjsuaCall
from tests.asterisk.support.system import BRIEF, System, running_system, wait_until

pytestmark = pytest.mark.switch

HOST = "127.0.0.1"


class Form(NamedTuple):
    """A way to withhold a number; `{n}` stands for the number."""

    sender: str
    headers: Mapping[str, str]


IDENTITY = f"<sip:{{n}}@{HOST}>"
ASSERTED = {"P-Asserted-Identity": IDENTITY}
OPEN = f"<sip:{{n}}@{HOST}>"
NAMELESS = '"Anonymous" <sip:anonymous@anonymous.invalid>'

FORMS = {
    "privacy id": Form(OPEN, {**ASSERTED, "Privacy": "id"}),
    "privacy id, anonymous sender": Form(NAMELESS, {**ASSERTED, "Privacy": "id"}),
    "privacy id;header": Form(OPEN, {**ASSERTED, "Privacy": "id;header"}),
    "privacy header;id;critical": Form(NAMELESS, {**ASSERTED, "Privacy": "header; id; critical"}),
    "privacy user": Form(OPEN, {"Privacy": "user"}),
    "privacy user, asserted": Form(OPEN, {**ASSERTED, "Privacy": "user"}),
    "privacy id, nothing asserted": Form(OPEN, {"Privacy": "id"}),
    "privacy in capitals": Form(OPEN, {**ASSERTED, "PRIVACY": "ID"}),
    "remote party full": Form(OPEN, {"Remote-Party-ID": IDENTITY + ";party=calling;privacy=full;screen=yes"}),
    "remote party, anonymous sender": Form(NAMELESS, {"Remote-Party-ID": IDENTITY + ";party=calling;privacy=full"}),
    "remote party uri": Form(OPEN, {"Remote-Party-ID": IDENTITY + ";privacy=uri"}),
    "anonymous sender, asserted": Form(NAMELESS, ASSERTED),
    "anonymous sender, remote party": Form(NAMELESS, {"Remote-Party-ID": IDENTITY + ";party=calling"}),
    "anonymous domain": Form("<sip:{n}@anonymous.invalid>", {}),
    "anonymous name": Form(f'"Anonymous" <sip:{{n}}@{HOST}>', {}),
    "diverted": Form(NAMELESS, {**ASSERTED, "Privacy": "id", "Diversion": IDENTITY + ";reason=unconditional"}),
}
SHOWN = {
    "open": Form(OPEN, {}),
    "asserted": Form(OPEN, ASSERTED),
    "privacy none": Form(OPEN, {**ASSERTED, "Privacy": "none"}),
    "remote party off": Form(OPEN, {"Remote-Party-ID": IDENTITY + ";party=calling;privacy=off;screen=yes"}),
}


class Place(NamedTuple):
    system: System
    callers: list[Pjsua]
    seats: Pjsua


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with ExitStack() as stack:
        phones = [stack.enter_context(Pjsua()) for _ in range(-(-(len(FORMS) + len(SHOWN)) // MOST_CALLS))]
        seats = stack.enter_context(Pjsua())
        running = running_system(operators=1, prompt_bytes=BRIEF, seats_port=seats.port)
        yield Place(stack.enter_context(running), phones, seats)


def numbers(forms: Mapping[str, Form], first: int) -> dict[str, str]:
    return {name: f"06{first + place:08d}" for place, name in enumerate(forms)}


def dial(place: Place, form: Form, number: str) -> PjsuaCall:
    phone = next(phone for phone in place.callers if len(phone.calls) < MOST_CALLS)
    headers = {name: value.replace("{n}", number) for name, value in form.headers.items()}
    return phone.dial(place.system.stack.sip_port, user=form.sender.replace("{n}", number), headers=headers)


def wait_queued(place: Place, count: int) -> None:
    wait_until(lambda: place.system.events().count("ENTERQUEUE") >= count, f"{count} callers in the queue", 30)


def call_all(place: Place, forms: Mapping[str, Form], first: int) -> list[str]:
    """Call in every form, wait in the queue, hear the operator; the invitations that the seat received."""
    before = place.system.events().count("ENTERQUEUE")
    calls = {name: dial(place, forms[name], number) for name, number in numbers(forms, first).items()}
    for call in calls.values():
        call.wait_answered(20)
    wait_until(lambda: place.system.open_sessions() >= 1, "the menu")
    for call in calls.values():
        call.press("5")
    wait_queued(place, before + len(forms))
    requests = []
    for _ in forms:
        operator = place.seats.wait_ring(20)
        operator.answer()
        operator.hang_up()
        requests.append(operator.request)
    for phone in place.callers:
        phone.hang_up_all()
    place.system.wait_idle()
    wait_until(lambda: place.system.events().count("ENDED") >= before + len(forms), "the end of every call")
    return requests


def files(place: Place) -> Iterator[tuple[str, bytes]]:
    """Everything that the switch, the engine and the registry have written."""
    for path in sorted(Path(place.system.folder).rglob("*")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 30_000_000:
            yield str(path.relative_to(place.system.folder)), path.read_bytes()


def traces(place: Place, number: str) -> list[str]:
    """The files in which the number stands, in any form."""
    forms = [number.encode(), number[1:].encode()]
    return [name for name, content in files(place) if any(form in content for form in forms)]


def test_a_withheld_number_stands_in_no_file_and_no_operator_sees_it(
    place: Place, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = call_all(place, FORMS, 98765400)
    shown = call_all(place, SHOWN, 55511100)
    monkeypatch.setenv("IVR_CONFIG", place.system.places.config)
    monkeypatch.setenv("IVR_VAR", place.system.places.var)
    log = Path(place.system.stack.switch.log)
    assert registry(["init"]) == 0
    assert registry(["intake"]) == 0
    assert measure(["ingest", "--queue-log", str(log / "queue_log"), "--cdr", str(log / "cdr-csv/Master.csv")]) == 0
    printed = "".join(capfd.readouterr())
    found = {name: traces(place, number) for name, number in numbers(FORMS, 98765400).items()}
    assert {name: where for name, where in found.items() if where} == {}
    for number in numbers(FORMS, 98765400).values():
        assert not any(number[1:] in request for request in requests)
        assert number[1:] not in printed
    for name, number in numbers(SHOWN, 55511100).items():  # what is not withheld is known
        assert any(re.search(r"queue_log$", where) for where in traces(place, number)), name
        assert any(number in request for request in shown), name
