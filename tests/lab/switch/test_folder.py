"""The installation of a switch, its folder, its account, its clock."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from common.command_line import Refusal
from common.places import Places
from lab.debian.tree import Source
from lab.switch.asterisk import Switch
from lab.switch.faketime import instant
from lab.switch.installation import Installation, install, installed, system_installation
from tests.lab.switch.probes import DEADLINE, SHARED, login, until

pytestmark = pytest.mark.switch


class TestInstalled:
    def test_the_downloaded_programs_run(self, installation: Installation) -> None:
        assert installation.asterisk_version.startswith("22.")
        output = subprocess.run(
            [*installation.command("sipp"), "-v"], capture_output=True, text=True, check=False
        ).stdout
        assert "SIPp v3." in output
        assert "PCAP" in output

    def test_sounds_modules_and_tones_are_installed(self, installation: Installation) -> None:
        for path in (
            f"{installation.sounds}/it_IT_m_Carlo/digits/1.wav",
            f"{installation.sounds}/it_IT_m_Carlo/queue-youarenext.wav",
            f"{installation.pcap}/dtmf_2833_5.pcap",
            f"{installation.pcap}/dtmf_2833_pound.pcap",
            f"{installation.modules}/res_agi.so",
            f"{installation.modules}/app_queue.so",
            installation.faketime,
        ):
            assert os.path.isfile(path), path
        assert [name for name in os.listdir(installation.moh) if name.endswith(".wav")]

    def test_the_signature_was_checked(self, installation: Installation) -> None:
        assert json.loads(Path(installation.tree, "installed.json").read_text())["signature"] == "good"

    def test_a_second_install_takes_no_time(self, installation: Installation) -> None:
        output: list[str] = []
        began = time.monotonic()
        assert install(SHARED, Source("http://127.0.0.1:9/nobody"), report=output.append) == installation
        assert time.monotonic() - began < 1
        assert [line.split(":")[0] for line in output] == ["already installed"]

    def test_it_can_be_installed_again_from_the_cache(self, installation: Installation, folder: Path) -> None:
        """The cache has all downloads of this test run: they are checked again, but not downloaded again."""
        places = Places(var=str(folder / "var"))
        os.makedirs(places.var)
        os.symlink(SHARED.cache, places.cache)
        output: list[str] = []
        again = install(places, report=output.append)
        assert again.asterisk_version == installation.asterisk_version
        if any(" 0.0 MB to fetch" in line for line in output):  # unless the mirror has changed meanwhile
            assert not any("%" in line for line in output)


class TestPlace:
    def test_sounds_of_both_kinds_are_found(self, make: Callable[..., Switch], folder: Path) -> None:
        prompts = folder / "prompts"
        prompts.mkdir()
        one = make()
        shutil.copy(f"{one.installation.sounds}/it_IT_m_Carlo/digits/1.wav", prompts / "welcome.wav")
        own = Path(one.folder, "share/sounds/it")
        assert (own / "digits/1.wav").is_file()
        assert (own / "queue-youarenext.wav").is_file()
        assert (own / "nul/welcome.wav").is_file()
        Path(one.etc, "extensions.conf").write_text(
            "[default]\nexten => play,1,Answer()\n same => n,Set(CHANNEL(language)=it)\n"
            " same => n,Playback(nul/welcome&digits/1)\n same => n,Log(NOTICE,heard ${PLAYBACKSTATUS})\n"
            "exten => silence,1,Answer()\n same => n,Wait(10)\n"
        )
        one.start(DEADLINE)
        one.cli("channel originate Local/play@default extension silence@default")
        until(lambda: "heard " in Path(one.log, "messages.log").read_text())
        output = Path(one.log, "messages.log").read_text()
        assert "heard SUCCESS" in output
        assert "does not exist" not in output

    def test_sounds_that_ops_added_are_kept(self, make: Callable[..., Switch]) -> None:
        one = make()
        own = Path(one.folder, "share/sounds/it")
        (own / "own.wav").write_bytes(b"ours")
        (own / "stale").symlink_to("/nowhere")
        one.prepare()
        assert (own / "own.wav").read_bytes() == b"ours"
        assert not (own / "stale").is_symlink()

    def test_only_the_owner_can_read_secrets(self, make: Callable[..., Switch]) -> None:
        one = make()
        one.start(DEADLINE)
        for path in (Path(one.folder, "ami.json"), Path(one.etc, "manager.conf")):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert len(one.ami.secret) >= 32
        assert "Authentication failed" in login(one, secret="wrong")

    def test_a_path_too_long_for_a_socket(self, make: Callable[..., Switch]) -> None:
        one = make("/".join(["a-rather-long-name-of-a-folder"] * 4))
        assert not one.run.startswith(one.folder)
        one.start(DEADLINE)
        assert one.cli("core show version").startswith("Asterisk")
        assert stat.S_IMODE(os.stat(one.run).st_mode) == 0o700
        one.stop()
        assert not Path(one.run).exists()

    def test_a_folder_with_a_semicolon_is_refused(self, installation: Installation, folder: Path) -> None:
        with pytest.raises(Refusal, match="a folder with ';' in its name"):
            Switch(installation, str(folder / "a;b")).prepare()

    def test_it_runs_as_a_user_without_rights(self, make: Callable[..., Switch]) -> None:
        one = make()
        one.start(DEADLINE)
        status = Path(f"/proc/{one.pid}/status").read_text()
        uid = int(status.partition("\nUid:\t")[2].split()[0])
        assert uid == (65534 if os.geteuid() == 0 else os.geteuid())
        assert uid != 0
        assert f"\nCapEff:\t{0:016x}\n" in status

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")
    def test_the_reason_for_staying_root_is_reported(self, installation: Installation, folder: Path) -> None:
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        output: list[str] = []
        one = Switch(installation, str(closed / "one"), report=output.append)
        one.prepare()
        try:
            one.start(DEADLINE)
            assert output == [
                f"runs as root, because nobody may not enter {closed} (it, or a folder above it, is closed to others); "
                "start it as another user, or put var/ elsewhere with --var"
            ]
            assert one.status().note == "runs as root"
        finally:
            one.stop()

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can run it as another user")
    def test_it_writes_into_shared_folders(self, installation: Installation, folder: Path) -> None:
        shared = folder / "messages"
        one = Switch(installation, str(folder / "one"), shared=[str(shared)])
        one.prepare()
        try:
            one.start(DEADLINE)
            (shared / "later").mkdir(mode=0o770)
            as_it = {"user": 65534, "group": 65534, "extra_groups": []}
            subprocess.run(["/bin/sh", "-c", 'echo > "$1"', "sh", str(shared / "later/f")], check=True, **as_it)  # type: ignore[call-overload]
        finally:
            one.stop()


class TestClock:
    def test_it_can_be_moved_while_it_runs(self, make: Callable[..., Switch]) -> None:
        one = make()
        Path(one.etc, "extensions.conf").write_text(
            "[default]\nexten => now,1,Log(NOTICE,it is ${STRFTIME(${EPOCH},Europe/Rome,%F %H)} ${EPOCH})\n"
        )
        one.start(DEADLINE, faketime="2026-12-24T10:00:00")

        def now() -> tuple[str, int]:
            log, output = Path(one.log, "messages.log"), re.compile(r": +it is (\S+ \d\d) (\d+)$", re.M)
            before = len(output.findall(log.read_text()))
            one.cli("channel originate Local/now@default application Wait 1")
            until(lambda: len(output.findall(log.read_text())) > before)
            hour, epoch = output.findall(log.read_text())[-1]
            return hour, int(epoch)

        output, epoch = now()
        assert output == "2026-12-24 10"
        assert 0 <= epoch - instant("2026-12-24T10:00:00") < DEADLINE
        one.clock.move("2027-03-28T03:00:00")  # an hour after midnight and two: summer time has begun
        assert now()[0] == "2027-03-28 03"
        one.clock.move("2026-01-01T00:00:00")
        assert now()[0] == "2026-01-01 00"  # backwards too


class TestSystem:
    def test_an_installed_asterisk_is_used(
        self, make: Callable[..., Switch], folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The real Asterisk, installed for this test under a prefix like that of a distribution."""
        private = installed(SHARED)
        assert private is not None
        prefix = folder / "usr"
        (prefix / "sbin").mkdir(parents=True)
        for name in ("lib", "share"):
            (prefix / name).symlink_to(os.path.join(private.tree, "usr", name))
        program = prefix / "sbin/asterisk"
        program.write_text(f'#!/bin/sh\nexec {" ".join(private.command("asterisk"))} "$@"\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{prefix}/sbin:{os.environ['PATH']}")
        system = system_installation(SHARED)
        assert system.command("asterisk") == [str(program)]
        one = make(installation=system)
        one.start(DEADLINE)
        assert one.cli("core show version").startswith(f"Asterisk {private.asterisk_version}")
        assert "Success" in login(one)
