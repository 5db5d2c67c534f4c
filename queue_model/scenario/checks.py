"""Checks that a scenario is feasible: all mistakes that types do not catch, as (path, message, severity)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, get_args

from charter.calendar import MIDNIGHT, WEEKDAYS, Range, parse_range
from common.argument_types import YEARS
from common.suggestions import did_you_mean
from ivr.configuration.compiled import Compiled
from ivr.configuration.menu import Finding
from ivr.flows.menu import OTHER_TOPIC
from queue_model.scenario.schema import Arrivals, Mails, Profile, Scenario, Shift, Weekday
from queue_model.scenario.trace import TraceError, read_trace

ROUNDING = 1e-6  # the sum of shares may differ from 1 by this
MOST = 100_000_000  # calls, or e-mails, of one replication: some 20 GB

# Settings that the model leaves out: a change in a scenario would have no effect. With what to write instead.
NOT_SIMULATED = {
    "queue.ring_seconds": "free operators answer at once",
    "queue.missed_rings": "free operators answer at once",
    "queue.wrap_up_seconds": "handling.wrap is the time until an operator is free again; write that",
    "queue.announce_every": "callers.announced and callers.tolerance say how callers react to a wait; write those",
    "limits.longest_call_seconds": "handling.talk is how long people talk; write that",
    "callbacks": "a call-back is made once, and takes as long as handling.callback; write that",
}


def check(scenario: Scenario, written: Mapping[str, Any], compiled: Compiled, folder: str) -> Iterator[Finding]:
    """Yield every mistake. `written`: the scenario as plain values; `folder`: the folder of its trace."""
    if scenario.period.settle >= scenario.period.days:
        yield (
            "period.settle",
            f"{scenario.period.settle} of {scenario.period.days} days, so none would be measured; lower it",
            "error",
        )
    if scenario.period.first.year not in YEARS:
        what = f"{scenario.period.first} is not a day of a service; write a year from {YEARS[0]} to {YEARS[-1]}"
        yield "period.first", what, "error"
    yield from _check_size("arrivals.per_day", scenario.arrivals.per_day, scenario.period.days)
    yield from _check_arrivals(scenario.arrivals, folder, compiled)
    yield from _check_topics(scenario, compiled)
    yield from _check_callers(scenario)
    yield from _check_shifts(scenario, compiled)
    if scenario.mails is not None:
        yield from _check_mails(scenario.mails, scenario)
    yield from _check_second_level(scenario)
    yield from _check_service(scenario.service)
    yield from _check_assumptions(scenario, written)


def _check_size(where: str, per_day: float, days: int) -> Iterator[Finding]:
    if per_day * days > MOST:
        what = (
            f"{per_day:,.0f} a day for {days:,} days are more than the {MOST:,} that fit into a simulation; lower one"
        )
        yield where, what, "error"


def minute(text: str) -> int:
    """Minutes after midnight of a time of day. Raises ValueError with what is wrong with it."""
    return parse_range(f"{text}-24:00").start if text not in ("24:00",) else MIDNIGHT


def opening(compiled: Compiled) -> dict[str, list[Range]]:
    """The opening hours of each weekday."""
    hours: Mapping[str, Any] = compiled["service"]["hours"]
    return {day: [parse_range(text) for text in hours[day]] for day in WEEKDAYS}


# --- arrivals --------------------------------------------------------------------------------------------------------


def _check_arrivals(arrivals: Arrivals, folder: str, compiled: Compiled) -> Iterator[Finding]:
    yield from _check_profile("arrivals.profile", arrivals.profile, arrivals.per_day)
    if arrivals.outside is not None:
        yield from _check_profile("arrivals.outside.profile", arrivals.outside.profile, arrivals.outside.per_day)
    yield from _check_special_days("arrivals.special_days", arrivals)
    if arrivals.trace is not None:
        try:
            read_trace(os.path.join(folder, arrivals.trace), compiled["service"]["service"]["time_zone"])
        except TraceError as problem:
            yield "arrivals.trace", str(problem), "error"


def _check_profile(where: str, profile: Profile, expected: float) -> Iterator[Finding]:
    try:
        begin = minute(profile.start)
    except ValueError as problem:
        yield f"{where}.from", str(problem), "error"
        return
    end = begin + profile.step_minutes * len(profile.weights)
    if end > MIDNIGHT:
        most = (MIDNIGHT - begin) // profile.step_minutes
        many = f"{len(profile.weights)} steps of {profile.step_minutes} minutes from {profile.start}"
        yield f"{where}.weights", f"{many} go beyond midnight; write {most} at most", "error"
    if expected and not sum(profile.weights):
        yield f"{where}.weights", f"all 0, so the {expected:g} of a day cannot arrive; write a weight above 0", "error"


def _check_special_days(where: str, flow: Arrivals | Mails) -> Iterator[Finding]:
    for index, each in enumerate(flow.special_days):
        if each.last is not None and each.last < each.first:
            what = f"{each.last} is before the first day, {each.first}; swap them"
            yield f"{where}[{index}].last", what, "error"


# --- topics and callers ----------------------------------------------------------------------------------------------


def _check_topics(scenario: Scenario, compiled: Compiled) -> Iterator[Finding]:
    yield from _check_sum("topics", {name: each.share for name, each in scenario.topics.items()})
    steps = len(scenario.arrivals.profile.weights)
    for name, topic in scenario.topics.items():
        if topic.profile is not None and len(topic.profile) != steps:
            what = f"{len(topic.profile)} weights, but arrivals.profile has {steps} steps; write one for each"
            yield f"topics.{name}.profile", what, "error"
    if scenario.menu.walk:
        for topic_name in sorted(_menu_topics(compiled) - set(scenario.topics)):
            what = f"the menu passes callers on with topic {topic_name}, which is not described here; add it"
            yield f"topics.{topic_name}", what + " (its share may be 0)", "error"


def _menu_topics(compiled: Compiled) -> set[str]:
    """Every topic with which the menu may pass a caller to the queue."""
    nodes: Mapping[str, Any] = compiled["menu"]["nodes"]
    kinds = ("inform", "queue")
    topics = {node["topic"] for node in nodes.values() if node["kind"] in kinds and node["topic"] is not None}
    return topics | {OTHER_TOPIC}  # for callers who chose no topic


def _check_sum(where: str, shares: Mapping[str, float]) -> Iterator[Finding]:
    total = sum(shares.values())
    if abs(total - 1) > ROUNDING:
        yield where, f"the shares of {', '.join(shares)} add up to {total:g}, not 1", "error"


def _check_callers(scenario: Scenario) -> Iterator[Finding]:
    callers, menu = scenario.callers, scenario.menu
    if callers.announced and callers.tolerance is None:
        yield "callers.tolerance", "missing; callers who hear their expected wait need the longest they accept", "error"
    slips = {"nothing": menu.nothing, "wrong": menu.wrong, "repeat": menu.repeat}
    if sum(slips.values()) > 1:
        yield "menu", f"{' + '.join(slips)} add up to {sum(slips.values()):g}, more than 1; lower them", "error"
    if menu.hang_up == 1:
        yield "menu.hang_up", "1, so nobody gets through the menu; lower it", "error"
    if (menu.nothing == 1 or menu.wrong == 1 or menu.repeat == 1) and menu.walk:
        yield "menu", "nobody ever presses a valid key; lower nothing, wrong or repeat", "error"


# --- people ----------------------------------------------------------------------------------------------------------


def _check_shifts(scenario: Scenario, compiled: Compiled) -> Iterator[Finding]:
    open_hours = opening(compiled)
    spans: dict[str, Range] = {}
    for name, shift in scenario.operators.shifts.items():
        where = f"operators.shifts.{name}"
        try:
            span = parse_range(shift.hours)
        except ValueError as problem:
            yield f"{where}.hours", str(problem), "error"
            continue
        spans[name] = span
        yield from _check_open(f"{where}.hours", shift, span, open_hours)
        yield from _check_breaks(where, shift, span)
        for topic in shift.topics or ():
            if topic not in scenario.topics:
                hint = did_you_mean(topic, scenario.topics) or f"; there are {', '.join(scenario.topics)}"
                yield f"{where}.topics", f"no topic {topic}{hint}", "error"
    unserved = [name for name, each in scenario.topics.items() if each.share and not _is_taken(name, scenario)]
    if unserved and any(each.operators for each in scenario.operators.shifts.values()):
        yield "operators.shifts", f"nobody takes {', '.join(unserved)}; add it to the topics of a shift", "error"
    yield from _check_people(scenario, compiled)
    yield from _check_seats(scenario, compiled, spans, open_hours)


def _is_taken(topic: str, scenario: Scenario) -> bool:
    """Whether any shift takes calls on this topic."""
    shifts = scenario.operators.shifts.values()
    return any(each.operators and (each.topics is None or topic in each.topics) for each in shifts)


def shift_days(shift: Shift, open_hours: Mapping[str, list[Range]]) -> tuple[Weekday, ...]:
    """The weekdays of a shift: its own, or all on which the service opens."""
    if shift.weekdays is not None:
        return tuple(shift.weekdays)
    return tuple(day for day in get_args(Weekday) if open_hours[day])


def _check_open(where: str, shift: Shift, span: Range, open_hours: Mapping[str, list[Range]]) -> Iterator[Finding]:
    for day in shift_days(shift, open_hours):
        if not open_hours[day]:
            yield where, f"worked on {day}, when the service is closed; change weekdays, or service.hours", "error"
        elif not any(each.start <= span.start and span.until <= each.until for each in _joined(open_hours[day])):
            hours = ", ".join(_clock(each) for each in open_hours[day])
            yield where, f"{_clock(span)} is outside the hours of {day}, {hours}; move the shift or the hours", "error"
            return


def _joined(ranges: list[Range]) -> list[Range]:
    """The ranges of one day, and the whole day: a shift may span a midday closure."""
    return [*ranges, Range(ranges[0].start, ranges[-1].until)]


def _clock(hours: Range) -> str:
    return "-".join(f"{each // 60:02}:{each % 60:02}" for each in hours)


def _check_breaks(where: str, shift: Shift, span: Range) -> Iterator[Finding]:
    taken: list[tuple[float, float]] = []
    for index, pause in enumerate(shift.breaks):
        try:
            begin = minute(pause.at)
        except ValueError as problem:
            yield f"{where}.breaks[{index}].at", str(problem), "error"
            continue
        end = begin + pause.minutes * pause.groups
        if begin < span.start or end > span.until:
            groups = f" of {pause.groups} groups" if pause.groups > 1 else ""
            what = f"the break{groups} lasts from {pause.at} to {_time(end)}, outside the shift, {_clock(span)}"
            yield f"{where}.breaks[{index}]", f"{what}; move it or make fewer groups", "error"
        taken.append((begin, end))
    for before, after in pairwise(sorted(taken)):
        if after[0] < before[1]:
            yield f"{where}.breaks", f"one starts at {_time(after[0])}, before another is over; move one", "error"


def _time(minutes: float) -> str:
    return f"{int(minutes) // 60:02}:{int(minutes) % 60:02}"


def _check_people(scenario: Scenario, compiled: Compiled) -> Iterator[Finding]:
    planned = sum(each.operators for each in scenario.operators.shifts.values())
    people = scenario.operators.people or compiled["service"]["queue"]["operators"]
    if planned > people:
        what = f"{planned} people in all shifts together, but there are only {people}; lower them"
        yield "operators.shifts", f"{what}, or set operators.people", "error"
    if not planned:
        yield "operators.shifts", "nobody works in any shift; write at least one operator", "error"
    work = scenario.mails is not None or scenario.callers.leaves_message or scenario.callers.leaves_message_closed
    if work and scenario.operators.reserve >= planned:
        kept = f"{scenario.operators.reserve} of {planned} people are kept free"
        what = f"{kept}, so e-mails and call-backs are never done; lower it"
        yield "operators.reserve", what, "error"


def _check_seats(
    scenario: Scenario, compiled: Compiled, spans: Mapping[str, Range], open_hours: Mapping[str, list[Range]]
) -> Iterator[Finding]:
    """Check that there are seats for all; it is enough to look at the starts of shifts."""
    seats = scenario.operators.seats or compiled["service"]["queue"]["seats"]
    shifts = scenario.operators.shifts
    for name, span in spans.items():
        for day in shift_days(shifts[name], open_hours):
            here = [
                other
                for other, theirs in spans.items()
                if theirs.start <= span.start < theirs.until and day in shift_days(shifts[other], open_hours)
            ]
            people = sum(shifts[other].operators for other in here)
            if people > seats:
                who = f"{people} people ({' + '.join(here)})" if len(here) > 1 else f"{people} people"
                what = (
                    f"{who} at {_time(span.start)} on {day}, but {seats} seats; move the shift or lower its operators"
                )
                yield f"operators.shifts.{name}.operators", what, "error"
                break


# --- e-mails, second level, configuration, assumptions ---------------------------------------------------------------


def _check_mails(mails: Mails, scenario: Scenario) -> Iterator[Finding]:
    yield from _check_size("mails.per_day", max(mails.per_day, mails.closed_days), scenario.period.days)
    yield from _check_profile("mails.profile", mails.profile, max(mails.per_day, mails.closed_days))
    yield from _check_special_days("mails.special_days", mails)
    if mails.topics is not None:
        yield from _check_sum("mails.topics", mails.topics)
        for topic in mails.topics:
            if topic not in scenario.topics:
                hint = did_you_mean(topic, scenario.topics) or f"; there are {', '.join(scenario.topics)}"
                yield f"mails.topics.{topic}", f"no such topic{hint}", "error"


def _check_second_level(scenario: Scenario) -> Iterator[Finding]:
    if scenario.second_level is not None:
        try:
            parse_range(scenario.second_level.hours)
        except ValueError as problem:
            yield "second_level.hours", str(problem), "error"
        return
    handed = {f"topics.{name}.second_level": each.second_level or 0 for name, each in scenario.topics.items()}
    handed["handling.second_level"] = scenario.handling.second_level
    handed["mails.second_level"] = scenario.mails.second_level if scenario.mails is not None else 0
    for where, share in handed.items():
        if share:
            yield (
                where,
                f"{share:g} of the requests go to the second level, but there is none; describe second_level",
                "error",
            )
            return


def _check_service(changes: Mapping[str, Any]) -> Iterator[Finding]:
    for path, instead in NOT_SIMULATED.items():
        value: Any = changes
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None:
            yield f"service.{path}", f"is not simulated, so it has no effect: {instead}", "error"


def _check_assumptions(scenario: Scenario, written: Mapping[str, Any]) -> Iterator[Finding]:
    for path, each in scenario.assumptions.items():
        value: Any = written
        for key in path.split("."):
            known = list(value) if isinstance(value, dict) else []
            if key not in known:
                hint = did_you_mean(key, known) or "; write a key of this scenario, its parts joined by dots"
                yield f"assumptions.{path}", f'no such key: "{key}"{hint}', "error"
                value = None
                break
            value = value[key]
        if each.range is None:
            continue
        low, high = each.range
        if low > high:
            yield f"assumptions.{path}.range", f"{low:g} is above {high:g}; swap them", "error"
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and not low <= value <= high:
            yield (
                f"assumptions.{path}.range",
                f"{value:g} is outside {low:g} to {high:g}, the plausible range",
                "warning",
            )
