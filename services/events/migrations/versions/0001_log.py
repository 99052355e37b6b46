"""The log: settings, heads, events, quarantine, pages, erasures."""

import sqlalchemy as sa
from alembic import op

from services.common.column_types import MEDIUM_BINARY, fixed_binary
from services.common.engines.mysql import TABLE_OPTIONS

revision = "0001"
down_revision = None

KEY = fixed_binary(16)
TEXT = sa.String(1024)


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "log_settings",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_log_settings"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "partition_heads",
        sa.Column("partition_no", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("next_offset", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("partition_no", name="pk_partition_heads"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "events",
        sa.Column("partition_no", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("log_offset", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("event_key", KEY, nullable=False),
        sa.Column("visitor_key", KEY),
        sa.Column("event_millis", sa.BigInteger, nullable=False),
        sa.Column("ingest_millis", sa.BigInteger, nullable=False),
        sa.Column("payload", MEDIUM_BINARY),
        sa.Column("attribution", MEDIUM_BINARY),
        sa.PrimaryKeyConstraint("partition_no", "log_offset", name="pk_events"),
        sa.UniqueConstraint("event_key", name="uq_events_event_key"),
        sa.Index("ix_events_visitor_key", "visitor_key", "event_millis", "log_offset"),
        sqlite_with_rowid=False,
        **TABLE_OPTIONS,
    )
    op.create_table(
        "quarantined_events",
        sa.Column("rejection_key", KEY, nullable=False),
        sa.Column("visitor_key", KEY),
        sa.Column("ingest_millis", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("field", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("payload", MEDIUM_BINARY, nullable=False),
        sa.PrimaryKeyConstraint("rejection_key", name="pk_quarantined_events"),
        sa.Index("ix_quarantined_events_visitor_key", "visitor_key"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "pages",
        sa.Column("page_key", KEY, nullable=False),
        sa.Column("visitor_key", KEY, nullable=False),
        sa.Column("serve_millis", sa.BigInteger, nullable=False),
        sa.Column("payload", MEDIUM_BINARY, nullable=False),
        sa.PrimaryKeyConstraint("page_key", name="pk_pages"),
        sa.Index("ix_pages_visitor_key", "visitor_key", "serve_millis", "page_key"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "erasures",
        sa.Column("receipt_id", sa.String(32), nullable=False),
        sa.Column("erasure_key", KEY),
        sa.Column("event_count", sa.BigInteger, nullable=False),
        sa.Column("page_count", sa.BigInteger, nullable=False),
        sa.Column("rejection_count", sa.BigInteger, nullable=False),
        sa.Column("delete_millis", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("receipt_id", name="pk_erasures"),
        sa.UniqueConstraint("erasure_key", name="uq_erasures_erasure_key"),
        **TABLE_OPTIONS,
    )


def downgrade() -> None:
    """Takes the log away."""
    for table in ("erasures", "pages", "quarantined_events", "events", "partition_heads", "log_settings"):
        op.drop_table(table)
