"""The topics of requests, from config/menu.yaml, with the labels that reports use."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, insert, select

from ivr.configuration.compiled import Menu
from registry.db import schema

# Labels for the topics of the shipped menu. The label of any other topic is its code, until somebody adds one here.
LABELS = {
    "ADR": ("Assegno di ricollocazione", "Relocation allowance"),
    "DID": ("Dichiarazione di immediata disponibilità", "Declaration of availability for work"),
    "INCENTIVI": ("Incentivi all'assunzione", "Hiring incentives"),
    "PORTALE": ("Servizi online del portale", "Online services of the portal"),
    "ALTRO": ("Altro", "Other"),
}
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
    """Add the menu's new topics to the database. None is ever removed, because requests refer to them."""
    table = schema.topic
    known = set(connection.execute(select(table.c.topic_code)).scalars())
    for code in menu_topics(menu):
        if code not in known:
            italian, english = LABELS.get(code, (code, code))
            connection.execute(insert(table).values(topic_code=code, label_it=italian, label_en=english))
