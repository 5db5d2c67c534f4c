"""The commands of `voicemail` that need only the message store."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from common import instants
from common.places import Places
from ivr.configuration.compiled import Compiled
from ivr.facts import read
from tests.voicemail.sounds import silence, tone, wav
from tests.voicemail.work import in_english
from voicemail import cli
from voicemail.message import Message
from voicemail.store import Store

AT = 1770196530.0  # Wednesday, 4 February 2026, 10:15:30 in Rome
NOW = AT + 3 * 86400 + 2 * 3600


class Desk:
    """A person at a terminal, with a message store."""

    def __init__(self, var: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.var, self._capsys = str(var), capsys
        self.store = Store(Places(var=self.var).messages)

    def leave(
        self, at: float = AT, number: str | None = "+390612345678", sound: bytes = b"", call: str = "1.1"
    ) -> Message:
        source = "cli" if number else "none"
        draft = self.store.draft(call=call, reason="closed", number=number, number_source=source, at=at)
        Path(draft.audio + ".wav").write_bytes(wav(sound or tone(3)))
        message = draft.publish("dtmf")
        assert message is not None
        return message

    def run(self, *words: str, status: int = 0) -> tuple[str, str]:
        assert cli.main(["--var", self.var, *in_english(words)], clock=lambda: NOW) == status
        out, err = self._capsys.readouterr()
        return out, err


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def test_an_empty_list_prints_a_line(desk: Desk) -> None:
    assert desk.run("list", "--all") == ("There are no messages.\n", "")
    message = desk.leave()
    desk.store.mark(message.id, "called_back", by="anna", at=NOW)
    out, err = desk.run("list")
    assert out == "All messages are settled (`voicemail list --all`).\n"
    assert err.startswith("voicemail list: the message store alone: ")  # there is no registry here


def test_the_list_is_oldest_first_in_the_time_of_rome(desk: Desk) -> None:
    young = desk.leave(NOW - 125, None, silence(3))
    old = desk.leave()
    settled = desk.leave(AT + 60)
    desk.store.mark(settled.id, "closed", by="anna", at=NOW)
    out, _ = desk.run("list")
    assert out.splitlines() == [
        "ID                            LEFT              AGE      REASON  NUMBER  SECONDS  STATE",
        f"{old.id}  Wed 04 Feb 10:15  3 d 2 h  closed  cli     3        new",
        f"{young.id}  Sat 07 Feb 12:13  2 min    closed  -       3        new    empty",
    ]
    out, _ = desk.run("list", "--all")
    assert [line.split()[0] for line in out.splitlines()[1:]] == [old.id, settled.id, young.id]


def test_json_lists_have_no_number(desk: Desk) -> None:
    message = desk.leave(call="1\x1b[2J")
    (listed,) = json.loads(desk.run("list", "--json")[0])
    assert {**listed, "number": message.number} == instants.with_iso_times(message.document())
    assert "number" not in listed  # reading it is logged, with `show`
    shown = json.loads(desk.run("show", message.id, "--json")[0])
    assert shown == {**instants.with_iso_times(message.document()), "audio": desk.store.audio(message.id)}


def test_show_prints_everything_about_a_message(desk: Desk) -> None:
    message = desk.leave()
    desk.store.mark(message.id, "unreachable", by="anna", at=NOW - 3600, note="occupato")
    out, _ = desk.run("show", "20260204")
    assert out.splitlines() == [
        f"  message  {message.id}",
        "     left  Wed 04 Feb 2026 10:15 (Rome), 3 d 2 h ago",
        "   reason  closed",
        "call back  +390612345678 (the line they called from)",
        "   length  3.0 s, 3.0 s of sound",
        " ended by  dtmf",
        "     call  1.1",
        f"    audio  {desk.store.audio(message.id)}",
        "    state  unreachable",
        "           Sat 07 Feb 11:15  unreachable, by anna: occupato",
    ]


def test_text_from_outside_cannot_steer_the_terminal(desk: Desk) -> None:
    message = desk.leave(call="1.1\x1b]0;owned\x07\u202e\x9b2J\r\n")
    desk.store.mark(message.id, "listened", by="anna\x1b[31m", at=NOW, note="a\nb\tc\x00d\u2066")
    for words in (("list",), ("show", message.id)):
        out, _ = desk.run(*words)
        assert all(sign == "\n" or sign.isprintable() for sign in out)
    assert "1.1<1b>]0;owned<07><202e><9b>2J<0d><0a>" in out
    assert "anna<1b>[31m: a<0a>b<09>c<00>d<2066>" in out


def test_a_mark_is_kept_and_the_second_person_is_refused(desk: Desk) -> None:
    message = desk.leave()
    out, _ = desk.run("mark", message.id[:10], "called_back", "--by", "anna", "--note", "risolto")
    assert out == f"{message.id}: called_back, by anna\n"
    (mark,) = desk.store.get(message.id).history
    assert mark == (NOW, "anna", "called_back", "risolto")
    _, err = desk.run("mark", message.id, "called_back", "--by", "bruno", status=1)
    assert err == (
        f"voicemail mark: {message.id}: is called_back by anna at 2026-02-07T11:15:30Z; "
        "called_back cannot follow, only: closed, new\n"
    )


def test_a_mark_is_by_the_user_by_default(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "carla")
    message = desk.leave()
    desk.run("mark", message.id, "listened")
    assert desk.store.get(message.id).history[0].by == "carla"


@pytest.mark.parametrize("id", ["nothing", "../../etc/passwd", "2027", "\x1b[2J"])
def test_an_unknown_id_is_refused(desk: Desk, id: str) -> None:
    desk.leave()
    for words in (("show", id), ("play", id), ("mark", id, "listened")):
        _, err = desk.run(*words, status=1)
        assert err.startswith(f"voicemail {words[0]}: no message ") and err.count("\n") == 1


def test_an_ambiguous_id_is_refused(desk: Desk) -> None:
    desk.leave()
    desk.leave(AT + 1)
    _, err = desk.run("show", "2026", status=1)
    assert "2 messages start with '2026'" in err and "give more of the id" in err


def test_damaged_messages_are_reported_after_the_list(desk: Desk) -> None:
    good, bad = desk.leave(), desk.leave(AT + 1)
    Path(desk.store.folder, bad.id, "message.json").write_text("{")
    out, err = desk.run("list", status=1)
    assert good.id in out and f"{bad.id}/message.json: " in err


def test_a_message_is_played_by_an_installed_player(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = desk.leave()
    tools, heard = tmp_path / "bin", tmp_path / "heard"
    tools.mkdir()
    player = tools / "paplay"
    player.write_text(f'#!/bin/sh\nprintf %s "$*" > {heard}\n')
    player.chmod(player.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tools))
    out, _ = desk.run("play", message.id)
    assert heard.read_text() == desk.store.audio(message.id)
    assert out == f"{message.id}: then `voicemail mark {message.id} listened`\n"
    player.write_text("#!/bin/sh\nexit 3\n")
    desk.run("play", message.id, status=3)


def test_without_a_player_the_error_names_path_and_remedy(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    message = desk.leave()
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    _, err = desk.run("play", message.id, status=1)
    assert "no player on this machine (aplay, paplay, play, ffplay)" in err
    assert desk.store.audio(message.id) in err
    os.unlink(desk.store.audio(message.id))
    assert "is erased" in desk.run("play", message.id, status=1)[1]
    assert "(erased)" in desk.run("show", message.id)[0]


def test_recover_takes_in_native_recordings(desk: Desk, compiled: Compiled) -> None:
    places = Places(var=desk.var)
    _, err = desk.run("recover", status=1)
    assert "run `ivr compile`" in err
    Path(places.compiled).parent.mkdir(parents=True, exist_ok=True)
    Path(places.compiled).write_text(json.dumps(compiled))
    assert desk.run("recover") == ("0 messages recovered\n", "")
    os.makedirs(places.native_messages)
    name = Path(places.native_messages, "1770196530-1.1-none-closed.wav")
    name.write_bytes(wav(tone(3)))
    name.with_suffix(".done").touch()
    out, _ = desk.run("recover")
    (message,) = desk.store.list()
    assert out == f"{message.id}  3 s  closed\n1 message recovered\n"
    (fact,) = read(places.facts)
    assert fact.data["message_id"] == message.id


def test_a_full_output_is_reported(desk: Desk, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; from voicemail.cli import main; sys.exit(main())"]
    command += ["--var", str(tmp_path), "list", "--all", "--json"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "voicemail: standard output: not written: No space left on device"


def test_a_full_disk_is_not_reported_as_a_full_output(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Store, "scan", full)
    _, err = desk.run("list", "--all", status=1)
    assert "messages: No space left on device" in err


def test_an_unreadable_store_is_reported_without_a_traceback(desk: Desk, tmp_path: Path) -> None:
    Path(desk.store.folder).write_text("a file")
    _, err = desk.run("list", status=1)
    assert f"voicemail list: {desk.store.folder}: " in err


@pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name in cli.COMMANDS)])
def test_every_command_has_a_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    italian = len(words) == 1 or words[0] in cli.OPERATOR_COMMANDS
    assert ended.value.code == 0 and f"{'uso' if italian else 'usage'}: voicemail" in capsys.readouterr().out
