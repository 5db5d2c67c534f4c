"""Every term of a scenario reaches both engines.

For each term: it changes certain inputs, both engines give the same record, and the record differs from the plain one.
"""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest

from queue_model.scenario.schema import Scenario
from queue_model.scenario.study import leaves, merged
from queue_model.simulation import kernel, reference
from queue_model.simulation.builder import Builder
from queue_model.simulation.inputs import Inputs
from tests.queue_model.example_scenarios import everything, study_of

CALLS = {"call_at"}
SHIFTS = {"event_at"}
# term: a change to the scenario, and inputs that must differ then
TERMS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "how many call": ({"arrivals": {"per_day": 420}}, CALLS),
    "shape of the day": ({"arrivals": {"profile": {"weights": [1.0] * 18}}}, CALLS),
    "weekday": ({"arrivals": {"weekdays": {"monday": 1.5}}}, CALLS),
    "season": ({"arrivals": {"months": {"february": 0.7}}}, CALLS),
    "special days": ({"arrivals": {"special_days": [{"first": "2026-02-02", "factor": 2}]}}, CALLS),
    "busyness of the day": ({"arrivals": {"busyness": 10}}, CALLS),
    "correlated factors over the day": ({"arrivals": {"swings": {"sd": 0.4, "correlation": 0.9}}}, CALLS),
    "callers outside hours": ({"arrivals": {"outside": {"per_day": 60}}}, {"closed_at"}),
    "closed days": ({"arrivals": {"closed_days": 60}, "period": {"first": "2026-02-01", "days": 2}}, {"closed_at"}),
    "shares of topics": ({"topics": {"ADR": {"share": 0.2}, "ALTRO": {"share": 0.3}}}, {"call_topic"}),
    "a topic with hours of its own": ({"topics": {"INCENTIVI": {"profile": [1.0] * 9 + [9.0] * 9}}}, {"call_topic"}),
    "satisfied with the information": ({"topics": {"ADR": {"satisfied": 0.9}}}, CALLS),
    "a change of the menu": ({"menu": {"prompts": {"topics": 60}}}, CALLS),
    "wrong keys": ({"menu": {"wrong": 0.3}}, CALLS),
    "hanging up in the menu": ({"menu": {"hang_up": 0.1}}, CALLS),
    "patience, exponential": ({"callers": {"patience": {"law": "exponential", "mean": 30}}}, {"patience"}),
    "patience, Weibull": ({"callers": {"patience": {"law": "weibull", "mean": 90, "shape": 0.7}}}, {"patience"}),
    "patience, lognormal": ({"callers": {"patience": {"law": "lognormal", "mean": 90, "sigma": 1}}}, {"patience"}),
    "patience, empirical": ({"callers": {"patience": {"law": "empirical", "values": [5, 60, 1e7]}}}, {"patience"}),
    "balking": ({"callers": {"balk": 0.5}}, {"patience"}),
    "effect of an announced wait": (
        {"callers": {"announced": True, "tolerance": {"law": "exponential", "mean": 60}}}, {"announced", "tolerance"},
    ),
    "redial": ({"callers": {"redial": {"share": 0.9}}}, {"redial_after"}),
    "blocked lines": ({"callers": {"lines": 5}}, {"lines"}),
    "survey": (
        {"callers": {"lines": 6},
         "handling": {"survey": {"share": 1.0, "time": {"law": "deterministic", "value": 90}}}},
        {"survey"},
    ),
    "voicemail by key": ({"callers": {"voicemail_key": 0.5}}, {"key_after"}),
    "messages": ({"callers": {"leaves_message": 1.0, "voicemail_key": 0.5}}, {"leaves_message"}),
    "messages outside hours": ({"callers": {"leaves_message_closed": 1.0}}, {"closed_leaves_message"}),
    "longest wait": ({"service": {"queue": {"longest_wait": 30}}}, {"longest_wait"}),
    "longest queue": ({"service": {"queue": {"longest_queue": 1}}}, {"longest_queue"}),
    "voicemail when all are busy": (
        {"service": {"queue": {"all_busy": {"then": "voicemail"}}}}, {"busy_then_voicemail"},
    ),
    "no operator logged in": (
        {"service": {"queue": {"all_busy": {"means": "nobody_logged_in"}}}, "arrivals": {"per_day": 900}},
        {"empty_then_voicemail"},
    ),
    "talk": ({"handling": {"talk": {"law": "lognormal", "mean": 400, "sigma": 0.7}}}, {"talk"}),
    "talk by topic": ({"topics": {"DID": {"talk": {"law": "empirical", "values": [9, 900]}}}}, {"talk"}),
    "wrap-up by topic": ({"topics": {"DID": {"wrap": {"law": "gamma", "mean": 200, "shape": 3}}}}, {"wrap"}),
    "length of a call-back": ({"handling": {"callback": {"law": "deterministic", "value": 700}}}, {"callback_work"}),
    "shifts": ({"operators": {"shifts": {"pomeriggio": {"hours": "13:30-17:00"}}}}, SHIFTS),
    "one operator fewer": ({"operators": {"shifts": {"mattina": {"operators": 5}}}}, SHIFTS),
    "breaks": ({"operators": {"shifts": {"mattina": {"breaks": [{"at": "11:00", "minutes": 30}]}}}}, SHIFTS),
    "lateness of breaks": ({"operators": {"break_overrun": {"share": 1.0}}}, SHIFTS),
    "late in the morning": ({"operators": {"late": {"share": 1.0}}}, SHIFTS),
    "absence": ({"operators": {"absence": 0.5}}, SHIFTS),
    "skills by topic": ({"operators": {"shifts": {"esperti": {"topics": ["DID"]}}}}, {"skills"}),
    "seats that change hands": (
        {"operators": {"seats": 6, "shifts": {"pomeriggio": {"hours": "13:30-18:00", "operators": 4}}},
         "handling": {"talk": {"law": "lognormal", "mean": 1800, "sigma": 0.7}}}, {"talk"},
    ),
    "reserve for calls": ({"operators": {"reserve": 3}}, {"reserve"}),
    "e-mails that are put down": ({"operators": {"put_down_emails": False}}, {"put_down"}),
    "e-mails": ({"mails": {"per_day": 80}}, {"mail_at"}),
    "busy days of e-mails": ({"mails": {"busyness": 5}}, {"mail_at"}),
    "e-mails on closed days": (
        {"mails": {"closed_days": 50}, "period": {"first": "2026-02-01", "days": 2}}, {"mail_at"},
    ),
    "season of e-mails": ({"mails": {"months": {"february": 2.0}}}, {"mail_at"}),
    "an e-mail campaign": ({"mails": {"special_days": [{"first": "2026-02-02", "factor": 5}]}}, {"mail_at"}),
    "work on an e-mail": ({"mails": {"work": {"law": "gamma", "mean": 700, "shape": 2}}}, {"mail_work"}),
    "topics of e-mails": ({"mails": {"topics": {"DID": 1.0}}}, {"mail_topic"}),
    "hand-over by topic": ({"topics": {"ADR": {"second_level": 0.9}}}, {"second_level"}),
    "hand-over of e-mails": ({"mails": {"second_level": 0.9}}, {"mail_second_level"}),
    "people of the second level": ({"second_level": {"people": 1}}, {"office_people"}),
    "hours of the second level": ({"second_level": {"hours": "10:00-11:00"}}, {"office_from", "office_until"}),
    "work of the second level": (
        {"second_level": {"work": {"law": "lognormal", "mean": 9000, "sigma": 0.8}}}, {"second_level_work"},
    ),
    "hours of the service": (
        {"service": {"hours": {"monday": ["09:00-17:00"]}},
         "operators": {"shifts": {"pomeriggio": {"hours": "13:30-17:00"}, "esperti": {"hours": "13:30-17:00"}}}},
        {"open_until"},
    ),
    "a closed day of the calendar": (
        {"service": {"holidays": {
            "extra_closures": [{"first": "2026-02-02", "last": "2026-02-02", "reason": "prova"}],
        }}},
        {"open_from"},
    ),
    "seed": ({"seed": 8}, CALLS),
}  # fmt: skip


@cache
def plain() -> Inputs:
    return Builder(study_of(everything(days=1))).inputs().inputs


def different(a: Inputs, b: Inputs) -> set[str]:
    pairs = ((each.name, np.asarray(getattr(a, each.name)), np.asarray(getattr(b, each.name))) for each in fields(a))
    return {name for name, one, other in pairs if one.shape != other.shape or one.tobytes() != other.tobytes()}


@pytest.mark.parametrize("term", TERMS)
def test_every_term_reaches_both_engines(term: str) -> None:
    change, affected = TERMS[term]
    found = Builder(study_of(everything(**merged({"period": {"days": 1}}, change)))).inputs().inputs
    assert affected <= different(plain(), found)
    record = reference.simulate(found)
    assert not record.same_as(kernel.simulate(found))
    assert record.same_as(kernel.simulate(plain()))  # the record differs, too


def test_priorities_come_from_the_menu() -> None:
    first = {"menu": {"changes": {"nodes": {"operatore": {"priority": 7}}}}}
    found = Builder(study_of(everything(days=1, **first))).inputs().inputs
    assert set(np.unique(found.call_priority)) == {7}  # the shipped menu has one node that queues


def test_every_key_of_a_scenario_is_covered() -> None:
    """Every key is in `everything` or changed above, or says how and not what is simulated."""
    covered = {path for change, _ in TERMS.values() for path, _ in leaves(merged(everything(), change))}
    how = {"title", "about", "based_on", "assumptions", "replications", "targets", "service"}
    keys = {name for name in Scenario.__struct_fields__ if name not in how}
    groups = {path.partition(".")[0] for path in covered}
    assert keys <= groups
    for group in sorted(keys - {"topics", "seed"}):
        kind = next(each.type for each in msgspec.structs.fields(Scenario) if each.name == group)
        names = _names(kind)
        missing = {name for name in names if not any(path.startswith(f"{group}.{name}") for path in covered)}
        assert missing <= NOT_HERE.get(group, set()), (group, missing)


# Tested elsewhere: trace and limits in test_builder, the menu in test_menu_walks, warm-up days in test_measurer.
NOT_HERE = {
    "arrivals": {"trace"},
    "menu": {"reaction", "hurried_at", "straight_to_operator", "changes"},
    "mails": {"weekdays"},
    "queue": {"longest_wait", "longest_queue"},
    "period": {"settle"},
}


def _names(kind: Any) -> list[str]:
    """The keys of a group, as a file writes them."""
    options = [each for each in (kind, *getattr(kind, "__args__", ())) if hasattr(each, "__struct_encode_fields__")]
    return list(options[0].__struct_encode_fields__) if options else []
