"""The feature store's tables. Ids are binary, so that no collation folds them; times are numbers, UTC."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, SmallInteger, Table

from services.common.column_types import LONG_BINARY, MEDIUM_BINARY, OpaqueId
from services.common.database import new_metadata
from services.common.engines.mysql import TABLE_OPTIONS

METADATA: Final = new_metadata()
KEY_BYTES: Final = 258

ITEMS: Final = Table(
    "items",
    METADATA,
    Column("item_no", BigInteger, primary_key=True, autoincrement=False),
    Column("item_id", OpaqueId, nullable=False, unique=True),
    # The catalog's version that the last change made; 0: only a number that was handed out to an unknown id.
    Column("version", BigInteger, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("update_micros", BigInteger, nullable=False),
    Column("field_times", MEDIUM_BINARY),
    Column("create_millis", BigInteger, nullable=False),
    # The item without its vectors, and an item with nothing else.
    Column("payload", MEDIUM_BINARY),
    Column("vectors", MEDIUM_BINARY),
    # What LookupItemStates answers from, so that a start does not parse every item.
    Column("flags", SmallInteger, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("available_from_millis", BigInteger, nullable=False),
    Column("available_until_millis", BigInteger, nullable=False),
    Column("minimum_age", SmallInteger, nullable=False),
    Column("group_no", BigInteger, nullable=False),
    Column("category_no", BigInteger, nullable=False),
    Column("brand_no", BigInteger, nullable=False),
    Column("price", Double, nullable=False),
    Index(None, "version"),
    **TABLE_OPTIONS,
)

CATEGORIES: Final = Table(
    "categories",
    METADATA,
    Column("category_no", BigInteger, primary_key=True, autoincrement=False),
    Column("parent_no", BigInteger, nullable=False),
    Column("name", OpaqueId, nullable=False),
    Index(None, "parent_no", "name", unique=True),
    **TABLE_OPTIONS,
)

BRANDS: Final = Table(
    "brands",
    METADATA,
    Column("brand_no", BigInteger, primary_key=True, autoincrement=False),
    Column("brand", OpaqueId, nullable=False, unique=True),
    **TABLE_OPTIONS,
)

ITEM_GROUPS: Final = Table(
    "item_groups",
    METADATA,
    Column("group_no", BigInteger, primary_key=True, autoincrement=False),
    Column("group_id", OpaqueId, nullable=False, unique=True),
    **TABLE_OPTIONS,
)

ITEM_ATTRIBUTES: Final = Table(
    "item_attributes",
    METADATA,
    Column("attribute_no", BigInteger, primary_key=True, autoincrement=False),
    Column("name", OpaqueId(64), nullable=False, unique=True),
    # The field of AttributeValue that its values are in.
    Column("type", OpaqueId(16), nullable=False),
    **TABLE_OPTIONS,
)

USERS: Final = Table(
    "users",
    METADATA,
    Column("visitor_key", OpaqueId(KEY_BYTES), primary_key=True),
    Column("update_micros", BigInteger, nullable=False),
    Column("field_times", MEDIUM_BINARY),
    Column("consent", SmallInteger, nullable=False),
    Column("payload", MEDIUM_BINARY, nullable=False),
    **TABLE_OPTIONS,
)

ATTRIBUTE_TYPES: Final = Table(
    "user_attribute_types",
    METADATA,
    Column("name", OpaqueId(64), primary_key=True),
    Column("type", OpaqueId(16), nullable=False),
    **TABLE_OPTIONS,
)

MERGES: Final = Table(
    "user_merges",
    METADATA,
    Column("anonymous_key", OpaqueId(KEY_BYTES), primary_key=True),
    Column("user_key", OpaqueId(KEY_BYTES), nullable=False, index=True),
    Column("merge_millis", BigInteger, nullable=False),
    **TABLE_OPTIONS,
)

# What changed of users, for a minute: for processes that hold it in memory.
USER_CHANGES: Final = Table(
    "user_changes",
    METADATA,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("visitor_key", OpaqueId(KEY_BYTES), nullable=False),
    Column("change_millis", BigInteger, nullable=False),
    Index(None, "change_millis"),
    **TABLE_OPTIONS,
)

# Consents that the event log hasn't been sent yet.
CONSENT_NOTICES: Final = Table(
    "consent_notices",
    METADATA,
    Column("visitor_key", OpaqueId(KEY_BYTES), primary_key=True),
    Column("consent", SmallInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    **TABLE_OPTIONS,
)

ERASURES: Final = Table(
    "erasures",
    METADATA,
    Column("receipt_id", OpaqueId(64), primary_key=True),
    Column("request_id", OpaqueId, unique=True),
    Column("deleted_row_count", BigInteger, nullable=False),
    Column("delete_millis", BigInteger, nullable=False),
    **TABLE_OPTIONS,
)

USER_STATES: Final = Table(
    "user_states",
    METADATA,
    Column("visitor_key", OpaqueId(KEY_BYTES), primary_key=True),
    Column("state", LONG_BINARY, nullable=False),
    # Events that a full state doesn't hold (see `ItemCounters`).
    Column("uncounted_events", BigInteger, nullable=False, server_default="0", index=True),
    **TABLE_OPTIONS,
)

# What could not be applied, and is passed over.
PARKED_EVENTS: Final = Table(
    "parked_events",
    METADATA,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("event_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("visitor_key", OpaqueId(KEY_BYTES), nullable=False, index=True),
    Column("event_id", OpaqueId, nullable=False),
    Column("event_type", SmallInteger, nullable=False),
    Column("reason", OpaqueId(64), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("park_millis", BigInteger, nullable=False),
    **TABLE_OPTIONS,
)

ITEM_STATISTICS: Final = Table(
    "item_statistics",
    METADATA,
    Column("item_no", BigInteger, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("views", BigInteger, nullable=False),
    Column("favorites", BigInteger, nullable=False),
    Column("carts", BigInteger, nullable=False),
    Column("purchases", BigInteger, nullable=False),
    Column("impressions", BigInteger, nullable=False),
    Column("price_count", BigInteger, nullable=False),
    Column("price_sum", Double, nullable=False),
    Column("anchor_millis", BigInteger, nullable=False),
    Column("decayed_1d", Double, nullable=False),
    Column("decayed_7d", Double, nullable=False),
    Column("decayed_30d", Double, nullable=False),
    Column("buyers", BigInteger, nullable=False),
    Column("users", BigInteger, nullable=False, server_default="0"),
    Column("intervals", BigInteger, nullable=False, server_default="0"),
    Column("interval_millis", BigInteger, nullable=False, server_default="0"),
    Index(None, "version"),
    **TABLE_OPTIONS,
)

PARTITIONS: Final = Table(
    "partitions",
    METADATA,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger, nullable=False),
    # Who applies its events, until when; a higher epoch takes the right to save from whoever held a lower one.
    Column("worker", OpaqueId, nullable=True),
    Column("epoch", BigInteger, nullable=False),
    Column("until_millis", BigInteger, nullable=False),
    **TABLE_OPTIONS,
)

# What a rebuild has made so far; it takes the place of states, statistics and offsets as a whole.
REBUILT_STATES: Final = Table(
    "rebuilt_states",
    METADATA,
    Column("visitor_key", OpaqueId(KEY_BYTES), primary_key=True),
    Column("state", LONG_BINARY, nullable=False),
    Column("uncounted_events", BigInteger, nullable=False, server_default="0"),
    **TABLE_OPTIONS,
)

REBUILT_PARTITIONS: Final = Table(
    "rebuilt_partitions",
    METADATA,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger, nullable=False),
    **TABLE_OPTIONS,
)

WORKERS: Final = Table(
    "workers",
    METADATA,
    Column("worker", OpaqueId, primary_key=True),
    Column("until_millis", BigInteger, nullable=False),
    **TABLE_OPTIONS,
)

HEADS: Final = Table(
    "heads",
    METADATA,
    Column("name", OpaqueId(32), primary_key=True),
    Column("version", BigInteger, nullable=False),
    **TABLE_OPTIONS,
)
