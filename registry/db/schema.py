"""The tables of the registry. `measure.tables` and `voicemail.tables` add those that only they use.

Three ideas. *Identity apart from facts*: names, addresses and numbers are in `contact`, free text in `request_note`;
erasing these two rows (and the audio) erases the person, while every count stays true. *History is append-only*: a
trigger refuses changes of `request_event`, and the state of a request can be rebuilt from it. *A promise that can be a
constraint is one*: a recording begins after its notice has ended, a published count is 0, at least 3, or hidden.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, LargeBinary, Table, Text, text

from registry.db.metadata import (
    evidence,
    instant,
    integer,
    key,
    metadata,
    number,
    number_key,
    numbered_rows,
    one_of,
    partial_index,
    string,
)

KINDS = ("citizen", "employer", "agency", "public_body", "anonymous")
AUDIENCES = ("worker", "jobseeker", "youth", "employer", "agency", "operator", "other")
CHANNELS = ("phone", "voicemail", "web_form", "email", "outbound")
STATES = ("new", "in_progress", "waiting_contact", "forwarded", "answered", "closed")
OUTCOMES = (
    "resolved", "informed", "referred", "withdrawn", "unreachable", "duplicate", "out_of_scope",
    "unclassified",  # an operator answered the call; nobody has said yet what it was about and how it ended
)  # fmt: skip
INTERACTIONS = ("phone_in", "phone_out", "voicemail", "email_in", "email_out", "web_form")
CLOCKS = ("hours", "service_hours", "calendar_days")
STOPS = ("answered", "escalated", "closed", "cancelled")
FATES = (
    "waiting", "talking", "answered", "abandoned", "key", "timeout", "empty", "full", "busy", "blocked", "lost",
    "withdrawn", "unknown", "joined",
)  # fmt: skip
RESULTS = ("reached", "no_answer", "busy", "wrong_number", "refused", "failed")


# --- people: personal data --------------------------------------------------------------------------------------------

contact = Table(
    "contact",
    metadata,
    key("contact_id"),  # random, never shown to callers
    string("kind"),
    string("display_name", null=True),
    string("email", null=True),
    string("phone_e164", null=True),
    string("phone_hash", null=True),  # keyed, the same as `queue_visit.caller_hash`: who called again
    Column("tax_code_enc", LargeBinary),  # the codice fiscale, only when a practice needs it
    string("tax_code_hash", null=True),  # keyed, to find it without decrypting
    string("province", null=True),
    instant("created_at"),
    instant("erased_at", null=True),
    one_of("kind", KINDS),
    CheckConstraint("province IS NULL OR length(province) = 2", name="province"),
    CheckConstraint(
        "erased_at IS NULL OR (display_name IS NULL AND email IS NULL AND phone_e164 IS NULL"
        " AND phone_hash IS NULL AND tax_code_enc IS NULL AND tax_code_hash IS NULL)",
        name="erased",
    ),
    Index(None, "phone_hash"),
    Index(None, "email"),
    Index(None, "tax_code_hash"),
)

# --- requests ---------------------------------------------------------------------------------------------------------

topic = Table(
    "topic",
    metadata,
    key("topic_code"),  # as in config/menu.yaml: ADR, DID, INCENTIVI, ...
    string("label_it"),
    string("label_en"),
    string("parent_code", "topic.topic_code", null=True),
)

office = Table(  # the third level: job centres, imported from the client's CSV
    "office",
    metadata,
    key("office_code"),
    string("name"),
    string("province"),
    string("email", null=True),
    string("phone", null=True),
    string("valid_from"),  # ISO date
    string("valid_to", null=True),
    CheckConstraint("length(province) = 2", name="province"),
)

protocol_counter = Table(  # the last number assigned, by year; incrementing it locks out other writers
    "protocol_counter",
    metadata,
    number_key("year"),
    integer("last"),
)

request = Table(
    "request",
    metadata,
    key("request_id"),
    Column("protocol", Text, nullable=False, unique=True),  # NUL-2026-000421-6: spoken, written in e-mails
    string("contact_id", "contact.contact_id", null=True),  # None: an anonymous request for information
    string("channel"),
    string("topic_code", "topic.topic_code"),
    string("audience"),
    integer("level"),
    string("state"),
    string("owner_ref", null=True),  # an operator's pseudonym
    string("office_code", "office.office_code", null=True),
    string("call_id", null=True),  # LINKEDID of the call from which it was opened
    instant("opened_at"),
    instant("answered_at", null=True),  # the first answer
    instant("closed_at", null=True),
    string("outcome", null=True),
    string("duplicate_of", "request.request_id", null=True),
    integer("version", default=1),  # for optimistic locking
    one_of("channel", CHANNELS),
    one_of("audience", AUDIENCES),
    one_of("state", STATES),
    one_of("outcome", OUTCOMES, null=True),
    CheckConstraint("level IN (1, 2, 3)", name="level"),
    CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_at"),
    CheckConstraint("(state = 'closed') = (outcome IS NOT NULL)", name="outcome_of_closed"),
    CheckConstraint("answered_at IS NULL OR answered_at >= opened_at", name="answered_at"),
    CheckConstraint("(outcome IS NOT NULL AND outcome = 'duplicate') = (duplicate_of IS NOT NULL)", name="duplicate"),
    Index(None, "state", "level", "opened_at"),
    Index(None, "opened_at", "topic_code"),  # requests of a month by topic, from the index alone
    Index(None, "contact_id"),
    Index(None, "call_id"),
    partial_index("ix_request_duplicate_of", "duplicate_of", "duplicate_of IS NOT NULL"),
)

request_event = numbered_rows(  # append-only: every state can be rebuilt from here
    "request_event",
    "request.request_id",
    "seq",
    string("actor_ref"),  # a pseudonym, or: ivr, intake, clock, mailer
    string("action"),
    string("from_state", null=True),
    string("to_state"),
    integer("from_level", null=True),
    integer("to_level"),
    string("detail", default="{}"),  # JSON; no personal data, by rule and by test
    Index(None, "at"),
)

request_note = numbered_rows(  # free text: personal data, erased with the contact
    "request_note",
    "request.request_id",
    "note_no",
    string("actor_ref"),
    string("words", null=True),  # None: erased
)

interaction = Table(  # every contact with the citizen
    "interaction",
    metadata,
    key("interaction_id"),
    string("request_id", "request.request_id"),
    string("channel"),
    instant("started_at"),
    instant("ended_at", null=True),
    string("call_id", null=True),
    Column("message_id", Text, unique=True),  # RFC 5322 Message-ID: idempotent intake of mail
    string("result", default=""),
    one_of("channel", INTERACTIONS),
    Index(None, "call_id"),
    Index(None, "request_id", "started_at"),
)

# --- the promises of the Carta dei servizi ----------------------------------------------------------------------------

promise = Table(
    "promise",
    metadata,
    key("promise_code"),  # EMAIL, SECOND_LEVEL, CALLBACK
    number("amount"),
    string("clock"),
    number("share"),
    integer("promised", default=1),  # 0: an internal goal, not of the Carta
    one_of("clock", CLOCKS),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("share > 0 AND share <= 1", name="share"),
)

sla_clock = Table(
    "sla_clock",
    metadata,
    key("request_id", "request.request_id"),
    key("promise_code", "promise.promise_code"),
    number_key("clock_no"),  # a reopened request has another clock
    instant("started_at"),
    instant("due_at"),  # by `charter.promises.due`, moved when a pause ends
    instant("paused_at", null=True),  # since when it has been waiting for the citizen
    number("paused_seconds", default=0),
    instant("stopped_at", null=True),
    string("stop_reason", null=True),
    string("calendar_rev"),  # the configuration that calculated it
    one_of("stop_reason", STOPS, null=True),
    CheckConstraint("(stopped_at IS NULL) = (stop_reason IS NULL)", name="stopped"),
    CheckConstraint("paused_at IS NULL OR stopped_at IS NULL", name="paused"),
    Index(None, "promise_code", "due_at"),
    partial_index("ix_sla_clock_running", "due_at", "stopped_at IS NULL"),
)

# --- calls: facts and the queue; no identity --------------------------------------------------------------------------

call_fact = Table(
    "call_fact",
    metadata,
    key("fact_id"),
    string("call_id"),  # LINKEDID; '' for survey answers, which cannot be traced to a call
    instant("at"),
    string("kind"),
    string("data"),  # JSON
    Index(None, "call_id"),
    Index(None, "kind", "at"),
)

intake_segment = Table(  # the segments taken in from the spool: each is taken in once
    "intake_segment",
    metadata,
    key("name"),
    instant("taken_at"),
    integer("facts"),
    integer("repeated"),
    integer("poison"),  # lines set aside
)

queue_event = Table(  # each line of the queue_log once, without the caller's number; a single B-tree on SQLite
    "queue_event",
    metadata,
    key("call_id"),  # the queue_log's: the UNIQUEID of a channel
    Column("at", BigInteger, primary_key=True, autoincrement=False),  # whole seconds, as Asterisk writes
    key("said"),  # the rest of the line verbatim, `queue|agent|VERB|parameters`
    string("caller_hash", null=True),  # keyed, of an ENTERQUEUE; None: withheld
    sqlite_with_rowid=False,
)

queue_visit = Table(  # a caller's stay at the queue; rebuilt from `queue_event` at any time
    "queue_visit",
    metadata,
    key("unique_id"),
    number_key("visit_no"),
    string("call_id"),  # LINKEDID: joins facts and requests
    string("queue"),
    instant("entered_at"),
    instant("left_at", null=True),
    number("wait_s", null=True),
    number("talk_s", null=True),
    number("ring_s", null=True),
    string("fate"),
    string("topic_code", default=""),
    integer("in_service"),  # 1: entered in service hours
    string("caller_hash", null=True),  # keyed; None: withheld
    integer("position", null=True),
    one_of("fate", FATES),
    # Not by caller first: hashes have no order, so every block of lines would write to all pages of such an index.
    Index(None, "entered_at", "caller_hash"),
    Index(None, "call_id"),
    # The few visits that are not over: a restart of the switch ends them.
    partial_index("ix_queue_visit_open", "entered_at", "fate IN ('waiting', 'talking')"),
)

# --- voicemail and call-backs -----------------------------------------------------------------------------------------

voicemail_message = Table(
    "voicemail_message",
    metadata,
    key("message_id"),
    string("request_id", "request.request_id"),
    string("call_id"),
    string("reason"),
    instant("left_at"),
    number("seconds"),
    integer("empty"),
    instant("purged_at", null=True),  # the audio was deleted, the evidence stays
    string("transcript", null=True),  # optional, personal data, erased with the audio
    one_of("reason", ("closed", "all_busy", "caller_choice")),
    CheckConstraint("seconds >= 0", name="seconds"),
    CheckConstraint("purged_at IS NULL OR transcript IS NULL", name="purged"),
    Index(None, "request_id"),
)

callback = Table(  # the work list: a row for each request that waits for a call-back
    "callback",
    metadata,
    key("request_id", "request.request_id"),
    string("state"),
    string("taken_by", null=True),
    instant("taken_at", null=True),
    integer("attempts", default=0),
    instant("next_try_at"),
    one_of("state", ("waiting", "taken", "done")),
    CheckConstraint("(state = 'taken') = (taken_by IS NOT NULL)", name="taken"),
    Index(None, "state", "next_try_at"),
)

callback_attempt = numbered_rows(
    "callback_attempt",
    "callback.request_id",
    "attempt_no",
    string("actor_ref"),
    string("call_id", null=True),  # of the call that Asterisk placed
    string("proposed", null=True),  # the result according to Asterisk
    string("result", null=True),  # according to the operator; None: under way, or not entered yet
    one_of("proposed", RESULTS, null=True),
    one_of("result", RESULTS, null=True),
)

# --- recordings of a quality campaign ---------------------------------------------------------------------------------

recording = Table(
    "recording",
    metadata,
    key("recording_id"),
    string("call_id"),
    string("campaign"),
    string("notice_prompts"),  # JSON: ids and versions as they were played
    instant("notice_ended_at"),
    instant("started_at"),
    string("audio_ref", null=True),
    instant("purged_at", null=True),
    CheckConstraint("started_at BETWEEN notice_ended_at AND 1e12", name="notice_first"),  # the Carta's promise
    CheckConstraint("purged_at IS NULL OR audio_ref IS NULL", name="purged"),
    Index(None, "call_id"),
)

# --- survey: cannot be traced to a person -----------------------------------------------------------------------------

survey_response = Table(
    "survey_response",
    metadata,
    key("response_id"),  # random
    integer("version"),
    string("taken_on"),  # the day only, coarse on purpose
    Index(None, "taken_on"),
)

survey_answer = Table(
    "survey_answer",
    metadata,
    key("response_id", "survey_response.response_id"),
    key("question"),
    integer("value"),
)

survey_salt = Table(  # joins the answers of one call while it lasts; then it is deleted
    "survey_salt",
    metadata,
    key("day"),
    Column("salt", LargeBinary, nullable=False),
)

# --- accountability ---------------------------------------------------------------------------------------------------

access_log = evidence(  # who read an identity, and why
    "access_log",
    "access_id",
    string("actor_ref"),
    string("action"),
    string("object_kind"),
    string("object_id"),
    string("why"),
    Index(None, "at"),
)

purge = evidence(  # a row of evidence for each purge
    "purge",
    "purge_id",
    string("what"),  # voicemail_audio, recording, caller_numbers, contact, ...
    instant("before_at"),  # data older than this was purged
    integer("things"),
    Column("bytes", BigInteger, nullable=False, server_default=text("0")),
    string("actor_ref"),
)

APPEND_ONLY = (request_event, purge)  # a trigger refuses changes and deletions
NEVER_CHANGED = (access_log,)  # a trigger refuses changes; deleted after `retention_days.access_log`
