"""Checks of what the texts of prompts promise and say: settings inside them, their sources, the day of a call-back.

The numbers that a text speaks are compared in `ivr.configuration.spoken`.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

from charter.calendar import WEEKDAYS, parse_range
from common.suggestions import did_you_mean
from ivr.configuration.menu import Finding, InformNode, Menu
from ivr.configuration.settings import Catalogue, PromptText, Service
from ivr.prompts import placeholders

REVIEW_DAYS = 183  # six months: laws and portals change faster than texts are noticed to be old

_NEXT_WORKING_DAY = re.compile(r"entro il prossimo giorno di apertura", re.IGNORECASE)


def check_placeholders(catalogue: Catalogue) -> Iterator[Finding]:
    """Settings inside texts that do not exist, and brackets that callers would hear."""
    for name, prompt in catalogue.prompts.items():
        where = f"prompts.{name}.text"
        for setting in placeholders.names(prompt.text):
            if setting not in placeholders.SETTINGS:
                known = ", ".join(placeholders.SETTINGS)
                hint = did_you_mean(setting, placeholders.SETTINGS) or f"; a text may contain {known}"
                yield where, f"{{{setting}}} is not a setting that a text can say{hint}", "error"
        brackets = re.search(r"[\[\]{}<>]", re.sub(r"\{[^{}]*\}", "", prompt.text))
        if brackets:
            yield where, f"callers would hear {brackets[0]!r}; write the words that belong there", "error"


def check_identity(service: Service) -> Iterator[Finding]:
    """The data-protection notice is not complete before the client has named itself."""
    for key, what in (("controller", "who answers for their data"), ("privacy_page", "where the whole notice is")):
        if getattr(service.service, key) is None:
            remedy = "write it, then `ivr prompts synthesise`"
            yield f"service.{key}", f"null, so callers do not hear {what}; {remedy}", "warning"


def check_reviews(catalogue: Catalogue, menu: Menu | None, today: datetime.date) -> Iterator[Finding]:
    """Information texts without a source, or not compared with it for six months. `today`: the local day."""
    information = {prompt for prompt in _information(menu) if prompt in catalogue.prompts}
    for name, prompt in catalogue.prompts.items():
        if name in information or prompt.source is not None or prompt.reviewed is not None:
            yield from _check_review(f"prompts.{name}", prompt, today)


def _information(menu: Menu | None) -> Iterator[str]:
    for node in menu.nodes.values() if menu is not None else ():
        if isinstance(node, InformNode):
            yield from (prompt for prompt in node.prompts if isinstance(prompt, str))


def _check_review(where: str, prompt: PromptText, today: datetime.date) -> Iterator[Finding]:
    if prompt.source is None:
        yield f"{where}.source", "missing; name the law or the page from which the text was written", "warning"
    if prompt.reviewed is None:
        remedy = "compare the text with its source and write the day"
        yield f"{where}.reviewed", f"nobody has confirmed this text; {remedy}", "warning"
    elif prompt.reviewed > today:
        yield f"{where}.reviewed", f"{prompt.reviewed} is in the future; write the day of the review", "error"
    elif (today - prompt.reviewed).days > REVIEW_DAYS:
        remedy = "compare it with its source, correct it if need be, and write the day"
        yield (
            f"{where}.reviewed",
            f"the text was last confirmed on {prompt.reviewed}, over six months ago; {remedy}",
            "warning",
        )


def check_call_back_day(catalogue: Catalogue, service: Service) -> Iterator[Finding]:
    """ "By the next day of opening" is true only if the registry's deadline is never later.

    The deadline is `promises.callback_hours` hours of service after the message. A message that is left while the
    service is closed is then due on the next open day only if that day is at least as long.
    """
    try:
        lengths = {day: sum(until - start for start, until in map(parse_range, getattr(service.hours, day)))
                   for day in WEEKDAYS}  # fmt: skip
    except ValueError:  # reported as a mistake of service.yaml
        return
    shortest = min((length for length in lengths.values() if length), default=0)
    if not shortest or service.promises.callback_hours * 60 <= shortest:
        return
    for name, prompt in catalogue.prompts.items():
        if _NEXT_WORKING_DAY.search(prompt.text):
            due = f"promises.callback_hours is {service.promises.callback_hours}, longer than the shortest day"
            message = f"promises a call-back by the next day of opening, but {due} ({shortest / 60:g} h)"
            yield f"prompts.{name}.text", f"{message}; change the text or the setting", "warning"
