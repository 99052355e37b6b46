"""Flags of events; where each partition starts; indexes by age."""

import sqlalchemy as sa
from alembic import op

from services.common.engines.mysql import TABLE_OPTIONS

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Makes the log ready to flag and to drop events."""
    op.add_column("events", sa.Column("flags", sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "partition_starts",
        sa.Column("partition_no", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("first_offset", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("partition_no", name="pk_partition_starts"),
        **TABLE_OPTIONS,
    )
    op.execute("INSERT INTO partition_starts (partition_no, first_offset) SELECT partition_no, 0 FROM partition_heads")
    op.create_index("ix_quarantined_events_ingest_millis", "quarantined_events", ["ingest_millis", "rejection_key"])
    op.create_index("ix_pages_serve_millis", "pages", ["serve_millis"])


def downgrade() -> None:
    """Takes flags and starts away; what was dropped stays dropped."""
    op.drop_index("ix_pages_serve_millis", "pages")
    op.drop_index("ix_quarantined_events_ingest_millis", "quarantined_events")
    op.drop_table("partition_starts")
    op.drop_column("events", "flags")
