"""Generated months: tables filled from a seed, with a few hundred calls in a few days."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Table, insert

from charter.calendar import OpeningHours, parse_range
from charter.promises import end_of_day
from measure.switch.service_queue import ServiceQueue
from registry.db import schema

HOURS = OpeningHours("Europe/Rome", [[parse_range("09:00-13:00")]] * 5 + [[], []])
QUEUE = ServiceQueue("nul", HOURS, 7200)
TOPICS = {"ADR": 40, "DID": 30, "INCENTIVI": 15, "ALTRO": 12, "NASPI": 2}
FATES = {"answered": 80, "abandoned": 9, "key": 6, "timeout": 2, "full": 2, "lost": 1}
DAY, HOUR = 86400.0, 3600.0


def midnight(day: date) -> float:
    return end_of_day(day - timedelta(days=1), HOURS)


def add(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def base(connection: Connection, names: Mapping[str, str] | None = None) -> None:
    """Topics and promises."""
    labels = {code: f"Tema {code}" for code in TOPICS} | dict(names or {})
    add(connection, schema.topic, [
        {"topic_code": code, "label_it": label, "label_en": label.replace("Tema", "Topic")}
        for code, label in labels.items()
    ])  # fmt: skip
    add(connection, schema.promise, [
        {"promise_code": code, "amount": amount, "clock": clock, "share": share}
        for code, amount, clock, share in (
            ("EMAIL", 48, "hours", 0.9), ("SECOND_LEVEL", 10, "calendar_days", 0.8),
            ("CALLBACK", 9, "service_hours", 0.9),
        )
    ])  # fmt: skip


class Maker:
    """Generates rows from a seed; `number` makes their keys unique."""

    def __init__(self, seed: int, topics: Mapping[str, int] = TOPICS, first: int = 0) -> None:
        self.random = random.Random(seed)
        self.topics = topics
        self.number = first

    def key(self, kind: str) -> str:
        self.number += 1
        return f"{kind}{self.number:06}"

    def one(self, weights: Mapping[str, int]) -> str:
        return self.random.choices(list(weights), list(weights.values()))[0]

    def visit(self, at: float, *, in_service: int = 1, **changes: Any) -> dict[str, Any]:
        fate = self.one(FATES)
        wait = round(self.random.expovariate(1 / 14), 1) if fate != "full" else 0.0
        talk = round(self.random.expovariate(1 / 240), 1) if fate == "answered" else None
        key, caller = self.key("call"), self.random.randrange(250)
        return {
            "unique_id": key, "visit_no": 1, "call_id": key, "queue": "nul", "entered_at": at,
            "left_at": at + wait + (talk or 0.0), "wait_s": wait, "talk_s": talk, "ring_s": 2.0, "fate": fate,
            "topic_code": self.one(self.topics), "in_service": in_service,
            "caller_hash": f"hash{caller}" if caller < 240 else None, "position": 1, **changes,
        }  # fmt: skip

    def request(self, at: float, **changes: Any) -> dict[str, Any]:
        key = self.key("request")
        channel = self.one({"phone": 70, "email": 20, "voicemail": 10})
        level = self.random.choices([1, 2], [85, 15])[0]
        outcome = self.random.choices(["resolved", "informed", None], [70, 20, 10])[0] if channel == "phone" else None
        if channel != "phone" and self.random.random() < 0.8:
            outcome = "resolved"
        return {
            "request_id": key, "protocol": key, "channel": channel, "topic_code": self.one(self.topics),
            "audience": self.one({"jobseeker": 60, "worker": 25, "employer": 14, "agency": 1}), "level": level,
            "state": "closed" if outcome else "in_progress", "opened_at": at,
            "closed_at": at + HOUR if outcome else None, "outcome": outcome, **changes,
        }  # fmt: skip

    def clocks(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        opened = request["opened_at"]
        wanted = [("EMAIL", 2 * DAY)] if request["channel"] == "email" else []
        wanted += [("CALLBACK", DAY)] if request["channel"] == "voicemail" else []
        wanted += [("SECOND_LEVEL", 10 * DAY)] if request["level"] == 2 else []
        found = []
        for promise, seconds in wanted:
            open_ = self.random.random() < 0.06
            stopped = None if open_ else opened + seconds * self.random.choice((0.2, 0.5, 0.7, 0.9, 1.2))
            found.append({
                "request_id": request["request_id"], "promise_code": promise, "clock_no": 1, "started_at": opened,
                "due_at": opened + seconds, "stopped_at": stopped, "stop_reason": None if open_ else "answered",
                "calendar_rev": "test",
            })  # fmt: skip
        return found


def fill(
    connection: Connection, seed: int, days: list[date], calls: int = 40, requests: int = 25, maker: Maker | None = None
) -> None:  # fmt: skip
    """Add calls and requests on each of these days, with their clocks, call-backs and surveys."""
    make = maker or Maker(seed)
    opening = [midnight(day) + 9 * HOUR + (HOUR if day.isoformat() == "2026-10-25" else 0) for day in days]
    visits = [make.visit(start + make.random.uniform(0, 4 * HOUR)) for start in opening for _ in range(calls)]
    visits += [make.visit(start - HOUR, in_service=0) for start in opening for _ in range(calls // 20)]
    asked = [make.request(start + make.random.uniform(0, 4 * HOUR)) for start in opening for _ in range(requests)]
    add(connection, schema.queue_visit, visits)
    add(connection, schema.request, asked)
    add(connection, schema.interaction, [
        {"interaction_id": make.key("touch"), "request_id": each["request_id"], "channel": "phone_in",
         "started_at": each["opened_at"]}
        for each in asked for _ in range(make.random.choice((1, 1, 1, 2)))
    ])  # fmt: skip
    add(connection, schema.sla_clock, [clock for each in asked for clock in make.clocks(each)])
    back = [each for each in asked if each["channel"] == "voicemail"]
    add(connection, schema.callback, [
        {"request_id": each["request_id"], "state": "done" if each["outcome"] else "waiting", "attempts": 1,
         "next_try_at": each["opened_at"]}
        for each in back
    ])  # fmt: skip
    add(connection, schema.callback_attempt, [
        {"request_id": each["request_id"], "attempt_no": 1, "at": each["opened_at"], "actor_ref": "op117",
         "result": make.random.choice(("reached", "reached", "no_answer"))}
        for each in back if each["outcome"]
    ])  # fmt: skip
    _survey(connection, make, days, calls)


def _survey(connection: Connection, make: Maker, days: list[date], calls: int) -> None:
    responses = [
        {"response_id": make.key("response"), "version": 1, "taken_on": day.isoformat()}
        for day in days for _ in range(calls // 5)
    ]  # fmt: skip
    add(connection, schema.survey_response, responses)
    add(connection, schema.survey_answer, [
        {"response_id": each["response_id"], "question": question, "value": make.random.choice((1, 3, 4, 4, 5, 5))}
        for each in responses for question in ("solved", "courtesy", "overall")
    ])  # fmt: skip
