"""Whether what a scenario asks can be: mistakes that no type can see, as (path, message, severity), all of them."""

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

ROUNDING = 1e-6  # by which shares may miss 1
MOST = 100_000_000  # calls, or e-mails, of one replication: some 20 GB

# What the telephone does and the model leaves out: changed by a scenario it would change nothing.
NOT_SIMULATED = {
    "queue.ring_seconds": "whoever is free answers at once",
    "queue.wrap_up_seconds": "handling.wrap is the time until an operator is free again; write that",
    "queue.announce_every": "callers.announced and callers.tolerance say what callers make of a wait; write those",
    "limits.longest_call_seconds": "handling.talk is how long people talk; write that",
    "callbacks": "a call-back is made once, and takes as long as handling.callback; write that",
}


def check(scenario: Scenario, written: Mapping[str, Any], compiled: Compiled, folder: str) -> Iterator[Finding]:
    """Every mistake. `written`: the scenario as plain values; `folder`: where its trace is looked for."""
    if scenario.period.settle >= scenario.period.days:
        yield (
            "period.settle",
            f"{scenario.period.settle} of {scenario.period.days} days; none would be measured",
            "error",
        )
    if scenario.period.first.year not in YEARS:
        what = f"{scenario.period.first} is no day of a service; write a year from {YEARS[0]} to {YEARS[-1]}"
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
    """Minutes after midnight of a time of day. ValueError says what is wrong with it."""
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
        yield f"{where}.weights", f"{many} go beyond midnight; at most {most}", "error"
    if expected and not sum(profile.weights):
        yield f"{where}.weights", f"all 0, so the {expected:g} of a day have no time to come; write some", "error"


def _check_special_days(where: str, flow: Arrivals | Mails) -> Iterator[Finding]:
    for index, each in enumerate(flow.special_days):
        if each.last is not None and each.last < each.first:
            what = f"{each.last} is before the first day, {each.first}; exchange them"
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
            what = f"the menu hands callers over with topic {topic_name}, which is not described here; write it"
            yield f"topics.{topic_name}", what + " (its share may be 0)", "error"


def _menu_topics(compiled: Compiled) -> set[str]:
    """Every topic with which the menu may hand a caller over."""
    nodes: Mapping[str, Any] = compiled["menu"]["nodes"]
    kinds = ("inform", "queue")
    found = {node["topic"] for node in nodes.values() if node["kind"] in kinds and node["topic"] is not None}
    return found | {OTHER_TOPIC}  # of a caller who chose none


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
        yield "menu", f"{' + '.join(slips)} add up to {sum(slips.values()):g}, more than every caller", "error"
    if menu.hang_up == 1:
        yield "menu.hang_up", "1, so nobody gets through the menu", "error"
    if (menu.nothing == 1 or menu.wrong == 1 or menu.repeat == 1) and menu.walk:
        yield "menu", "nobody ever presses a key that means something; lower nothing, wrong or repeat", "error"


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
    nobodys = [name for name, each in scenario.topics.items() if each.share and not _taken(name, scenario)]
    if nobodys and any(each.operators for each in scenario.operators.shifts.values()):
        yield "operators.shifts", f"nobody takes {', '.join(nobodys)}; write it among the topics of a shift", "error"
    yield from _check_people(scenario, compiled)
    yield from _check_seats(scenario, compiled, spans, open_hours)


def _taken(topic: str, scenario: Scenario) -> bool:
    """Whether anybody takes callers who want this."""
    shifts = scenario.operators.shifts.values()
    return any(each.operators and (each.topics is None or topic in each.topics) for each in shifts)


def shift_days(shift: Shift, open_hours: Mapping[str, list[Range]]) -> tuple[Weekday, ...]:
    """The weekdays on which a shift is worked: those written, else all on which the service opens."""
    if shift.weekdays is not None:
        return tuple(shift.weekdays)
    return tuple(day for day in get_args(Weekday) if open_hours[day])


def _check_open(where: str, shift: Shift, span: Range, open_hours: Mapping[str, list[Range]]) -> Iterator[Finding]:
    for day in shift_days(shift, open_hours):
        if not open_hours[day]:
            yield where, f"worked on {day}, but the service is closed then; change weekdays, or service.hours", "error"
        elif not any(each.start <= span.start and span.until <= each.until for each in _joined(open_hours[day])):
            hours = ", ".join(_clock(each) for each in open_hours[day])
            yield where, f"{_clock(span)} is outside the hours of {day}, {hours}; move the shift or the hours", "error"
            return


def _joined(ranges: list[Range]) -> list[Range]:
    """Ranges of one day, those that touch made one; a shift may also span a midday closure."""
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
            what = f"the break{groups} lasts from {pause.at} to {_time(end)}, beyond the shift, {_clock(span)}"
            yield f"{where}.breaks[{index}]", f"{what}; move it or make fewer groups", "error"
        taken.append((begin, end))
    for before, after in pairwise(sorted(taken)):
        if after[0] < before[1]:
            yield f"{where}.breaks", f"one is to start at {_time(after[0])}, before another is over", "error"


def _time(minutes: float) -> str:
    return f"{int(minutes) // 60:02}:{int(minutes) % 60:02}"


def _check_people(scenario: Scenario, compiled: Compiled) -> Iterator[Finding]:
    wanted = sum(each.operators for each in scenario.operators.shifts.values())
    people = scenario.operators.people or compiled["service"]["queue"]["operators"]
    if wanted > people:
        what = f"{wanted} people in all shifts together, but there are {people}; lower them, or write operators.people"
        yield "operators.shifts", what, "error"
    if not wanted:
        yield "operators.shifts", "nobody works in any shift; write at least one operator", "error"
    work = scenario.mails is not None or scenario.callers.leaves_message or scenario.callers.leaves_message_closed
    if work and scenario.operators.reserve >= wanted:
        what = (
            f"{scenario.operators.reserve} of {wanted} people are kept free, so e-mails and call-backs are never done"
        )
        yield "operators.reserve", what, "error"


def _check_seats(
    scenario: Scenario, compiled: Compiled, spans: Mapping[str, Range], open_hours: Mapping[str, list[Range]]
) -> Iterator[Finding]:
    """More people at once than seats: the moments at which a shift starts are enough to look at."""
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
            yield where, f"{share:g} are handed over, but nobody is there; describe second_level", "error"
            return


def _check_service(changes: Mapping[str, Any]) -> Iterator[Finding]:
    for path, instead in NOT_SIMULATED.items():
        value: Any = changes
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None:
            yield f"service.{path}", f"is not simulated, so it would change nothing: {instead}", "error"


def _check_assumptions(scenario: Scenario, written: Mapping[str, Any]) -> Iterator[Finding]:
    for path, each in scenario.assumptions.items():
        value: Any = written
        for key in path.split("."):
            known = list(value) if isinstance(value, dict) else []
            if key not in known:
                hint = did_you_mean(key, known) or "; write a key of this scenario, its parts joined by dots"
                yield f"assumptions.{path}", f'nothing is written there: no "{key}"{hint}', "error"
                value = None
                break
            value = value[key]
        if each.range is None:
            continue
        low, high = each.range
        if low > high:
            yield f"assumptions.{path}.range", f"from {low:g} down to {high:g}; exchange them", "error"
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and not low <= value <= high:
            yield (
                f"assumptions.{path}.range",
                f"{value:g} is outside {low:g} to {high:g}, the range that is thinkable",
                "warning",
            )
