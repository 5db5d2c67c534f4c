"""Inputs for both engines: small random periods with any features and many ties, and whole days."""

from __future__ import annotations

from typing import Any

import numpy as np

from queue_model.simulation import inputs
from queue_model.simulation.event_kinds import BREAK_END, BREAK_START, SHIFT_END, SHIFT_START
from queue_model.simulation.inputs import Inputs

FEATURES = (
    "patience",
    "key",
    "longest_wait",
    "longest_queue",
    "busy_nobody_free",
    "room_empties",
    "priorities",
    "skills",
    "redial",
    "hours",
    "lines",
    "survey",
    "announced",
    "messages",
    "closed",
    "mails",
    "put_down",
    "reserve",
    "shifts",
    "breaks",
    "late_breaks",
    "hot_desks",
    "second_level",
    "no_wrap",
)


def random_period(
    seed: int, features: frozenset[str], *, calls: int = 30, operators: int = 4, grid: float = 10.0
) -> Inputs:
    """A period of about an hour. All times and durations are multiples of `grid`, or continuous if it is 0."""
    draw = np.random.default_rng(seed)
    hour = 3600.0
    have = features.__contains__

    def times(most: float, shape: Any) -> Any:
        values = draw.random(shape) * most
        return np.floor(values / grid) * grid if grid else values

    def some_never(most: float, shape: Any) -> Any:
        return np.where(draw.random(shape) < 0.3, np.inf, times(most, shape))

    attempts = 3 if have("redial") else 1
    each = (calls, attempts)
    load = hour * operators / max(calls, 1)
    given: dict[str, Any] = {
        "attempts": attempts,
        "call_at": np.sort(times(hour, calls)),
        "talk": times(load * 2, each),
        "wrap": 0.0 if have("no_wrap") else times(load, each),
        "n_operators": operators,
    }
    if have("patience"):
        given["patience"] = some_never(load, each)
    if have("key"):
        given["key_after"] = some_never(load, each)
    if have("longest_wait"):
        given["longest_wait"] = float(times(load, ()))
    if have("longest_queue"):
        given["longest_queue"] = int(draw.integers(0, 4))
    given["busy_then_voicemail"] = have("busy_nobody_free")
    given["empty_then_voicemail"] = have("room_empties")
    if have("priorities"):
        given["call_priority"] = draw.choice([-5, 0, 10], calls)
    if have("skills"):
        given["skills"] = draw.integers(0, 16, operators).astype(np.uint64)
        given["call_topic"] = draw.integers(0, 4, calls)
    if have("redial"):
        given["redial_after"] = some_never(hour / 4, each)
    if have("hours"):
        given["open_from"], given["open_until"] = [0.0, hour / 2], [hour / 3, hour * 0.9]
    if have("lines"):
        given["lines"] = int(draw.integers(1, operators + 3))
    if have("survey"):
        given["survey"] = times(load, each)
    if have("announced"):
        given.update(announced=True, mean_handle=load, tolerance=some_never(load * 2, each))
    if have("messages"):
        given.update(leaves_message=draw.random(each) < 0.7, callback_work=times(load, each))
    if have("closed"):
        number = int(draw.integers(0, 5))
        given["closed_at"] = np.sort(times(hour, number))
        given["closed_leaves_message"] = draw.random(number) < 0.7
        given["closed_callback_work"] = times(load, number)
        given["closed_topic"] = draw.integers(0, 4, number)
    if have("mails"):
        number = int(draw.integers(0, 15))
        given["mail_at"] = np.sort(times(hour, number))
        given["mail_work"] = times(load * 3, number)
        given["mail_topic"] = draw.integers(0, 4, number)
        given["mail_second_level"] = draw.random(number) < 0.5
        given["mail_second_level_work"] = times(load, number)
    given["put_down"] = have("put_down")
    if have("reserve"):
        given["reserve"] = int(draw.integers(0, operators + 1))
    if have("hot_desks"):
        given["seats"] = int(draw.integers(0, operators + 1))
    if have("second_level"):
        given.update(second_level=draw.random(each) < 0.5, second_level_work=times(load, each))
        given.update(office_people=2, office_from=[0.0, hour], office_until=[hour / 2, 3 * hour])
    return inputs.build(**given, **inputs.schedule(roster(draw, features, operators, hour, grid)))


def roster(
    draw: np.random.Generator, features: frozenset[str], operators: int, hour: float, grid: float
) -> list[tuple[float, int, int]]:
    """Shifts (one or two per operator, possibly without an end) and breaks (possibly off shift or without an end)."""
    if "shifts" not in features and "hot_desks" not in features:
        rows = [(0.0, SHIFT_START, each) for each in range(operators)]
    else:
        rows = []
        for each in range(operators):
            marks = instants(draw, int(draw.integers(0, 5)), hour, grid)
            rows += [(at, SHIFT_END if turn % 2 else SHIFT_START, each) for turn, at in enumerate(marks)]
    if "breaks" in features or "late_breaks" in features:
        for each in range(operators):
            marks = instants(draw, int(draw.integers(0, 7)), hour, grid)
            rows += [(at, BREAK_END if turn % 2 else BREAK_START, each) for turn, at in enumerate(marks)]
    return rows


def instants(draw: np.random.Generator, number: int, hour: float, grid: float) -> list[float]:
    """Distinct instants, in order, on a coarser grid, so that shifts and breaks of operators coincide."""
    step = 6 * grid if grid else 0.0
    values = draw.random(number) * hour
    return sorted({float(np.floor(value / step) * step) if step else float(value) for value in values})


PER_HALF_HOUR = (14, 22, 28, 32, 32, 28, 22, 18, 18, 22, 26, 28, 28, 26, 22, 16, 11, 7)  # 400 calls from 9:00 to 18:00
DAY, OPENS = 86400.0, 9 * 3600.0


def arrivals(draw: np.random.Generator, days: int) -> Any:
    """Poisson calls of several days with a rate for each half-hour."""
    number = draw.poisson(PER_HALF_HOUR, (days, len(PER_HALF_HOUR)))
    begins = np.arange(days)[:, None] * DAY + OPENS + np.arange(len(PER_HALF_HOUR)) * 1800.0
    at = np.repeat(begins.ravel(), number.ravel())
    return np.sort(at + 1800.0 * draw.random(len(at)))


def plain_days(days: int, operators: int, seed: int = 1) -> Inputs:
    """Calls and patience only, with constant staff: lognormal talk, exponential wrap-up and patience."""
    draw = np.random.default_rng(seed)
    at = arrivals(draw, days)
    return inputs.build(
        call_at=at,
        talk=draw.lognormal(np.log(300.0) - 0.7**2 / 2, 0.7, len(at)),
        wrap=draw.exponential(60.0, len(at)),
        patience=draw.exponential(180.0, len(at)),
        **inputs.constant_staff(operators),
    )


def full_days(days: int, per_shift: int = 6, seed: int = 1) -> Inputs:
    """Every feature, for several days: two shifts with breaks on the same seats, e-mails, messages, redials."""
    draw = np.random.default_rng(seed)
    at = arrivals(draw, days)
    each = (len(at), 3)
    mails = draw.poisson(120, days)
    mail_at = np.sort(np.repeat(np.arange(days) * DAY, mails) + DAY * draw.random(mails.sum()))
    closed = draw.poisson(20, days)
    closed_at = np.sort(np.repeat(np.arange(days) * DAY, closed) + OPENS * draw.random(closed.sum()))
    rows = []
    for day in range(days):
        for who in range(2 * per_shift):
            start = day * DAY + OPENS + (4.5 * 3600.0 if who >= per_shift else 0.0)
            late = float(draw.exponential(60.0))
            rest = start + 3600.0 + 900.0 * (who % 8)
            rows += [(start + late, SHIFT_START, who), (start + 4.5 * 3600.0, SHIFT_END, who)]
            rows += [(rest, BREAK_START, who), (rest + 900.0, BREAK_END, who)]
    hours = np.arange(days) * DAY + OPENS
    return inputs.build(
        attempts=3,
        seats=per_shift,
        longest_wait=600.0,
        longest_queue=30,
        lines=60,
        reserve=1,
        put_down=True,
        announced=True,
        mean_handle=360.0,
        open_from=hours,
        open_until=hours + 9 * 3600.0,
        call_at=at,
        call_topic=draw.choice(4, len(at), p=[0.4, 0.3, 0.2, 0.1]),
        call_priority=np.where(draw.random(len(at)) < 0.1, 5, 0),
        talk=draw.lognormal(np.log(300.0) - 0.7**2 / 2, 0.7, each),
        wrap=draw.exponential(60.0, each),
        survey=np.where(draw.random(each) < 0.3, 20.0, 0.0),
        patience=draw.exponential(300.0, each),
        key_after=np.where(draw.random(each) < 0.1, 45.0, np.inf),
        tolerance=draw.exponential(3600.0, each),
        redial_after=np.where(draw.random(each) < 0.4, draw.exponential(900.0, each), np.inf),
        leaves_message=draw.random(each) < 0.6,
        callback_work=draw.exponential(240.0, each),
        second_level=draw.random(each) < 0.1,
        second_level_work=draw.exponential(1800.0, each),
        closed_at=closed_at,
        closed_leaves_message=draw.random(len(closed_at)) < 0.5,
        closed_callback_work=draw.exponential(240.0, len(closed_at)),
        mail_at=mail_at,
        mail_topic=draw.integers(0, 4, len(mail_at)),
        mail_work=draw.exponential(400.0, len(mail_at)),
        mail_second_level=draw.random(len(mail_at)) < 0.1,
        mail_second_level_work=draw.exponential(1800.0, len(mail_at)),
        n_operators=2 * per_shift,
        skills=np.where(np.arange(2 * per_shift) % 3 == 0, 0b0111, 0b1111).astype(np.uint64),
        office_people=4,
        office_from=hours,
        office_until=hours + 8 * 3600.0,
        **inputs.schedule(rows),
    )
