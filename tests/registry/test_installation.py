"""`registry init` and `registry migrate`, on both databases."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from sqlalchemy import insert, inspect, select, text

from common.command_line import Refusal
from common.places import Places
from ivr.configuration.compiled import Compiled
from registry import cli, installation, keys
from registry.db import migrations, schema
from registry.db.connection import Database, DatabaseError, database_url
from tests.registry import postgres
from tests.registry.site import configured

NOW = 1795773600.0


@pytest.fixture(params=["sqlite", "postgresql"])
def places(
    request: pytest.FixtureRequest, tmp_path: Path, compiled: Compiled, monkeypatch: pytest.MonkeyPatch
) -> Places:
    """A site without a registry."""
    monkeypatch.delenv("NUL_DATABASE", raising=False)
    monkeypatch.delenv("NUL_KEYS", raising=False)
    if request.param == "postgresql":
        made = postgres.database("upkeep")
        made.close()
        monkeypatch.setenv("NUL_DATABASE", made.url.render_as_string(hide_password=False))
    return configured(tmp_path / "var", compiled)


def run(places: Places, *words: str) -> int:
    return cli.main(["--var", places.var, *words])


def older(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that the program has a newer revision than the database."""
    folder = Path(places.var, "newer program")
    versions = folder / "versions"
    versions.mkdir(parents=True)
    for name in os.listdir(Path(migrations.FOLDER, "versions")):
        if name.endswith(".py"):
            (versions / name).write_bytes(Path(migrations.FOLDER, "versions", name).read_bytes())
    (folder / "env.py").write_bytes(Path(migrations.FOLDER, "env.py").read_bytes())
    head = migrations.revisions()[-1]
    (versions / "9998_next.py").write_text(
        f'from alembic import op\nimport sqlalchemy as sa\nrevision = "9998"\ndown_revision = "{head}"\n'
        'def upgrade():\n    op.add_column("topic", sa.Column("further", sa.Text()))\n'
    )
    monkeypatch.setattr(migrations, "FOLDER", str(folder))


def test_init_creates_keys_tables_topics_and_promises(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(places, "init") == 0
    said = capsys.readouterr().out
    assert f"keys: {keys.path(places)}; keep a copy of this file apart\n" in said
    assert "\nregistry: " in said
    found = migrations.open_database(places)
    with found.read() as connection:
        topics = connection.execute(select(schema.topic.c.topic_code)).scalars().all()
        promises = connection.execute(select(schema.promise.c.promise_code)).scalars().all()
    assert {"ADR", "DID", "ALTRO"} <= set(topics)
    assert sorted(promises) == ["CALLBACK", "EMAIL", "SECOND_LEVEL"]


def test_init_again_changes_nothing(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    run(places, "init")
    before = keys.load(places)
    with Database(database_url(places)).begin() as connection:
        connection.execute(insert(schema.topic), {"topic_code": "NEW", "label_it": "Nuovo", "label_en": "New"})
    capsys.readouterr()
    assert run(places, "init") == 0
    assert capsys.readouterr().out.count(", unchanged") == 2
    assert keys.load(places) == before
    with migrations.open_database(places).read() as connection:
        assert "NEW" in connection.execute(select(schema.topic.c.topic_code)).scalars().all()


def test_the_database_of_another_program_is_not_changed(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    Path(places.var).mkdir(exist_ok=True)
    other = Database(database_url(places))
    with other.begin() as connection:
        connection.execute(text("CREATE TABLE request (theirs integer)"))
    assert run(places, "init") == 1
    assert "is the database of another program" in capsys.readouterr().err
    with other.read() as connection:
        assert inspect(connection).get_table_names() == ["request"]
    other.close()


def test_secret_files_are_not_readable_for_everybody(tmp_path: Path, compiled: Compiled) -> None:
    places = configured(tmp_path, compiled)
    installation.init(places, NOW)
    assert stat.S_IMODE(os.stat(keys.path(places)).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "registry.db").st_mode) & 0o007 == 0


def test_migrate_upgrades_older_tables(
    places: Places, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(places, "init")
    older(places, monkeypatch)
    capsys.readouterr()
    with pytest.raises(DatabaseError, match="older than this program; run `registry migrate`"):
        migrations.open_database(places)
    with pytest.raises(Refusal, match="registry migrate"):
        installation.init(places, NOW)
    said = installation.migrate(places, NOW)
    assert said[-1].endswith("from revision 0001 to 9998")
    with migrations.open_database(places).read() as connection:
        assert connection.execute(text("SELECT further FROM topic")).first() == (None,)
    assert installation.migrate(places, NOW)[-1].endswith("already at revision 9998")


def test_migrate_makes_a_backup_of_sqlite_first(
    tmp_path: Path, compiled: Compiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = configured(tmp_path, compiled)
    installation.init(places, NOW)
    older(places, monkeypatch)
    backup, _ = installation.migrate(places, NOW)
    copy = Database(f"sqlite:///{backup.removeprefix('backup: ')}")
    with copy.read() as connection:
        assert migrations.revision(connection) == "0001"
        assert connection.execute(select(schema.topic.c.topic_code)).first() is not None


def test_a_failed_migration_changes_nothing(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    run(places, "init")
    older(places, monkeypatch)
    with open(Path(migrations.FOLDER, "versions", "9998_next.py"), "a", encoding="utf-8") as file:
        file.write("    raise ValueError('in the middle')\n")
    with pytest.raises(ValueError, match="in the middle"):
        installation.migrate(places, NOW)
    url = database_url(places)
    monkeypatch.undo()
    database = Database(url)
    migrations.check_revision(database)
    with database.read() as connection:
        assert "further" not in {column["name"] for column in inspect(connection).get_columns("topic")}


@pytest.mark.parametrize("command", ["init", "migrate", "backup"])
def test_newer_tables_are_not_changed(places: Places, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(places, "init")
    with Database(database_url(places)).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    extra = [str(Path(places.var, "copy")), "--programs", postgres.running().programs] if command == "backup" else []
    assert run(places, command, *extra) == 1
    said = capsys.readouterr().err
    assert "newer" in said
    assert "Traceback" not in said


def test_without_a_registry_migrate_says_init(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(places, "migrate") == 1
    assert "create one with `registry init`" in capsys.readouterr().err
    assert not os.path.exists(Path(places.var, "registry.db"))


def test_init_needs_a_compiled_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--var", str(tmp_path), "init"]) == 1
    assert "ivr compile" in capsys.readouterr().err


def test_the_error_names_a_folder_that_cannot_be_written(tmp_path: Path, compiled: Compiled) -> None:
    places = configured(tmp_path, compiled)
    (tmp_path / "registry.db").mkdir()
    with pytest.raises(DatabaseError, match=r"registry\.db: Is a directory; this is a folder, and must be a file"):
        installation.init(places, NOW)
