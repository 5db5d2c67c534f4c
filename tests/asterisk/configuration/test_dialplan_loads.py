"""The rendered files on a real Asterisk: they load without warnings, and everything that they name exists."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from charter.calendar import OpeningHours
from common.places import Places
from ivr import dialplan
from ivr.configuration.compiled import Compiled
from ivr.dialplan import Seat, Values, make_seats
from lab.switch.asterisk import Switch
from lab.switch.installation import install
from tests.asterisk.support.softphone import Telephone
from tests.conftest import rome

pytestmark = pytest.mark.switch

NOBODY_LISTENS = 9  # no engine here: the discard port

PROBE = """
[probe]
exten => _X.,1,Set(DAY=${EXTEN:0:4}/${EXTEN:4:2}/${EXTEN:6:2})
 same => n,Set(TESTTIME()=${DAY} ${EXTEN:8:2}:${EXTEN:10:2}:${EXTEN:12:2} Europe/Rome)
 same => n,Gosub(nul-static-hours,s,1)
 same => n,Set(DB(probe/${EXTEN})=${GOSUB_RETVAL})
"""


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def telephone() -> Iterator[Telephone]:
    with Telephone() as telephone:
        yield telephone


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that the switch's own account can enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory(prefix="ivr-dialplan-") as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def switch(shipped: Compiled, telephone: Telephone, folder: Path) -> Iterator[Switch]:
    """A switch with the rendered files and a custom dialplan, without engine and scripts."""
    prompts, native = folder / "prompts", folder / "native"
    prompts.mkdir()
    native.mkdir(mode=0o777)
    native.chmod(0o777)
    for name in shipped["prompts"]:
        path = prompts / f"{name}.alaw"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\xd5" * 800)
    private = Switch(install(Places(), report=lambda line: None), str(folder / "switch"), prompts=str(prompts))

    def render(prepared: Switch) -> None:
        values = Values(
            templates=Places().templates,
            scripts=str(folder / "agi-bin"),
            native=str(native),
            recordings=os.path.join(prepared.spool, "monitor"),
            moh=os.path.join(prepared.folder, "share", "moh"),
            first_year=2026,
            last_year=2027,
            seats=make_seats(
                12, lambda name: Seat(name, contact=f"sip:{name}@127.0.0.1:{telephone.port}")
            ),
            engine_port=NOBODY_LISTENS,
            ports=prepared.ports,
            ami_user=prepared.ami.user,
            ami_secret=prepared.ami.secret,
        )  # fmt: skip
        dialplan.write(dialplan.render(shipped, values), prepared.etc)
        Path(prepared.etc, "extensions_custom.conf").write_text(PROBE, encoding="utf-8")

    private.prepare(render)
    private.start()
    try:
        yield private
    finally:
        private.stop()


def desk(switch: Switch, code: str) -> None:
    switch.cli(f"channel originate Local/{code}@nul-desk application Wait 2")


def members(switch: Switch) -> dict[str, str]:
    """Seats by operator, with " paused" for those who pause."""
    lines = re.findall(r"(op\d+) \(PJSIP/(seat\d+)\)(.*)", switch.cli("queue show nul"))
    return {name: seat + (" paused" if "paused:" in rest else "") for name, seat, rest in lines}


def test_it_loads_without_warnings(switch: Switch) -> None:
    messages = Path(switch.log, "messages.log").read_text(encoding="utf-8")
    warnings = [line for line in messages.splitlines() if re.search(r" (WARNING|ERROR)\[\d+\] ", line)]
    # pjsip's own modules register while its threads run already: a race of Asterisk's start, without consequences.
    warnings = [line for line in warnings if "Enable PJSIP_SAFE_MODULE" not in line]
    assert warnings == []  # those of a call have its number, "[C-00000001]", before the blank
    console = Path(switch.log, "console.log").read_text(encoding="utf-8")
    assert not re.search(r"Unable to load|declined to load|could not be loaded|syntax error", console)
    loads = re.findall(r"^load = (\S+)", Path(switch.etc, "modules.conf").read_text(encoding="utf-8"), re.M)
    running = switch.cli("module show")
    assert [name for name in loads if not re.search(rf"^{name} .*Running", running, re.M)] == []


def test_every_application_and_function_exists(switch: Switch) -> None:
    text = Path(switch.etc, "extensions_nul.conf").read_text(encoding="utf-8")
    text = "\n".join(line.partition(" ; ")[0] for line in text.splitlines() if not line.startswith(";"))
    steps = re.findall(r"^(?:exten => [^,]+,1| same => n(?:\(\w+\))?),(\w+)\(", text, re.M)
    applications = {*steps, *re.findall(r"ExecIf\(.*\?(\w+)\(", text)}
    functions = set(re.findall(r"\$\{([A-Z_]+)\(", text)) | set(re.findall(r"Set\(([A-Z_]+)\(", text))
    assert {"AGI", "Queue", "Record", "ExecIf", "AddQueueMember", "GotoIfTime"} <= applications
    assert {"DB", "FILTER", "STAT", "FILE", "LOCK", "DIALPLAN_EXISTS", "CDR_PROP"} <= functions
    missing = "(are) not registered"  # Dial's own help text contains "not registered"
    assert [name for name in applications if missing in switch.cli(f"core show application {name}")] == []
    assert [name for name in functions if "No function" in switch.cli(f"core show function {name}")] == []


def test_the_queue_and_the_seats_exist(switch: Switch) -> None:
    assert "(max 30) in 'rrmemory' strategy" in switch.cli("queue show nul")
    seats = [f"seat{n:02d}" for n in range(1, 13)]

    def reachable() -> list[str]:
        return re.findall(r"Endpoint:  (seat\d\d) .*Not in use", switch.cli("pjsip show endpoints"))

    wait_until(lambda: reachable() == seats, "all seats to answer their first check")
    assert "nul-trunk" in switch.cli("pjsip show endpoints")


def test_an_operator_has_one_seat_and_a_seat_one_operator(switch: Switch) -> None:
    for code, then in (
        ("*11117*03", {"op117": "seat03"}),
        ("*11101*04", {"op117": "seat03", "op101": "seat04"}),
        ("*11117*05", {"op117": "seat05", "op101": "seat04"}),  # moved
        ("*11102*04", {"op117": "seat05", "op102": "seat04"}),  # 101 forgot to log out
        ("*132*05", {"op117": "seat05 paused", "op102": "seat04"}),
        ("*14*05", {"op117": "seat05", "op102": "seat04"}),
        ("*12*05", {"op102": "seat04"}),
        ("*12*04", {}),
    ):
        desk(switch, code)
        wait_until(lambda then=then: members(switch) == then, f"{code}: {then}")
    assert "0 results" in switch.cli("database show nul-code")
    assert "0 results" in switch.cli("database show nul-seat")


@pytest.mark.parametrize("code", ["*11100*03", "*11125*03", "*11117*13", "*11117*00", "*131*03", "*14*03", "*12*03"])
def test_an_invalid_code_changes_nothing(switch: Switch, code: str) -> None:
    before = len(Path(switch.log, "queue_log").read_text(encoding="utf-8").splitlines())
    desk(switch, code)
    wait_until(lambda: switch.cli("core show channels count").startswith("0 active channels"), "the end of the call")
    assert members(switch) == {}
    assert len(Path(switch.log, "queue_log").read_text(encoding="utf-8").splitlines()) == before


def test_operators_stay_logged_in_over_a_restart(switch: Switch) -> None:
    desk(switch, "*11124*12")
    desk(switch, "*11123*11")
    wait_until(lambda: len(members(switch)) == 2, "two operators")
    desk(switch, "*131*12")
    wait_until(lambda: "paused" in members(switch)["op124"], "a pause")
    switch.stop()
    switch.prepare()
    switch.start()
    assert members(switch) == {"op124": "seat12 paused", "op123": "seat11"}
    desk(switch, "*12*12")
    desk(switch, "*12*11")
    wait_until(lambda: members(switch) == {}, "all operators to log out")


def test_an_operator_logs_in_from_the_telephone_of_the_seat(switch: Switch, telephone: Telephone) -> None:
    line = telephone.dial("*11109", switch.ports.sip, caller="seat07")
    line.wait_ended()
    assert line.status == 200
    assert members(switch) == {"op109": "seat07"}
    line = telephone.dial("*12", switch.ports.sip, caller="seat07")
    line.wait_ended()
    assert members(switch) == {}


@pytest.mark.parametrize("number", ["800000040", "80000003", "8000000390", "s", "*11117", "menu"])
def test_any_other_number_is_not_found(switch: Switch, telephone: Telephone, number: str) -> None:
    line = telephone.dial(number, switch.ports.sip)
    line.wait_ended()
    assert line.status == 404


def test_the_static_hours_are_those_of_the_calendar(switch: Switch, shipped: Compiled) -> None:
    """GotoIfTime at the first and last second of opening, on a Saturday, on the days when the clock changes."""
    hours = OpeningHours.of(shipped["service"])
    moments = [
        *("2026-11-24 08:59:59", "2026-11-24 09:00:00", "2026-11-24 17:59:59", "2026-11-24 18:00:00"),
        *("2026-11-28 12:00:00", "2026-03-29 12:00:00", "2026-03-30 09:00:00", "2026-10-26 08:59:59"),
    ]
    expected = {re.sub(r"\D", "", each): "open" if hours.is_open(rome(each)) else "closed" for each in moments}
    for extension in expected:
        switch.cli(f"channel originate Local/{extension}@probe application Wait 1")
    wait_until(lambda: f"{len(expected)} results" in switch.cli("database show probe"), "all the answers")
    assert dict(re.findall(r"/probe/(\d+) +: (\w+)", switch.cli("database show probe"))) == expected


def test_without_engine_and_scripts_the_caller_leaves_a_message(
    switch: Switch, telephone: Telephone, folder: Path
) -> None:
    """Open or closed, nobody is logged in, so the call leads to Asterisk's own recording."""
    native = folder / "native"
    line = telephone.dial("800000039", switch.ports.sip, caller="06-12.5678")
    line.wait_answered()
    wait_until(lambda: any(path.suffix == ".wav" for path in native.iterdir()), "a recording", 30)
    assert not list(native.glob("*.done"))  # it is not complete yet
    line.speak(bytes(range(256)) * 31)
    line.wait_quiet()
    line.hang_up()
    wait_until(lambda: bool(list(native.glob("*.done"))), "the recording to be complete")
    (recording,) = native.glob("*.wav")
    assert recording.with_suffix("").name == next(iter(native.glob("*.done"))).name.removesuffix(".done")
    name = re.fullmatch(r"(\d+)-(\d+\.\d+)-06125678-(closed|all_busy)\.wav", recording.name)
    assert name
    assert abs(int(name[1]) - time.time()) < 120
    assert recording.stat().st_size > 44
    log = Path(switch.log, "queue_log")
    wait_until(
        lambda: f"|{name[2]}|nul|NONE|ENDED|message|static_record" in log.read_text(), "the fate in the queue_log"
    )
