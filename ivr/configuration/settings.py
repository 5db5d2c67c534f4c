"""The settings of service.yaml, survey.yaml and prompts.yaml: their types, limits and defaults.

The nodes of the menu are in `ivr.configuration.menu`. What a type cannot express (hours in order, a city that exists)
is in `ivr.configuration.rules`. After a change run `make types`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from common import corrections
from ivr.configuration.menu import Attempts, Key, Menu, PromptId, Prompts, SomePrompts, Title, WaitSeconds


def _text(pattern: str, description: str, correct: Callable[[Any], str] | None = None) -> Meta:
    return Meta(pattern=pattern, description=description, extra={"correct": correct} if correct else None)


Text = Annotated[str, Meta(min_length=1, max_length=2000)]
# Written into Asterisk's files, logs and headers of letters: no control characters, no line breaks, also of Unicode.
Line = Annotated[str, _text(r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,200}\Z", "one line of text")]
# Names in Asterisk's files have letters without accents; names of people and shifts are of any language.
Name = Annotated[str, _text(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}\Z", "a name: letters, digits, - and _")]
Label = Annotated[str, _text(r"^\w[\w-]{0,39}\Z", "a name: letters, digits, - and _")]
Share = Annotated[float, Meta(ge=0, le=1)]
Port = Annotated[int, Meta(ge=0, le=65535)]
Country = Annotated[str, _text(r"^[A-Z]{2}\Z", "a country of two capital letters: IT")]
Host = Annotated[str, _text(r"^[A-Za-z0-9_.:-]{1,255}\Z", "an address or a host name: 127.0.0.1")]
Address = Annotated[
    str,
    _text(
        r"^(?=.{1,64}@)[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\Z",
        "one e-mail address (for several people, that of a mailing list)",
        corrections.address,
    ),
]
Hours = Annotated[
    list[Annotated[str, _text(r"^[0-9]{1,2}:[0-9]{2}-[0-9]{1,2}:[0-9]{2}\Z", 'hours like "09:00-18:00"')]],
    Meta(extra={"correct": corrections.list_of_hours}),
]
Language = Annotated[str, _text(r"^[a-z]{2}\Z", "a language of two letters: it")]
Days = Annotated[int, Meta(ge=1, le=3660)]


class Identity(Struct, frozen=True, forbid_unknown_fields=True):
    number: Annotated[str, _text(r"^[0-9]{3,15}\Z", 'a telephone number of Italy: "800000039"')]  # without +39
    name: Line
    language: Language = "it"
    time_zone: Annotated[str, Meta(min_length=1, max_length=60)] = "Europe/Rome"
    controller: Line | None = None  # of the data, as callers hear it; None: not said
    privacy_page: Line | None = None  # address of the whole notice; None: not said


class Week(Struct, frozen=True, forbid_unknown_fields=True):
    monday: Hours
    tuesday: Hours
    wednesday: Hours
    thursday: Hours
    friday: Hours
    saturday: Hours
    sunday: Hours


class Closure(Struct, frozen=True, forbid_unknown_fields=True):
    first: datetime.date
    last: datetime.date
    reason: Line


class Holidays(Struct, frozen=True, forbid_unknown_fields=True):
    calendar: Literal["italy", "none"] = "italy"
    patron_saint: str | None = None
    extra_closures: Annotated[list[Closure], Meta(max_length=500)] = []


class AllBusy(Struct, frozen=True, forbid_unknown_fields=True):
    means: Literal["nobody_free", "nobody_logged_in"] = "nobody_free"
    then: Literal["wait", "voicemail"] = "wait"


class Queue(Struct, frozen=True, forbid_unknown_fields=True):
    name: Name
    seats: Annotated[int, Meta(ge=1, le=99)]
    operators: Annotated[int, Meta(ge=1, le=899)]
    longest_wait: Annotated[int, Meta(ge=10, le=7200)]  # s
    longest_queue: Annotated[int, Meta(ge=1, le=1000)]  # callers
    all_busy: AllBusy = AllBusy()
    voicemail_key: Key | None = None
    voicemail_offer_every: Annotated[int, Meta(ge=10, le=3600)] = 45  # s
    announce_every: Annotated[int, Meta(ge=0, le=3600)] = 60  # s
    ring_seconds: Annotated[int, Meta(ge=5, le=120)] = 15
    missed_rings: Annotated[int, Meta(ge=0, le=20)] = 1  # in a row, before an operator is paused; 0: never
    wrap_up_seconds: Annotated[int, Meta(ge=0, le=600)] = 20


class Recording(Struct, frozen=True, forbid_unknown_fields=True):
    campaign: bool = False
    name: Name = "qualita"
    sampling: Share = 0.1
    refuse_key: Key = "9"


class Voicemail(Struct, frozen=True, forbid_unknown_fields=True):
    longest_seconds: Annotated[int, Meta(ge=10, le=1800)] = 180
    silence_seconds: Annotated[int, Meta(ge=1, le=60)] = 5
    empty_below_seconds: Annotated[float, Meta(ge=0, le=60)] = 2
    number_attempts: Annotated[int, Meta(ge=1, le=9)] = 3
    default_country: Country = "IT"


class SurveySwitch(Struct, frozen=True, forbid_unknown_fields=True):
    offered: bool = True


class Promises(Struct, frozen=True, forbid_unknown_fields=True):
    email_hours: Annotated[int, Meta(ge=1, le=8760)]
    email_share: Share
    second_level_days: Annotated[int, Meta(ge=1, le=365)]
    second_level_share: Share
    callback_hours: Annotated[int, Meta(ge=1, le=8760)] = 9  # of service
    callback_share: Share = 0.9


class Registry(Struct, frozen=True, forbid_unknown_fields=True):
    third_level: bool = False
    open_days: Annotated[int, Meta(ge=1, le=365)] = 5
    waiting_days: Annotated[int, Meta(ge=1, le=365)] = 15


class Agreement(Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, _text(r"^(?=.*\w{3})[^\x00-\x1f\x7f]{1,200}\Z", "the agreement's name, in one line")]
    signed: datetime.date


class Statistics(Struct, frozen=True, forbid_unknown_fields=True):
    individual_agreement: Agreement | None = None  # None: nobody sees figures of a single operator


class Callbacks(Struct, frozen=True, forbid_unknown_fields=True):
    most_attempts: Annotated[int, Meta(ge=1, le=20)] = 4
    hours_between: Annotated[float, Meta(ge=0, le=720)] = 2
    number_window_hours: Annotated[float, Meta(ge=0, le=720)] = 24
    ring_seconds: Annotated[int, Meta(ge=10, le=120)] = 40  # of the citizen's telephone
    countries: Annotated[list[Country], Meta(min_length=1, max_length=50)] = msgspec.field(
        default_factory=lambda: ["IT"]
    )
    trunk: Name = "nul-trunk"  # PJSIP endpoint


class Notification(Struct, frozen=True, forbid_unknown_fields=True, rename={"sender": "from"}):
    to: Address
    sender: Address
    smtp_host: Host = "127.0.0.1"
    smtp_port: Annotated[int, Meta(ge=1, le=65535)] = 25
    starttls: bool = True


class Transcript(Struct, frozen=True, forbid_unknown_fields=True):
    model: Annotated[str, _text(r"^/[^\x00-\x1f\x7f]{1,1000}\Z", "the absolute path of a folder")]


class Retention(Struct, frozen=True, forbid_unknown_fields=True):
    recording: Days
    voicemail_audio: Days
    caller_numbers: Days
    contact: Days = 730  # after the last request was closed
    access_log: Days = 730
    taken_facts: Days = 30


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    longest_call_seconds: Annotated[int, Meta(ge=60, le=86400)] = 7200
    menu_seconds: Annotated[int, Meta(ge=30, le=7200)] = 600
    menu_patience_seconds: Annotated[int, Meta(ge=1, le=7200)] = (
        60  # `ivr check` warns about longer ways to an operator
    )
    dead_line_seconds: Annotated[int, Meta(ge=5, le=600)] = 30  # without any sound, not even silence
    open_calls: Annotated[int, Meta(ge=1, le=10000)] = 200  # from one address


class Engine(Struct, frozen=True, forbid_unknown_fields=True):
    host: Host = "127.0.0.1"
    port: Port = 4573
    metrics_port: Port | None = None
    allow: Annotated[list[str], Meta(min_length=1, max_length=100)] = msgspec.field(
        default_factory=lambda: ["127.0.0.0/8", "::1"]
    )
    most_sessions: Annotated[int, Meta(ge=1, le=100_000)] = 4000
    first_byte_seconds: Annotated[float, Meta(ge=0.1, le=600)] = 5
    drain_seconds: Annotated[float, Meta(ge=0, le=86400)] = 60


class Service(Struct, frozen=True, forbid_unknown_fields=True):
    service: Identity
    hours: Week
    queue: Queue
    promises: Promises
    retention_days: Retention
    holidays: Holidays = Holidays()
    recording: Recording = Recording()
    voicemail: Voicemail = Voicemail()
    callbacks: Callbacks = Callbacks()
    # None: no e-mail
    notification: Annotated[Notification | None, Meta(extra={"correct": corrections.recipient})] = None
    transcript: Transcript | None = None
    survey: SurveySwitch = SurveySwitch()
    limits: Limits = Limits()
    engine: Engine = Engine()
    registry: Registry = Registry()
    statistics: Statistics = Statistics()


class Question(Struct, frozen=True, forbid_unknown_fields=True):
    code: Annotated[str, _text(r"^[a-z][a-z0-9_]{0,31}\Z", "a code: small letters, digits, _")]
    prompts: SomePrompts
    keys: Annotated[str, _text(r"^[0-9]{1,10}\Z", 'the valid keys in one word, digits only: "12345"')]
    title: Title | None = None  # in reports; None: the code
    scale: Annotated[str, _text(r"^[0-9]-[0-9]\Z", 'the worst and the best answer: "1-5"')] = "1-5"

    @property
    def bounds(self) -> tuple[int, int]:
        """The lowest and the highest value of the scale."""
        low, _, high = self.scale.partition("-")
        return int(low), int(high)


class Survey(Struct, frozen=True, forbid_unknown_fields=True):
    version: Annotated[int, Meta(ge=1, le=1_000_000)]
    questions: Annotated[list[Question], Meta(min_length=1, max_length=20)]
    invitation: Prompts = []
    thanks: Prompts = []
    wait_seconds: WaitSeconds = 5
    attempts: Attempts = 2
    no_input: Prompts = []
    wrong_input: Prompts = []


class PromptText(Struct, frozen=True, forbid_unknown_fields=True):
    text: Text
    version: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    announces_hours: str | None = None
    speaks: dict[str, str | list[str]] | None = None  # setting -> the words of the text that say it
    pause_seconds: Annotated[float, Meta(gt=0, le=3)] | None = None  # between the sentences
    source: Line | None = None  # of an information text
    reviewed: datetime.date | None = None  # when the text was last compared with its source
    note: str | None = None


class Catalogue(Struct, frozen=True, forbid_unknown_fields=True):
    prompts: dict[PromptId, PromptText]
    language: Language = "it"  # of the texts and their audio


# --- what `ivr compile` writes ---------------------------------------------------------------------------------------


class PromptSheet(Struct, frozen=True):
    text: str
    version: int
    seconds: float  # of audio; estimated from the text while there is no audio


class Paths(Struct, frozen=True):
    """Where the call path writes; absolute."""

    facts: str
    messages: str
    native_messages: str
    socket: str


class Compiled(Struct, frozen=True):
    """The compiled configuration, with every default filled in."""

    format: int
    revision: str  # digest of the content: the configuration with which a call was handled
    service: Service
    menu: Menu
    survey: Survey
    prompts: dict[str, PromptSheet]  # empty text, 0 seconds: a setting in the text is null, and it is not played
    call_back_prefixes: list[str]  # "+39": of the countries that may be called back
    paths: Paths
