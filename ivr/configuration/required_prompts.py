"""The prompts that the program plays by itself, beside those that the menu and the survey name.

Every catalogue must have them. tests/ivr/configuration/test_required_prompts.py compares the list with the sources. A
site that upgrades without the new texts learns it from `ivr check`, not from callers who hear silence.
"""

from __future__ import annotations

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

VOICEMAIL = (
    "privacy-controller", "privacy-page", "vm-all-busy", "vm-choice", "vm-closed", "vm-confirm-number", "vm-continue",
    "vm-not-called-back", "vm-not-left", "vm-nothing-heard", "vm-number-foreign", "vm-number-given-up",
    "vm-number-hidden", "vm-number-wrong", "vm-plus", "vm-privacy", "vm-privacy-full", "vm-record", "vm-review",
    "vm-saved", "vm-saved-anyway", "vm-store-failed", "vm-type-number", "vm-your-number-is", "wrong-input",
)  # fmt: skip
MENU = (
    "goodbye",
    "number-confirm",
    "number-wrong",
    "number-you-typed",
    "recording-notice",
    "recording-refused",
    "welcome",
)
QUEUE = (
    "queue-holdtime", "queue-minute", "queue-minutes", "queue-offer-voicemail",
    "queue-reporthold", "queue-seconds", "queue-thankyou", "queue-thereare", "queue-youarenext",
)  # fmt: skip
STATIC = ("fallback-closed", "fallback-record", "sorry-technical")
OPERATORS = (
    "op-callback", "op-code", "op-goodbye", "op-not-logged-in", "op-paused", "op-resumed", "op-resumed-missed",
    "op-welcome", "op-wrong-code",
)  # fmt: skip
HOURS = (
    "all-day", "and-join", "at-hour", "closed-today", "days-monday-friday", "days-monday-saturday", "every-day",
    "except-holidays", "hours-from", "hours-intro", "hours-to", "next-opening-intro", "today", "tomorrow",
    *(f"{kind}-{day}" for kind in ("day", "days-from", "days-to", "on") for day in WEEK),
)  # fmt: skip
NUMBERS = (
    "digits/ore-una",
    *(f"digits/{value}" for value in (*range(21), *(ten + unit for ten in range(20, 100, 10) for unit in (0, 1, 8)))),
)

REQUIRED = frozenset((*VOICEMAIL, *MENU, *QUEUE, *STATIC, *OPERATORS, *HOURS, *NUMBERS))
