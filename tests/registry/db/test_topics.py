"""The subjects of requests are those of the menu."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from ivr.configuration.compiled import Compiled
from registry.db import schema, topics
from registry.db.connection import Database


def rows(database: Database) -> list[Any]:
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(select(schema.topic).order_by(schema.topic.c.topic_code))]


def publish(database: Database, compiled: Compiled) -> None:
    with database.begin() as connection:
        topics.save_topics(connection, compiled["menu"])


def test_every_topic_of_the_shipped_menu_has_words(shipped: Compiled) -> None:
    assert list(topics.menu_topics(shipped["menu"])) == ["ADR", "DID", "INCENTIVI", "PORTALE", "ALTRO"]
    assert set(topics.LABELS) == set(topics.menu_topics(shipped["menu"]))


def test_they_are_brought_in_once(database: Database, compiled: Compiled) -> None:
    publish(database, compiled)
    before = rows(database)
    assert before[1] == ("ALTRO", "Altro", "Other", None)
    publish(database, compiled)
    assert rows(database) == before


def test_a_topic_of_a_site_is_called_by_its_code_and_none_ever_goes(database: Database, compiled: Compiled) -> None:
    publish(database, compiled)
    node = compiled["menu"]["nodes"]["adr"]
    assert node["kind"] == "inform"
    node["topic"] = "CPI"
    publish(database, compiled)
    assert ("CPI", "CPI", "CPI", None) in rows(database)
    assert "ADR" in {row[0] for row in rows(database)}
