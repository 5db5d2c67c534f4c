"""The measures of a whole month, as far as the counts behind them are shown.

Other figures reveal counts as well. The decimals of a mean can reveal its denominator; a percentile that is shown
reveals a minimum number of values, and one beyond 20 seconds how many calls were not answered in time. Therefore the
public sees means in whole seconds, and waits only where the counts behind them are shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from charter import kpi
from charter.disclosure import Shown, cell
from charter.kpi import Figure
from measure.month import cells
from measure.month.data import Data
from measure.month.document import Value, mean, percentile, value

ON_TIME = {"EMAIL": "on_time_email", "SECOND_LEVEL": "on_time_second_level", "CALLBACK": "on_time_callback"}
PERCENTS = {"median": 50, "p90": 90, "p95": 95}


class Figures:
    """Every figure of the month, by name."""

    def __init__(self, data: Data, shown: Shown) -> None:
        self.shown, self.code = shown, data.month.code
        self.all = {each.name: each for each in self._of(data)}

    def value(self, name: str, *, interval: bool = False) -> Value:
        """A figure as far as it may be shown."""
        figure = self.all[name]
        if not name.startswith("wait_"):
            return value(figure, self.shown, interval=interval)
        _, rank, which = name.split("_")
        answered, in_time = (self.count("calls", end=each) for each in ("answered", "in-time"))
        if rank == "mean":
            known = answered if which == "answered" else answered + self.count("calls", end="abandoned")
            return mean(figure, known, self.shown)
        if which == "answered":
            known = math.nan if math.isnan(in_time) else answered
        else:
            known = cells.queued(self.shown.number, self.code)
        return percentile(figure, PERCENTS[rank], known, self.shown)

    def count(self, of: str, **codes: str) -> float:
        return self.shown.number(cell(of, when=self.code, **codes))

    def _of(self, data: Data) -> Iterator[Figure]:
        yield from kpi.shares(cells.tally(self.shown.number, self.code))
        waits = [each for each in data.visits if kpi.waited(each)]
        yield from kpi.waits("all", [each.wait for each in waits])
        yield from kpi.waits("answered", [each.wait for each in waits if each.fate == "answered"])
        if self.shown.rules is None:
            yield kpi.handling_time(data.visits)
        for promise, name in ON_TIME.items():
            due = f"due {promise}"
            yield kpi.ratio(name, self.count(due, result="in-time"), self.count(due))
        handled = self.count("handled")
        yield kpi.ratio("level_one_resolution", self.count("handled", kind="level-one"), handled)
        yield kpi.ratio("first_contact_declared", self.count("handled", kind="first-contact"), handled)
        if data.first_contact.denominator:
            helped, calls = self.count("contacts", kind="helped"), self.count("contacts")
            yield kpi.ratio("first_contact_observed", helped, calls)
        else:
            yield data.first_contact
        yield kpi.ratio("survey_response", self.count("responses"), self.count("calls", end="answered"))
