"""Asterisk's files as they are rendered: their content, and what is refused."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.command_line import Refusal
from ivr import dialplan
from ivr.configuration.compiled import Compiled
from ivr.dialplan import Seat, Values


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


def test_an_unknown_placeholder_without_a_similar_one_lists_all() -> None:
    with pytest.raises(Refusal, match=r"x\.conf:1: .*use engine, number"):
        dialplan.fill("{{zzz}}", {"number": "1", "engine": "2"}, "x.conf")


def test_a_value_of_several_lines_must_be_alone_on_its_line() -> None:
    with pytest.raises(Refusal, match=r"x\.conf:1: the value of this placeholder is whole lines"):
        dialplan.fill("match = {{lines}}", {"lines": "a\nb"}, "x.conf")
    assert dialplan.fill("{{lines}}\n", {"lines": "a\nb"}, "x.conf") == "a\nb\n"


@given(st.text(alphabet="${}[]()ABab,;:=?\"' \n", max_size=60).filter(lambda text: "{{" not in text))
def test_text_without_placeholders_is_copied_unchanged(text: str) -> None:
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


def test_a_password_cannot_contain_lines(shipped: Compiled, values: Values) -> None:
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


def test_each_file_names_its_template_and_includes_the_file_of_ops(files: dict[str, str], shipped: Compiled) -> None:
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


def test_a_site_gets_only_the_files_that_it_includes(shipped: Compiled, values: Values, files: dict[str, str]) -> None:
    site = dialplan.render(shipped, values, site=True)
    assert sorted(site) == ["extensions_nul.conf", "musiconhold_nul.conf", "pjsip_nul.conf", "queues_nul.conf"]
    assert all(files[name] == text for name, text in site.items())
    for name in site:
        assert f'#include "{name}"' in files[name.replace("_nul", "")]


def test_custom_files_of_ops_are_not_templates(
    shipped: Compiled, values: Values, files: dict[str, str], tmp_path: Path
) -> None:
    for name in dialplan.template_names(values.templates):
        (tmp_path / name).write_text((Path(values.templates) / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "queues_custom.conf").write_text("{{mine}}\n", encoding="utf-8")
    assert dialplan.render(shipped, replace(values, templates=str(tmp_path))).keys() == files.keys()


# --- the dialplan ------------------------------------------------------------------------------------------------


def test_only_the_number_of_the_service_is_answered(files: dict[str, str]) -> None:
    incoming = contexts(files["extensions_nul.conf"])["nul-incoming"]
    assert [line.split(" ")[2].split(",")[0] for line in incoming] == [
        *("800000039", "+39800000039", "0039800000039", "39800000039")
    ]


def test_each_flow_is_tried_in_the_engine_then_by_its_script(files: dict[str, str]) -> None:
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


def test_each_call_of_the_engine_has_a_proof_that_no_record_or_diff_shows_the_key_of(
    shipped: Compiled, values: Values
) -> None:
    key = "0123456789abcdef0123"
    text = dialplan.render(shipped, replace(values, engine_key=key))["extensions_nul.conf"]
    calls = [line for line in directives(text).splitlines() if "AGI(agi:" in line]
    assert len(calls) == 4
    assert all(
        f"?proof=${{MD5({key}${{CHANNEL(linkedid)}}{key})}},${{EPOCH}},${{CHANNEL(linkedid)}}" in line for line in calls
    )
    assert key not in dialplan.Change("extensions_nul.conf", None, text).diff()


def test_only_known_outcomes_are_used_and_agistatus_is_not(files: dict[str, str]) -> None:
    plan = contexts(files["extensions_nul.conf"])
    assert [line.split(" ")[2].split(",")[0] for line in plan["nul-outcome"]] == ["queue", "voicemail", "done"]
    assert "AGISTATUS" not in directives(files["extensions_nul.conf"])


def test_every_jump_has_a_target(files: dict[str, str]) -> None:
    plan = contexts(files["extensions_nul.conf"])
    for context, lines in plan.items():
        text = "\n".join(lines)
        for target in re.findall(r"\b(nul-[a-z-]+),(?:s|\$\{|[a-z_]+),1", text):
            assert target in plan, f"{context}: {target}"
        labels = set(re.findall(r"n\((\w+)\)", text)) | {""}
        for line in lines:
            for yes, no in re.findall(r"GotoIf(?:Time)?\(.*\?(\w*)(?::(\w+))?\)$", line):
                assert {yes, no} <= labels, f"{context}: {line}"


def test_nothing_that_a_caller_sends_is_executed_or_kept(files: dict[str, str]) -> None:
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
    assert dial.endswith("Dial(PJSIP/${EXTEN}@nul-trunk,40,ib(nul-callee^s^1))")
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
    assert "Set(IVR_REST=$[600 - ${EPOCH} + ${IVR_WAITING}])" in text
    assert "Queue(nul,cib(nul-ring^s^1),,,${IF($[${IVR_REST} > 1]?${IVR_REST}:1)},,,,${IVR_POSITION})" in text
    assert "${EPOCH} - ${ARG2} < 15 - 1]?end)" in text  # an unanswered ring
    assert "GotoIf($[${missed} < 1]?end)" in text
    assert "Record(${IVR_NATIVE}.wav,5,180,k)" in text
    assert "$[${ARG2} < 101 | ${ARG2} > 124]" in text


def test_without_a_survey_the_caller_is_thanked(compiled: Compiled, values: Values) -> None:
    assert "GotoIf(1?:thanks)" in dialplan.render(compiled, values)["extensions_nul.conf"]
    compiled["service"]["survey"]["offered"] = False
    assert "GotoIf(0?:thanks)" in dialplan.render(compiled, values)["extensions_nul.conf"]


def test_an_engine_on_ipv6_has_brackets_in_its_url(compiled: Compiled, values: Values) -> None:
    files = dialplan.render(compiled, replace(values, engine_host="::1", engine_port=4573))
    assert "AGI(agi://[::1]:4573/menu," in files["extensions_nul.conf"]


# --- the queue and the seats -------------------------------------------------------------------------------------


def test_the_queue_follows_the_service(files: dict[str, str]) -> None:
    queue = contexts(files["queues_nul.conf"])["nul"]
    seats = contexts(files["pjsip_nul.conf"])["nul-seat-aor"]
    assert "qualify_frequency = 5" in seats and "qualify_timeout = 2" in seats
    for line in ("timeout = 15", "wrapuptime = 20", "maxlen = 30", "announce-frequency = 60", "ringinuse = no"):
        assert line in queue
    assert "context = nul-queue-exit" in queue
    assert "periodic-announce-frequency = 45" in queue
    assert contexts(files["extensions_nul.conf"])["nul-queue-exit"] == [
        "exten => 1,1,Goto(nul-queue-left,s,1)",
        "exten => _[\x01],1,Goto(nul-queue-offer,s,1)",  # any key that was pressed during an announcement
    ]


def test_a_key_that_is_not_offered_is_neither_announced_nor_accepted(compiled: Compiled, values: Values) -> None:
    compiled["service"]["queue"]["voicemail_key"] = None
    files = dialplan.render(compiled, values)
    assert contexts(files["extensions_nul.conf"])["nul-queue-exit"] == []
    assert "nul-queue-exit" not in files["queues_nul.conf"]
    assert "periodic-announce" not in files["queues_nul.conf"]


def test_a_queue_without_announcements_is_silent(compiled: Compiled, values: Values) -> None:
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
