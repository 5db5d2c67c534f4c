"""Scenarios for tests: the day of the ground truth, and a small service with every feature switched on."""

from __future__ import annotations

from typing import Any

from queue_model.scenario import study
from queue_model.scenario.study import Study, merged

# The workload W1: 400 calls over the half-hours from nine to six.
W1 = [14, 22, 28, 32, 32, 28, 22, 18, 18, 22, 26, 28, 28, 26, 22, 16, 11, 7]
EVERY_DAY = {
    day: ["09:00-22:00"] for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
}


def day(staff: int = 12, days: int = 10, **changes: Any) -> dict[str, Any]:
    """W1 as plain values: exponential talk of 360 s and patience of 180 s, and no other feature.

    Operators stay until all calls are finished. `changes` are merged into it: `callers={"patience": ...}`.
    """
    plain: dict[str, Any] = {
        "title": "W1",
        "period": {"first": "2026-02-02", "days": days},
        "arrivals": {"per_day": 400, "profile": {"from": "09:00", "step_minutes": 30, "weights": W1}},
        "topics": {"ALTRO": {"share": 1.0}},
        "menu": {"walk": False},
        "callers": {"patience": {"law": "exponential", "mean": 180}},
        "handling": {"talk": {"law": "exponential", "mean": 360}, "wrap": {"law": "deterministic", "value": 0}},
        "operators": {
            "seats": staff,
            "people": staff,
            "shifts": {"tutti": {"hours": "09:00-22:00", "operators": staff}},
        },
        "queue": {"unlimited": True},
        "service": {"hours": EVERY_DAY, "holidays": {"calendar": "none"}},
        "seed": 7,
        "replications": 4,
    }
    whole: dict[str, Any] = merged(plain, changes)
    return whole


def everything(days: int = 7, **changes: Any) -> dict[str, Any]:
    """A busy week of a small service that uses every feature of the model."""
    plain = day(
        days=days,
        operators={
            "seats": 6,
            "people": 14,
            "shifts": {
                "mattina": {
                    "hours": "09:00-13:30",
                    "operators": 6,
                    "breaks": [{"at": "10:45", "minutes": 15, "groups": 3}],
                },
                "pomeriggio": {"hours": "13:30-18:00", "operators": 4},
                "esperti": {"hours": "13:30-18:00", "operators": 2, "topics": ["ADR", "INCENTIVI"]},
                "tutti": None,
            },
            "absence": 0.1,
            "late": {"share": 0.3, "by": {"law": "exponential", "mean": 300}},
            "break_overrun": {"share": 0.3, "by": {"law": "gamma", "mean": 120, "shape": 2}},
            "reserve": 1,
            "put_down_emails": True,
        },
        arrivals={
            "busyness": 30,
            "swings": {"sd": 0.2, "correlation": 0.6},
            "weekdays": {"monday": 1.3},
            "outside": {
                "per_day": 20,
                "profile": {"from": "07:00", "step_minutes": 120, "weights": [1, 0, 0, 0, 0, 1]},
            },
            "closed_days": 15,
        },
        topics={
            "ALTRO": {"share": 0.2},
            "ADR": {"share": 0.3, "satisfied": 0.2, "second_level": 0.2},
            "DID": {"share": 0.2, "talk": {"law": "gamma", "mean": 240, "shape": 2}},
            "INCENTIVI": {"share": 0.1, "profile": [2.0] * 9 + [1.0] * 9},
            "PORTALE": {"share": 0.2, "wrap": {"law": "weibull", "mean": 90, "shape": 1.5}},
        },
        menu={"walk": True, "hurried": 0.3, "nothing": 0.05, "wrong": 0.05, "repeat": 0.02, "hang_up": 0.01},
        callers={
            "balk": 0.02,
            "voicemail_key": 0.1,
            "leaves_message": 0.6,
            "leaves_message_closed": 0.4,
            "redial": {"share": 0.5, "after": {"law": "exponential", "mean": 600}, "most": 2},
            "lines": 20,
        },
        handling={
            "talk": {"law": "lognormal", "mean": 300, "sigma": 0.7},
            "wrap": {"law": "exponential", "mean": 60},
            "callback": {"law": "empirical", "values": [60, 120, 300]},
            "second_level": 0.05,
        },
        mails={
            "per_day": 40,
            "closed_days": 10,
            "profile": {"from": "08:00", "step_minutes": 240, "weights": [2, 2, 1]},
            "work": {"law": "gamma", "mean": 480, "shape": 2},
            "second_level": 0.2,
            "busyness": 50,
        },
        second_level={"people": 3, "hours": "09:00-17:00", "work": {"law": "lognormal", "mean": 2400, "sigma": 0.8}},
        queue={"unlimited": False},
    )
    office = {each: ["09:00-18:00"] for each in EVERY_DAY} | {"saturday": [], "sunday": []}
    whole: dict[str, Any] = merged(merged(plain, {"service": {"hours": office}}), changes)
    return whole


def other_topic(priority: int) -> dict[str, Any]:
    """Changes of the menu: a key of its own for other topics, and a queue node with another priority."""
    node = {"kind": "queue", "prompts": ["queue-wait"], "topic": "ALTRO", "priority": priority}
    return {"argomenti": {"keys": {"5": "altro"}}, "altro": node}


def study_of(written: dict[str, Any]) -> Study:
    """The study of a scenario given as plain values."""
    return study.of(written)
