"""Encrypted backups and the restore drill, with age keys, SSH keys and GnuPG."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyrage
import pytest

from common.command_line import Refusal
from common.places import Places
from ivr.configuration.compiled import Compiled
from registry import cli, installation
from registry.db import drill, encryption
from registry.db.connection import Database, DatabaseError, database_url
from registry.requests.clocks import Rules
from registry.requests.opening import Opening, open_request
from tests.registry import postgres
from tests.registry.request_steps import MORNING
from tests.registry.site import configured


@pytest.fixture(params=["sqlite", "postgresql"])
def places(
    request: pytest.FixtureRequest, tmp_path: Path, compiled: Compiled, monkeypatch: pytest.MonkeyPatch
) -> Places:
    """A registry with one request, and a folder for backups."""
    for name in ("NUL_DATABASE", "NUL_KEYS", "NUL_BACKUP_RECIPIENT", "NUL_BACKUP_IDENTITY"):
        monkeypatch.delenv(name, raising=False)
    if request.param == "postgresql":
        made = postgres.database("sealed")
        made.close()
        monkeypatch.setenv("NUL_DATABASE", made.url.render_as_string(hide_password=False))
        monkeypatch.setenv("PATH", f"{postgres.running().programs}{os.pathsep}{os.environ['PATH']}")
    site = configured(tmp_path / "var", compiled)
    installation.init(site, MORNING)
    with Database(database_url(site)).begin() as connection:
        open_request(connection, Rules.of(compiled), Opening("email", "DID", MORNING, "op117", note="una nota segreta"))
    (tmp_path / "copies").mkdir()
    return site


@pytest.fixture
def key(tmp_path: Path) -> tuple[str, str]:
    """An age key: the public key, and the file of the private one."""
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(f"# created: today\n{identity}\n")
    return str(identity.to_public()), str(tmp_path / "key.txt")


def run(places: Places, *words: str) -> int:
    return cli.main(["--var", places.var, *words])


def backup(places: Places, tmp_path: Path, *recipients: str) -> Path:
    words = [word for recipient in recipients for word in ("--encrypt", recipient)]
    assert run(places, "backup", str(tmp_path / "copies"), *words) == 0
    (path,) = (tmp_path / "copies").iterdir()
    return path


def test_an_encrypted_backup_is_restored_with_the_private_key_only(
    places: Places, tmp_path: Path, key: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = backup(places, tmp_path, key[0])
    assert path.name.endswith(".age") and path.stat().st_mode & 0o777 == 0o600
    assert encryption.is_encrypted(str(path)) and b"segreta" not in path.read_bytes()
    assert run(places, "restore", str(path)) == 1
    assert "name the file of the private key with --identity" in capsys.readouterr().err
    other = tmp_path / "other.txt"
    other.write_text(str(pyrage.x25519.Identity.generate()))
    assert run(places, "restore", str(path), "--identity", str(other)) == 1
    assert "not decrypted" in capsys.readouterr().err
    assert run(places, "restore", str(path), "--identity", key[1]) == 0
    assert run(places, "list") == 0
    assert "NUL-2026-000001-5" in capsys.readouterr().out


def test_the_drill_restores_the_newest_backup_and_reports_it(
    places: Places, tmp_path: Path, key: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    backup(places, tmp_path, key[0])
    (tmp_path / "copies" / "registry-20200101T000000Z.db").write_text("an old one")
    metrics = tmp_path / "metrics" / "drill.prom"
    words = ("drill", str(tmp_path / "copies"), "--metrics", str(metrics))
    assert run(places, *words, "--identity", key[1]) == 0
    assert "1 requests, 1 events" in capsys.readouterr().out
    values = dict(line.split() for line in metrics.read_text().splitlines() if not line.startswith("#"))
    assert (values["registry_drill_success"], values["registry_drill_requests"]) == ("1", "1")
    assert run(places, *words) == 1  # without the key
    assert "registry_drill_success 0\n" in metrics.read_text()
    assert sorted(path.name for path in tmp_path.glob("var/*.replaced*")) == []  # the real database was not touched


def test_a_damaged_backup_fails_the_drill(places: Places, tmp_path: Path, key: tuple[str, str]) -> None:
    path = backup(places, tmp_path, key[0])
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(Refusal, match="not decrypted"):
        drill.run(Database(database_url(places)), str(path), identity=key[1])


def test_a_folder_without_backups_fails_the_drill(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="has no backup"):
        drill.newest_backup(str(tmp_path))


@pytest.fixture
def gnupg(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A keyring with one key without a passphrase; the file of its public key."""
    home = tmp_path_factory.mktemp("g")  # its sockets need a short path
    home.chmod(0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    words = [
        "gpg",
        "--batch",
        "--quiet",
        "--passphrase",
        "",
        "--quick-gen-key",
        "copie@example.it",
        "default",
        "default",
    ]
    subprocess.run(words, check=True, capture_output=True, timeout=60)
    public = home / "public.asc"
    exported = subprocess.run(["gpg", "--armor", "--export"], check=True, capture_output=True, timeout=60).stdout
    public.write_bytes(exported)
    yield str(public)
    subprocess.run(["gpgconf", "--kill", "all"], check=False, timeout=60)


@pytest.mark.parametrize("by_file", [True, False])
def test_gpg_encrypts_for_a_key_in_a_file_or_in_the_keyring(
    places: Places, tmp_path: Path, gnupg: str, by_file: bool
) -> None:
    path = backup(places, tmp_path, gnupg if by_file else "copie@example.it")
    assert path.name.endswith(".gpg") and b"segreta" not in path.read_bytes()
    assert run(places, "restore", str(path)) == 0


@pytest.mark.parametrize(
    ("recipients", "reason"),
    [
        (["age1notakey"], "not a public key"),
        (["nobody@example.it"], "is the key in its keyring"),
        (["age1x", "nobody@example.it"], "give keys of one kind"),
    ],
)
def test_a_wrong_recipient_is_refused_and_leaves_no_file(
    places: Places, tmp_path: Path, recipients: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word for recipient in recipients for word in ("--encrypt", recipient)]
    assert run(places, "backup", str(tmp_path / "copies"), *words) == 1
    assert reason in capsys.readouterr().err
    assert os.listdir(tmp_path / "copies") == []
