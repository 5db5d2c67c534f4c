"""`ivr render`, as ops call it."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from common import unprivileged
from common.places import Places
from ivr.cli import main
from ivr.configuration.compiled import load


class Ops:
    """Somebody at a terminal with a configuration and folders of their own."""

    def __init__(self, folder: Path) -> None:
        self.config, self.var, self.etc = folder / "config", folder / "var", folder / "asterisk"
        shutil.copytree(Places().config, self.config)

    def render(self, *words: str) -> int:
        return main(["--config", str(self.config), "--var", str(self.var), "render", *words])

    def site(self, *words: str) -> int:
        return self.render("--output", str(self.etc), *words)


@pytest.fixture
def ops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ops:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return Ops(tmp_path)


def test_a_site_gets_its_files_its_scripts_and_the_compiled_configuration(
    ops: Ops, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ops.site("--yes") == 0
    said = capsys.readouterr().out
    assert sorted(path.name for path in ops.etc.iterdir()) == [
        *("extensions_nul.conf", "musiconhold_nul.conf", "pjsip_nul.conf", "queues_nul.conf")
    ]
    assert 'extensions.conf, once: #include "extensions_nul.conf"' in said
    assert "new: queues_nul.conf" in said
    dialplan = (ops.etc / "extensions_nul.conf").read_text(encoding="utf-8")
    assert f"AGI({ops.var}/agi-bin/menu,${{EPOCH}},${{CHANNEL(linkedid)}})" in dialplan
    assert f"Set(IVR_NATIVE={ops.var}/spool/native/" in dialplan
    assert (ops.var / "spool/native").is_dir()
    assert load(str(ops.var / "compiled.json"))["revision"] in dialplan


def test_folders_that_root_makes_get_the_owner_of_var(ops: Ops) -> None:
    ops.var.mkdir()
    if os.geteuid() == 0:
        os.chown(ops.var, 1, 1)
    owner = ops.var.stat().st_uid
    assert ops.site("--yes") == 0
    assert [(ops.var / folder).stat().st_uid for folder in ("spool", "spool/native")] == [owner, owner]


def test_the_scripts_can_be_run_by_asterisk(ops: Ops) -> None:
    assert ops.site("--yes") == 0
    scripts = ops.var / "agi-bin"
    assert {"menu", "survey", "voicemail", "ended"} <= {path.name for path in scripts.iterdir()}
    for path in scripts.iterdir():
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"#!{sys.executable} -ISE\n")
        assert f"COMPILED = {str(ops.var / 'compiled.json')!r}\n" in text
        assert path.stat().st_mode & 0o777 == 0o755
        compile(text, path, "exec")


def test_missing_includes_are_listed(ops: Ops, capsys: pytest.CaptureFixture[str]) -> None:
    ops.etc.mkdir()
    (ops.etc / "queues.conf").write_text('[general]\n#include "queues_nul.conf"\n', encoding="utf-8")
    (ops.etc / "pjsip.conf").write_text("; pjsip_nul.conf is not included yet\n", encoding="utf-8")
    assert ops.site("--yes") == 0
    said = capsys.readouterr().out
    assert 'once: #include "queues_nul.conf"' not in said
    assert 'once: #include "pjsip_nul.conf"' in said


def test_a_second_rendering_changes_nothing(ops: Ops, capsys: pytest.CaptureFixture[str]) -> None:
    assert ops.site("--yes") == 0
    passwords = (ops.var / "seats.json").read_text(encoding="utf-8")
    capsys.readouterr()
    assert ops.site() == 0
    assert "no file changes" in capsys.readouterr().out
    assert ops.site("--diff-only") == 0
    assert (ops.var / "seats.json").read_text(encoding="utf-8") == passwords
    assert not (ops.etc / "replaced").exists()


def test_telephones_keep_their_passwords_and_new_seats_get_one(ops: Ops) -> None:
    assert ops.site("--yes") == 0
    path = ops.var / "seats.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = json.loads(path.read_text(encoding="utf-8"))
    assert len(set(first.values())) == 12
    service = ops.config / "service.yaml"
    service.write_text(service.read_text(encoding="utf-8").replace("seats: 12", "seats: 14"), encoding="utf-8")
    assert ops.site("--yes") == 0
    second = json.loads(path.read_text(encoding="utf-8"))
    assert len(second) == 14
    assert first.items() <= second.items()


def test_a_change_is_shown_and_the_old_file_kept(ops: Ops, capsys: pytest.CaptureFixture[str]) -> None:
    assert ops.site("--yes") == 0
    old = (ops.etc / "queues_nul.conf").read_text(encoding="utf-8")
    (ops.etc / "queues_nul_custom.conf").write_text("weight = 3\n", encoding="utf-8")
    service = ops.config / "service.yaml"
    service.write_text(
        service.read_text(encoding="utf-8").replace("longest_queue: 30", "longest_queue: 31"), encoding="utf-8"
    )
    capsys.readouterr()
    assert ops.site("--diff-only") == 1
    assert "-maxlen = 30\n+maxlen = 31\n" in capsys.readouterr().out
    assert (ops.etc / "queues_nul.conf").read_text(encoding="utf-8") == old
    assert ops.site("--yes") == 0
    assert "maxlen = 31" in (ops.etc / "queues_nul.conf").read_text(encoding="utf-8")
    kept = list((ops.etc / "replaced").glob("*/queues_nul.conf"))
    assert [path.read_text(encoding="utf-8") for path in kept] == [old]
    assert (ops.etc / "queues_nul_custom.conf").read_text(encoding="utf-8") == "weight = 3\n"


def test_passwords_are_not_shown(ops: Ops, capsys: pytest.CaptureFixture[str]) -> None:
    assert ops.site("--yes") == 0
    passwords = json.loads((ops.var / "seats.json").read_text(encoding="utf-8")).values()
    (ops.var / "seats.json").unlink()
    assert ops.site("--yes") == 0
    said = capsys.readouterr().out
    assert "changed: pjsip_nul.conf (passwords only)" in said
    assert not any(password in said for password in passwords)


def test_diff_only_writes_nothing_at_all(ops: Ops) -> None:
    assert ops.site("--diff-only") == 1
    assert not ops.etc.exists()
    assert not ops.var.exists()


def test_nothing_is_written_without_consent(
    ops: Ops, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ops.site() == 1
    assert "nothing was written; add --yes" in capsys.readouterr().err
    terminal = io.StringIO("n\ny\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdin", terminal)
    assert ops.site() == 1
    assert not ops.etc.exists()
    assert ops.site() == 0
    assert (ops.etc / "extensions_nul.conf").exists()


def test_a_mistake_in_a_template_names_file_line_and_remedy(ops: Ops, capsys: pytest.CaptureFixture[str]) -> None:
    template = ops.config / "asterisk" / "queues_nul.conf"
    lines = template.read_text(encoding="utf-8").replace("{{wrap_up}}", "{{wrapup}}")
    template.write_text(lines, encoding="utf-8")
    number = lines[: lines.index("{{wrapup}}")].count("\n") + 1
    assert ops.site("--yes") == 1
    assert (
        f'queues_nul.conf:{number}: no placeholder is named "wrapup"; did you mean "wrap_up"?'
        in capsys.readouterr().err
    )
    assert not ops.etc.exists()


def test_a_mistake_in_the_configuration_writes_nothing(ops: Ops, capsys: pytest.CaptureFixture[str]) -> None:
    service = ops.config / "service.yaml"
    service.write_text(service.read_text(encoding="utf-8").replace("seats: 12", "seats: many"), encoding="utf-8")
    assert ops.site("--yes") == 1
    said = capsys.readouterr()
    assert "queue.seats" in said.out
    assert "nothing was written" in said.err
    assert not ops.etc.exists()
    assert not ops.var.exists()


def test_output_is_required(ops: Ops, capsys: pytest.CaptureFixture[str]) -> None:
    assert ops.render("--yes") == 1
    assert "--output /etc/asterisk" in capsys.readouterr().err


def test_port_0_needs_a_running_engine(ops: Ops, capsys: pytest.CaptureFixture[str]) -> None:
    service = ops.config / "service.yaml"
    service.write_text(service.read_text(encoding="utf-8").replace("port: 4573", "port: 0"), encoding="utf-8")
    assert ops.site("--yes") == 1
    assert "engine.port is 0" in capsys.readouterr().err
    ops.var.mkdir(exist_ok=True)
    (ops.var / "engine.json").write_text(json.dumps({"pid": 1, "port": 4711}), encoding="utf-8")
    assert ops.site("--yes") == 0
    assert "agi://127.0.0.1:4711/menu" in (ops.etc / "extensions_nul.conf").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_written_is_named(ops: Ops, capsys: pytest.CaptureFixture[str]) -> None:
    ops.etc.write_text("a file, not a folder", encoding="utf-8")
    assert ops.site("--yes") == 1
    assert f"{ops.etc}" in capsys.readouterr().err


def test_scripts_that_asterisk_cannot_start_are_reported(
    ops: Ops, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asterisk = unprivileged.Account("asterisk", os.getuid(), os.getgid())
    monkeypatch.setattr(unprivileged, "account_for", lambda folder: asterisk)
    monkeypatch.setattr(
        unprivileged, "find_obstacle", lambda who, command, folders: f"{who.name} may not enter {folders[0]}"
    )
    assert ops.site("--yes") == 0
    said = capsys.readouterr().out
    assert f"warning: asterisk, the owner of {ops.etc}, cannot run the scripts" in said
    assert f"asterisk may not enter {ops.var}/agi-bin" in said


def test_help_names_the_command_for_the_private_switch(ops: Ops) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "ivr.cli", "render", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "200"},
    ).stdout
    assert "lab switch render" in said
    assert "*_custom.conf files are yours" in said
