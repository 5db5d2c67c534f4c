"""The second act of the demonstration: a message left at night is called back in the morning.

The switch's clock is moved to the evening; a caller hears that the service is closed, and leaves a message. In the
morning the message becomes a request with a number and a due date; an operator takes it, Asterisk rings the operator's
telephone and then the citizen's, and the request is closed. Each step is reported from what was recorded.
"""

from __future__ import annotations

import asyncio
import os
from datetime import datetime

from charter.calendar import OpeningHours
from common.command_line import Refusal
from ivr.ami import AmiError
from ivr.configuration.compiled import Compiled
from ivr.facts import Fact
from ivr.flows import speech
from lab.demo.progress import Progress
from lab.demo.telephone import Telephone
from lab.sipp import scenarios
from lab.stack import wait_until
from lab.switch.faketime import ROME
from registry import installation
from registry.intake.intake import Intake
from registry.site import Site
from voicemail.callback.service import CallbackService, Entry

TITLE = "At night somebody leaves a message; in the morning they are called back"
CALLER = "0698765432"
OPERATOR = "op101"
SPOKEN = "info-did"  # the prompt that the caller "says": any voice will do
AFTER_CLOSING, AFTER_OPENING = 2 * 3600.0, 600.0  # s
CALL_SECONDS = 120.0
OPERATOR_TALKS, CITIZEN_TALKS = 20.0, 3.0  # s; the citizen hangs up first


def act(telephone: Telephone, progress: Progress) -> None:
    """Play the act; it ends at the first step that does not happen."""
    try:
        _play(telephone, progress)
    except (Refusal, AmiError) as problem:
        progress.missing(str(problem))


def _play(telephone: Telephone, progress: Progress) -> None:
    site = _site(telephone)
    hours = OpeningHours.of(site.compiled["service"])
    night = _next_closing(hours, telephone.now()) + AFTER_CLOSING
    morning = hours.next_opening(night) + AFTER_OPENING
    telephone.move_clock(_iso(night))
    progress.happened(f"it is {_in_words(hours, night)}; the service is closed")
    message = _leave_message(telephone, site.compiled)
    progress.happened(
        f"a caller hears this, leaves a message of {message.data['seconds']:.0f} seconds, and confirms the number"
    )
    telephone.move_clock(_iso(morning))
    entry = _registered(site, str(message.data["message_id"]), morning)
    due = "" if entry.due_at is None else f", to be called by {_in_words(hours, entry.due_at)}"
    progress.happened(f"it is {_in_words(hours, morning)}; the message is request {entry.protocol}{due}")
    _call_back(telephone, site, entry, morning, progress)


def _site(telephone: Telephone) -> Site:
    places = telephone.stack.places
    installation.init(places, telephone.now())
    return Site.of(places)


def _next_closing(hours: OpeningHours, now: float) -> float:
    """The end of the present opening hours, or of the next ones."""
    opened = hours.next_opening(now)
    closing = hours.next_change(opened)
    while hours.is_open(closing + AFTER_CLOSING):  # a break at noon
        closing = hours.next_change(hours.next_opening(closing))
    return closing


def _leave_message(telephone: Telephone, compiled: Compiled) -> Fact:
    """Let a caller leave a message; the fact that reports it, once the call is over."""

    def messages() -> list[Fact]:
        facts = (fact for fact in telephone.record.facts() if fact.kind == "message")
        return [fact for fact in facts if fact.data["message_id"] and not fact.data["empty"]]

    def over() -> bool:  # before the clock is moved on
        calls = {fact.call for fact in messages()}
        return any(fact.kind == "ended" and fact.call in calls for fact in telephone.record.facts())

    telephone.call("the night caller", CALLER, _caller_steps(compiled, telephone.now(), telephone.stack.places.audio))
    wait_until(over, CALL_SECONDS, "the message to be left")
    return messages()[0]


def _caller_steps(compiled: Compiled, now: float, audio: str) -> list[scenarios.Step]:
    """What the caller does. SIPp hears nothing: it waits for as long as what is played to it lasts."""

    def seconds(*played: str) -> float:
        return sum(compiled["prompts"][prompt]["seconds"] for prompt in played)

    return [
        scenarios.Pause(0.4 + seconds("closed", *speech.next_opening(compiled["service"], now)) + 1.0),
        scenarios.Key("1"),  # to leave a message
        scenarios.Pause(seconds("vm-closed", "vm-privacy") + 1.0),
        scenarios.Key("1"),  # straight to the tone
        scenarios.Pause(2.5),
        scenarios.Speak(os.path.join(audio, f"{SPOKEN}.alaw")),
        scenarios.Pause(5.0),
        scenarios.Key("#"),
        scenarios.Pause(1.5),
        scenarios.Key("1"),  # send it
        scenarios.Pause(2.0),
        scenarios.Key("1"),  # "we shall call you back at this number": it is right
        scenarios.AwaitHangUp(30.0),
    ]


def _registered(site: Site, message: str, now: float) -> Entry:
    """Take in the facts; the work list entry that the message has become."""
    intake = Intake(site, lambda line: None)
    intake.prepare(now)

    service, entries = CallbackService(site), list[Entry]()

    def listed() -> bool:
        intake.run(now)
        entries.extend(entry for entry in service.list_entries(now).entries if message in entry.messages)
        return bool(entries)

    wait_until(listed, 30.0, "the engine to seal the facts")  # it does so about once a second
    return entries[0]


def _call_back(telephone: Telephone, site: Site, entry: Entry, now: float, progress: Progress) -> None:
    service = CallbackService(site)
    service.take(entry.protocol, OPERATOR, now)
    progress.happened(f"{OPERATOR} takes it; nobody else can")
    with telephone.citizen(OPERATOR_TALKS, CITIZEN_TALKS):
        result = asyncio.run(
            service.call(entry.protocol, OPERATOR, now, lambda: telephone.stack.switch.ami, lambda protocol, seat: None)
        )
    if result.proposed != "reached":
        raise Refusal(f"Asterisk rings the operator, then the citizen: {result.reason}")
    progress.happened("Asterisk rings the operator's telephone, then the citizen's, who answers")
    recorded = service.record_outcome(entry.protocol, "reached", OPERATOR, telephone.now())
    progress.happened(f"request {recorded.protocol} is closed: {recorded.outcome}")


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, ROME).isoformat()


def _in_words(hours: OpeningHours, at: float) -> str:
    return f"{hours.local(at):%A %d %B, %H:%M}"
