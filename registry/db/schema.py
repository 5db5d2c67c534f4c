"""The tables. Times are epoch seconds UTC (`*_at`); enumerations are words held by a CHECK.

Three ideas. *Identity apart from facts*: names, addresses and numbers stand in `contact`, words of and about people in
`request_note`; erasing these two rows (and the audio) erases the person, while every count stays true. *History is
append-only*: `request_event` only grows (a trigger refuses anything else), and the state of a request can be rebuilt
from it. *A promise that can be a constraint is one*: a recording begins after its notice has ended, a published count
is 0, at least 3, or hidden.

The same tables on SQLite and on PostgreSQL, so types are plain; JSON is kept as text.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMES)

KINDS = ("citizen", "employer", "agency", "public_body", "anonymous")
AUDIENCES = ("worker", "jobseeker", "youth", "employer", "agency", "operator", "other")
CHANNELS = ("phone", "voicemail", "web_form", "email", "outbound")
STATES = ("new", "in_progress", "waiting_contact", "forwarded", "answered", "closed")
OUTCOMES = ("resolved", "informed", "referred", "withdrawn", "unreachable", "duplicate", "out_of_scope")
TOUCHES = ("phone_in", "phone_out", "voicemail", "email_in", "email_out", "web_form")
CLOCKS = ("hours", "service_hours", "calendar_days")
STOPS = ("answered", "escalated", "closed", "cancelled")
FATES = (
    "waiting",
    "talking",
    "answered",
    "abandoned",
    "key",
    "timeout",
    "empty",
    "full",
    "busy",
    "blocked",
    "lost",
    "withdrawn",
)
RESULTS = ("reached", "no_answer", "busy", "wrong_number", "refused", "failed")


def _one_of(name: str, words: Sequence[str], *, null: bool = False) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    condition = f"{name} IN ({listed})"
    return CheckConstraint(f"{name} IS NULL OR {condition}" if null else condition, name=name)


def _at(name: str, *, null: bool = False) -> Column[float]:
    return Column(name, Double, nullable=null)


# --- who: the only tables that hold personal data ---------------------------------------------------------------------

contact = Table(
    "contact",
    metadata,
    Column("contact_id", Text, primary_key=True),  # random, never shown to callers
    Column("kind", Text, nullable=False),
    Column("display_name", Text),
    Column("email", Text),
    Column("phone_e164", Text),
    Column("phone_hash", Text),  # keyed, the same as `queue_visit.caller_hash`: who called again
    Column("tax_code_enc", LargeBinary),  # the codice fiscale, only when a practice needs it
    Column("tax_code_hash", Text),  # keyed, for finding without reading
    Column("province", Text),
    _at("created_at"),
    _at("erased_at", null=True),
    _one_of("kind", KINDS),
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

# --- what was asked ---------------------------------------------------------------------------------------------------

topic = Table(
    "topic",
    metadata,
    Column("topic_code", Text, primary_key=True),  # as in config/menu.yaml: ADR, DID, INCENTIVI, ...
    Column("label_it", Text, nullable=False),
    Column("label_en", Text, nullable=False),
    Column("parent_code", Text, ForeignKey("topic.topic_code")),
)

office = Table(  # the third level: job centres, imported from the client's CSV
    "office",
    metadata,
    Column("office_code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("province", Text, nullable=False),
    Column("email", Text),
    Column("phone", Text),
    Column("valid_from", Text, nullable=False),  # ISO date
    Column("valid_to", Text),
    CheckConstraint("length(province) = 2", name="province"),
)

protocol_counter = Table(  # the last number given, a row for each year: its increment is the lock between two writers
    "protocol_counter",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
)

request = Table(
    "request",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("protocol", Text, nullable=False, unique=True),  # NUL-2026-000421-6: spoken, written in e-mails
    Column("contact_id", Text, ForeignKey("contact.contact_id")),  # None: an anonymous information
    Column("channel", Text, nullable=False),
    Column("topic_code", Text, ForeignKey("topic.topic_code"), nullable=False),
    Column("audience", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("owner_ref", Text),  # an operator's pseudonym
    Column("office_code", Text, ForeignKey("office.office_code")),
    Column("call_id", Text),  # LINKEDID of the call that it began with
    _at("opened_at"),
    _at("answered_at", null=True),  # the first answer
    _at("closed_at", null=True),
    Column("outcome", Text),
    Column("duplicate_of", Text, ForeignKey("request.request_id")),
    Column("version", Integer, nullable=False, server_default=text("1")),  # the optimistic lock
    _one_of("channel", CHANNELS),
    _one_of("audience", AUDIENCES),
    _one_of("state", STATES),
    _one_of("outcome", OUTCOMES, null=True),
    CheckConstraint("level IN (1, 2, 3)", name="level"),
    CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_at"),
    CheckConstraint("(state = 'closed') = (outcome IS NOT NULL)", name="outcome_of_closed"),
    CheckConstraint("answered_at IS NULL OR answered_at >= opened_at", name="answered_at"),
    CheckConstraint("(outcome IS NOT NULL AND outcome = 'duplicate') = (duplicate_of IS NOT NULL)", name="duplicate"),
    Index(None, "state", "level", "opened_at"),
    Index(None, "opened_at", "topic_code"),  # what was asked for in a month, without a look at its requests
    Index(None, "contact_id"),
    Index(None, "call_id"),
    Index(
        "ix_request_duplicate_of",
        "duplicate_of",
        sqlite_where=text("duplicate_of IS NOT NULL"),
        postgresql_where=text("duplicate_of IS NOT NULL"),
    ),
)

request_event = Table(  # append-only: every state can be rebuilt from here
    "request_event",
    metadata,
    Column("request_id", Text, ForeignKey("request.request_id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    _at("at"),
    Column("actor_ref", Text, nullable=False),  # a pseudonym, or: ivr, intake, clock, mailer
    Column("action", Text, nullable=False),
    Column("from_state", Text),
    Column("to_state", Text, nullable=False),
    Column("from_level", Integer),
    Column("to_level", Integer, nullable=False),
    Column("detail", Text, nullable=False, server_default=text("'{}'")),  # JSON; no personal data, by rule and by test
    Index(None, "at"),
)

request_note = Table(  # words: personal data, erased with the contact
    "request_note",
    metadata,
    Column("request_id", Text, ForeignKey("request.request_id"), primary_key=True),
    Column("note_no", Integer, primary_key=True, autoincrement=False),
    _at("at"),
    Column("actor_ref", Text, nullable=False),
    Column("words", Text),  # None: erased
)

interaction = Table(  # every touch
    "interaction",
    metadata,
    Column("interaction_id", Text, primary_key=True),
    Column("request_id", Text, ForeignKey("request.request_id"), nullable=False),
    Column("channel", Text, nullable=False),
    _at("started_at"),
    _at("ended_at", null=True),
    Column("call_id", Text),
    Column("message_id", Text, unique=True),  # RFC 5322 Message-ID: idempotent intake of mail
    Column("result", Text, nullable=False, server_default=text("''")),
    _one_of("channel", TOUCHES),
    Index(None, "call_id"),
    Index(None, "request_id", "started_at"),
)

# --- the promises of the Carta dei servizi ----------------------------------------------------------------------------

promise = Table(
    "promise",
    metadata,
    Column("promise_code", Text, primary_key=True),  # EMAIL, SECOND_LEVEL, CALLBACK
    Column("amount", Double, nullable=False),
    Column("clock", Text, nullable=False),
    Column("share", Double, nullable=False),
    Column("promised", Integer, nullable=False, server_default=text("1")),  # 0: a goal of the house, not of the Carta
    _one_of("clock", CLOCKS),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("share > 0 AND share <= 1", name="share"),
)

sla_clock = Table(
    "sla_clock",
    metadata,
    Column("request_id", Text, ForeignKey("request.request_id"), primary_key=True),
    Column("promise_code", Text, ForeignKey("promise.promise_code"), primary_key=True),
    Column("clock_no", Integer, primary_key=True, autoincrement=False),  # a reopened request has a second clock
    _at("started_at"),
    _at("due_at"),  # by `charter.promises.due`, moved when a pause ends
    _at("paused_at", null=True),  # since when it has been waiting for the citizen
    Column("paused_seconds", Double, nullable=False, server_default=text("0")),
    _at("stopped_at", null=True),
    Column("stop_reason", Text),
    Column("calendar_rev", Text, nullable=False),  # which configuration computed it
    _one_of("stop_reason", STOPS, null=True),
    CheckConstraint("(stopped_at IS NULL) = (stop_reason IS NULL)", name="stopped"),
    CheckConstraint("paused_at IS NULL OR stopped_at IS NULL", name="paused"),
    Index(None, "promise_code", "due_at"),
    Index(
        "ix_sla_clock_running",
        "due_at",
        sqlite_where=text("stopped_at IS NULL"),
        postgresql_where=text("stopped_at IS NULL"),
    ),
)

# --- what the telephone told: facts, queue_log, CDR; no identity ------------------------------------------------------

call_fact = Table(
    "call_fact",
    metadata,
    Column("fact_id", Text, primary_key=True),
    Column("call_id", Text, nullable=False),  # LINKEDID; '' for answers to the survey, which lead back to nobody
    _at("at"),
    Column("kind", Text, nullable=False),
    Column("data", Text, nullable=False),  # JSON
    Index(None, "call_id"),
    Index(None, "kind", "at"),
)

intake_segment = Table(  # what was taken in from the spool: a segment is taken once
    "intake_segment",
    metadata,
    Column("name", Text, primary_key=True),
    _at("taken_at"),
    Column("facts", Integer, nullable=False),
    Column("repeated", Integer, nullable=False),
    Column("poison", Integer, nullable=False),  # lines set aside
)

queue_log_file = Table(  # how far each file has been read
    "queue_log_file",
    metadata,
    Column("source_id", Integer, primary_key=True),
    Column("path", Text, nullable=False),
    Column("device", BigInteger, nullable=False),
    Column("inode", BigInteger, nullable=False),
    Column("head_hash", Text, nullable=False),  # of its first bytes: an inode is used again
    Column("head_length", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    _at("read_at"),
    UniqueConstraint("device", "inode", "head_hash"),
)

queue_event = Table(  # each line once, the caller's number taken out; on SQLite one tree of pages, without an index
    "queue_event",
    metadata,
    Column("call_id", Text, primary_key=True),  # the queue_log's: the UNIQUEID of a channel
    Column("at", BigInteger, primary_key=True, autoincrement=False),  # whole seconds, as Asterisk writes
    Column("said", Text, primary_key=True),  # the rest of the line verbatim, `queue|agent|VERB|parameters`
    Column("caller_hash", Text),  # keyed, of an ENTERQUEUE; None: withheld
    sqlite_with_rowid=False,
)

queue_restart = Table("queue_restart", metadata, Column("at", BigInteger, primary_key=True, autoincrement=False))

call_link = Table(  # from the CDR: which call a channel belonged to
    "call_link",
    metadata,
    Column("unique_id", Text, primary_key=True),
    Column("call_id", Text, nullable=False),  # LINKEDID
    Index(None, "call_id"),
)

queue_visit = Table(  # a caller's stay at the queue; rebuilt from `queue_event` at any time
    "queue_visit",
    metadata,
    Column("unique_id", Text, primary_key=True),
    Column("visit_no", Integer, primary_key=True, autoincrement=False),
    Column("call_id", Text, nullable=False),  # LINKEDID: joins facts and requests
    Column("queue", Text, nullable=False),
    _at("entered_at"),
    _at("left_at", null=True),
    Column("wait_s", Double),
    Column("talk_s", Double),
    Column("ring_s", Double),
    Column("fate", Text, nullable=False),
    Column("topic_code", Text, nullable=False, server_default=text("''")),
    Column("in_service", Integer, nullable=False),  # 1: entered in service hours
    Column("caller_hash", Text),  # keyed; None: withheld
    Column("position", Integer),
    _one_of("fate", FATES),
    # Not by caller first: hashes come in no order, so every block of lines would write to all pages of such an index.
    Index(None, "entered_at", "caller_hash"),
    Index(None, "call_id"),
    Index(  # the few that are not over: whom a start of the switch ends
        "ix_queue_visit_open",
        "entered_at",
        sqlite_where=text("fate IN ('waiting', 'talking')"),
        postgresql_where=text("fate IN ('waiting', 'talking')"),
    ),
)

# --- voicemail and call-backs -----------------------------------------------------------------------------------------

voicemail_message = Table(
    "voicemail_message",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("request_id", Text, ForeignKey("request.request_id"), nullable=False),
    Column("call_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    _at("left_at"),
    Column("seconds", Double, nullable=False),
    Column("empty", Integer, nullable=False),
    _at("purged_at", null=True),  # the audio is gone, the evidence stays
    Column("transcript", Text),  # optional, personal data, erased with the audio
    _one_of("reason", ("closed", "all_busy", "caller_choice")),
    CheckConstraint("seconds >= 0", name="seconds"),
    CheckConstraint("purged_at IS NULL OR transcript IS NULL", name="purged"),
    Index(None, "request_id"),
)

callback = Table(  # the work list: one row for a request that wants a call
    "callback",
    metadata,
    Column("request_id", Text, ForeignKey("request.request_id"), primary_key=True),
    Column("state", Text, nullable=False),
    Column("taken_by", Text),
    _at("taken_at", null=True),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    _at("next_try_at"),
    _one_of("state", ("waiting", "taken", "done")),
    CheckConstraint("(state = 'taken') = (taken_by IS NOT NULL)", name="taken"),
    Index(None, "state", "next_try_at"),
)

callback_attempt = Table(
    "callback_attempt",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("attempt_no", Integer, primary_key=True, autoincrement=False),
    _at("at"),
    Column("actor_ref", Text, nullable=False),
    Column("call_id", Text),  # of the call that Asterisk placed
    Column("proposed", Text),  # what Asterisk says became of it
    Column("result", Text),  # what the operator says; None: under way, or nobody has said yet
    _one_of("proposed", RESULTS, null=True),
    _one_of("result", RESULTS, null=True),
    ForeignKeyConstraint(["request_id"], ["callback.request_id"]),
)

notified = Table(  # which notice went out about which message: none goes twice
    "notified",
    metadata,
    Column("what", Text, primary_key=True),
    Column("message_id", Text, ForeignKey("voicemail_message.message_id"), primary_key=True),
    _at("at"),
    _one_of("what", ("new", "untouched")),
)

# --- recordings of a quality campaign ---------------------------------------------------------------------------------

recording = Table(
    "recording",
    metadata,
    Column("recording_id", Text, primary_key=True),
    Column("call_id", Text, nullable=False),
    Column("campaign", Text, nullable=False),
    Column("notice_prompts", Text, nullable=False),  # JSON: ids and versions as they were played
    _at("notice_ended_at"),
    _at("started_at"),
    Column("audio_ref", Text),
    _at("purged_at", null=True),
    CheckConstraint("started_at BETWEEN notice_ended_at AND 1e12", name="notice_first"),  # the Carta's promise
    CheckConstraint("purged_at IS NULL OR audio_ref IS NULL", name="purged"),
    Index(None, "call_id"),
)

# --- survey: no way back to the person --------------------------------------------------------------------------------

survey_response = Table(
    "survey_response",
    metadata,
    Column("response_id", Text, primary_key=True),  # random
    Column("version", Integer, nullable=False),
    Column("taken_on", Text, nullable=False),  # the day only, coarse on purpose
    Index(None, "taken_on"),
)

survey_answer = Table(
    "survey_answer",
    metadata,
    Column("response_id", Text, ForeignKey("survey_response.response_id"), primary_key=True),
    Column("question", Text, primary_key=True),
    Column("value", Integer, nullable=False),
)

survey_salt = Table(  # joins the answers of one call for as long as a call lasts; then it is thrown away
    "survey_salt",
    metadata,
    Column("day", Text, primary_key=True),
    Column("salt", LargeBinary, nullable=False),
)

# --- accountability ---------------------------------------------------------------------------------------------------

access_log = Table(  # who read identity, and why
    "access_log",
    metadata,
    Column("access_id", Integer, primary_key=True),
    _at("at"),
    Column("actor_ref", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object_kind", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("why", Text, nullable=False),
    Index(None, "at"),
)

purge = Table(  # one line of evidence for each purge
    "purge",
    metadata,
    Column("purge_id", Integer, primary_key=True),
    _at("at"),
    Column("what", Text, nullable=False),  # voicemail_audio, recording, caller_numbers, contact, ...
    _at("before_at"),  # what was older than this
    Column("things", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False, server_default=text("0")),
    Column("actor_ref", Text, nullable=False),
)

published_cell = Table(
    "published_cell",
    metadata,
    Column("report", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("row_key", Text, primary_key=True),
    Column("col_key", Text, primary_key=True),
    Column("n", Integer),
    Column("suppressed", Text),
    _one_of("suppressed", ("primary", "secondary"), null=True),
    CheckConstraint("(n IS NULL) = (suppressed IS NOT NULL)", name="hidden"),
    # with an upper end, since to SQLite a text in the place of a number is more than any number
    CheckConstraint("n IS NULL OR n = 0 OR n BETWEEN 3 AND 2147483647", name="threshold"),
)

APPEND_ONLY = (request_event, purge)  # neither changed nor deleted: a trigger refuses
NEVER_CHANGED = (access_log,)  # the same, but deleted after its days (`retention_days.access_log`)
