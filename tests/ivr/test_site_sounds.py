"""The sounds that a site's Asterisk would not find, as `ivr check` and `ivr render` report them."""

from __future__ import annotations

import io
import os
import shutil
import sys
from pathlib import Path

import pytest

from common.places import Places
from ivr.cli import main
from ivr.configuration.service import load
from ivr.site_sounds import data_folder, find_missing_sounds
from tests.ivr.edited_config import EditedConfig


class Site:
    """A site's Asterisk: its etc/ and its data folder, with the prompts linked as docs/ops.md says."""

    def __init__(self, folder: Path) -> None:
        self.config = EditedConfig(folder)
        self.etc, self.data = folder / "asterisk", folder / "share"
        self.sounds = self.data / "sounds"
        os.symlink(Places().templates, self.config.places.templates)
        for made in (self.etc, self.sounds / "it", self.sounds / "en_US_f_Allison", self.data / "moh"):
            made.mkdir(parents=True)
        (self.etc / "asterisk.conf").write_text(f"[directories](!)\nastdatadir => {self.data} ; data\n")
        (self.sounds / "it/nul").symlink_to(self.config.places.audio)
        (self.sounds / "it/digits").symlink_to(Path(self.config.places.audio, "digits"))
        (self.sounds / "en_US_f_Allison/beep.gsm").write_bytes(b"x")
        (self.data / "moh/music.wav").write_bytes(b"x")

    def findings(self) -> list[str]:
        return list(find_missing_sounds(str(self.etc), load(self.config.places), self.config.places))

    def run(self, *words: str) -> int:
        return main(["--config", self.config.places.config, "--var", self.config.places.var, *words])


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.chdir(tmp_path)
    return Site(tmp_path)


def test_a_site_as_the_operations_page_describes_it_has_every_sound(site: Site) -> None:
    assert site.findings() == []


def test_a_missing_link_is_reported_with_the_command(site: Site) -> None:
    (site.sounds / "it/nul").unlink()
    [finding] = site.findings()
    assert finding.startswith(
        f"{site.sounds}/it/nul: missing, so callers hear nothing from it; run: mkdir -p {site.sounds}/it; "
    )
    os.system(finding.partition("run: ")[2])  # the remedy is a command that helps
    assert site.findings() == []


def test_a_link_to_a_folder_that_is_gone(site: Site) -> None:
    (site.sounds / "it/nul").unlink()
    (site.sounds / "it/nul").symlink_to(site.data / "gone")
    [finding] = site.findings()
    assert f"it/nul: leads to {site.data}/gone, which is missing" in finding
    os.system(finding.partition("run: ")[2])
    assert site.findings() == []


def test_another_folder_of_sounds_lacks_prompts(site: Site) -> None:
    (site.sounds / "it/nul").unlink()
    shutil.copytree(site.config.places.audio, site.sounds / "it/nul")
    (site.sounds / "it/nul/welcome.alaw").unlink()
    (site.sounds / "it/nul/goodbye.alaw").write_bytes(b"")
    assert site.findings() == [
        f"{site.sounds}/it: 2 prompts are silent there: welcome, goodbye; run `ivr prompts synthesise`, or link the"
        " folder"
    ]
    (site.sounds / "it/nul/welcome.wav").write_bytes(b"x")  # any format that Asterisk plays
    assert "1 prompt is silent there: goodbye" in site.findings()[0]


def test_digits_tone_and_music(site: Site) -> None:
    (site.sounds / "it/digits").unlink()
    (site.sounds / "en_US_f_Allison/beep.gsm").unlink()
    (site.data / "moh/music.wav").unlink()
    findings = site.findings()
    assert [each.partition(":")[0] for each in findings] == [
        f"{site.sounds}/it/digits", f"{site.sounds}/it/beep", f"{site.data}/moh"
    ]  # fmt: skip


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_folder_that_asterisk_may_not_enter(site: Site) -> None:
    os.chown(site.etc, 65534, 65534)  # the temporary folder is closed to everybody else
    assert f"{site.sounds}/it/nul: Asterisk cannot read it: " in site.findings()[0]


def test_an_asterisk_without_a_data_folder(site: Site) -> None:
    (site.etc / "asterisk.conf").write_text("[directories]\nastdatadir => /nowhere\n")
    assert data_folder(str(site.etc)) is None
    assert "astdatadir names no folder" in site.findings()[0]


def test_render_warns_of_a_missing_link_when_no_file_changes(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.run("render", "--output", str(site.etc), "--yes") == 0
    (site.sounds / "it/nul").unlink()
    capsys.readouterr()
    assert site.run("render", "--output", str(site.etc), "--yes") == 0
    out = capsys.readouterr().out
    assert "no file changes" in out and f"warning: {site.sounds}/it/nul: missing" in out


def test_check_refuses_a_missing_link(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.run("check", "--asterisk", str(site.etc)) == 0
    (site.sounds / "it/nul").unlink()
    assert site.run("check", "--asterisk", str(site.etc)) == 1
    out = capsys.readouterr().out
    assert f"error: {site.sounds}/it/nul: missing" in out and "config: 1 error" in out


def test_check_warns_of_audio_that_says_an_older_text(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.config.edit("prompts", "Arrivederci.", "A presto.")
    assert site.run("check") == 0
    assert "1 prompt has audio of an older text: goodbye" in capsys.readouterr().out
