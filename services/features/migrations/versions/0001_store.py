"""The store: catalog, users, their states, statistics, offsets."""

import sqlalchemy as sa
from alembic import op

from services.common.column_types import LONG_BINARY, MEDIUM_BINARY, OpaqueId
from services.common.engines.mysql import TABLE_OPTIONS

revision = "0001"
down_revision = None

KEY_BYTES = 258


def upgrade() -> None:
    """Makes the tables."""
    _catalog()
    _users()
    _features()


def _catalog() -> None:
    op.create_table(
        "items",
        sa.Column("item_no", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("item_id", OpaqueId(), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("update_micros", sa.BigInteger, nullable=False),
        sa.Column("field_times", MEDIUM_BINARY),
        sa.Column("create_millis", sa.BigInteger, nullable=False),
        sa.Column("payload", MEDIUM_BINARY),
        sa.Column("vectors", MEDIUM_BINARY),
        sa.Column("flags", sa.SmallInteger, nullable=False),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("available_from_millis", sa.BigInteger, nullable=False),
        sa.Column("available_until_millis", sa.BigInteger, nullable=False),
        sa.Column("minimum_age", sa.SmallInteger, nullable=False),
        sa.Column("group_no", sa.BigInteger, nullable=False),
        sa.Column("category_no", sa.BigInteger, nullable=False),
        sa.Column("brand_no", sa.BigInteger, nullable=False),
        sa.Column("price", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("item_no", name="pk_items"),
        sa.UniqueConstraint("item_id", name="uq_items_item_id"),
        sa.Index("ix_items_version", "version"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "categories",
        sa.Column("category_no", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("parent_no", sa.BigInteger, nullable=False),
        sa.Column("name", OpaqueId(), nullable=False),
        sa.PrimaryKeyConstraint("category_no", name="pk_categories"),
        sa.Index("ix_categories_parent_no_name", "parent_no", "name", unique=True),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "brands",
        sa.Column("brand_no", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("brand", OpaqueId(), nullable=False),
        sa.PrimaryKeyConstraint("brand_no", name="pk_brands"),
        sa.UniqueConstraint("brand", name="uq_brands_brand"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "item_groups",
        sa.Column("group_no", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("group_id", OpaqueId(), nullable=False),
        sa.PrimaryKeyConstraint("group_no", name="pk_item_groups"),
        sa.UniqueConstraint("group_id", name="uq_item_groups_group_id"),
        **TABLE_OPTIONS,
    )


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("visitor_key", OpaqueId(KEY_BYTES), nullable=False),
        sa.Column("update_micros", sa.BigInteger, nullable=False),
        sa.Column("field_times", MEDIUM_BINARY),
        sa.Column("consent", sa.SmallInteger, nullable=False),
        sa.Column("payload", MEDIUM_BINARY, nullable=False),
        sa.PrimaryKeyConstraint("visitor_key", name="pk_users"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "user_attribute_types",
        sa.Column("name", OpaqueId(64), nullable=False),
        sa.Column("type", OpaqueId(16), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_user_attribute_types"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "user_merges",
        sa.Column("anonymous_key", OpaqueId(KEY_BYTES), nullable=False),
        sa.Column("user_key", OpaqueId(KEY_BYTES), nullable=False),
        sa.Column("merge_millis", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("anonymous_key", name="pk_user_merges"),
        sa.Index("ix_user_merges_user_key", "user_key"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "erasures",
        sa.Column("receipt_id", OpaqueId(64), nullable=False),
        sa.Column("request_id", OpaqueId()),
        sa.Column("deleted_row_count", sa.BigInteger, nullable=False),
        sa.Column("delete_millis", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("receipt_id", name="pk_erasures"),
        sa.UniqueConstraint("request_id", name="uq_erasures_request_id"),
        **TABLE_OPTIONS,
    )


def _features() -> None:
    op.create_table(
        "user_states",
        sa.Column("visitor_key", OpaqueId(KEY_BYTES), nullable=False),
        sa.Column("state", LONG_BINARY, nullable=False),
        sa.PrimaryKeyConstraint("visitor_key", name="pk_user_states"),
        **TABLE_OPTIONS,
    )
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
        sa.Column("buyers", sa.LargeBinary(2_048), nullable=False),
        sa.PrimaryKeyConstraint("item_no", name="pk_item_statistics"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "consumer_offsets",
        sa.Column("partition", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("next_offset", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("partition", name="pk_consumer_offsets"),
        **TABLE_OPTIONS,
    )


def downgrade() -> None:
    """Takes the store away."""
    for table in (
        "consumer_offsets",
        "item_statistics",
        "user_states",
        "erasures",
        "user_merges",
        "user_attribute_types",
        "users",
        "item_groups",
        "brands",
        "categories",
        "items",
    ):
        op.drop_table(table)
