"""The private MariaDB: installed once, reachable from this machine only, ended with the process that started it."""

from __future__ import annotations

import os
import tempfile

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from lab import cli
from lab.mariadb import Server
from tests.measure import mariadb


def test_it_is_installed_once(capsys: pytest.CaptureFixture[str]) -> None:
    mariadb.running()
    assert cli.main(["mariadb", "install"]) == 0
    assert capsys.readouterr().out.startswith("already installed: MariaDB ")


def test_it_needs_its_password_and_ends_when_stopped() -> None:
    with tempfile.TemporaryDirectory(prefix="nul-mariadb-") as folder:
        with Server(mariadb.running().programs, folder) as server:
            engine = create_engine(server.url().replace("mysql://", "mysql+pymysql://"))
            with engine.connect() as connection:
                assert connection.execute(text("SELECT @@bind_address")).scalar() == "127.0.0.1"
            engine.dispose()
            assert os.stat(server.data).st_mode & 0o077 == 0
            open_to_all = create_engine(f"mysql+pymysql://root@127.0.0.1:{server.port}/mysql")
            with pytest.raises(OperationalError, match=r"Access denied|not allowed"):
                open_to_all.connect()
        with pytest.raises(OperationalError):
            engine.connect()
        server.stop()  # again: nothing happens
