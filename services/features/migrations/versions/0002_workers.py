"""Several workers: who applies which partition, and what others' changes are seen by."""

import sqlalchemy as sa
from alembic import op

from services.common.column_types import OpaqueId
from services.common.engines.mysql import TABLE_OPTIONS

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Makes the store ready for several workers."""
    op.create_table(
        "partitions",
        sa.Column("partition", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("next_offset", sa.BigInteger, nullable=False),
        sa.Column("worker", OpaqueId(), nullable=True),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("until_millis", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("partition", name="pk_partitions"),
        **TABLE_OPTIONS,
    )
    op.execute(
        "INSERT INTO partitions (`partition`, next_offset, worker, epoch, until_millis) "
        "SELECT `partition`, next_offset, NULL, 0, 0 FROM consumer_offsets"
    )
    op.drop_table("consumer_offsets")
    op.create_table(
        "workers",
        sa.Column("worker", OpaqueId(), nullable=False),
        sa.Column("until_millis", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("worker", name="pk_workers"),
        **TABLE_OPTIONS,
    )
    heads = op.create_table(
        "heads",
        sa.Column("name", OpaqueId(32), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_heads"),
        **TABLE_OPTIONS,
    )
    statistics = sa.table("item_statistics", sa.column("version"))
    last = op.get_bind().scalar(sa.select(sa.func.max(statistics.c.version))) or 0
    versions = {"catalog": 0, "users": 0, "statistics": last}
    op.bulk_insert(heads, [{"name": name, "version": version} for name, version in versions.items()])
    op.create_table(
        "user_changes",
        sa.Column("version", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("visitor_key", OpaqueId(258), nullable=False),
        sa.Column("change_millis", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_user_changes"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_user_changes_change_millis", "user_changes", ["change_millis"])
    op.create_index("ix_item_statistics_version", "item_statistics", ["version"])


def downgrade() -> None:
    """Back to one worker; what it had applied stays applied."""
    op.drop_index("ix_item_statistics_version", "item_statistics")
    op.drop_table("user_changes")
    op.drop_table("heads")
    op.drop_table("workers")
    op.create_table(
        "consumer_offsets",
        sa.Column("partition", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("next_offset", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("partition", name="pk_consumer_offsets"),
        **TABLE_OPTIONS,
    )
    op.execute(
        "INSERT INTO consumer_offsets (`partition`, next_offset) SELECT `partition`, next_offset FROM partitions"
    )
    op.drop_table("partitions")
