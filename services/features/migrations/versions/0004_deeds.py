"""States keep each deed that can be taken back, and buyers are counted: all are made anew from the log."""

import sqlalchemy as sa
from alembic import op

from services.common.engines.mysql import TABLE_OPTIONS

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Empties what was made from the log, which is read again from its beginning."""
    _make_anew(sa.BigInteger())


def downgrade() -> None:
    """Empties what was made from the log, which is read again from its beginning."""
    _make_anew(sa.LargeBinary(2_048))


def _make_anew(buyers: sa.BigInteger | sa.LargeBinary) -> None:
    op.drop_table("item_statistics")
    op.create_table(
        "item_statistics",
        sa.Column("item_no", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("views", sa.BigInteger, nullable=False),
        sa.Column("favorites", sa.BigInteger, nullable=False),
        sa.Column("carts", sa.BigInteger, nullable=False),
        sa.Column("purchases", sa.BigInteger, nullable=False),
        sa.Column("impressions", sa.BigInteger, nullable=False),
        sa.Column("price_count", sa.BigInteger, nullable=False),
        sa.Column("price_sum", sa.Double, nullable=False),
        sa.Column("anchor_millis", sa.BigInteger, nullable=False),
        sa.Column("decayed_1d", sa.Double, nullable=False),
        sa.Column("decayed_7d", sa.Double, nullable=False),
        sa.Column("decayed_30d", sa.Double, nullable=False),
        sa.Column("buyers", buyers, nullable=False),
        sa.PrimaryKeyConstraint("item_no", name="pk_item_statistics"),
        sa.Index("ix_item_statistics_version", "version"),
        **TABLE_OPTIONS,
    )
    op.execute(sa.text("DELETE FROM user_states"))
    op.execute(sa.text("UPDATE partitions SET next_offset = 0, worker = NULL, epoch = epoch + 1, until_millis = 0"))
