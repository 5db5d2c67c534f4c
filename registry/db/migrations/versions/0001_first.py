"""The first tables. Generated from their declarations by `python -m registry.db.migrations`: do not edit
by hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from registry.db.migrations.triggers import statements

revision = "0001"
down_revision = None
APPEND_ONLY = (
    "request_event",
    "purge",
)
NEVER_CHANGED = ("access_log",)


def upgrade() -> None:
    op.create_table(
        "access_log",
        sa.Column("access_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("actor_ref", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("access_id", name=op.f("pk_access_log")),
    )
    op.create_index(op.f("ix_access_log_at"), "access_log", ["at"], unique=False)
    op.create_table(
        "call_fact",
        sa.Column("fact_id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("fact_id", name=op.f("pk_call_fact")),
    )
    op.create_index(op.f("ix_call_fact_call_id"), "call_fact", ["call_id"], unique=False)
    op.create_index(op.f("ix_call_fact_kind_at"), "call_fact", ["kind", "at"], unique=False)
    op.create_table(
        "call_link",
        sa.Column("unique_id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("unique_id", name=op.f("pk_call_link")),
    )
    op.create_index(op.f("ix_call_link_call_id"), "call_link", ["call_id"], unique=False)
    op.create_table(
        "contact",
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone_e164", sa.Text(), nullable=True),
        sa.Column("phone_hash", sa.Text(), nullable=True),
        sa.Column("tax_code_enc", sa.LargeBinary(), nullable=True),
        sa.Column("tax_code_hash", sa.Text(), nullable=True),
        sa.Column("province", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("erased_at", sa.Double(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('citizen', 'employer', 'agency', 'public_body', 'anonymous')", name=op.f("ck_contact_kind")
        ),
        sa.CheckConstraint(
            "erased_at IS NULL OR (display_name IS NULL AND email IS NULL AND phone_e164 IS NULL AND phone_hash IS NULL AND tax_code_enc IS NULL AND tax_code_hash IS NULL)",  # noqa: E501
            name=op.f("ck_contact_erased"),
        ),
        sa.CheckConstraint("province IS NULL OR length(province) = 2", name=op.f("ck_contact_province")),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_contact")),
    )
    op.create_index(op.f("ix_contact_email"), "contact", ["email"], unique=False)
    op.create_index(op.f("ix_contact_phone_hash"), "contact", ["phone_hash"], unique=False)
    op.create_index(op.f("ix_contact_tax_code_hash"), "contact", ["tax_code_hash"], unique=False)
    op.create_table(
        "intake_segment",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.Double(), nullable=False),
        sa.Column("facts", sa.Integer(), nullable=False),
        sa.Column("repeated", sa.Integer(), nullable=False),
        sa.Column("poison", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_intake_segment")),
    )
    op.create_table(
        "office",
        sa.Column("office_code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("valid_to", sa.Text(), nullable=True),
        sa.CheckConstraint("length(province) = 2", name=op.f("ck_office_province")),
        sa.PrimaryKeyConstraint("office_code", name=op.f("pk_office")),
    )
    op.create_table(
        "promise",
        sa.Column("promise_code", sa.Text(), nullable=False),
        sa.Column("amount", sa.Double(), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("promised", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("clock IN ('hours', 'service_hours', 'calendar_days')", name=op.f("ck_promise_clock")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_promise_amount")),
        sa.CheckConstraint("share > 0 AND share <= 1", name=op.f("ck_promise_share")),
        sa.PrimaryKeyConstraint("promise_code", name=op.f("pk_promise")),
    )
    op.create_table(
        "protocol_counter",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_protocol_counter")),
    )
    op.create_table(
        "published_cell",
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("col_key", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=True),
        sa.Column("suppressed", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "suppressed IS NULL OR suppressed IN ('primary', 'secondary')", name=op.f("ck_published_cell_suppressed")
        ),
        sa.CheckConstraint("(n IS NULL) = (suppressed IS NOT NULL)", name=op.f("ck_published_cell_hidden")),
        sa.CheckConstraint(
            "n IS NULL OR n = 0 OR n BETWEEN 3 AND 2147483647", name=op.f("ck_published_cell_threshold")
        ),
        sa.PrimaryKeyConstraint("report", "period", "row_key", "col_key", name=op.f("pk_published_cell")),
    )
    op.create_table(
        "purge",
        sa.Column("purge_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("before_at", sa.Double(), nullable=False),
        sa.Column("things", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("actor_ref", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("purge_id", name=op.f("pk_purge")),
    )
    op.create_table(
        "queue_event",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("caller_hash", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", "at", "said", name=op.f("pk_queue_event")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "queue_log_file",
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("device", sa.BigInteger(), nullable=False),
        sa.Column("inode", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.Text(), nullable=False),
        sa.Column("head_length", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_queue_log_file")),
        sa.UniqueConstraint("device", "inode", "head_hash", name=op.f("uq_queue_log_file_device_inode_head_hash")),
    )
    op.create_table(
        "queue_restart",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("at", name=op.f("pk_queue_restart")),
    )
    op.create_table(
        "queue_visit",
        sa.Column("unique_id", sa.Text(), nullable=False),
        sa.Column("visit_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.Double(), nullable=False),
        sa.Column("left_at", sa.Double(), nullable=True),
        sa.Column("wait_s", sa.Double(), nullable=True),
        sa.Column("talk_s", sa.Double(), nullable=True),
        sa.Column("ring_s", sa.Double(), nullable=True),
        sa.Column("fate", sa.Text(), nullable=False),
        sa.Column("topic_code", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("in_service", sa.Integer(), nullable=False),
        sa.Column("caller_hash", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "fate IN ('waiting', 'talking', 'answered', 'abandoned', 'key', 'timeout', 'empty', 'full', 'busy', 'blocked', 'lost', 'withdrawn', 'unknown', 'joined')",  # noqa: E501
            name=op.f("ck_queue_visit_fate"),
        ),
        sa.PrimaryKeyConstraint("unique_id", "visit_no", name=op.f("pk_queue_visit")),
    )
    op.create_index(op.f("ix_queue_visit_call_id"), "queue_visit", ["call_id"], unique=False)
    op.create_index(
        op.f("ix_queue_visit_entered_at_caller_hash"), "queue_visit", ["entered_at", "caller_hash"], unique=False
    )
    op.create_index(
        "ix_queue_visit_open",
        "queue_visit",
        ["entered_at"],
        unique=False,
        sqlite_where=sa.text("fate IN ('waiting', 'talking')"),
        postgresql_where=sa.text("fate IN ('waiting', 'talking')"),
    )
    op.create_table(
        "recording",
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("notice_prompts", sa.Text(), nullable=False),
        sa.Column("notice_ended_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("audio_ref", sa.Text(), nullable=True),
        sa.Column("purged_at", sa.Double(), nullable=True),
        sa.CheckConstraint("purged_at IS NULL OR audio_ref IS NULL", name=op.f("ck_recording_purged")),
        sa.CheckConstraint("started_at BETWEEN notice_ended_at AND 1e12", name=op.f("ck_recording_notice_first")),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_recording")),
    )
    op.create_index(op.f("ix_recording_call_id"), "recording", ["call_id"], unique=False)
    op.create_table(
        "survey_response",
        sa.Column("response_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("taken_on", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("response_id", name=op.f("pk_survey_response")),
    )
    op.create_index(op.f("ix_survey_response_taken_on"), "survey_response", ["taken_on"], unique=False)
    op.create_table(
        "survey_salt",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_survey_salt")),
    )
    op.create_table(
        "topic",
        sa.Column("topic_code", sa.Text(), nullable=False),
        sa.Column("label_it", sa.Text(), nullable=False),
        sa.Column("label_en", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["parent_code"], ["topic.topic_code"], name=op.f("fk_topic_parent_code")),
        sa.PrimaryKeyConstraint("topic_code", name=op.f("pk_topic")),
    )
    op.create_table(
        "request",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("protocol", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("topic_code", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner_ref", sa.Text(), nullable=True),
        sa.Column("office_code", sa.Text(), nullable=True),
        sa.Column("call_id", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.Double(), nullable=False),
        sa.Column("answered_at", sa.Double(), nullable=True),
        sa.Column("closed_at", sa.Double(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("duplicate_of", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "(outcome IS NOT NULL AND outcome = 'duplicate') = (duplicate_of IS NOT NULL)",
            name=op.f("ck_request_duplicate"),
        ),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_request_closed_at")),
        sa.CheckConstraint("(state = 'closed') = (outcome IS NOT NULL)", name=op.f("ck_request_outcome_of_closed")),
        sa.CheckConstraint(
            "audience IN ('worker', 'jobseeker', 'youth', 'employer', 'agency', 'operator', 'other')",
            name=op.f("ck_request_audience"),
        ),
        sa.CheckConstraint(
            "channel IN ('phone', 'voicemail', 'web_form', 'email', 'outbound')", name=op.f("ck_request_channel")
        ),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('resolved', 'informed', 'referred', 'withdrawn', 'unreachable', 'duplicate', 'out_of_scope', 'unclassified')",  # noqa: E501
            name=op.f("ck_request_outcome"),
        ),
        sa.CheckConstraint(
            "state IN ('new', 'in_progress', 'waiting_contact', 'forwarded', 'answered', 'closed')",
            name=op.f("ck_request_state"),
        ),
        sa.CheckConstraint("answered_at IS NULL OR answered_at >= opened_at", name=op.f("ck_request_answered_at")),
        sa.CheckConstraint("level IN (1, 2, 3)", name=op.f("ck_request_level")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.contact_id"], name=op.f("fk_request_contact_id")),
        sa.ForeignKeyConstraint(["duplicate_of"], ["request.request_id"], name=op.f("fk_request_duplicate_of")),
        sa.ForeignKeyConstraint(["office_code"], ["office.office_code"], name=op.f("fk_request_office_code")),
        sa.ForeignKeyConstraint(["topic_code"], ["topic.topic_code"], name=op.f("fk_request_topic_code")),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_request")),
        sa.UniqueConstraint("protocol", name=op.f("uq_request_protocol")),
    )
    op.create_index(op.f("ix_request_call_id"), "request", ["call_id"], unique=False)
    op.create_index(op.f("ix_request_contact_id"), "request", ["contact_id"], unique=False)
    op.create_index(
        "ix_request_duplicate_of",
        "request",
        ["duplicate_of"],
        unique=False,
        sqlite_where=sa.text("duplicate_of IS NOT NULL"),
        postgresql_where=sa.text("duplicate_of IS NOT NULL"),
    )
    op.create_index(op.f("ix_request_opened_at_topic_code"), "request", ["opened_at", "topic_code"], unique=False)
    op.create_index(op.f("ix_request_state_level_opened_at"), "request", ["state", "level", "opened_at"], unique=False)
    op.create_table(
        "survey_answer",
        sa.Column("response_id", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["response_id"], ["survey_response.response_id"], name=op.f("fk_survey_answer_response_id")
        ),
        sa.PrimaryKeyConstraint("response_id", "question", name=op.f("pk_survey_answer")),
    )
    op.create_table(
        "callback",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=True),
        sa.Column("taken_at", sa.Double(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_try_at", sa.Double(), nullable=False),
        sa.CheckConstraint("(state = 'taken') = (taken_by IS NOT NULL)", name=op.f("ck_callback_taken")),
        sa.CheckConstraint("state IN ('waiting', 'taken', 'done')", name=op.f("ck_callback_state")),
        sa.ForeignKeyConstraint(["request_id"], ["request.request_id"], name=op.f("fk_callback_request_id")),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_callback")),
    )
    op.create_index(op.f("ix_callback_state_next_try_at"), "callback", ["state", "next_try_at"], unique=False)
    op.create_table(
        "interaction",
        sa.Column("interaction_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("call_id", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint(
            "channel IN ('phone_in', 'phone_out', 'voicemail', 'email_in', 'email_out', 'web_form')",
            name=op.f("ck_interaction_channel"),
        ),
        sa.ForeignKeyConstraint(["request_id"], ["request.request_id"], name=op.f("fk_interaction_request_id")),
        sa.PrimaryKeyConstraint("interaction_id", name=op.f("pk_interaction")),
        sa.UniqueConstraint("message_id", name=op.f("uq_interaction_message_id")),
    )
    op.create_index(op.f("ix_interaction_call_id"), "interaction", ["call_id"], unique=False)
    op.create_index(
        op.f("ix_interaction_request_id_started_at"), "interaction", ["request_id", "started_at"], unique=False
    )
    op.create_table(
        "request_event",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("actor_ref", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("from_level", sa.Integer(), nullable=True),
        sa.Column("to_level", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["request.request_id"], name=op.f("fk_request_event_request_id")),
        sa.PrimaryKeyConstraint("request_id", "seq", name=op.f("pk_request_event")),
    )
    op.create_index(op.f("ix_request_event_at"), "request_event", ["at"], unique=False)
    op.create_table(
        "request_note",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("note_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("actor_ref", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["request.request_id"], name=op.f("fk_request_note_request_id")),
        sa.PrimaryKeyConstraint("request_id", "note_no", name=op.f("pk_request_note")),
    )
    op.create_table(
        "sla_clock",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("promise_code", sa.Text(), nullable=False),
        sa.Column("clock_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("paused_at", sa.Double(), nullable=True),
        sa.Column("paused_seconds", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.Column("stopped_at", sa.Double(), nullable=True),
        sa.Column("stop_reason", sa.Text(), nullable=True),
        sa.Column("calendar_rev", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "stop_reason IS NULL OR stop_reason IN ('answered', 'escalated', 'closed', 'cancelled')",
            name=op.f("ck_sla_clock_stop_reason"),
        ),
        sa.CheckConstraint("(stopped_at IS NULL) = (stop_reason IS NULL)", name=op.f("ck_sla_clock_stopped")),
        sa.CheckConstraint("paused_at IS NULL OR stopped_at IS NULL", name=op.f("ck_sla_clock_paused")),
        sa.ForeignKeyConstraint(["promise_code"], ["promise.promise_code"], name=op.f("fk_sla_clock_promise_code")),
        sa.ForeignKeyConstraint(["request_id"], ["request.request_id"], name=op.f("fk_sla_clock_request_id")),
        sa.PrimaryKeyConstraint("request_id", "promise_code", "clock_no", name=op.f("pk_sla_clock")),
    )
    op.create_index(op.f("ix_sla_clock_promise_code_due_at"), "sla_clock", ["promise_code", "due_at"], unique=False)
    op.create_index(
        "ix_sla_clock_running",
        "sla_clock",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("stopped_at IS NULL"),
        postgresql_where=sa.text("stopped_at IS NULL"),
    )
    op.create_table(
        "voicemail_message",
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("left_at", sa.Double(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("empty", sa.Integer(), nullable=False),
        sa.Column("purged_at", sa.Double(), nullable=True),
        sa.Column("transcript", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "reason IN ('closed', 'all_busy', 'caller_choice')", name=op.f("ck_voicemail_message_reason")
        ),
        sa.CheckConstraint("purged_at IS NULL OR transcript IS NULL", name=op.f("ck_voicemail_message_purged")),
        sa.CheckConstraint("seconds >= 0", name=op.f("ck_voicemail_message_seconds")),
        sa.ForeignKeyConstraint(["request_id"], ["request.request_id"], name=op.f("fk_voicemail_message_request_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_voicemail_message")),
    )
    op.create_index(op.f("ix_voicemail_message_request_id"), "voicemail_message", ["request_id"], unique=False)
    op.create_table(
        "callback_attempt",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("attempt_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("actor_ref", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=True),
        sa.Column("proposed", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "proposed IS NULL OR proposed IN ('reached', 'no_answer', 'busy', 'wrong_number', 'refused', 'failed')",
            name=op.f("ck_callback_attempt_proposed"),
        ),
        sa.CheckConstraint(
            "result IS NULL OR result IN ('reached', 'no_answer', 'busy', 'wrong_number', 'refused', 'failed')",
            name=op.f("ck_callback_attempt_result"),
        ),
        sa.ForeignKeyConstraint(["request_id"], ["callback.request_id"], name=op.f("fk_callback_attempt_request_id")),
        sa.PrimaryKeyConstraint("request_id", "attempt_no", name=op.f("pk_callback_attempt")),
    )
    op.create_table(
        "notified",
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.CheckConstraint("what IN ('new', 'untouched')", name=op.f("ck_notified_what")),
        sa.ForeignKeyConstraint(["message_id"], ["voicemail_message.message_id"], name=op.f("fk_notified_message_id")),
        sa.PrimaryKeyConstraint("what", "message_id", name=op.f("pk_notified")),
    )
    for statement in statements(op.get_bind().dialect.name, APPEND_ONLY, NEVER_CHANGED):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("there is no downgrade, which would lose data; restore a backup instead")
