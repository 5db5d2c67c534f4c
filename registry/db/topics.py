"""The subjects that requests are about: those of config/menu.yaml, with the words that reports use for them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, insert, select

from ivr.configuration.compiled import Menu
from registry.db import schema

# What the topics of the shipped menu are called; a site's own is called by its code until somebody gives it words here.
LABELS = {
    "ADR": ("Assegno di ricollocazione", "Relocation allowance"),
    "DID": ("Dichiarazione di immediata disponibilità", "Declaration of availability for work"),
    "INCENTIVI": ("Incentivi all'assunzione", "Hiring incentives"),
    "PORTALE": ("Servizi online del portale", "Online services of the portal"),
    "ALTRO": ("Altro", "Other"),
}
OTHER = "ALTRO"  # what a caller is about who chose nothing


def of(menu: Menu) -> Iterator[str]:
    """The topics that callers can choose, in the menu's order, and the one of those who choose none."""
    yield from dict.fromkeys([*_named(menu), OTHER])


def _named(menu: Menu) -> Iterator[str]:
    for node in menu["nodes"].values():
        if node["kind"] == "inform" or node["kind"] == "queue":
            topic = node["topic"]
            if topic is not None:
                yield topic


def publish(connection: Connection, menu: Menu) -> None:
    """Write the topics into the database that it does not have yet; none ever leaves it, for requests name them."""
    table = schema.topic
    known = set(connection.execute(select(table.c.topic_code)).scalars())
    for code in of(menu):
        if code not in known:
            italian, english = LABELS.get(code, (code, code))
            connection.execute(insert(table).values(topic_code=code, label_it=italian, label_en=english))
