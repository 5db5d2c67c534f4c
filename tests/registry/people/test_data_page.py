"""The page for a person who asks for their data: every code of the product has its Italian words."""

from __future__ import annotations

import pytest

from registry.db import schema
from registry.people import data_page
from registry.people.personal_data import Held
from registry.requests.clocks import Rules
from registry.requests.transitions import ACTIONS
from tests.conftest import rome
from tests.registry.request_steps import Desk

EVENT = {"at": "2026-11-04T11:05:00+01:00", "action": "take", "actor_ref": "op117"}


@pytest.mark.parametrize(
    ("codes", "texts"),
    [
        (schema.CHANNELS, data_page.CHANNELS),
        (schema.STATES, data_page.STATES),
        (schema.OUTCOMES, data_page.OUTCOMES),
        (schema.RESULTS, data_page.RESULTS),
        (schema.FATES, data_page.FATES),
        ((*ACTIONS, "classify", "recalculate"), data_page.ACTIONS),
    ],
)
def test_every_code_has_its_words(codes: tuple[str, ...], texts: dict[str, str]) -> None:
    assert set(codes) == set(texts)


def test_every_promise_has_its_words(desk: Desk) -> None:
    rules: Rules = desk.rules
    assert set(rules.promises) == set(data_page.PROMISES)


def test_a_person_of_whom_nothing_is_held() -> None:
    page = data_page.render({"contacts": [], "requests": [], "calls": []}, [], [], "2026-11-24T10:00:00+01:00")
    assert "Non conserviamo dati su di Lei." in page and "24 novembre 2026, ore 10:00" in page


def test_outside_text_is_escaped_and_deadlines_have_their_last_day() -> None:
    contact = {"display_name": "<b>Anna</b>", "email": None, "created_at": "2026-11-04T11:00:00+01:00"}
    request = {
        "protocol": "NUL-2026-000001-5", "opened_at": "2026-11-04T11:00:00+01:00", "channel": "email", "topic": "DID",
        "state": "forwarded", "request_event": [EVENT], "request_note": [], "voicemail_message": [],
        "callback_attempt": [],
        "sla_clock": [{"promise_code": "SECOND_LEVEL", "due_at": "2026-11-15T00:00:00+01:00"}],
    }  # fmt: skip
    document = {"contacts": [contact], "requests": [request], "calls": []}
    held = [Held("switch-logs", "queue_log:1", "number in a log", rome("2026-11-04 11:00"))]
    page = data_page.render(document, ["dati.html"], held, "2026-11-24T10:00:00+01:00")
    assert "&lt;b&gt;Anna" in page and "<b>Anna" not in page
    assert "entro il 14 novembre 2026 compreso" in page
    assert "presa in carico" in page and "il personale" in page and "op117" not in page
    assert "Suo numero nei registri tecnici del centralino" in page
