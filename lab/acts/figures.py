"""The last act of the demonstration: what the switch wrote becomes the figures that are published."""

from __future__ import annotations

import os
import time

from charter import kpi
from charter.calendar import OpeningHours
from common.command_line import Refusal
from lab.demo import Telephone, Tell
from measure.switch.ingest import Ingestion, Report
from measure.switch.kpi_visits import visits
from registry.requests import queries
from registry.site import Site

TITLE = "The figures of it"
SHOWN = ("service_level", "answer_rate", "wait_mean_answered", "handling_time")


def act(telephone: Telephone, tell: Tell) -> bool:
    """Take in queue_log and CDR, tell the measures; whether the call of the first act is among them."""
    began = time.monotonic()
    site = Site.of(telephone.stack.places)
    hours = OpeningHours.of(site.compiled["service"])
    ingestion = Ingestion(site.database, site.keys, hours, telephone.now)
    report, log = Report(), telephone.stack.switch.log
    try:
        ingestion.take_cdr(os.path.join(log, "cdr-csv", "Master.csv"), report)
        ingestion.take_log(os.path.join(log, "queue_log"), report)
        with site.database.read() as connection:
            found = list(visits(connection, telephone.began, telephone.now() + 1))
            counted = queries.stats(connection, telephone.began, telephone.now() + 1, telephone.now())
    except Refusal as problem:
        tell(time.monotonic() - began, str(problem), False)
        return False
    tell(
        time.monotonic() - began,
        f"{report.count.new} lines of queue_log make {_counted(len(found), 'visit')}",
        bool(found),
    )
    for name in SHOWN:
        figure = kpi.measure(found)[name]
        tell(time.monotonic() - began, _told(figure), figure.value is not None)
    opened, closed = sum(counted.opened.values()), sum(counted.outcomes.values())
    tell(time.monotonic() - began, f"{_counted(opened, 'request')} opened, {closed} closed", opened > 0)
    return bool(found)


def _told(figure: kpi.Figure) -> str:
    title, value = figure.definition.title("en"), figure.value
    if value is None:
        return f"{title}: nothing to measure"
    if figure.definition.kind == "share":
        return f"{title}: {value:.0%} ({figure.numerator:g} of {figure.denominator:g})"
    return f"{title}: {value:.0f} s"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
