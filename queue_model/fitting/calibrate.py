"""From the switch's own log to a scenario: arrivals, talk, patience, redials, voicemail by key, each with its interval.

A queue_log knows those who reached the queue. What happened before (the menu) comes from the facts when they are given,
else from the walks of the scenario that is the base; what the log cannot know (wrap-up, topics, e-mails) stays as it is
there, and is said.
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
from queue_model.simulation.menu_paths import Ways, ways

WINDOW = 7200.0  # s within which a second call of a number is another attempt
USUAL_ATTEMPTS = 2  # after the first, where the base says nothing


@dataclass
class Parameter:
    """One fitted value beside what was seen."""

    path: str  # in the scenario
    name: str
    estimate: FittedValue
    unit: str
    seen: str = ""


@dataclass
class Calibration:
    """What was found. `values` are the scenario's; a part whose data are too few keeps the base's, and says so."""

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
        """Write a value, and where it comes from."""
        *above, last = path.split(".")
        place = self.values
        for key in above:
            place = place.setdefault(key, {})
        place[last] = value
        ends = (interval.low, interval.high) if interval is not None else (None, None)
        self.assumptions[path] = measured(comment, source, *ends)


def calibrate(log: QueueLog, study: Study, folder: str | None = None, window: float = WINDOW) -> Calibration:
    """Fit what the log tells. `folder`: the spool of facts. Raises ModelError when not even arrivals can be told."""
    visits = [visit for visit in log.visits if study.hours.is_open(visit.at)]
    result = Calibration([], notes=log.notes())
    if len(visits) < len(log.visits):
        outside = len(log.visits) - len(visits)
        result.notes.append(f"{outside} visits began outside the opening hours of service.yaml and are left out")
    if not visits:
        raise ModelError("no visit within the opening hours; is config/service.yaml that of this switch?")
    span = (float(log.visits[0].at), float(max(visit.at + (visit.wait or 0) for visit in log.visits)))
    fresh = _redials(result, visits, study, window, span[1])
    _arrivals(result, visits, fresh * _first_stays(result, visits), study, span, folder)
    for part, fit_part in (("talk", _talk), ("patience", _patience), ("voicemail by key", _key)):
        _attempt(result, part, fit_part, visits, study)
    result.notes.append("wrap-up, topics, e-mails, operators and hours outside service stay those of the base")
    return result


def _attempt(
    result: Calibration, part: str, fit_part: Callable[[Calibration, list[Visit], Study], None],
    visits: list[Visit], study: Study,
) -> None:  # fmt: skip
    try:
        fit_part(result, visits, study)
    except ModelError as problem:
        result.notes.append(f"{part}: {problem}; the base's value stays")


def source(result: Calibration) -> str:
    """Where the values come from."""
    return f"queue_log, {date_range(result.days)}" if result.days else "queue_log"


# --- the parts -------------------------------------------------------------------------------------------------------


def _redials(
    result: Calibration, visits: list[Visit], study: Study, window: float, log_ends: float
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Fit redials; return for each visit the chance that it is somebody's first attempt."""
    stated = study.scenario.callers.redial
    most = stated.most if stated is not None else USUAL_ATTEMPTS
    known = np.array([bool(visit.caller) for visit in visits])
    gave_up = sum(visit.end == "abandoned" for visit in visits)
    if not known.any():
        again = stated.share * gave_up / len(visits) if stated is not None else 0.0
        result.notes.append("redials: no numbers in the log; the base's redials are taken off the arrivals")
        return np.full(len(visits), 1 - min(again, 0.9))
    found = redials.find_redials(visits, window, most, lambda at: min(study.hours.next_change(at), log_ends))
    first = 1.0 - np.array(found.again, float)
    first[~known] = first[known].mean()
    if not known.all():
        hidden = f"redials: {1 - known.mean():.1%} of the visits show no number and are taken to be like the others"
        result.notes.append(f"{hidden}; who hides it only the second time is not seen to call again")
    try:
        fitted = redials.fit_redials(found)
    except ModelError as problem:
        result.notes.append(f"redials: {problem}; the base's value stays")
        return first
    rule = {"share": rounded(fitted.share.value), "after": _exponential(fitted.mean.value), "most": most}
    seen = f"{len(found.after)} of {len(found.after) + len(found.watched)} within {window / 60:g} min"
    result.parameters.append(
        Parameter("callers.redial.share", "call again after giving up", fitted.share, "share", seen)
    )
    mean = f"{np.mean(found.after):.0f} s within the window"
    result.parameters.append(Parameter("callers.redial.after", "mean time until then", fitted.mean, "s", mean))
    comment = f"Share {_interval(fitted.share, 3)}, mean {_interval(fitted.mean, 4)} s; from {seen}."
    result.set_value("callers.redial", rule, comment, "queue_log")
    return first


def _first_stays(result: Calibration, visits: list[Visit]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """1 for the first stay of each call, 0 where it only goes on to another queue, or back into the same."""
    places: dict[str, int] = {}
    first = np.array([places.setdefault(visit.call, place) == place for place, visit in enumerate(visits)], float)
    again = len(visits) - len(places)
    if again:
        result.notes.append(f"{again} visits are further stays of a call that was in a queue before: no new arrivals")
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
        result.notes.append(f"open days without a call, left out: {days}{more}")
    reach, how = _reach(study, folder, found.days)
    result.notes.append(f"calls at the number: {how}")
    per_day = FittedValue(*(each / reach for each in found.per_day))
    where, mean = source(result), float(found.counts.sum()) / len(found.days)
    seen = f"{mean:.1f} reach the queue for the first time"
    result.parameters.append(Parameter("arrivals.per_day", "calls a day, all factors 1", per_day, "calls", seen))
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
        result.set_value("arrivals.swings", None, "The spread of whole days, measured, is all in busyness.", where)
    topics = study.scenario.topics
    for name in (name for name, topic in topics.items() if topic.profile is not None):
        result.values.setdefault("topics", {}).setdefault(name, {})["profile"] = None


def _reach(study: Study, folder: str | None, days: list[date]) -> tuple[float, str]:
    """The share of the calls at the number that reach the queue, and where that is from."""
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
            raise ModelError(f"--facts {folder}: no call of the log's days reached the queue; give the spool's folder")
        part = fit_share(both, len(counted["answered"]))
        return part.value, f"facts: {_interval(part, 4)} of the callers reach the queue"
    laid = ways(study)
    chance = 0.0
    for topic, spec in enumerate(study.scenario.topics.values()):
        mine = slice(int(laid.first[2 * topic + 1]), int(laid.first[2 * topic + 2]))
        chance += spec.share * float(laid.chance[mine][laid.ending[mine] == Ways.QUEUE].sum())
    if not chance:
        raise ModelError("the base's menu leads nobody to the queue; base it on another scenario")
    return chance, f"in the base's menu {chance:.1%} of the callers reach the queue; --facts would measure it"


def _talk(result: Calibration, visits: list[Visit], study: Study) -> None:
    seen = np.array([visit.talk for visit in visits if visit.talk is not None], float)
    unknown = sum(visit.end == "answered" and visit.talk is None for visit in visits)
    if unknown:
        result.notes.append(f"talk: of {unknown} answered calls the length is not known (transferred, or cut off)")
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
        result.notes.append(f"talk: the log tells no topics; {', '.join(own)} take the common law")


def _put_law(result: Calibration, path: str, fitted: Fit, seen: str) -> None:
    words = f"{fitted.law}, mean {_interval(fitted.mean, 4)} s"
    if fitted.shape is not None:
        name = "sigma" if fitted.law == "lognormal" else "shape"
        words += f", {name} {_interval(fitted.shape, 3)}"
        result.parameters.append(Parameter(path, f"  its {name}", fitted.shape, "shape"))
    result.set_value(path, fitted.scenario(), f"{words}; from {seen}.", source(result))


def _patience(result: Calibration, visits: list[Visit], study: Study) -> None:
    gave_up = np.array([visit.wait for visit in visits if visit.end == "abandoned"], float)
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
        result.set_value("callers.balk", 0, "Who left at once is counted in patience.", source(result))


def _key(result: Calibration, visits: list[Visit], study: Study) -> None:
    queue = study.compiled["service"]["queue"]
    every, key = float(queue["voicemail_offer_every"]), queue["voicemail_key"]
    waits = [(visit.end, visit.wait) for visit in visits if visit.wait is not None]
    pressed = sum(end == "key" for end, _ in waits)
    if key is None or not every:
        if pressed:
            result.notes.append(f"{pressed} left by key, but service.yaml offers none (queue.voicemail_key)")
        return
    offers = sum(max(1, round(wait / every)) if end == "key" else int(wait // every) for end, wait in waits)
    part = fit_share(pressed, offers)
    left = f"{pressed} of {len(waits)} visits ({pressed / len(waits):.1%}) left by key, at {offers} offers"
    result.parameters.append(Parameter("callers.voicemail_key", "take the voicemail, an offer", part, "share", left))
    comment = f"{_interval(part, 3)}; {left}."
    result.set_value("callers.voicemail_key", rounded(part.value), comment, source(result), part)


def _interval(estimate: FittedValue, digits: int) -> str:
    value, low, high = (f"{finite(x):.{digits}g}" if x < 1e6 else "no limit" for x in estimate)
    return f"{value} ({low} to {high})"
