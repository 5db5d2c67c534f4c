"""Debian packages: signatures, dependencies, unpacking."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.command_line import Refusal
from lab.debian import packages
from lab.debian.packages import VERIFIERS, architecture, package, resolve, signed_text, unpack
from tests.lab.debian import openpgp
from tests.lab.debian.repository import ar, deb

TOOLS = [name for name in VERIFIERS if shutil.which(name)]
TEXT = "Origin: Debian\nSHA256:\n 00 11 main/binary-amd64/Packages.xz\n"


@pytest.fixture
def keyring(tmp_path: Path) -> str:
    path = tmp_path / "archive.gpg"
    path.write_bytes(openpgp.keyring())
    return str(path)


@pytest.fixture(params=TOOLS)
def tool(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each installed program that can check a signature, alone on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    path = shutil.which(request.param)
    assert path is not None
    folder.joinpath(request.param).symlink_to(path)
    monkeypatch.setenv("PATH", str(folder))
    return str(request.param)


def test_this_machine_can_check_signatures() -> None:
    assert TOOLS, "neither gpgv nor sqv: install gpgv; without it these tests check nothing"


class TestSignature:
    def test_the_signed_text_is_returned(self, tool: str, keyring: str) -> None:
        assert signed_text(openpgp.clear_signed(TEXT).encode(), "InRelease", keyring).strip() == TEXT.strip()

    def test_text_around_the_signed_text_is_ignored(self, tool: str, keyring: str) -> None:
        signed = openpgp.clear_signed(TEXT)
        for forged in (f"SHA256:\n 66 66 evil\n{signed}", f"{signed}SHA256:\n 66 66 evil\n"):
            try:
                text = signed_text(forged.encode(), "InRelease", keyring)
            except Refusal:  # stricter, and equally safe
                continue
            assert text.strip() == TEXT.strip()

    def test_a_changed_text_is_refused(self, tool: str, keyring: str) -> None:
        forged = openpgp.clear_signed(TEXT).replace(" 00 11 ", " 66 66 ")
        with pytest.raises(Refusal, match=r"InRelease: bad signature .*; nothing was installed\. Name another mirror"):
            signed_text(forged.encode(), "InRelease", keyring)

    def test_an_unsigned_text_is_refused(self, tool: str, keyring: str) -> None:
        with pytest.raises(Refusal, match="bad signature"):
            signed_text(TEXT.encode(), "InRelease", keyring)

    def test_an_unknown_signer_is_refused(self, tool: str, tmp_path: Path) -> None:
        stranger = tmp_path / "stranger.gpg"
        changed = bytearray(openpgp.keyring())
        changed[40] ^= 1  # another key
        stranger.write_bytes(bytes(changed))
        with pytest.raises(Refusal, match="bad signature"):
            signed_text(openpgp.clear_signed(TEXT).encode(), "InRelease", str(stranger))

    def test_a_missing_keyring_has_its_remedy(self, tool: str, tmp_path: Path) -> None:
        with pytest.raises(
            Refusal, match=r"apt-get install debian-archive-keyring, .*--keyring.*--no-verify-signature"
        ):
            signed_text(b"", "InRelease", str(tmp_path / "none.gpg"))

    def test_no_program_to_check_with_has_its_remedy(
        self, keyring: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(Refusal, match=r"neither gpgv nor sqv .*apt-get install gpgv, .*--no-verify-signature"):
            signed_text(b"", "InRelease", keyring)


FOUND_IN = "Version: 1\nFilename: pool/x%2b.deb\nSize: 6\nSHA256: 0b\n"
INDEX = {
    "aa": f"{FOUND_IN}Depends: bb (>= 1), cc | dd, ee:any\n",
    "bb": f"{FOUND_IN}Pre-Depends: aa, ff\nInstalled-Size: 7\n",
    "cc": FOUND_IN,
    "dd": FOUND_IN,
}


class TestChoice:
    def test_needed_dependencies_are_followed_through_cycles(self) -> None:
        chosen = resolve(INDEX, ["aa"], lambda name: name != "dd")
        assert [selected.name for selected in chosen] == ["aa", "bb", "cc"]

    def test_a_package_is_read_from_its_paragraph(self) -> None:
        bb = package("bb", INDEX["bb"])
        assert (bb.version, bb.size, bb.digest, bb.installed_size) == ("1", 6, "0b", 7 * 1024)
        assert bb.file == "x+.deb"

    def test_every_alternative_counts_and_versions_do_not(self) -> None:
        text = "Version: 1\nFilename: f\nSize: 1\nSHA256: 0\nDepends: libc6 (>= 2.38), libpq5 | libpq6, python3:any\n"
        assert package("x", text).depends == ("libc6", "libpq5", "libpq6", "python3")

    def test_a_missing_root_names_the_remedy(self) -> None:
        with pytest.raises(Refusal, match=r"the suite has no package 'sip-tester' for this machine; .*--suite"):
            resolve({}, ["sip-tester"], lambda name: True)

    def test_an_incomplete_paragraph_is_refused(self) -> None:
        with pytest.raises(Refusal, match="has no 'SHA256' for 'x'; name another mirror"):
            package("x", "Version: 1\nFilename: f\nSize: 1\n")


class TestUnpacking:
    def test_files_links_and_rights(self, tmp_path: Path) -> None:
        hard = tarfile.TarInfo("./usr/bin/same")
        hard.type, hard.linkname = tarfile.LNKTYPE, "./usr/bin/run"
        folder = tarfile.TarInfo("./usr/share/empty")
        folder.type = tarfile.DIRTYPE
        given = tmp_path / "x.deb"
        given.write_bytes(
            deb(
                {
                    "./usr/bin/run": b"#!/bin/sh\n",
                    "./usr/lib/a.so": "a.so.1",
                    "hard": hard,
                    "folder": folder,
                    "./b": b"2",
                }
            )
        )
        tree = tmp_path / "tree"
        tree.mkdir()
        unpack(str(given), str(tree))
        unpack(str(given), str(tree))  # over the existing files
        files = sorted(
            str(path.relative_to(tree)) for path in tree.rglob("*") if not path.is_dir() or path.is_symlink()
        )
        assert files == ["b", "usr/bin/run", "usr/bin/same", "usr/lib/a.so"]
        assert os.access(tree / "usr/bin/run", os.X_OK)
        assert (tree / "usr/bin/same").read_bytes() == b"#!/bin/sh\n"
        assert os.readlink(tree / "usr/lib/a.so") == "a.so.1"
        assert (tree / "usr/share/empty").is_dir()
        assert (tree / "b").stat().st_mode & 0o777 == 0o644

    @pytest.mark.parametrize("name", ["../outside", "/outside", "./usr/../../outside", "./way/outside"])
    def test_a_member_outside_is_refused(self, tmp_path: Path, name: str) -> None:
        tree = tmp_path / "tree"
        tree.mkdir()
        (tree / "way").symlink_to(tmp_path)
        given = tmp_path / "x.deb"
        given.write_bytes(deb({name: b"evil"}))
        with pytest.raises(Refusal, match="points outside"):
            unpack(str(given), str(tree))
        assert not (tmp_path / "outside").exists()

    def test_links_that_lead_out_of_the_tree_are_left_out(self, tmp_path: Path) -> None:
        given = tmp_path / "x.deb"
        given.write_bytes(deb({"./a": "/etc", "./b": "../..", "./c/d": "../e"}))
        unpack(str(given), str(tmp_path / "tree"))
        assert not (tmp_path / "tree/a").is_symlink()
        assert not (tmp_path / "tree/b").is_symlink()
        assert (tmp_path / "tree/c/d").is_symlink()

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"", "not an ar archive"),
            (b"PK\x03\x04", "not an ar archive"),
            (ar([("debian-binary", b"2.0\n")]), r"no data\.tar in it"),
            (ar([("data.tar.zst", b"x")]), r"data\.tar\.zst has an unsupported compression"),
            (ar([("data.tar.xz", b"no xz")]), "cannot be unpacked as a package"),
            (deb({"./a": os.urandom(9000)})[:-5000], "cannot be unpacked as a package"),
        ],
    )
    def test_an_invalid_package_is_refused(self, tmp_path: Path, content: bytes, why: str) -> None:
        given = tmp_path / "x.deb"
        given.write_bytes(content)
        with pytest.raises(Refusal, match=why):
            unpack(str(given), str(tmp_path))

    def test_a_full_disk_is_reported(self, tmp_path: Path, small_files: None) -> None:
        given = tmp_path / "x.deb"
        given.write_bytes(deb({"./big": bytes(1 << 20)}))
        with pytest.raises(Refusal, match="or choose another folder with --var"):
            unpack(str(given), str(tmp_path))


@pytest.fixture
def small_files() -> Iterator[None]:
    """Limit files to 200 kB: the kernel refuses more, like a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


class TestMachine:
    def test_processors(self) -> None:
        assert architecture("x86_64") == ("amd64", "x86_64-linux-gnu", "ld-linux-x86-64.so.2")
        assert architecture("aarch64") == ("arm64", "aarch64-linux-gnu", "ld-linux-aarch64.so.1")

    def test_another_processor_has_its_remedy(self) -> None:
        with pytest.raises(Refusal, match=r"this machine is 'riscv64'; .*x86_64 and aarch64.*--system"):
            architecture("riscv64")

    def test_no_apt_has_its_remedy(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(Refusal, match="no apt that names a mirror; name a Debian mirror with --mirror"):
            packages.machine_mirror()


class Apt:
    """The machine's own apt, with sources of the test."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sources = folder / "sources.list"
        self.sources.write_text("")
        (folder / "lists/partial").mkdir(parents=True)
        self.configuration = folder / "apt.conf"
        self.configuration.write_text(
            f'Dir::Etc::SourceList "{self.sources}";\nDir::Etc::SourceParts "/dev/null";\n'
            f'Dir::State::Lists "{folder}/lists";\n#clear Acquire::http::Proxy;\n'
        )
        monkeypatch.setenv("APT_CONFIG", str(self.configuration))


@pytest.mark.skipif(not shutil.which("apt-get"), reason="this machine has no apt")
class TestApt:
    @pytest.fixture
    def apt(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Apt:
        return Apt(tmp_path, monkeypatch)

    def test_the_mirror_of_sources_that_were_never_fetched(self, apt: Apt) -> None:
        apt.sources.write_text(
            "deb http://127.0.0.1:9/other stable main\ndeb http://127.0.0.1:9/mirror/debian trixie main\n"
        )
        assert packages.machine_mirror() == "http://127.0.0.1:9/mirror/debian"

    def test_no_debian_among_the_sources_has_its_remedy(self, apt: Apt) -> None:
        apt.sources.write_text("deb http://127.0.0.1:9/other stable main\n")
        with pytest.raises(Refusal, match=r"names no Debian mirror .*--mirror"):
            packages.machine_mirror()

    def test_the_proxy(self, apt: Apt, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.delenv(name, raising=False)
        assert packages.machine_proxy("http://127.0.0.1:9/debian") is None
        with apt.configuration.open("a") as file:
            file.write('Acquire::http::Proxy "http://127.0.0.1:3142";\n')
        assert packages.machine_proxy("http://127.0.0.1:9/debian") == "http://127.0.0.1:3142"
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:3128")
        assert packages.machine_proxy("http://127.0.0.1:9/debian") is None  # the environment has precedence


def test_dpkg_can_read_the_packages_of_these_tests(tmp_path: Path) -> None:
    given = tmp_path / "x.deb"
    given.write_bytes(deb({"./usr/bin/run": b"#!/bin/sh\n"}))
    if dpkg := shutil.which("dpkg-deb"):
        output = subprocess.run([dpkg, "--contents", str(given)], capture_output=True, text=True, check=True).stdout
        assert "./usr/bin/run" in output
    unpack(str(given), str(tmp_path))
    assert (tmp_path / "usr/bin/run").exists()
