"""A terminal with a registry of its own, for the tests of commands."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import select

from common.places import Places
from registry import cli
from registry.db.connection import Database
from registry.requests import protocol_number
from tests.registry.request_steps import MORNING

ONE, TWO, THREE = (protocol_number.format_number(2026, number) for number in (1, 2, 3))


class Terminal:
    """A terminal with its own registry; commands run at the time `now`."""

    def __init__(self, places: Places, database: Database, capsys: pytest.CaptureFixture[str]) -> None:
        self.places, self.database, self._capsys, self.now = places, database, capsys, MORNING

    def run(self, *words: str, status: int = 0, more: int = 0) -> str:
        """Run a command; return its standard output or, with status 1, its standard error. `more`: rows left out."""
        with mock.patch("time.time", lambda: self.now):
            assert cli.main(["--var", self.places.var, *in_english(words)]) == status
        out, err = self._capsys.readouterr()
        left_out = f"registry {words[0]}: {more} more: use --limit\n" if more else ""
        assert (err if status == 0 else out) == left_out
        return err if status else out

    def later(self, seconds: float) -> Terminal:
        self.now += seconds
        return self

    def rows(self, table: Any) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(select(table)))


def in_english(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a command, with its output in English, unless they name a language."""
    given = "--language" in words or words[0] not in cli.OPERATOR_COMMANDS
    return words if given else (*words, "--language", "en")


def opened(terminal: Terminal, channel: str = "phone", *more: str) -> str:
    return terminal.run("open", "--topic", "DID", "--channel", channel, "--by", "op117", *more)


def listed(terminal: Terminal, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(terminal.run("list", "--json", *words))["requests"]
    return found
