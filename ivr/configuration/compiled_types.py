"""The types of the compiled configuration. Generated from the settings: do not edit, run `make types`.

Import them from `ivr.configuration.compiled`. They have a module of their own because making fifty typed dictionaries
takes 4 ms, which an AGI script does not have: on the call path only the type checker imports them.
"""

from __future__ import annotations

from typing import Literal, TypedDict


class SayToken(TypedDict):
    say: Literal["next_opening", "opening_hours"]


Prompt = str | SayToken


class Miss(TypedDict):
    then: str
    prompts: list[Prompt]


class HoursNode(TypedDict):
    kind: Literal["hours"]
    open: str
    closed: str


class PlayNode(TypedDict):
    kind: Literal["play"]
    prompts: list[Prompt]
    next: str
    interruptible: bool


class NoticeNode(TypedDict):
    kind: Literal["notice"]
    prompts: list[Prompt]
    next: str


class AskNode(TypedDict):
    kind: Literal["ask"]
    prompts: list[Prompt]
    keys: dict[str, str]
    no_input: Miss
    wrong_input: Miss
    repeat_key: str | None
    wait_seconds: float
    attempts: int
    retry_prompts: list[Prompt]


class InformNode(TypedDict):
    kind: Literal["inform"]
    topic: str
    prompts: list[Prompt]
    next: str


class NumberNode(TypedDict):
    kind: Literal["number"]
    name: str
    prompts: list[Prompt]
    next: str
    failed: str
    least_digits: int
    most_digits: int
    wait_seconds: float
    attempts: int


class QueueNode(TypedDict):
    kind: Literal["queue"]
    prompts: list[Prompt]
    topic: str | None
    priority: int
    set: dict[str, str]


class MessageNode(TypedDict):
    kind: Literal["message"]
    reason: Literal["closed", "all_busy", "caller_choice"]


class HangupNode(TypedDict):
    kind: Literal["hangup"]
    prompts: list[Prompt]


Node = HoursNode | PlayNode | NoticeNode | AskNode | InformNode | NumberNode | QueueNode | MessageNode | HangupNode


class Title(TypedDict):
    it: str
    en: str


class Menu(TypedDict):
    start: str
    nodes: dict[str, Node]
    topics: dict[str, Title]


class Identity(TypedDict):
    number: str
    name: str
    language: str
    time_zone: str
    controller: str | None
    privacy_page: str | None


class Closure(TypedDict):
    first: str
    last: str
    reason: str


class Holidays(TypedDict):
    calendar: Literal["italy", "none"]
    patron_saint: str | None
    extra_closures: list[Closure]


class AllBusy(TypedDict):
    means: Literal["nobody_free", "nobody_logged_in"]
    then: Literal["wait", "voicemail"]


class Queue(TypedDict):
    name: str
    seats: int
    operators: int
    longest_wait: int
    longest_queue: int
    all_busy: AllBusy
    voicemail_key: str | None
    voicemail_offer_every: int
    announce_every: int
    ring_seconds: int
    missed_rings: int
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


class SurveySwitch(TypedDict):
    offered: bool


class Promises(TypedDict):
    email_hours: int
    email_share: float
    second_level_days: int
    second_level_share: float
    callback_hours: int
    callback_share: float


class Registry(TypedDict):
    third_level: bool
    open_days: int
    waiting_days: int


class Agreement(TypedDict):
    name: str
    signed: str


class Statistics(TypedDict):
    individual_agreement: Agreement | None


class Callbacks(TypedDict):
    most_attempts: int
    hours_between: float
    number_window_hours: float
    ring_seconds: int
    countries: list[str]
    trunk: str


Notification = TypedDict("Notification", {"to": str, "from": str, "smtp_host": str, "smtp_port": int, "starttls": bool})


class Transcript(TypedDict):
    model: str


class Retention(TypedDict):
    recording: int
    voicemail_audio: int
    caller_numbers: int
    contact: int
    access_log: int
    taken_facts: int


class Limits(TypedDict):
    longest_call_seconds: int
    menu_seconds: int
    menu_patience_seconds: int
    dead_line_seconds: int
    open_calls: int


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
    hours: dict[str, list[str]]  # weekday name -> 09:00-18:00
    queue: Queue
    promises: Promises
    retention_days: Retention
    holidays: Holidays
    recording: Recording
    voicemail: Voicemail
    callbacks: Callbacks
    notification: Notification | None
    transcript: Transcript | None
    survey: SurveySwitch
    limits: Limits
    engine: Engine
    registry: Registry
    statistics: Statistics


class Question(TypedDict):
    code: str
    prompts: list[Prompt]
    keys: str
    title: Title | None
    scale: str


class Survey(TypedDict):
    version: int
    questions: list[Question]
    invitation: list[Prompt]
    thanks: list[Prompt]
    wait_seconds: float
    attempts: int
    no_input: list[Prompt]
    wrong_input: list[Prompt]


class PromptSheet(TypedDict):
    text: str
    version: int
    seconds: float


class Paths(TypedDict):
    facts: str
    messages: str
    native_messages: str
    socket: str


class Compiled(TypedDict):
    format: int
    revision: str
    service: Service
    menu: Menu
    survey: Survey
    prompts: dict[str, PromptSheet]
    call_back_prefixes: list[str]
    paths: Paths
