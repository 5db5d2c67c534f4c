"""The second act of the demonstration: a message left at night is called back in the morning.

The switch's clock is moved to the evening; a caller hears that the service is closed and speaks. In the morning the
message becomes a request with a number and a date by which it is due; an operator takes it, Asterisk rings the
operator's telephone and then the citizen's, and the request is closed. Everything told comes from what was recorded.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from datetime import datetime

from charter.calendar import OpeningHours
from common.command_line import Refusal
from ivr.ami import AmiError
from ivr.configuration.compiled import Compiled
from ivr.facts import Fact
from ivr.flows import speech
from lab import sipp
from lab.demo import Telephone, Tell
from lab.faketime import ROME
from lab.stack import wait_until
from registry import maintenance
from registry.intake.intake import Intake
from registry.requests import store
from registry.requests.clocks import Rules
from registry.site import Site
from voicemail.callback import calling, worklist
from voicemail.callback.worklist import Entry, Limits

TITLE = "At night somebody leaves a message; in the morning they are called back"
CALLER = "0698765432"
OPERATOR = "op101"
WORDS = "info-did"  # what the caller "says": any voice will do
AFTER_CLOSING, AFTER_OPENING = 2 * 3600.0, 600.0  # s
CALL_SECONDS = 120.0
DIGIT_SECONDS = 0.8  # of a number's word
OPERATOR_TALKS, CITIZEN_TALKS = 20.0, 3.0  # s; the citizen hangs up first


def act(telephone: Telephone, tell: Tell) -> bool:
    """Play it; whether every step happened. A step that does not is told, and ends the act."""
    began = time.monotonic()
    site = _site(telephone)
    hours = OpeningHours.of(site.compiled["service"])
    night = _next_closing(hours, telephone.now()) + AFTER_CLOSING
    morning = hours.next_opening(night) + AFTER_OPENING

    def done(said: str, seen: bool = True) -> None:
        tell(time.monotonic() - began, said, seen)

    try:
        telephone.move_clock(_iso(night))
        done(f"it is {_words(hours, night)}; the service is closed")
        left = _leave(telephone, site.compiled)
        done(f"a caller hears so, confirms the number, and leaves a message of {left.data['seconds']:.0f} seconds")
        telephone.move_clock(_iso(morning))
        entry = _registered(site, str(left.data["message_id"]), morning)
        due = "" if entry.due_at is None else f", to be called by {_words(hours, entry.due_at)}"
        done(f"it is {_words(hours, morning)}; the message is request {entry.protocol}{due}")
        _call_back(telephone, site, entry, morning, done)
    except (Refusal, AmiError) as problem:
        done(str(problem), False)
        return False
    return True


def _site(telephone: Telephone) -> Site:
    places = telephone.stack.places
    maintenance.init(places)
    return Site.of(places)


def _next_closing(hours: OpeningHours, now: float) -> float:
    """The end of the opening hours that are, or come next."""
    opened = hours.next_opening(now)
    closing = hours.next_change(opened)
    while hours.is_open(closing + AFTER_CLOSING):  # a break at noon
        closing = hours.next_change(hours.next_opening(closing))
    return closing


def _leave(telephone: Telephone, compiled: Compiled) -> Fact:
    """A caller leaves a message; the fact that says so."""
    before = {fact.id for fact in telephone.stack.facts()}

    def told() -> list[Fact]:
        fresh = (fact for fact in telephone.stack.facts() if fact.id not in before and fact.kind == "message")
        return [fact for fact in fresh if fact.data["message_id"] and not fact.data["empty"]]

    def over() -> bool:  # before the clock is moved on
        calls = {fact.call for fact in told()}
        return any(fact.kind == "ended" and fact.call in calls for fact in telephone.stack.facts())

    telephone.call("the night caller", CALLER, _steps(compiled, telephone.stack.places.audio))
    wait_until(over, CALL_SECONDS, "the message to be left")
    return told()[0]


def _steps(compiled: Compiled, audio: str) -> list[sipp.Step]:
    """What the caller does. SIPp hears nothing: it waits for as long as what is said to it lasts."""
    said = ["closed", *speech.opening_hours(compiled["service"]), "vm-closed", "vm-privacy"]
    known = compiled["prompts"]
    seconds = sum(known[prompt]["seconds"] if prompt in known else DIGIT_SECONDS for prompt in said)
    return [
        sipp.Pause(seconds + 2.0),
        sipp.Key("1"),  # "we shall call you back at this number": it is right
        sipp.Pause(2.0),
        sipp.Key("1"),  # the question again, if the first key came too early; else straight to the tone
        sipp.Pause(2.5),
        sipp.Speak(os.path.join(audio, f"{WORDS}.alaw")),
        sipp.Pause(5.0),
        sipp.Key("#"),
        sipp.Pause(1.5),
        sipp.Key("1"),  # send it
        sipp.AwaitHangUp(30.0),
    ]


def _registered(site: Site, message: str, now: float) -> Entry:
    """Take in the facts; the entry of the work list that the message has become."""
    intake = Intake(site, lambda line: None)
    intake.prepare()

    def listed() -> bool:
        intake.run(now)
        with site.database.read() as connection:
            return message in worklist.known(connection)

    wait_until(listed, 30.0, "the engine to let go of the facts")  # it seals them about once a second
    with site.database.read() as connection:
        request = worklist.find(connection, message)
        return worklist.entries(connection, request)[0]


def _call_back(telephone: Telephone, site: Site, entry: Entry, now: float, done: Callable[[str], None]) -> None:
    rules, limits = Rules.of(site.compiled), Limits.of(site.compiled)
    with site.database.begin() as connection:
        worklist.take(connection, rules, entry.protocol, OPERATOR, now)
    done(f"{OPERATOR} takes it; nobody else can")

    def begin() -> calling.Attempt:
        with site.database.begin() as connection:
            return calling.begin(connection, site.compiled, rules, site.keys, entry.protocol, OPERATOR, now)

    account, service = telephone.stack.switch.ami, site.compiled["service"]
    with telephone.at_the_desk(OPERATOR_TALKS, CITIZEN_TALKS):
        attempt, result = asyncio.run(calling.call(account, service, OPERATOR, begin, lambda line: None))
    with site.database.begin() as connection:
        calling.proposed(connection, attempt, result)
    if result.proposed != "reached":
        raise Refusal(f"Asterisk rings the operator, then the citizen: {result.said}")
    done("Asterisk rings the operator's telephone, then the citizen's, who answers")
    with site.database.begin() as connection:
        worklist.outcome(connection, rules, limits, entry.protocol, "reached", OPERATOR, telephone.now())
        request = store.get(connection, entry.protocol)
    done(f"request {request.protocol} is {request.state}: {request.outcome}")


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, ROME).isoformat()


def _words(hours: OpeningHours, at: float) -> str:
    return f"{hours.local(at):%A %d %B, %H:%M}"
