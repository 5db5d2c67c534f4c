"""Build the inputs of an engine from a scenario: `Builder(study).inputs(replication, seed)`.

A `Builder` calculates once what is not random (rates, paths through the menu, shifts). For each replication it draws
callers, e-mails and operators from named random streams, and counts the calls that do not reach the queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charter.calendar import parse_range
from queue_model.compiled import compiled_or_plain
from queue_model.errors import ModelError
from queue_model.random.streams import Streams
from queue_model.random.ziggurat import Words
from queue_model.scenario.laws import Floats, Patience, mean, same_kind, standard, values, values_by
from queue_model.scenario.period import Period
from queue_model.scenario.schema import TopicSpec
from queue_model.scenario.study import Study
from queue_model.simulation import inputs as engine_inputs
from queue_model.simulation.arrivals import DrawnArrivals, Intensity, day_factors, draw, intensity
from queue_model.simulation.inputs import UNLIMITED, Inputs
from queue_model.simulation.menu_paths import MenuPaths, menu_paths
from queue_model.simulation.roster import roster, schedule_events
from queue_model.simulation.trace_calls import trace_arrivals

array_loops = compiled_or_plain("simulation.array_loops")

Indices = NDArray[np.intp]

OFFICE_DAYS = 60  # days on which the back office continues after the period, to finish its requests


@dataclass(frozen=True, eq=False)
class ReplicationInputs:
    """The inputs of one replication, and the number of calls by how they ended before the queue."""

    inputs: Inputs
    called: int
    left_menu: int  # hung up in the menu without the information
    informed: int  # ended in the menu with the information
    message: int  # sent to the voicemail by the menu: outside hours
    queued: int


class IncomingCalls(NamedTuple):
    """All calls to the number, by time: their random variates, the topics that callers want, their menu paths."""

    arrivals: DrawnArrivals
    variates: Variates
    topics: NDArray[np.int16]
    paths: Indices


class Builder:
    """Builds the inputs of any replication of a study."""

    def __init__(self, study: Study) -> None:
        self.study = study
        scenario = study.scenario
        self._specs: tuple[TopicSpec, ...] = tuple(scenario.topics.values())
        self.calls = _call_intensity(study)
        self._trace = trace_arrivals(study) if scenario.arrivals.trace is not None else None
        self._opens = study.period.is_open(self.calls.edges[:-1])  # a step is entirely open or entirely closed
        self.shares = _topic_shares(study)  # cumulative, [topics] or [steps + 1, topics]
        self._rows = np.ascontiguousarray(np.atleast_2d(self.shares))
        self._row = self.calls.slot % len(self._rows)  # of `_rows`, for each step; -1 is the last row
        self.menu_paths = menu_paths(study)
        self.roster = roster(study)
        self.mails = _mail_intensity(study) if scenario.mails is not None else None
        self.office = _office(study)
        self._policy = _policy(study)

    def inputs(self, replication: int = 0, seed: int | None = None) -> ReplicationInputs:
        """Draw one replication."""
        streams = Streams(self.study.scenario.seed if seed is None else seed, replication)
        calls, built = self._draw_calls(streams)
        made = engine_inputs.build(
            **self._policy,
            **self.office,
            **calls,
            **self._draw_mails(streams),
            **schedule_events(self.roster, self.study, streams),
        )
        return ReplicationInputs(made, *built)

    # calls
    def incoming_calls(self, streams: Streams, *, swings: bool = True) -> IncomingCalls:
        """Draw the calls to the number. `swings`: apply the scenario's random factors within the day."""
        arrivals, period = self.study.scenario.arrivals, self.study.period
        drawn, known = self._trace or (
            draw(self.calls, period, streams, "calls", arrivals.busyness, arrivals.swings if swings else None), None
        )  # fmt: skip
        variates = Variates(streams, drawn.where)
        wants = self._wants(drawn, variates, known)
        opens, step = (self._opens, drawn.step) if known is None else (period.is_open(drawn.at), np.arange(len(wants)))
        chance = np.empty(0) if self.menu_paths.is_certain else variates("calls/way", "uniform")
        return IncomingCalls(drawn, variates, wants, self.menu_paths.choose(wants, step, opens, chance))

    def _draw_calls(self, streams: Streams) -> tuple[dict[str, Any], tuple[int, ...]]:
        scenario, (drawn, variates, wants, path) = self.study.scenario, self.incoming_calls(streams)
        queued_at, queued = self.menu_paths.reach(drawn.at, path, MenuPaths.QUEUE)
        closed_at, closed = self.menu_paths.reach(drawn.at, path, MenuPaths.MESSAGE)
        counts = (len(drawn.at), *self.menu_paths.count_exits(path), len(closed), len(queued))
        # If all calls reach the queue in the order in which they came, no rows need be selected.
        which = slice(None) if len(queued) == len(path) and not self.menu_paths.take_time else queued
        late = variates.of(closed)
        leave = late.below("calls/message", scenario.callers.leaves_message_closed)
        mine = path[which]
        made = {
            "call_at": queued_at,
            "call_topic": _of_paths(self.menu_paths.topic, mine),
            "call_priority": _of_paths(self.menu_paths.priority, mine),
            **self._draw_callers(variates.of(which), wants[which]),
            "closed_at": closed_at,
            "closed_topic": self.menu_paths.topic[path[closed]],
            "closed_leaves_message": leave,
            "closed_callback_work": late.some("calls/callback closed", self._callback_law(), leave, 0.0),
        }
        return made, counts

    def _wants(self, drawn: DrawnArrivals, variates: Variates, known: NDArray[np.int16] | None) -> NDArray[np.int16]:
        """The topic of each call: from the trace, or drawn by the shares."""
        if len(self._specs) == 1:
            return np.zeros(len(drawn.at), dtype=np.int16)
        chance = variates("calls/topic", "uniform")
        wants: NDArray[np.int16] = array_loops.choose_topics(chance, self._rows, self._row, drawn.step)
        return wants if known is None else np.where(known >= 0, known, wants)

    def _callback_law(self) -> Patience:
        handling = self.study.scenario.handling
        return handling.callback if handling.callback is not None else handling.talk

    def _draw_callers(self, mine: Variates, topics: NDArray[np.int16]) -> dict[str, Any]:
        """Draw the callers who reach the queue, [n, attempts]. `topics` are those that they want."""
        scenario = self.study.scenario
        callers, handling = scenario.callers, scenario.handling
        attempts = 1 + (callers.redial.most if callers.redial is not None else 0)
        shares = [handling.second_level if each.second_level is None else each.second_level for each in self._specs]
        once: dict[str, Any] = {
            "talk": mine.laws("calls/talk", [each.talk or handling.talk for each in self._specs], topics),
            "wrap": mine.laws("calls/wrap", [each.wrap or handling.wrap for each in self._specs], topics),
            "leaves_message": mine.below("calls/message", callers.leaves_message),
            "second_level": mine.below("calls/second", np.array(shares)[topics] if any(shares) else 0.0),
        }
        once["callback_work"] = mine.some("calls/callback", self._callback_law(), once["leaves_message"], 0.0)
        offered = self.study.compiled["service"]["survey"]["offered"] and callers.lines  # a survey only affects lines
        if handling.survey is not None and offered:
            stays = mine.below("calls/survey", handling.survey.share)
            once["survey"] = mine.some("calls/survey time", handling.survey.time, stays, 0.0)
        if scenario.second_level is not None and any(shares):
            work = scenario.second_level.work
            once["second_level_work"] = mine.some("calls/second work", work, once["second_level"], 0.0)
        return {"attempts": attempts, **once, **self._draw_attempts(mine, attempts)}

    def _draw_attempts(self, mine: Variates, attempts: int) -> dict[str, Floats]:
        """Draw what differs by attempt, [n, attempts], for those callers who may make the attempt."""
        first = self._draw_attempt(mine, 0, attempts)
        if attempts == 1:
            return first
        # One column per attempt: most callers make one attempt, so later columns are hardly read.
        whole = {name: np.empty((attempts, len(mine.where))) for name in first}
        for name, column in first.items():
            whole[name][0], whole[name][1:] = column, np.inf
        rows, drawn = np.arange(len(mine.where)), first
        for attempt in range(1, attempts):
            rows = rows[np.flatnonzero(drawn["redial_after"] < np.inf)]
            drawn = self._draw_attempt(mine.of(rows), attempt, attempts)
            for name, column in drawn.items():
                whole[name][attempt, rows] = column
        return {name: each.T for name, each in whole.items()}

    def _draw_attempt(self, mine: Variates, attempt: int, attempts: int) -> dict[str, Floats]:
        callers = self.study.scenario.callers
        patience = mine.law(f"calls/patience/{attempt}", callers.patience)
        if callers.balk:
            patience = np.where(mine.below(f"calls/balk/{attempt}", callers.balk), 0.0, patience)
        made = {"patience": patience, "key_after": self._key_after(mine, attempt)}
        if callers.tolerance is not None:
            made["tolerance"] = mine.law(f"calls/tolerance/{attempt}", callers.tolerance)
        if callers.redial is not None:
            if attempt + 1 < attempts:
                again = mine.below(f"calls/redial/{attempt}", callers.redial.share)
                made["redial_after"] = mine.some(f"calls/redial after/{attempt}", callers.redial.after, again, np.inf)
            else:
                made["redial_after"] = np.full(len(mine.where), np.inf)
        return made

    def _key_after(self, mine: Variates, attempt: int) -> Floats:
        """Seconds of waiting until the caller accepts an offer of the voicemail; inf = never."""
        queue = self.study.compiled["service"]["queue"]
        share, every = self.study.scenario.callers.voicemail_key, float(queue["voicemail_offer_every"])
        if not share or queue["voicemail_key"] is None:
            return np.broadcast_to(np.float64(np.inf), len(mine.where))
        if share == 1:
            return np.broadcast_to(np.float64(every), len(mine.where))
        refused = mine(f"calls/key/{attempt}", "exponential")
        refused /= -np.log1p(-share)
        np.floor(refused, out=refused)
        refused += 1
        refused *= every
        return refused

    # e-mails
    def _draw_mails(self, streams: Streams) -> dict[str, Any]:
        mails, second = self.study.scenario.mails, self.study.scenario.second_level
        if mails is None or self.mails is None:
            return {}
        drawn = draw(self.mails, self.study.period, streams, "mails", mails.busyness, None)
        variates = Variates(streams, drawn.where)
        names = self.study.topics
        shares = mails.topics or {name: each.share for name, each in self.study.scenario.topics.items()}
        cumulative = np.cumsum([shares.get(name, 0.0) for name in names])
        topic = np.searchsorted(cumulative, variates("mails/topic", "uniform"), "right")
        made = {
            "mail_at": drawn.at,
            "mail_topic": np.minimum(topic, len(names) - 1).astype(np.int16),
            "mail_work": variates.law("mails/work", mails.work),
            "mail_second_level": variates.below("mails/second", mails.second_level),
        }
        if second is not None and mails.second_level:
            handed = np.asarray(made["mail_second_level"], dtype=np.bool_)
            made["mail_second_level_work"] = variates.some("mails/second work", second.work, handed, 0.0)
        return made


class Variates:
    """The random variates of some arrivals of one replication."""

    def __init__(self, streams: Streams, where: Words) -> None:
        self._streams, self.where = streams, where

    def of(self, rows: Indices | slice) -> Variates:
        """The variates of a subset of the arrivals."""
        return Variates(self._streams, self.where[rows])

    def __call__(self, name: str, kind: str) -> Floats:
        """Standard variates, one for each arrival."""
        return self._streams.at(name, kind, self.where)

    def below(self, name: str, share: float | Floats) -> NDArray[np.bool_]:
        """Whether an event with this probability happens to each."""
        if np.ndim(share) == 0 and share in (0, 1):
            return np.broadcast_to(np.bool_(share), len(self.where))
        return np.asarray(self(name, "uniform") < share)

    def law(self, name: str, law: Patience) -> Floats:
        """Durations of one law, for each."""
        kind = standard(law)
        return values(law, self(name, kind) if kind else None, len(self.where))

    def some(self, name: str, law: Patience, happens: NDArray[np.bool_], otherwise: float) -> Floats:
        """Durations of one law where `happens`, and `otherwise` for the rest."""
        found = np.full(len(self.where), otherwise)
        rows = np.flatnonzero(happens)
        if len(rows):
            found[rows] = self.of(rows).law(name, law)
        return found

    def laws(
        self, name: str, laws: Sequence[Patience], topics: NDArray[np.int16], who: Indices | None = None
    ) -> Floats:
        """Durations by the law of the topic, for each arrival (or for each of `who`)."""
        if who is not None:
            return self.of(who).laws(name, laws, topics)
        distinct = list(dict.fromkeys(map(_Law, laws)))
        if len(distinct) == 1:
            return self.law(name, laws[0])
        which = np.array([distinct.index(_Law(law)) for law in laws])[topics]
        if same_kind([each.law for each in distinct]):
            return values_by([each.law for each in distinct], which, self(name, standard(laws[0])))
        found = np.empty(len(self.where))
        for number, each in enumerate(distinct):
            rows = np.flatnonzero(which == number)
            found[rows] = self.of(rows).law(name, each.law)
        return found


def _of_paths(of_ways: NDArray[np.int16], path: Indices) -> NDArray[np.int16]:
    """The value of each caller's path; a broadcast constant if all paths have the same."""
    if len(of_ways) and (of_ways == of_ways[0]).all():
        return np.broadcast_to(of_ways[0], len(path))
    return np.asarray(of_ways[path])


class _Law:
    """A hashable law, even if it contains lists."""

    def __init__(self, law: Patience) -> None:
        self.law = law

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Law) and type(self.law) is type(other.law) and self.law == other.law

    def __hash__(self) -> int:
        return hash(type(self.law))


# --- what is not random ----------------------------------------------------------------------------------------------


def _call_intensity(study: Study) -> Intensity:
    arrivals, period = study.scenario.arrivals, study.period
    open_days, closed_days = day_factors(period, arrivals.weekdays, arrivals.months, arrivals.special_days)
    opens, flows = period.opens, []
    ordinary = arrivals.per_day + (arrivals.outside.per_day if arrivals.outside is not None else 0.0)
    parts = [(arrivals.profile, arrivals.per_day)]
    if arrivals.outside is not None:
        parts.append((arrivals.outside.profile, arrivals.outside.per_day))
    for profile, per_day in parts:
        # On closed days the profile is the same, with fewer calls.
        share = per_day / ordinary if ordinary else 1 / len(parts)
        flows.append((profile, np.where(opens, per_day * open_days, arrivals.closed_days * share * closed_days)))
    return intensity(period, flows, arrivals.profile)


def _mail_intensity(study: Study) -> Intensity:
    mails = study.scenario.mails
    if mails is None:
        raise ModelError("mails: missing; describe them in the scenario")
    open_days, closed_days = day_factors(study.period, mails.weekdays, mails.months, mails.special_days)
    per_day = np.where(study.period.opens, mails.per_day * open_days, mails.closed_days * closed_days)
    return intensity(study.period, [(mails.profile, per_day)], mails.profile)


def _topic_shares(study: Study) -> Floats:
    """Cumulative shares of the topics, [topics]; with profiles by step, and outside them, [steps + 1, topics]."""
    specs = list(study.scenario.topics.values())
    shares = np.array([each.share for each in specs])
    if study.scenario.arrivals.trace is not None or all(each.profile is None for each in specs):
        return np.cumsum(shares)
    steps = len(study.scenario.arrivals.profile.weights)
    weights = np.array([each.profile if each.profile is not None else [1.0] * steps for each in specs]).T * shares
    whole = weights.sum(axis=1, keepdims=True)
    mixed = np.where(whole > 0, weights / np.where(whole > 0, whole, 1), shares)
    return np.asarray(np.cumsum(np.vstack((mixed, shares)), axis=1))  # the last row is step -1


def _policy(study: Study) -> dict[str, Any]:
    scenario, queue = study.scenario, study.compiled["service"]["queue"]
    limits, handling = scenario.queue, scenario.handling
    longest_wait = float(queue["longest_wait"]) if limits.longest_wait is None else limits.longest_wait
    longest_queue = queue["longest_queue"] if limits.longest_queue is None else limits.longest_queue
    # As `ivr.dialplan.empty_policy` sets on the switch: who may join the queue, and who must leave it.
    nobody_free = queue["all_busy"]["means"] == "nobody_free"
    to_voicemail = queue["all_busy"]["then"] == "voicemail"
    handle = [mean(each.talk or handling.talk) + mean(each.wrap or handling.wrap) for each in scenario.topics.values()]
    return {
        "seats": scenario.operators.seats or queue["seats"],
        "longest_wait": np.inf if limits.unlimited else longest_wait,
        "longest_queue": UNLIMITED if limits.unlimited else longest_queue,
        "busy_then_voicemail": nobody_free and to_voicemail,
        "empty_then_voicemail": (nobody_free or to_voicemail) and not limits.unlimited,
        "lines": scenario.callers.lines,
        "reserve": scenario.operators.reserve,
        "put_down": scenario.operators.put_down_emails,
        "announced": scenario.callers.announced,
        "mean_handle": float(np.dot(handle, [each.share for each in scenario.topics.values()])),
        "open_from": study.period.open_from,
        "open_until": study.period.open_until,
    }


def _office(study: Study) -> dict[str, Any]:
    second = study.scenario.second_level
    if second is None:
        return {}
    span = parse_range(second.hours)
    longer = Period(study.period.first, study.period.days + OFFICE_DAYS, study.hours)
    days = np.flatnonzero(longer.opens)
    return {
        "office_people": second.people,
        "office_from": np.array([longer.seconds(int(day), span.start) for day in days]),
        "office_until": np.array([longer.seconds(int(day), span.until) for day in days]),
    }
