"""What a rebuild has made so far."""

import sqlalchemy as sa
from alembic import op

from services.common.column_types import LONG_BINARY, OpaqueId
from services.common.engines.mysql import TABLE_OPTIONS

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "rebuilt_states",
        sa.Column("visitor_key", OpaqueId(258), nullable=False),
        sa.Column("state", LONG_BINARY, nullable=False),
        sa.PrimaryKeyConstraint("visitor_key", name="pk_rebuilt_states"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "rebuilt_partitions",
        sa.Column("partition", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("next_offset", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("partition", name="pk_rebuilt_partitions"),
        **TABLE_OPTIONS,
    )


def downgrade() -> None:
    """Takes them away; a rebuild begins anew anyway."""
    op.drop_table("rebuilt_partitions")
    op.drop_table("rebuilt_states")
