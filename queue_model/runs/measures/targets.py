"""Promises of the Carta and targets of a scenario as bounds of measures, and whether an interval meets them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from charter.promises import describe
from common.italian import Inserted
from common.languages import Language, number_text
from queue_model.runs.measures.estimates import Estimate
from queue_model.scenario.study import Study

Verdict = Literal["holds", "fails", "too close to tell", "nothing to judge"]

TEXTS: dict[Language, dict[str, str]] = {
    "it": {"at least": "almeno {:il}", "at most": "al più {:il}", "seconds": "al più {} s"},
    "en": {"at least": "at least {}", "at most": "at most {}", "seconds": "at most {} s"},
}
MOST = 400  # replications, at most, to decide a close case


@dataclass(frozen=True)
class Bound:
    """A measure and the value that it must reach or must not exceed. `text`: the same for people."""

    measure: str
    value: float
    at_least: bool
    text: str

    def judge(self, estimate: Estimate) -> Verdict:
        return judge(estimate, self.value, at_least=self.at_least)


def judge(estimate: Estimate, value: float, *, at_least: bool) -> Verdict:
    """Judge by the whole interval. A single replication has no interval, so it decides nothing."""
    if estimate.value is None:
        return "nothing to judge"
    if estimate.low is None or estimate.high is None:
        return "too close to tell"
    good, bad = (estimate.low, estimate.high) if at_least else (-estimate.high, -estimate.low)
    bound = value if at_least else -value
    return "holds" if good >= bound else "fails" if bad < bound else "too close to tell"


def bounds(study: Study, language: Language = "en") -> Iterator[Bound]:
    """The bounds of a study: promises about work that it contains, and its targets."""
    texts = TEXTS[language]
    scenario = study.scenario
    work = {
        "on_time_email": scenario.mails is not None,
        "on_time_second_level": scenario.second_level is not None,
        "on_time_callback": bool(scenario.callers.leaves_message or scenario.callers.leaves_message_closed),
    }
    for name, promise in study.promises.items():
        if work[name]:
            yield Bound(name, promise.share, True, describe(promise, language))
    targets = study.scenario.targets
    for name, value in (("service_level", targets.service_level), ("answer_rate", targets.answer_rate)):
        if value is not None:
            yield Bound(name, value, True, texts["at least"].format(_share_text(value, language)))
    if targets.abandonment is not None:
        yield Bound(
            "abandonment",
            targets.abandonment,
            False,
            texts["at most"].format(_share_text(targets.abandonment, language)),
        )
    if targets.wait_mean is not None:
        yield Bound(
            "wait_mean_answered",
            targets.wait_mean,
            False,
            texts["seconds"].format(number_text(targets.wait_mean, language)),
        )


def _share_text(value: float, language: Language) -> Inserted:
    return Inserted(f"{number_text(100 * value, language)} %")
