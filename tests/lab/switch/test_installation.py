"""`install` from a small mirror, with all its possible failures."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from common.command_line import Refusal
from common.places import ROOT, Places
from lab.debian.tree import STAMP, Source
from lab.switch.installation import Installation, install, installed, system_installation
from tests.lab.debian import openpgp
from tests.lab.debian.repository import Repository, altered, cut, error, miniature

DEADLINE = 20  # s


class Site:
    """A new var/, a mirror, and the reported lines."""

    def __init__(self, folder: Path, repository: Repository, url: str) -> None:
        self.places = Places(var=str(folder / "var"))
        self.repository, self.url = repository, url
        self.keyring = folder / "archive.gpg"
        self.keyring.write_bytes(openpgp.keyring())
        self.reports: list[str] = []

    def install(self, mirror: str | None = None, suite: str = "forky", verify: bool = True) -> Installation:
        return install(
            self.places,
            Source(mirror or self.url, suite, str(self.keyring), verify),
            report=self.reports.append,
        )

    def refused(self, match: str, **how: str) -> None:
        """Assert that the install is refused and leaves only the cache."""
        with pytest.raises(Refusal, match=match):
            self.install(**how)  # type: ignore[arg-type]
        self.assert_nothing_installed()

    def assert_nothing_installed(self) -> None:
        assert installed(self.places) is None
        assert [name for name in os.listdir(os.path.dirname(self.places.tree)) if name != ".install.lock"] == []

    def cached(self) -> set[str]:
        return set(os.listdir(self.places.cache))


@pytest.fixture(autouse=True)
def intel(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small mirror is for one processor; the machine that runs the tests may have another."""
    monkeypatch.setattr("platform.machine", lambda: "x86_64")


@pytest.fixture
def repository() -> Repository:
    return miniature()


@pytest.fixture
def site(tmp_path: Path, repository: Repository) -> Iterator[Site]:
    with repository.served() as url:
        yield Site(tmp_path, repository, url)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port on which no program listens until the test ends."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


class TestInstalled:
    def test_the_tree_is_complete(self, site: Site) -> None:
        installation = site.install()
        tree = Path(site.places.tree)
        assert installation == installed(site.places)
        assert (installation.tree, installation.asterisk_version, installation.is_system) == (
            str(tree),
            "22.10.1",
            False,
        )
        lib = tree / "usr/lib/x86_64-linux-gnu"
        assert (lib / "asterisk/modules/res_agi.so").exists()
        assert installation.modules == str(lib / "asterisk/modules")
        assert (Path(installation.sounds) / "it_IT_m_Carlo/digits/1.wav").read_bytes() == b"uno"
        assert (Path(installation.moh) / "day.wav").exists()
        assert (tree / "usr/share/doc/asterisk/copyright").exists()
        assert os.listdir(os.path.dirname(tree)).count("tree") == 1
        assert sorted(os.listdir(os.path.dirname(tree))) == [".install.lock", "tree"]

    def test_unneeded_files_are_left_out(self, site: Site) -> None:
        tree = Path(site.install().tree)
        assert not (
            tree / "usr/lib/x86_64-linux-gnu/libpq.so.5"
        ).exists()  # a dependency only of modules that are not loaded
        assert not (tree / "usr/sbin/adduser").exists()
        assert not (tree / "usr/share/man").exists()
        assert not (tree / "usr/share/doc/asterisk/changelog.gz").exists()
        assert not (tree / "etc").exists()
        assert not (tree / "usr/share/asterisk/sounds/recordings").is_symlink()  # it would lead out

    def test_programs_start_through_the_trees_own_loader(self, site: Site) -> None:
        installation = site.install()
        lib = f"{installation.tree}/usr/lib/x86_64-linux-gnu"
        assert installation.command("sipp") == [
            *(f"{lib}/ld-linux-x86-64.so.2", "--library-path", f"{lib}:{lib}/asterisk", "--argv0", "sipp"),
            f"{installation.tree}/usr/bin/sipp",
        ]
        moved = installation.command("asterisk", preload="faketime")
        assert moved[-3:] == [
            "--preload",
            f"{lib}/faketime/libfaketimeMT.so.1",
            f"{installation.tree}/usr/sbin/asterisk",
        ]
        output = subprocess.run([*moved, "-V"], capture_output=True, text=True, check=True).stdout
        assert output == "Asterisk 22.10.1~dfsg-1\n"

    def test_the_stamp_records_packages_and_signature(self, site: Site) -> None:
        stamp = json.loads((Path(site.install().tree) / STAMP).read_text())
        assert stamp["packages"]["sip-tester"] == "1:3.8.0-2"
        assert stamp["packages"].keys() >= {"asterisk", "libc6", "libssl3t64", "libfaketime"}
        assert (stamp["signature"], stamp["suite"], stamp["asterisk"]) == ("good", "forky", "22.10.1")

    def test_a_second_install_sends_no_request(self, site: Site) -> None:
        first = site.install()
        site.repository.requests.clear()
        assert site.install() == first
        assert site.repository.requests == []
        assert site.reports[-1] == "already installed: Asterisk 22.10.1 and SIPp 3.8.0 (Debian forky, signature good)"

    def test_progress_takes_few_lines(self, site: Site) -> None:
        site.install()
        assert site.reports[0] == f"Asterisk 22 LTS and SIPp from {site.url}"
        assert site.reports[1] == "forky of Fri, 30 Oct 2026 08:08:01 UTC, signature good"
        assert any(line.endswith("(100 %)") for line in site.reports)
        assert len(site.reports) < 20

    def test_another_suite_replaces_the_first(self, site: Site, tmp_path: Path) -> None:
        site.install()
        (Path(site.places.tree) / "of-the-old-one").touch()
        with miniature(suite="sid").served() as url:
            site.install(mirror=url, suite="sid")
        assert not (Path(site.places.tree) / "of-the-old-one").exists()
        assert sorted(os.listdir(os.path.dirname(site.places.tree))) == [".install.lock", "tree"]

    @pytest.mark.parametrize("damage", ['{"format": 0}', "", "not JSON"])
    def test_a_tree_with_a_damaged_stamp_is_made_again_from_the_cache(self, site: Site, damage: str) -> None:
        stamp = Path(site.install().tree) / STAMP
        stamp.write_text(damage)
        assert installed(site.places) is None
        site.repository.requests.clear()
        site.install()
        assert [path for path, _ in site.repository.requests] == [site.repository.release_path]

    def test_the_other_processor(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("platform.machine", lambda: "aarch64")
        repository = miniature("arm64")
        with repository.served() as url:
            installation = Site(tmp_path, repository, url).install()
        assert installation.command("asterisk")[0].endswith("/usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1")


class TestRefused:
    def test_a_bad_signature(self, site: Site) -> None:
        path = site.repository.release_path
        site.repository.files[path] = site.repository.files[path].replace(b"testing", b"stable!")
        site.refused("bad signature")
        assert site.repository.ranges_requested(".deb") == []

    def test_the_signature_is_not_checked_on_request(self, site: Site) -> None:
        path = site.repository.release_path
        site.repository.files[path] = site.repository.files[path].replace(b"testing", b"stable!")
        site.install(verify=False)
        assert site.reports[-1].endswith("signature NOT checked)")

    def test_checksums_are_checked_without_a_signature_too(self, site: Site) -> None:
        site.repository.faults["pool/main/l/libc6/libc6_1.0-1_amd64.deb"] = [altered]
        with pytest.raises(Refusal, match="bad checksum"):
            site.install(verify=False)
        site.assert_nothing_installed()

    def test_a_package_with_a_bad_checksum(self, site: Site) -> None:
        site.repository.faults["pool/main/l/libc6/libc6_1.0-1_amd64.deb"] = [altered]
        site.refused(r"libc6_1\.0-1_amd64\.deb: bad checksum \(SHA-256 [0-9a-f]{64}, .*nothing was installed")
        assert not any("libc6_" in name for name in site.cached())

    def test_an_index_with_a_bad_checksum(self, site: Site) -> None:
        site.repository.faults[site.repository.index_path] = [altered]
        site.refused("bad checksum .* try again")

    def test_an_index_that_has_no_by_hash_copy(self, site: Site) -> None:
        del site.repository.files[site.repository.index_path]
        site.install()

    def test_a_suite_that_the_mirror_does_not_have(self, site: Site) -> None:
        site.refused("dists/nowhere/InRelease: the mirror answers 404 .*--mirror, --suite", suite="nowhere")

    def test_a_suite_that_is_not_made_for_this_processor(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("platform.machine", lambda: "aarch64")
        site.refused("forky has no main/binary-arm64/Packages.xz")

    def test_an_unsupported_processor(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("platform.machine", lambda: "riscv64")
        site.refused("this machine is 'riscv64'")

    def test_a_suite_without_sipp(self, site: Site) -> None:
        del site.repository.packages["sip-tester"]
        site.repository.publish()
        site.refused("no package 'sip-tester'")

    def test_a_mirror_that_does_not_answer(self, site: Site, closed_port: int) -> None:
        url = f"http://127.0.0.1:{closed_port}/debian"
        site.refused(rf"{url}/dists/forky/InRelease: the mirror cannot be reached \(.*--mirror", mirror=url)

    def test_an_invalid_address(self, site: Site) -> None:
        site.refused("cannot be reached", mirror="deb.example")

    def test_an_asterisk_that_does_not_start(self, site: Site) -> None:
        site.repository.add(
            "asterisk", {"./usr/sbin/asterisk": b"#!/bin/sh\necho no libx.so >&2\nexit 127\n"}, depends="libc6"
        )
        site.repository.publish()
        site.refused(r"asterisk -V: prints no version \(no libx\.so\)")

    def test_a_sipp_that_does_not_start(self, site: Site) -> None:
        site.repository.add("sip-tester", {"./usr/bin/sipp": b"#!/bin/sh\necho no liby.so >&2\nexit 127\n"})
        site.repository.publish()
        site.refused(r"SIPp of this suite does not start \(no liby\.so\)")

    def test_a_disk_that_is_too_small(self, site: Site) -> None:
        site.repository.add("libfaketime", {"./usr/lib/x": b"x"}, **{"Installed-Size": str(10**15)})
        site.repository.publish()
        site.refused("MB are needed and .* MB are free; free space there")
        assert site.repository.ranges_requested(".deb") == []

    def test_a_var_that_cannot_be_written(self, site: Site, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        site.places = Places(var=str(tmp_path / "file"))
        with pytest.raises(Refusal, match=r"file.*: (Not a directory|File exists); the install cannot write there"):
            site.install()

    def test_a_folder_with_a_colon(self, site: Site, tmp_path: Path) -> None:
        site.places = Places(var=str(tmp_path / "a:b"))
        with pytest.raises(Refusal, match="a folder with ':' in its name"):
            site.install()


class TestInterrupted:
    MODULES = "pool/main/a/asterisk-modules/asterisk-modules_1.0-1_amd64.deb"

    def test_a_broken_download_resumes_where_it_stopped(self, site: Site) -> None:
        site.repository.faults[self.MODULES] = [cut(100), cut(0)]
        site.install()
        assert site.repository.ranges_requested(self.MODULES) == [None, "bytes=100-", "bytes=100-"]

    def test_the_next_install_resumes_too(self, site: Site) -> None:
        site.repository.faults[self.MODULES] = [cut(100), *[error(503)] * 5]
        site.refused("asterisk-modules.*cannot be reached .*503")
        site.repository.requests.clear()
        site.repository.faults.clear()
        site.install()
        assert site.repository.ranges_requested(self.MODULES) == ["bytes=100-"]
        assert (
            site.repository.ranges_requested(site.repository.index_path) == []
        )  # complete files are not downloaded again
        assert not any(name.endswith(".part") for name in site.cached())

    def test_a_mirror_without_ranges_starts_over(self, site: Site) -> None:
        site.repository.ranges = False
        site.repository.faults[self.MODULES] = [cut(100)]
        site.install()

    def test_a_partial_file_with_other_contents_is_downloaded_again(self, site: Site) -> None:
        os.makedirs(site.places.cache)
        part = Path(site.places.cache, "asterisk-modules_1.0-1_amd64.deb.part")
        part.write_bytes(b"rubbish")
        site.install()
        assert site.repository.ranges_requested(self.MODULES) == ["bytes=7-", None]

    def test_a_partial_file_that_is_too_long_is_downloaded_again(self, site: Site) -> None:
        os.makedirs(site.places.cache)
        Path(site.places.cache, "asterisk-modules_1.0-1_amd64.deb.part").write_bytes(b"rubbish" * 9000)
        site.install()

    def test_without_a_network_the_cache_is_enough(self, site: Site, closed_port: int) -> None:
        site.install()
        os.remove(Path(site.places.tree) / STAMP)
        site.install(mirror=f"http://127.0.0.1:{closed_port}/debian")
        assert any("continuing with the cached index" in line for line in site.reports)

    def test_a_cached_release_needs_a_good_signature_too(self, site: Site, closed_port: int) -> None:
        site.install()
        os.remove(Path(site.places.tree) / STAMP)
        kept = Path(site.places.cache, "InRelease-forky")
        kept.write_bytes(kept.read_bytes().replace(b"testing", b"stable!"))
        with pytest.raises(Refusal, match="bad signature"):
            site.install(mirror=f"http://127.0.0.1:{closed_port}/debian")

    def test_a_killed_install_leaves_nothing_incomplete(self, site: Site) -> None:
        """SIGKILL during a download; the next install removes what is left."""
        arrived, go = threading.Event(), threading.Event()

        def hang(handler: BaseHTTPRequestHandler, content: bytes, status: int) -> None:
            arrived.set()
            go.wait(DEADLINE)

        site.repository.faults[self.MODULES] = [hang]
        program = (
            "import platform, sys; platform.machine = lambda: 'x86_64'\n"
            "from lab.switch.installation import install\nfrom common.places import Places\n"
            "from lab.debian.tree import Source\n"
            "install(Places(var=sys.argv[1]), Source(sys.argv[2], keyring=sys.argv[3]))"
        )
        command = [sys.executable, "-c", program, site.places.var, site.url, str(site.keyring)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT) as child:
            try:
                assert arrived.wait(DEADLINE)
                child.send_signal(signal.SIGKILL)
            finally:
                go.set()
                child.kill()
        site.assert_nothing_installed()
        left = Path(os.path.dirname(site.places.tree), ".tree-killed/usr")
        left.mkdir(parents=True)
        site.install()
        assert sorted(os.listdir(os.path.dirname(site.places.tree))) == [".install.lock", "tree"]

    def test_two_simultaneous_installs_download_once(self, site: Site) -> None:
        with ThreadPoolExecutor(2) as pool:
            first, second = [pool.submit(site.install) for _ in range(2)]
            assert first.result(DEADLINE) == second.result(DEADLINE)
        assert len(site.repository.ranges_requested(self.MODULES)) == 1
        assert any(line.startswith("already installed") for line in site.reports)


class TestSystem:
    """The machine's own Asterisk: here a script that prints a version."""

    @pytest.fixture
    def prefix(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        for folder in ("sbin", "lib/some-triplet/asterisk/modules", "share/asterisk/sounds", "share/asterisk/moh"):
            (tmp_path / "usr" / folder).mkdir(parents=True)
        monkeypatch.setenv("PATH", f"{tmp_path}/usr/sbin:/bin")
        return tmp_path / "usr"

    def write_program(self, prefix: Path, text: str) -> None:
        program = prefix / "sbin/asterisk"
        program.write_text(f"#!/bin/sh\necho '{text}'\n")
        program.chmod(0o755)

    @pytest.mark.parametrize(
        ("text", "version"),
        [
            ("Asterisk 18.10.0~dfsg+~cs6.10.40431411-2", "18.10.0"),
            ("Asterisk 22.10.1+dfsg+~cs6.17.60671434-1", "22.10.1"),
            ("Asterisk certified/20.7-cert1", "20.7"),
            ("Asterisk certified-18.9-cert9", "18.9"),
            ("Asterisk 23.0.0", "23.0.0"),
        ],
    )
    def test_18_or_newer_is_used(self, prefix: Path, tmp_path: Path, text: str, version: str) -> None:
        self.write_program(prefix, text)
        installation = system_installation(Places(var=str(tmp_path / "var")))
        assert (installation.asterisk_version, installation.is_system) == (version, True)
        assert installation.command("asterisk") == [str(prefix / "sbin/asterisk")]
        assert installation.modules == str(prefix / "lib/some-triplet/asterisk/modules")
        assert installation.sounds == str(prefix / "share/asterisk/sounds")

    @pytest.mark.parametrize("text", ["Asterisk 16.28.0~dfsg-0+deb11u4", "Asterisk 1.8.32", "Asterisk 13.38.3"])
    def test_older_is_refused(self, prefix: Path, tmp_path: Path, text: str) -> None:
        self.write_program(prefix, text)
        with pytest.raises(
            Refusal, match=r"is Asterisk 1[.\d]+; 18 or newer is needed .*Upgrade it, or leave --system out"
        ):
            system_installation(Places(var=str(tmp_path / "var")))

    def test_none_is_refused(self, prefix: Path, tmp_path: Path) -> None:
        (prefix / "sbin/asterisk").write_text("not executable, so no program")
        try:
            installation = system_installation(Places(var=str(tmp_path / "var")))
        except Refusal as problem:
            assert "no Asterisk is installed on this machine" in str(problem)
        else:  # this machine has an Asterisk
            assert not installation.command("asterisk")[0].startswith(str(prefix))

    def test_its_clock_cannot_be_moved(self, prefix: Path, tmp_path: Path) -> None:
        self.write_program(prefix, "Asterisk 22.10.1")
        with pytest.raises(Refusal, match="only the private switch's clock can be moved"):
            system_installation(Places(var=str(tmp_path / "var"))).command("asterisk", preload="faketime")

    def test_sipp_comes_from_the_private_tree(self, prefix: Path, site: Site) -> None:
        private = site.install()
        self.write_program(prefix, "Asterisk 22.10.1")
        assert system_installation(site.places).command("sipp") == private.command("sipp")
