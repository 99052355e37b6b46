"""The log's tables. Plain Core tables: the hot paths write and read tuples, and no row has an identity of its own.

New rows are written in the order of a table's columns (services/events/storage/records.py).

Keys are 16-byte digests of opaque ids (services/events/digests.py): no collation can fold them, on any engine.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from services.common.column_types import MEDIUM_BINARY, fixed_binary
from services.common.database import new_metadata
from services.common.engines.mysql import TABLE_OPTIONS
from services.events.digests import DIGEST_BYTES

metadata: Final = new_metadata()

_KEY: Final = fixed_binary(DIGEST_BYTES)
_TEXT: Final = String(1024)

log_settings: Final = Table(
    "log_settings",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Integer, nullable=False),
    **TABLE_OPTIONS,
)

# One row per partition. Whoever locks it assigns the next offsets, and readers see only what was committed under it.
heads: Final = Table(
    "partition_heads",
    metadata,
    Column("partition_no", Integer, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger, nullable=False),
    **TABLE_OPTIONS,
)

# One row per partition: the oldest offset that is kept. Apart from the heads, so that deleting old events and appending
# new ones don't wait for each other.
starts: Final = Table(
    "partition_starts",
    metadata,
    Column("partition_no", Integer, primary_key=True, autoincrement=False),
    Column("first_offset", BigInteger, nullable=False),
    **TABLE_OPTIONS,
)

# Clustered by offset on both engines: a tail reads neighbors. An erased event keeps its offset and its key (so that a
# late retry doesn't restore it) and loses visitor, payload, attribution, time and flags.
events: Final = Table(
    "events",
    metadata,
    Column("partition_no", Integer, primary_key=True, autoincrement=False),
    Column("log_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("event_key", _KEY, nullable=False, unique=True),
    Column("visitor_key", _KEY),
    Column("event_millis", BigInteger, nullable=False),
    Column("ingest_millis", BigInteger, nullable=False),
    Column("payload", MEDIUM_BINARY),
    Column("attribution", MEDIUM_BINARY),
    Column("flags", Integer, nullable=False, server_default="0"),
    Index("ix_events_visitor_key", "visitor_key", "event_millis", "log_offset"),
    sqlite_with_rowid=False,
    **TABLE_OPTIONS,
)

STORED_EVENT: Final = (
    events.c.partition_no,
    events.c.log_offset,
    events.c.ingest_millis,
    events.c.payload,
    events.c.attribution,
    events.c.flags,
)
"""The columns of records.StoredEvent, in its order."""

quarantine: Final = Table(
    "quarantined_events",
    metadata,
    Column("rejection_key", _KEY, primary_key=True),
    Column("visitor_key", _KEY, index=True),
    Column("ingest_millis", BigInteger, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("field", _TEXT, nullable=False),
    Column("description", _TEXT, nullable=False),
    Column("payload", MEDIUM_BINARY, nullable=False),
    Index("ix_quarantined_events_ingest_millis", "ingest_millis", "rejection_key"),
    **TABLE_OPTIONS,
)

pages: Final = Table(
    "pages",
    metadata,
    Column("page_key", _KEY, primary_key=True),
    Column("visitor_key", _KEY, nullable=False),
    Column("serve_millis", BigInteger, nullable=False),
    Column("payload", MEDIUM_BINARY, nullable=False),
    Index("ix_pages_visitor_key", "visitor_key", "serve_millis", "page_key"),
    Index("ix_pages_serve_millis", "serve_millis"),
    **TABLE_OPTIONS,
)

# Visitors about whom nothing may be kept: digests, which don't reveal who they are.
refusals: Final = Table(
    "refusals",
    metadata,
    Column("visitor_key", _KEY, primary_key=True),
    **TABLE_OPTIONS,
)

# Receipts name no visitor. `erasure_key` finds the receipt of a retried request.
erasures: Final = Table(
    "erasures",
    metadata,
    Column("receipt_id", String(32), primary_key=True),
    Column("erasure_key", _KEY, unique=True),
    Column("event_count", BigInteger, nullable=False),
    Column("page_count", BigInteger, nullable=False),
    Column("rejection_count", BigInteger, nullable=False),
    Column("delete_millis", BigInteger, nullable=False),
    **TABLE_OPTIONS,
)
