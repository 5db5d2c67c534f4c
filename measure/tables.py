"""Tables of log positions, restarts, call links and published statistics, which only this package uses.

Others, such as `queue_visit`, are in `registry.db.schema`, because the registry has to erase a person's data in them.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Table, UniqueConstraint

from registry.db.metadata import instant, integer, key, metadata, one_of, string

queue_log_file = Table(  # how far each file of the queue_log has been read
    "queue_log_file",
    metadata,
    Column("source_id", Integer, primary_key=True),
    string("path"),
    Column("device", BigInteger, nullable=False),
    Column("inode", BigInteger, nullable=False),
    string("head_hash"),  # of its first bytes: inodes are reused
    integer("head_length"),
    Column("position", BigInteger, nullable=False),
    instant("read_at"),
    UniqueConstraint("device", "inode", "head_hash"),
)

queue_restart = Table("queue_restart", metadata, Column("at", BigInteger, primary_key=True, autoincrement=False))

call_link = Table(  # from the CDR: the call of a channel
    "call_link",
    metadata,
    key("unique_id"),
    string("call_id"),  # LINKEDID
    Index(None, "call_id"),
)

published_cell = Table(
    "published_cell",
    metadata,
    key("report"),
    key("period"),
    key("row_key"),
    key("col_key"),
    integer("n", null=True),
    string("suppressed", null=True),
    one_of("suppressed", ("primary", "secondary"), null=True),
    CheckConstraint("(n IS NULL) = (suppressed IS NOT NULL)", name="hidden"),
    # With an upper bound, since SQLite sorts a text above every number.
    CheckConstraint("n IS NULL OR n = 0 OR n BETWEEN 3 AND 2147483647", name="threshold"),
)
