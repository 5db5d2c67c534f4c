"""The shape of the compiled configuration, for the type checker and for whoever checks a document
(`ivr.configuration.compiled_check`).

Reached through `ivr.configuration.compiled`. They stand apart because fifty typed dictionaries take 4 ms to make,
which an AGI script
does not have: on the call path they are imported for the type checker only.
"""

from __future__ import annotations

from typing import Literal, TypedDict


class SayToken(TypedDict):
    say: Literal["next_opening", "opening_hours"]


Prompt = str | SayToken  # a prompt's id, or something computed when it is said


class Identity(TypedDict):
    number: str
    name: str
    language: str
    time_zone: str


class Closure(TypedDict):
    first: str  # ISO date
    last: str
    reason: str


class Holidays(TypedDict):
    calendar: str
    patron_saint: str | None
    extra_closures: list[Closure]


class AllBusy(TypedDict):
    means: Literal["nobody_free", "nobody_logged_in"]
    then: Literal["wait", "voicemail"]


class Queue(TypedDict):
    name: str
    seats: int
    operators: int
    longest_wait: int  # s
    longest_queue: int  # callers
    all_busy: AllBusy
    voicemail_key: str | None
    voicemail_offer_every: int  # s
    announce_every: int  # s
    ring_seconds: int
    wrap_up_seconds: int


class Recording(TypedDict):
    campaign: bool
    name: str
    sampling: float
    refuse_key: str


class Voicemail(TypedDict):
    longest_seconds: int
    silence_seconds: int
    empty_below_seconds: float
    number_attempts: int
    default_country: str


class Callbacks(TypedDict):
    most_attempts: int
    hours_between: float
    number_window_hours: float
    ring_seconds: int  # the citizen's telephone
    countries: list[str]  # whose numbers are called
    trunk: str  # PJSIP endpoint


# By this syntax, for `from` is a word of Python's.
Notification = TypedDict("Notification", {"to": str, "from": str, "smtp_host": str, "smtp_port": int, "starttls": bool})


class Transcript(TypedDict):
    model: str  # folder


class SurveySwitch(TypedDict):
    offered: bool


class Promises(TypedDict):
    email_hours: int
    email_share: float
    second_level_days: int
    second_level_share: float
    callback_hours: int  # of service
    callback_share: float


class Registry(TypedDict):
    third_level: bool


class Agreement(TypedDict):
    name: str
    signed: str  # ISO date


class Statistics(TypedDict):
    individual_agreement: Agreement | None  # None: no figure of a single operator is shown to anybody


class Retention(TypedDict):
    recording: int  # days
    voicemail_audio: int
    caller_numbers: int
    contact: int  # after the last request was closed
    access_log: int
    taken_facts: int


class Limits(TypedDict):
    longest_call_seconds: int
    menu_seconds: int


class Engine(TypedDict):
    host: str
    port: int
    metrics_port: int | None
    allow: list[str]
    most_sessions: int
    first_byte_seconds: float
    drain_seconds: float


class Service(TypedDict):
    service: Identity
    hours: dict[str, list[str]]  # weekday name -> "09:00-18:00"
    holidays: Holidays
    queue: Queue
    recording: Recording
    voicemail: Voicemail
    callbacks: Callbacks
    notification: Notification | None  # None: no e-mail
    transcript: Transcript | None
    survey: SurveySwitch
    promises: Promises
    retention_days: Retention
    limits: Limits
    engine: Engine
    registry: Registry
    statistics: Statistics


class Miss(TypedDict):
    """What follows no key or a wrong one: said each time, and where to go when the attempts are used up."""

    prompts: list[Prompt]
    then: str


class HoursNode(TypedDict):
    kind: Literal["hours"]
    open: str
    closed: str


class PlayNode(TypedDict):
    kind: Literal["play"]
    prompts: list[Prompt]
    interruptible: bool  # a key ends the prompt and is kept for the next question
    next: str


class NoticeNode(TypedDict):
    kind: Literal["notice"]
    prompts: list[Prompt]
    next: str


class AskNode(TypedDict):
    kind: Literal["ask"]
    prompts: list[Prompt]
    keys: dict[str, str]  # key -> node
    repeat_key: str | None
    wait_seconds: float
    attempts: int
    no_input: Miss
    wrong_input: Miss


class InformNode(TypedDict):
    kind: Literal["inform"]
    topic: str
    prompts: list[Prompt]
    next: str


class NumberNode(TypedDict):
    """Collects digits, says them back, wants them confirmed with 1 (2: again)."""

    kind: Literal["number"]
    name: str  # the channel variable IVR_<NAME> that carries it on
    prompts: list[Prompt]
    least_digits: int
    most_digits: int
    wait_seconds: float
    attempts: int
    next: str
    failed: str


class QueueNode(TypedDict):
    kind: Literal["queue"]
    prompts: list[Prompt]
    topic: str | None
    priority: int
    set: dict[str, str]  # further channel variables, constants


class MessageNode(TypedDict):
    kind: Literal["message"]
    reason: Literal["closed", "all_busy", "caller_choice"]


class HangupNode(TypedDict):
    kind: Literal["hangup"]
    prompts: list[Prompt]


Node = HoursNode | PlayNode | NoticeNode | AskNode | InformNode | NumberNode | QueueNode | MessageNode | HangupNode


class Menu(TypedDict):
    start: str
    nodes: dict[str, Node]


class Question(TypedDict):
    code: str
    prompts: list[Prompt]
    keys: str


class Survey(TypedDict):
    version: int
    invitation: list[Prompt]
    thanks: list[Prompt]
    questions: list[Question]
    wait_seconds: float
    attempts: int
    no_input: list[Prompt]
    wrong_input: list[Prompt]


class PromptSheet(TypedDict):
    text: str
    version: int
    seconds: float  # how long the audio lasts; estimated from the text while there is none


class Paths(TypedDict):
    """Where the call path writes; absolute, filled in by `ivr compile`."""

    facts: str
    messages: str
    native_messages: str
    socket: str


class Compiled(TypedDict):
    format: int
    revision: str  # a digest of the content: which configuration a call was handled with
    service: Service
    menu: Menu
    survey: Survey
    prompts: dict[str, PromptSheet]
    paths: Paths
