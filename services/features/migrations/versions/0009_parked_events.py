"""Events that can't be applied are parked, and states that are full say how many events they don't hold."""

import sqlalchemy as sa
from alembic import op

from services.common.column_types import OpaqueId
from services.common.engines.mysql import TABLE_OPTIONS

revision = "0009"
down_revision = "0008"

STATES = ("user_states", "rebuilt_states")


def upgrade() -> None:
    """Makes the table and adds the columns."""
    op.create_table(
        "parked_events",
        sa.Column("partition", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("event_offset", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("visitor_key", OpaqueId(258), nullable=False),
        sa.Column("event_id", OpaqueId(), nullable=False),
        sa.Column("event_type", sa.SmallInteger, nullable=False),
        sa.Column("reason", OpaqueId(64), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("park_millis", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("partition", "event_offset", name="pk_parked_events"),
        sa.Index("ix_parked_events_visitor_key", "visitor_key"),
        **TABLE_OPTIONS,
    )
    for table in STATES:
        op.add_column(table, sa.Column("uncounted_events", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index("ix_user_states_uncounted_events", "user_states", ["uncounted_events"])


def downgrade() -> None:
    """Takes them away; what was parked stays uncounted."""
    op.drop_index("ix_user_states_uncounted_events", "user_states")
    for table in reversed(STATES):
        op.drop_column(table, "uncounted_events")
    op.drop_table("parked_events")
