"""The topics of requests, from config/menu.yaml, with the labels that reports use."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, insert, select, update

from ivr.configuration.compiled import Menu
from registry.db import schema

OTHER = "ALTRO"  # the topic of a caller who chose none


def menu_topics(menu: Menu) -> Iterator[str]:
    """Yield the topics that callers can choose, in the menu's order, then the topic of those who choose none."""
    yield from dict.fromkeys([*_chosen(menu), OTHER])


def _chosen(menu: Menu) -> Iterator[str]:
    for node in menu["nodes"].values():
        if node["kind"] == "inform" or node["kind"] == "queue":
            topic = node["topic"]
            if topic is not None:
                yield topic


def save_topics(connection: Connection, menu: Menu) -> None:
    """Add the menu's new topics to the database, and label all as the menu names them. None is ever removed, because
    requests refer to them. The label of a topic without a title is its code, or what it was before."""
    table = schema.topic
    known = {
        code: labels
        for code, *labels in connection.execute(select(table.c.topic_code, table.c.label_it, table.c.label_en))
    }
    titles = menu.get("topics", {})
    for code in dict.fromkeys([*menu_topics(menu), *titles]):
        title = titles.get(code)
        labels = [title["it"], title["en"]] if title else known.get(code, [code, code])
        if code not in known:
            connection.execute(insert(table).values(topic_code=code, label_it=labels[0], label_en=labels[1]))
        elif labels != known[code]:
            change = update(table).where(table.c.topic_code == code)
            connection.execute(change.values(label_it=labels[0], label_en=labels[1]))
