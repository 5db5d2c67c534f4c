"""The topics of requests come from the menu."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from ivr.configuration.compiled import Compiled
from registry.db import schema, topics
from registry.db.connection import Database


def rows(database: Database) -> list[Any]:
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(select(schema.topic).order_by(schema.topic.c.topic_code))]


def save_topics(database: Database, compiled: Compiled) -> None:
    with database.begin() as connection:
        topics.save_topics(connection, compiled["menu"])


def test_every_topic_of_the_shipped_menu_has_labels(shipped: Compiled) -> None:
    assert list(topics.menu_topics(shipped["menu"])) == ["ADR", "DID", "INCENTIVI", "PORTALE", "ALTRO"]
    assert set(topics.LABELS) == set(topics.menu_topics(shipped["menu"]))


def test_topics_are_added_once(database: Database, compiled: Compiled) -> None:
    save_topics(database, compiled)
    before = rows(database)
    assert before[1] == ("ALTRO", "Altro", "Other", None)
    save_topics(database, compiled)
    assert rows(database) == before


def test_a_sites_own_topic_is_labelled_by_its_code_and_stays(database: Database, compiled: Compiled) -> None:
    save_topics(database, compiled)
    node = compiled["menu"]["nodes"]["adr"]
    assert node["kind"] == "inform"
    node["topic"] = "CPI"
    save_topics(database, compiled)
    assert ("CPI", "CPI", "CPI", None) in rows(database)
    assert "ADR" in {row[0] for row in rows(database)}
