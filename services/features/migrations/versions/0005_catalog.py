"""Several writers of the catalog: its head, the time of the last arrival, and what type each attribute is of."""

import sqlalchemy as sa
from alembic import op

from services.common.column_types import OpaqueId
from services.common.engines.mysql import TABLE_OPTIONS

revision = "0005"
down_revision = "0004"

HEADS = sa.table("heads", sa.column("name", OpaqueId(32)), sa.column("version", sa.BigInteger))


def upgrade() -> None:
    """Makes the store ready for several writers of the catalog."""
    op.create_table(
        "item_attributes",
        sa.Column("attribute_no", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("name", OpaqueId(64), nullable=False),
        sa.Column("type", OpaqueId(16), nullable=False),
        sa.PrimaryKeyConstraint("attribute_no", name="pk_item_attributes"),
        sa.UniqueConstraint("name", name="uq_item_attributes_name"),
        **TABLE_OPTIONS,
    )
    items = sa.table("items", sa.column("version", sa.BigInteger))
    newest = sa.select(sa.func.coalesce(sa.func.max(items.c.version), 0)).scalar_subquery()
    op.execute(HEADS.update().where(HEADS.c.name == "catalog").values(version=newest))
    op.bulk_insert(HEADS, [{"name": "catalog_arrivals", "version": 0}])


def downgrade() -> None:
    """Back to one writer."""
    op.execute(HEADS.delete().where(HEADS.c.name == "catalog_arrivals"))
    op.drop_table("item_attributes")
