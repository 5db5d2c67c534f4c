"""Fits a scenario to the queue_log of the switch: arrivals, talk, patience, redials, voicemail, with intervals.

A queue_log only contains callers who reached the queue. What happened before (the menu) comes from the facts, or else
from the menu of the base scenario. What the log does not contain (wrap-up, topics, e-mails) is taken from the base, and
a note says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from ivr import facts
from queue_model.errors import ModelError
from queue_model.fitting import redials
from queue_model.fitting.arrivals import STEP, FittedArrivals, date_range, fit_arrivals
from queue_model.fitting.kaplan_meier import SurvivalCurve, survival_curve
from queue_model.fitting.maximum_likelihood import Fit, FittedValue, best_fit, fit_share, rounded
from queue_model.fitting.queue_log import QueueLog, Visit
from queue_model.scenario.derived import finite, measured
from queue_model.scenario.study import Study
from queue_model.simulation.menu_paths import MenuPaths, menu_paths

WINDOW = 7200.0  # s; a second call of a number within this time is another attempt
USUAL_ATTEMPTS = 2  # after the first, if the base does not say


@dataclass
class Parameter:
    """A fitted parameter, with what was observed."""

    path: str  # in the scenario
    name: str
    estimate: FittedValue
    unit: str
    seen: str = ""


@dataclass
class Calibration:
    """The fitted values for the scenario. A part with too few data keeps the base's values, with a note."""

    days: list[date]
    parameters: list[Parameter] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    assumptions: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    arrivals: FittedArrivals | None = None
    patience: Fit | None = None
    patient: SurvivalCurve | None = None
    talk: Fit | None = None

    def set_value(self, path: str, value: Any, comment: str, source: str, interval: FittedValue | None = None) -> None:
        """Set a value of the scenario and its origin."""
        *above, last = path.split(".")
        section = self.values
        for key in above:
            section = section.setdefault(key, {})
        section[last] = value
        ends = (interval.low, interval.high) if interval is not None else (None, None)
        self.assumptions[path] = measured(comment, source, *ends)


def calibrate(log: QueueLog, study: Study, folder: str | None = None, window: float = WINDOW) -> Calibration:
    """Fit the log. `folder`: the spool of facts. Raises ModelError if not even arrivals can be fitted."""
    visits = [visit for visit in log.visits if study.hours.is_open(visit.at)]
    result = Calibration([], notes=log.notes())
    if len(visits) < len(log.visits):
        outside = len(log.visits) - len(visits)
        result.notes.append(f"{outside} visits began outside the opening hours of service.yaml and are left out")
    if not visits:
        raise ModelError("no visit within the opening hours; check that config/service.yaml belongs to this switch")
    span = (float(log.visits[0].at), float(max(visit.at + (visit.wait or 0) for visit in log.visits)))
    fresh = _redials(result, visits, study, window, span[1])
    _arrivals(result, visits, fresh * _first_stays(result, visits), study, span, folder)
    for part, fit_part in (("talk", _talk), ("patience", _patience), ("voicemail by key", _key)):
        _attempt(result, part, fit_part, visits, study)
    result.notes.append("wrap-up, topics, e-mails, operators and hours outside service are those of the base")
    return result


def _attempt(
    result: Calibration, part: str, fit_part: Callable[[Calibration, list[Visit], Study], None],
    visits: list[Visit], study: Study,
) -> None:  # fmt: skip
    try:
        fit_part(result, visits, study)
    except ModelError as problem:
        result.notes.append(f"{part}: {problem}; the base's value is kept")


def source(result: Calibration) -> str:
    """The origin of the values."""
    return f"queue_log, {date_range(result.days)}" if result.days else "queue_log"


# --- the parts -------------------------------------------------------------------------------------------------------


def _redials(
    result: Calibration, visits: list[Visit], study: Study, window: float, log_ends: float
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Fit redials. Returns for each visit the probability that it is a first attempt."""
    stated = study.scenario.callers.redial
    most = stated.most if stated is not None else USUAL_ATTEMPTS
    known = np.array([bool(visit.caller) for visit in visits])
    gave_up = sum(visit.end == "abandoned" for visit in visits)
    if not known.any():
        again = stated.share * gave_up / len(visits) if stated is not None else 0.0
        result.notes.append("redials: no numbers in the log; the arrivals are reduced by the base's redials")
        return np.full(len(visits), 1 - min(again, 0.9))
    found = redials.find_redials(visits, window, most, lambda at: min(study.hours.next_change(at), log_ends))
    first = 1.0 - np.array(found.again, float)
    first[~known] = first[known].mean()
    if not known.all():
        hidden = f"redials: {1 - known.mean():.1%} of the visits have no number and are assumed to be like the others"
        result.notes.append(
            f"{hidden}; a caller who hides the number only on the second call is not counted as calling again"
        )
    try:
        fitted = redials.fit_redials(found)
    except ModelError as problem:
        result.notes.append(f"redials: {problem}; the base's value is kept")
        return first
    rule = {"share": rounded(fitted.share.value), "after": _exponential(fitted.mean.value), "most": most}
    seen = f"{len(found.after)} of {len(found.after) + len(found.watched)} within {window / 60:g} min"
    result.parameters.append(
        Parameter("callers.redial.share", "call again after giving up", fitted.share, "share", seen)
    )
    mean = f"{np.mean(found.after):.0f} s within the window"
    result.parameters.append(Parameter("callers.redial.after", "mean time until the next call", fitted.mean, "s", mean))
    comment = f"Share {_interval(fitted.share, 3)}, mean {_interval(fitted.mean, 4)} s; from {seen}."
    result.set_value("callers.redial", rule, comment, "queue_log")
    return first


def _first_stays(result: Calibration, visits: list[Visit]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """1 for the first stay of each call in a queue, 0 for further stays of the same call."""
    positions: dict[str, int] = {}
    first = np.array([positions.setdefault(visit.call, n) == n for n, visit in enumerate(visits)], float)
    again = len(visits) - len(positions)
    if again:
        result.notes.append(
            f"{again} visits are further stays of a call that was already in a queue; they are no new arrivals"
        )
    return first


def _exponential(mean: float) -> dict[str, Any]:
    return {"law": "exponential", "mean": rounded(mean)}


def _arrivals(
    result: Calibration, visits: list[Visit], fresh: Any, study: Study, span: tuple[float, float], folder: str | None
) -> None:
    at = np.array([visit.at for visit in visits], float)
    found = fit_arrivals(at, fresh, study.hours, study.scenario.arrivals, span)
    result.arrivals, result.days = found, found.days
    if found.silent:
        days = ", ".join(map(str, found.silent[:5]))
        more = " and more" if len(found.silent) > 5 else ""
        result.notes.append(f"open days without a call, not used: {days}{more}")
    reach, how = _reach(study, folder, found.days)
    result.notes.append(f"calls at the number: {how}")
    per_day = FittedValue(*(each / reach for each in found.per_day))
    where, mean = source(result), float(found.counts.sum()) / len(found.days)
    seen = f"{mean:.1f} first attempts reach the queue"
    result.parameters.append(Parameter("arrivals.per_day", "calls per day, all factors 1", per_day, "calls", seen))
    result.set_value("arrivals.per_day", rounded(per_day.value), f"{_interval(per_day, 4)}; {how}.", where, per_day)
    weights = [rounded(each.value / reach) for each in found.profile]
    start = f"{found.begin // 60:02}:{found.begin % 60:02}"
    parts = "; ".join(_interval(FittedValue(*(x / reach for x in each)), 3) for each in found.profile)
    profile = {"from": start, "step_minutes": STEP, "weights": weights}
    result.set_value("arrivals.profile", profile, f"Calls by half-hour: {parts}.", where)
    factors = {name: rounded(each.value) for name, each in found.weekdays.items()}
    for name, each in found.weekdays.items():
        result.parameters.append(Parameter(f"arrivals.weekdays.{name}", name.capitalize(), each, "factor"))
    week = "; ".join(f"{name} {_interval(each, 3)}" for name, each in found.weekdays.items())
    result.set_value("arrivals.weekdays", factors, f"{week}.", where)
    shape = found.busyness
    spread = f"days differ by {100 / np.sqrt(shape.value):.1f} % beyond chance"
    result.parameters.append(Parameter("arrivals.busyness", "busyness (gamma shape)", shape, "shape", spread))
    known = rounded(shape.value) if np.isfinite(shape.value) and shape.value < 1e6 else None
    result.set_value("arrivals.busyness", known, f"{_interval(shape, 3)}; {spread}.", where, shape)
    if study.scenario.arrivals.swings is not None:
        result.set_value("arrivals.swings", None, "The measured spread of whole days is all in busyness.", where)
    topics = study.scenario.topics
    for name in (name for name, topic in topics.items() if topic.profile is not None):
        result.values.setdefault("topics", {}).setdefault(name, {})["profile"] = None


def _reach(study: Study, folder: str | None, days: list[date]) -> tuple[float, str]:
    """The share of the calls at the number that reach the queue, and the source of that value."""
    if folder is not None:
        counted, covered = {"answered": set[str](), "handed_over": set[str]()}, set(days)
        try:
            for fact in facts.read(folder):
                if (
                    fact.kind in counted
                    and study.hours.is_open(fact.at)
                    and study.hours.local(fact.at).date() in covered
                ):
                    counted[fact.kind].add(fact.call)
        except ValueError as problem:
            raise ModelError(f"{problem}; move that segment out of the spool") from None
        both = len(counted["handed_over"] & counted["answered"])
        if not both:
            raise ModelError(
                f"--facts {folder}: no call on the days of the log reached the queue; give the folder of the spool"
            )
        part = fit_share(both, len(counted["answered"]))
        return part.value, f"facts: {_interval(part, 4)} of the callers reach the queue"
    paths = menu_paths(study)
    chance = 0.0
    for topic, spec in enumerate(study.scenario.topics.values()):
        own = slice(int(paths.first[2 * topic + 1]), int(paths.first[2 * topic + 2]))
        chance += spec.share * float(paths.chance[own][paths.ending[own] == MenuPaths.QUEUE].sum())
    if not chance:
        raise ModelError("the menu of the base leads no caller to the queue; choose another base scenario")
    return chance, f"in the base's menu {chance:.1%} of the callers reach the queue; --facts measures it"


def _talk(result: Calibration, visits: list[Visit], study: Study) -> None:
    seen = np.array([visit.talk for visit in visits if visit.talk is not None], float)
    unknown = sum(visit.end == "answered" and visit.talk is None for visit in visits)
    if unknown:
        result.notes.append(f"talk: the length of {unknown} answered calls is unknown (transferred or cut off)")
    fitted = best_fit(("lognormal", "gamma"), seen)
    result.talk = fitted
    p50, p90 = np.quantile(seen, (0.5, 0.9))
    spread = f"mean {seen.mean():.1f}, median {p50:.0f}, p90 {p90:.0f}"
    result.parameters.append(Parameter("handling.talk", f"talk, {fitted.law}, mean", fitted.mean, "s", spread))
    _put_law(result, "handling.talk", fitted, f"{len(seen)} talks")
    own = [name for name, topic in study.scenario.topics.items() if topic.talk is not None]
    for name in own:
        result.values.setdefault("topics", {}).setdefault(name, {})["talk"] = None
    if own:
        result.notes.append(f"talk: the log has no topics; {', '.join(own)} use the common law")


def _put_law(result: Calibration, path: str, fitted: Fit, seen: str) -> None:
    text = f"{fitted.law}, mean {_interval(fitted.mean, 4)} s"
    if fitted.shape is not None:
        name = "sigma" if fitted.law == "lognormal" else "shape"
        text += f", {name} {_interval(fitted.shape, 3)}"
        result.parameters.append(Parameter(path, f"  its {name}", fitted.shape, "shape"))
    result.set_value(path, fitted.scenario(), f"{text}; from {seen}.", source(result))


def _patience(result: Calibration, visits: list[Visit], study: Study) -> None:
    left = [visit.wait for visit in visits if visit.end == "abandoned"]
    gave_up = np.array([wait for wait in left if wait is not None], float)
    others = [visit.wait for visit in visits if visit.end not in ("abandoned", "open", "lost")]
    censored = np.array([wait for wait in others if wait is not None], float)
    if len(gave_up) < 20:
        raise ModelError(f"{len(gave_up)} callers gave up; too few for a fit")
    fitted = best_fit(("exponential", "weibull"), gave_up, censored)
    result.patience, result.patient = fitted, survival_curve(gave_up, censored)
    seen = f"{len(gave_up)} gave up, mean wait {gave_up.mean():.0f}; {len(censored)} censored"
    result.parameters.append(Parameter("callers.patience", f"patience, {fitted.law}, mean", fitted.mean, "s", seen))
    _put_law(result, "callers.patience", fitted, seen)
    if study.scenario.callers.balk:
        result.set_value("callers.balk", 0, "Callers who left at once are counted in patience.", source(result))


def _key(result: Calibration, visits: list[Visit], study: Study) -> None:
    queue = study.compiled["service"]["queue"]
    every, key = float(queue["voicemail_offer_every"]), queue["voicemail_key"]
    waits = [(visit.end, visit.wait) for visit in visits if visit.wait is not None]
    pressed = sum(end == "key" for end, _ in waits)
    if key is None or not every:
        if pressed:
            result.notes.append(f"{pressed} left by key, but service.yaml offers no key (queue.voicemail_key)")
        return
    offers = sum(max(1, round(wait / every)) if end == "key" else int(wait // every) for end, wait in waits)
    part = fit_share(pressed, offers)
    left = f"{pressed} of {len(waits)} visits ({pressed / len(waits):.1%}) left by key, at {offers} offers"
    result.parameters.append(Parameter("callers.voicemail_key", "choose voicemail, per offer", part, "share", left))
    comment = f"{_interval(part, 3)}; {left}."
    result.set_value("callers.voicemail_key", rounded(part.value), comment, source(result), part)


def _interval(estimate: FittedValue, digits: int) -> str:
    value, low, high = (f"{finite(x):.{digits}g}" if x < 1e6 else "no limit" for x in estimate)
    return f"{value} ({low} to {high})"
