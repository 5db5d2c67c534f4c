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
    assert set(shipped["menu"]["topics"]) == set(topics.menu_topics(shipped["menu"]))


def test_a_changed_title_changes_the_label(database: Database, compiled: Compiled) -> None:
    save_topics(database, compiled)
    compiled["menu"]["topics"]["ALTRO"] = {"it": "Altri argomenti", "en": "Other topics"}
    save_topics(database, compiled)
    assert rows(database)[1] == ("ALTRO", "Altri argomenti", "Other topics", None)
    del compiled["menu"]["topics"]["ALTRO"]  # without a title, the label stays
    save_topics(database, compiled)
    assert rows(database)[1] == ("ALTRO", "Altri argomenti", "Other topics", None)


def test_a_sites_topic_does_not_get_the_name_of_a_shipped_one(database: Database, compiled: Compiled) -> None:
    compiled["menu"]["topics"] = {}
    save_topics(database, compiled)
    assert ("DID", "DID", "DID", None) in rows(database)


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
