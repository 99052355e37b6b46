"""Notices of consent, for the event log."""

import sqlalchemy as sa
from alembic import op

from services.common.column_types import OpaqueId
from services.common.engines.mysql import TABLE_OPTIONS

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "consent_notices",
        sa.Column("visitor_key", OpaqueId(258), nullable=False),
        sa.Column("consent", sa.SmallInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("visitor_key", name="pk_consent_notices"),
        **TABLE_OPTIONS,
    )


def downgrade() -> None:
    """Takes the table away, with what the log has not been told."""
    op.drop_table("consent_notices")
