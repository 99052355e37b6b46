"""Visitors of whom nothing may be kept."""

import sqlalchemy as sa
from alembic import op

from services.common.column_types import fixed_binary
from services.common.engines.mysql import TABLE_OPTIONS

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "refusals",
        sa.Column("visitor_key", fixed_binary(16), nullable=False),
        sa.PrimaryKeyConstraint("visitor_key", name="pk_refusals"),
        **TABLE_OPTIONS,
    )


def downgrade() -> None:
    """Forgets who refused: the feature store knows, and tells again what changes."""
    op.drop_table("refusals")
