"""Asterisk's files as they are rendered: what stands in them, what cannot, and how they reach the disk."""

from __future__ import annotations

import copy
import errno
import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charter.calendar import OpeningHours
from common.command_line import Refusal
from common.places import Places
from common.ports import Ports
from ivr import dialplan
from ivr.configuration.compiled import Compiled
from ivr.dialplan import Change, Seat, Values, make_seats

FIRST, LAST = 2026, 2031
ROME = ZoneInfo("Europe/Rome")


@pytest.fixture(scope="module")
def values() -> Values:
    return Values(
        templates=Places().templates,
        scripts="/srv/ivr/agi-bin",
        native="/srv/ivr/spool/native",
        recordings="/srv/ivr/monitor",
        moh="/srv/ivr/moh",
        first_year=FIRST,
        last_year=LAST,
        seats=make_seats(12, lambda name: Seat(name, password=f"secret-of-{name}")),
        engine_host="127.0.0.1",
        engine_port=4600,
        ports=Ports(10000, 10001, 10002, 10010, 11999),
        ami_user="ivr",
        ami_secret="very-secret",
    )


@pytest.fixture(scope="module")
def files(shipped: Compiled, values: Values) -> dict[str, str]:
    return dialplan.render(shipped, values)


def directives(text: str) -> str:
    """Without comments and empty lines."""
    lines = [re.sub(r"\s*;.*", "", line).rstrip() for line in text.splitlines()]
    return "\n".join(line for line in lines if line)


def contexts(text: str) -> dict[str, list[str]]:
    """Section name -> its lines (the sections of one file)."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in directives(text).splitlines():
        if line.startswith("["):
            name = line[1 : line.index("]")]
            found.setdefault(name, [])
        elif not line.startswith("#"):
            found[name].append(line)
    return found


# --- placeholders ------------------------------------------------------------------------------------------------


def test_an_unknown_placeholder_is_an_error_with_file_line_and_suggestion() -> None:
    with pytest.raises(Refusal, match=r'extensions\.conf:2: no placeholder is named "numbr"; did you mean "number"\?'):
        dialplan.fill("[x]\nexten => {{numbr}},1,Hangup()\n", {"number": "1"}, "extensions.conf")


def test_an_unknown_placeholder_like_no_other_lists_what_there_is() -> None:
    with pytest.raises(Refusal, match=r"x\.conf:1: .*use engine, number"):
        dialplan.fill("{{zzz}}", {"number": "1", "engine": "2"}, "x.conf")


def test_a_value_of_several_lines_stands_alone_on_its_line() -> None:
    with pytest.raises(Refusal, match=r"x\.conf:1: the value of this placeholder is whole lines"):
        dialplan.fill("match = {{lines}}", {"lines": "a\nb"}, "x.conf")
    assert dialplan.fill("{{lines}}\n", {"lines": "a\nb"}, "x.conf") == "a\nb\n"


@given(st.text(alphabet="${}[]()ABab,;:=?\"' \n", max_size=60).filter(lambda text: "{{" not in text))
def test_what_is_asterisks_own_passes_through_untouched(text: str) -> None:
    assert dialplan.fill(text, {}, "x.conf").splitlines() == text.splitlines()


def test_every_placeholder_is_used_somewhere(shipped: Compiled, values: Values) -> None:
    used = set()
    for name in dialplan.template_names(values.templates):
        used |= set(re.findall(r"\{\{(.*?)\}\}", (Path(values.templates) / name).read_text(encoding="utf-8")))
    assert used == {*dialplan.placeholders(shipped, values), "custom"}


@pytest.mark.parametrize("folder", ["/srv/a b", "/srv/a,b", "/srv/${x}", "/srv/a;b", "/srv/a\nb", ""])
def test_a_folder_that_asterisk_would_misread_is_refused(shipped: Compiled, values: Values, folder: str) -> None:
    with pytest.raises(Refusal, match=r"scripts: .* cannot be written into an Asterisk file"):
        dialplan.render(shipped, replace(values, scripts=folder))


def test_a_password_cannot_smuggle_lines_in(shipped: Compiled, values: Values) -> None:
    with pytest.raises(Refusal, match="seat01: not a valid password; use only letters"):
        dialplan.render(shipped, replace(values, seats=[Seat("seat01", password="x\n[root]")]))
    with pytest.raises(Refusal, match="ami_secret"):
        dialplan.render(shipped, replace(values, ami_secret="x\ny"))


def test_a_folder_without_templates_is_named(shipped: Compiled, values: Values, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"no templates"):
        dialplan.render(shipped, replace(values, templates=str(tmp_path)))
    with pytest.raises(Refusal, match=r"gone: No such file"):
        dialplan.render(shipped, replace(values, templates=str(tmp_path / "gone")))


# --- the files as a whole ----------------------------------------------------------------------------------------


def test_each_file_says_where_it_comes_from_and_includes_the_lines_of_ops(
    files: dict[str, str], shipped: Compiled
) -> None:
    for name, text in files.items():
        custom = name.replace(".conf", "_custom.conf")
        assert text.startswith(f"; Rendered by `ivr render` from config/asterisk/{name}"), name
        assert shipped["revision"] in text.splitlines()[0], name
        assert custom in text.splitlines()[1], name
        assert text.count(f'#tryinclude "{custom}"') == 1, name
        assert "{{" not in text, name
        assert text.endswith("\n"), name


def test_rendering_is_a_function_of_its_arguments(shipped: Compiled, values: Values, files: dict[str, str]) -> None:
    before = copy.deepcopy(shipped)
    assert dialplan.render(shipped, values) == files
    assert shipped == before


def test_a_site_gets_what_it_includes_and_nothing_else(
    shipped: Compiled, values: Values, files: dict[str, str]
) -> None:
    site = dialplan.render(shipped, values, site=True)
    assert sorted(site) == ["extensions_nul.conf", "musiconhold_nul.conf", "pjsip_nul.conf", "queues_nul.conf"]
    assert all(files[name] == text for name, text in site.items())
    for name in site:
        assert f'#include "{name}"' in files[name.replace("_nul", "")]


def test_ops_own_files_beside_the_templates_are_no_templates(
    shipped: Compiled, values: Values, files: dict[str, str], tmp_path: Path
) -> None:
    for name in dialplan.template_names(values.templates):
        (tmp_path / name).write_text((Path(values.templates) / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "queues_custom.conf").write_text("{{mine}}\n", encoding="utf-8")
    assert dialplan.render(shipped, replace(values, templates=str(tmp_path))).keys() == files.keys()


# --- the dialplan ------------------------------------------------------------------------------------------------


def test_the_number_and_nothing_else_is_answered(files: dict[str, str]) -> None:
    incoming = contexts(files["extensions_nul.conf"])["nul-incoming"]
    assert [line.split(" ")[2].split(",")[0] for line in incoming] == [
        *("800000039", "+39800000039", "0039800000039", "39800000039")
    ]


def test_each_flow_runs_in_the_engine_and_then_by_its_script(files: dict[str, str]) -> None:
    plan = contexts(files["extensions_nul.conf"])
    homes = {"menu": "nul-call", "voicemail": "nul-voicemail", "survey": "nul-survey", "ended": "nul-ended"}
    for flow, context in homes.items():
        calls = [line for line in plan[context] if "AGI(" in line]
        assert [re.findall(r"AGI\(([^,]*),", line)[0] for line in calls] == [
            f"agi://127.0.0.1:4600/{flow}",
            f"/srv/ivr/agi-bin/{flow}",
        ]
        first, second = (line.partition(f"/{flow},")[2] for line in calls)
        assert first == second
        assert first.startswith("${EPOCH},${CHANNEL(linkedid)}")


def test_only_the_known_outcomes_lead_somewhere_and_agistatus_nowhere(files: dict[str, str]) -> None:
    plan = contexts(files["extensions_nul.conf"])
    assert [line.split(" ")[2].split(",")[0] for line in plan["nul-outcome"]] == ["queue", "voicemail", "done"]
    assert "AGISTATUS" not in directives(files["extensions_nul.conf"])


def test_every_jump_arrives(files: dict[str, str]) -> None:
    plan = contexts(files["extensions_nul.conf"])
    for context, lines in plan.items():
        text = "\n".join(lines)
        for target in re.findall(r"\b(nul-[a-z-]+),(?:s|\$\{|[a-z_]+),1", text):
            assert target in plan, f"{context}: {target}"
        labels = set(re.findall(r"n\((\w+)\)", text)) | {""}
        for line in lines:
            for yes, no in re.findall(r"GotoIf(?:Time)?\(.*\?(\w*)(?::(\w+))?\)$", line):
                assert {yes, no} <= labels, f"{context}: {line}"


def test_nothing_that_a_caller_sends_is_run_or_kept(files: dict[str, str]) -> None:
    text = directives(files["extensions_nul.conf"])
    assert not re.search(r"\b(System|TrySystem|SHELL|EVAL|CURL|ODBC\w*|Exec)\(", text)
    assert sorted(set(re.findall(r"CALLERID\([\w-]+\)", text))) == [
        *("CALLERID(ani)", "CALLERID(name)", "CALLERID(num)", "CALLERID(num-pres)")
    ]
    assert text.count("CALLERID(name)") == text.count("Set(CALLERID(name)=)")
    harmless = (
        "${FILTER(0-9+,${CALLERID(num)}):0:20}",
        "FILTER(0-9+*#./ \\-,${CALLERID(num)})",
        "LEN(${CALLERID(num)})",
        "Set(CALLERID(num)=800000039)",  # our own, for call-backs
    )
    emptied = text.count("Set(CALLERID(num)=)")
    assert emptied == text.count("CALLERID(ani)") == text.count("Set(CALLERID(ani)=)") == 1
    assert text.count("CALLERID(num)") == sum(map(text.count, harmless)) + emptied


def test_a_call_back_dials_digits_only_by_the_trunk_of_the_configuration(
    files: dict[str, str], shipped: Compiled, values: Values
) -> None:
    plan = contexts(files["extensions_nul.conf"])
    (dial,) = [line for line in plan["nul-callback"] if "Dial(" in line]
    assert dial.endswith("Dial(PJSIP/${EXTEN}@nul-trunk,40)")
    assert plan["nul-callback"][0].startswith("exten => _+ZXXXXXX!,1,")
    assert any("FILTER(0-9,${EXTEN})" in line for line in plan["nul-callback"])
    elsewhere = "\n".join("\n".join(lines) for name, lines in plan.items() if name != "nul-callback")
    assert "nul-callback," not in elsewhere  # no caller comes to the place from which we pay for calls
    assert not re.search(r"\bDial\(", elsewhere)
    assert not re.search(r"^contact = ", files["pjsip.conf"], re.M)
    out = dialplan.render(shipped, replace(values, trunk_contact="sip:10.0.0.1:5060"))
    assert "contact = sip:10.0.0.1:5060" in out["pjsip.conf"]
    with pytest.raises(Refusal, match="the trunk's contact"):
        dialplan.render(shipped, replace(values, trunk_contact="sip:a\ncontact = sip:b"))


def test_every_sound_is_in_the_catalogue(files: dict[str, str], shipped: Compiled) -> None:
    text = "\n".join(directives(text) for text in files.values())
    named = set(re.findall(r"\bnul/([\w/-]+)", text)) | set(re.findall(r"Return\((op-[\w-]+)\)", text))
    assert named - set(shipped["prompts"]) == set()
    assert {"queue-offer-voicemail", "fallback-record", "op-wrong-code", "queue-youarenext"} <= named


def test_the_limits_are_those_of_the_service(files: dict[str, str]) -> None:
    text = files["extensions_nul.conf"]
    assert "Set(TIMEOUT(absolute)=7200)" in text
    assert "Queue(nul,c,,,600)" in text
    assert "Record(${IVR_NATIVE}.wav,5,180,k)" in text
    assert "$[${ARG2} < 101 | ${ARG2} > 124]" in text


def test_without_a_survey_the_caller_is_thanked(compiled: Compiled, values: Values) -> None:
    assert "GotoIf(1?:thanks)" in dialplan.render(compiled, values)["extensions_nul.conf"]
    compiled["service"]["survey"]["offered"] = False
    assert "GotoIf(0?:thanks)" in dialplan.render(compiled, values)["extensions_nul.conf"]


# --- the queue and the seats -------------------------------------------------------------------------------------


def test_the_queue_follows_the_service(files: dict[str, str]) -> None:
    queue = contexts(files["queues_nul.conf"])["nul"]
    for line in ("timeout = 15", "wrapuptime = 20", "maxlen = 30", "announce-frequency = 60", "ringinuse = no"):
        assert line in queue
    assert "context = nul-queue-exit" in queue
    assert "periodic-announce-frequency = 45" in queue
    assert contexts(files["extensions_nul.conf"])["nul-queue-exit"] == ["exten => 1,1,Goto(nul-queue-left,s,1)"]


def test_a_key_that_is_not_offered_is_neither_announced_nor_accepted(compiled: Compiled, values: Values) -> None:
    compiled["service"]["queue"]["voicemail_key"] = None
    files = dialplan.render(compiled, values)
    assert contexts(files["extensions_nul.conf"])["nul-queue-exit"] == []
    assert "nul-queue-exit" not in files["queues_nul.conf"]
    assert "periodic-announce" not in files["queues_nul.conf"]


def test_a_queue_without_announcements_says_nothing(compiled: Compiled, values: Values) -> None:
    compiled["service"]["queue"]["announce_every"] = 0
    queue = contexts(dialplan.render(compiled, values)["queues_nul.conf"])["nul"]
    for line in ("announce-frequency = 0", "announce-position = no", "announce-holdtime = no"):
        assert line in queue


@pytest.mark.parametrize(
    ("means", "then", "join", "leave"),
    [
        ("nobody_free", "wait", "unavailable,invalid,unknown", "unavailable,invalid,unknown"),
        (
            "nobody_free",
            "voicemail",
            "paused,inuse,ringing,wrapup,unavailable,invalid,unknown",
            "unavailable,invalid,unknown",
        ),
        ("nobody_logged_in", "voicemail", "unavailable,invalid,unknown", "unavailable,invalid,unknown"),
        ("nobody_logged_in", "wait", "yes", "no"),
    ],
)
def test_what_all_busy_means(compiled: Compiled, means: str, then: str, join: str, leave: str) -> None:
    compiled["service"]["queue"]["all_busy"] = {"means": means, "then": then}
    assert dialplan.empty_policy(compiled["service"]) == (join, leave)


def test_twelve_seats_register_with_their_own_passwords(files: dict[str, str]) -> None:
    text = files["pjsip_nul.conf"]
    assert re.findall(r"^\[(seat\d\d)\]\(nul-seat\)$", text, re.M) == [f"seat{n:02d}" for n in range(1, 13)]
    assert re.findall(r"^password = (.*)$", text, re.M) == [f"secret-of-seat{n:02d}" for n in range(1, 13)]
    assert "\ncontact =" not in text
    assert contexts(files["extensions_nul.conf"])["nul-operator-seats"][11] == "exten => seat12,1,Return()"


def test_a_simulated_seat_has_a_contact_and_no_password(shipped: Compiled, values: Values) -> None:
    seats = [Seat("seat01", contact="sip:seat01@127.0.0.1:6000")]
    text = dialplan.render(shipped, replace(values, seats=seats))["pjsip_nul.conf"]
    assert "contact = sip:seat01@127.0.0.1:6000" in text
    assert "auth" not in directives(text)


# --- hours -------------------------------------------------------------------------------------------------------

Open = Callable[[datetime], bool]


def as_asterisk_reads_it(text: str) -> Open:
    """[nul-static-hours] and [nul-closed-days], walked as Asterisk does: a range includes its last minute."""
    plan = contexts(text)
    closed = {line.split(" ")[2].split(",")[0] for line in plan["nul-closed-days"]}
    spans = []
    for line in plan["nul-static-hours"]:
        if found := re.search(r"GotoIfTime\((\d\d):(\d\d)-(\d\d):(\d\d),(\w{3}),\*,\*,Europe/Rome\?open\)", line):
            a, b, c, d = (int(found[n]) for n in range(1, 5))
            spans.append((["mon", "tue", "wed", "thu", "fri", "sat", "sun"].index(found[5]), a * 60 + b, c * 60 + d))

    def is_open(moment: datetime) -> bool:
        minute = moment.hour * 60 + moment.minute
        return f"{moment:%Y%m%d}" not in closed and any(
            day == moment.weekday() and first <= minute <= last for day, first, last in spans
        )

    return is_open


def test_the_static_hours_are_those_of_the_calendar(files: dict[str, str], shipped: Compiled) -> None:
    """Each day of the rendered years, at the minutes where something could differ."""
    is_open, hours = as_asterisk_reads_it(files["extensions_nul.conf"]), OpeningHours.of(shipped["service"])
    day, last = date(FIRST, 1, 1), date(LAST, 12, 31)
    while day <= last:
        for hour, minute, second in ((0, 0, 0), (8, 59, 59), (9, 0, 0), (12, 30, 0), (17, 59, 59), (18, 0, 0)):
            moment = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=ROME)
            assert is_open(moment) == hours.is_open(moment.timestamp()), moment
        day += timedelta(days=1)


def test_every_closed_day_is_in_the_table_by_name(files: dict[str, str], shipped: Compiled) -> None:
    days = OpeningHours.of(shipped["service"]).closed_days(FIRST, LAST)
    assert len(days) > 12 * (LAST - FIRST + 1)
    for day, name in days:
        assert f"exten => {day:%Y%m%d},1,Return() ; {name}\n" in files["extensions_nul.conf"]


RANGES = st.lists(st.integers(0, 48), min_size=2, max_size=6, unique=True).map(
    lambda cuts: [
        f"{a // 2:02d}:{a % 2 * 30:02d}-{b // 2:02d}:{b % 2 * 30:02d}"
        for a, b in zip(sorted(cuts)[::2], sorted(cuts)[1::2], strict=False)
    ]
)


@given(week=st.lists(RANGES, min_size=7, max_size=7), at=st.integers(1767225600, 1893452399))
def test_any_hours_that_can_be_configured_are_rendered_right(shipped: Compiled, week: list[list[str]], at: int) -> None:
    service = copy.deepcopy(shipped["service"])
    service["hours"] = dict(zip(service["hours"], week, strict=True))
    text = (
        f"[nul-static-hours]\n{dialplan.hours(service)}\n[nul-closed-days]\n{dialplan.closed_days(service, 2026, 2029)}"
    )
    moment = datetime.fromtimestamp(at, UTC).astimezone(ROME)
    assert as_asterisk_reads_it(text)(moment) == OpeningHours.of(service).is_open(at)


def test_a_reason_written_by_ops_stays_a_comment(compiled: Compiled) -> None:
    closure = {"first": "2026-12-24", "last": "2026-12-24", "reason": "Chiusura; --\nexten => 1,1,System(x)"}
    compiled["service"]["holidays"]["extra_closures"] = [closure]
    line = next(line for line in dialplan.closed_days(compiled["service"], 2026, 2026).splitlines() if "1224" in line)
    assert line == "exten => 20261224,1,Return() ; Chiusura, -- exten => 1,1,System(x)"


# --- writing -----------------------------------------------------------------------------------------------------


def test_files_with_passwords_are_for_their_owner_alone(files: dict[str, str], tmp_path: Path) -> None:
    dialplan.write(files, str(tmp_path))
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert {name for name, mode in modes.items() if mode == 0o600} == {"manager.conf", "pjsip_nul.conf"}
    assert set(modes.values()) == {0o600, 0o644}
    secrets = [name for name, text in files.items() if "secret-of-" in text or "very-secret" in text]
    assert sorted(secrets) == ["manager.conf", "pjsip_nul.conf"]


def test_only_what_differs_is_written_and_the_old_is_kept(tmp_path: Path) -> None:
    folder = str(tmp_path)
    assert [change.before for change in dialplan.write({"a.conf": "1\n", "b.conf": "2\n"}, folder, "t1")] == [
        None,
        None,
    ]
    untouched = (tmp_path / "b.conf").stat()
    (tmp_path / "a_custom.conf").write_text("mine\n", encoding="utf-8")
    altered = dialplan.write({"a.conf": "3\n", "b.conf": "2\n"}, folder, "t2")
    assert altered == [Change("a.conf", "1\n", "3\n")]
    assert (tmp_path / "b.conf").stat().st_ino == untouched.st_ino
    assert (tmp_path / "replaced/t2/a.conf").read_text(encoding="utf-8") == "1\n"
    assert (tmp_path / "a_custom.conf").read_text(encoding="utf-8") == "mine\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.conf", "a_custom.conf", "b.conf", "replaced"]
    assert dialplan.write({"a.conf": "3\n"}, folder, "t3") == []
    assert not (tmp_path / "replaced/t3").exists()


def test_a_full_disk_leaves_every_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dialplan.write({"a.conf": "1\n", "b.conf": "2\n"}, str(tmp_path))
    written: list[int] = []

    def fsync(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="No space left"):
        dialplan.write({"a.conf": "3\n", "b.conf": "4\n"}, str(tmp_path), "t")
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {
        "a.conf": "1\n",
        "b.conf": "2\n",
    }


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious", encoding="utf-8")
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "a.conf").symlink_to(victim)
    dialplan.write({"a.conf": "1\n"}, str(etc))
    assert victim.read_text(encoding="utf-8") == "precious"
    assert not (etc / "a.conf").is_symlink()


def test_a_diff_hides_passwords() -> None:
    before, after = "[ivr]\nsecret = old\nread = all\n", "[ivr]\nsecret = new\nread = call\n"
    diff = Change("manager.conf", before, after).diff()
    assert "old" not in diff
    assert "new" not in diff
    assert "-read = all\n+read = call\n" in diff
    assert "--- manager.conf (now)" in diff
