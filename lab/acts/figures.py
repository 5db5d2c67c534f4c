"""The last act of the demonstration: what the switch wrote becomes the figures that are published."""

from __future__ import annotations

import os

from charter import kpi
from common.command_line import Refusal
from lab.demo.progress import Progress
from lab.demo.telephone import Telephone
from measure.switch.ingest import Ingestion, Report
from measure.switch.kpi_visits import visits
from measure.switch.service_queue import ServiceQueue
from registry.requests import queries
from registry.requests.queries import Filter
from registry.requests.request import Request
from registry.site import Site

TITLE = "The figures of these calls"
SHOWN = ("service_level", "answer_rate", "wait_mean_answered", "handling_time")


def act(telephone: Telephone, progress: Progress) -> None:
    """Take in queue_log and CDR, and report the measures of the calls of this run."""
    site = Site.of(telephone.stack.places)
    try:
        _ingest(telephone, site)
        measured, requests = _results(telephone, site)
    except Refusal as problem:
        progress.missing(str(problem))
        return
    calls = telephone.record.calls()
    lines = [line for line in telephone.record.queue_log() if line[1] in calls]
    progress.check(f"{len(lines)} lines of queue_log make {_counted(len(measured), 'visit')}", len(measured) == 1)
    for name in SHOWN:
        figure = kpi.measure(measured)[name]
        progress.check(_sentence(figure), figure.value is not None)
    closed = sum(request.state == "closed" for request in requests)
    progress.check(f"{_counted(len(requests), 'request')} opened, {closed} closed", len(requests) == closed == 2)


def _ingest(telephone: Telephone, site: Site) -> None:
    report, queue = Report(), ServiceQueue.of(site.compiled["service"])
    ingestion, log = Ingestion(site.database, site.keys, queue, telephone.now), telephone.stack.switch.log
    ingestion.take_cdr(os.path.join(log, "cdr-csv", "Master.csv"), report)
    ingestion.take_log(os.path.join(log, "queue_log"), report)


def _results(telephone: Telephone, site: Site) -> tuple[list[kpi.Visit], list[Request]]:
    """Visits and requests of this run: its days may hold those of other runs too."""
    calls = telephone.record.calls()
    with site.database.read() as connection:
        queue = site.compiled["service"]["queue"]["name"]
        measured = list(visits(connection, telephone.began, telephone.now() + 1, queue, calls))
        listed = [queries.list_requests(connection, Filter(everything=True, call_id=call)) for call in sorted(calls)]
    return measured, [one.request for of_call in listed for one in of_call.rows]


def _sentence(figure: kpi.Figure) -> str:
    title, value = figure.definition.title("en"), figure.value
    if value is None:
        return f"{title}: nothing to measure"
    if figure.definition.kind == "share":
        return f"{title}: {value:.0%} ({figure.numerator:g} of {figure.denominator:g})"
    return f"{title}: {value:.0f} s"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
