"""SQLite that survives crashes, with transactions that can't deadlock."""

import sqlite3
import time
from pathlib import Path
from typing import Any, Final

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool, StaticPool

from services.common.engines.transactions import writes

# The most per connection; and 16 MiB between checkpoints.
_CACHE_KIBIBYTES: Final = 32 * 1024
_CHECKPOINT_PAGES: Final = 4_000
_PAUSE_SECONDS: Final = 0.005


def sqlite_url(path: Path) -> URL:
    """Returns the URL of an SQLite file, whatever characters its path holds."""
    return URL.create("sqlite", database=str(path))


def sqlite_engine(url: URL, *, durable: bool, busy_timeout_seconds: float, pool_size: int) -> Engine:
    """Returns an engine with a write-ahead log and foreign keys that waits `busy_timeout_seconds` for other writers.

    Creates the file's folder. `durable` is synchronous=FULL. A database in memory has one connection for all threads.
    """
    in_memory = url.database in {None, "", ":memory:"}
    pool: dict[str, Any] = {"poolclass": StaticPool} if in_memory else {"poolclass": QueuePool, "pool_size": pool_size}
    if not in_memory:
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = sqlalchemy.create_engine(
        url,
        hide_parameters=True,
        connect_args={"timeout": busy_timeout_seconds, "check_same_thread": False},
        **pool,
    )
    _tune(engine, durable=durable, busy_timeout_seconds=busy_timeout_seconds)
    return engine


def _tune(engine: Engine, *, durable: bool, busy_timeout_seconds: float) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # sqlite3 itself begins transactions late, and only for some statements; on_begin does it instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        _write_ahead(cursor, busy_timeout_seconds)
        cursor.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA temp_store=MEMORY")
        # Deleted or replaced data is overwritten with zeros, except copies that rows left when they moved to another
        # page: see sqlite_traces.
        cursor.execute("PRAGMA secure_delete=ON")
        # Rows have random keys, and so touch index pages all over: with the default cache of 2 MB and a checkpoint
        # every 4 MB, the same pages would be read and written over and over.
        cursor.execute(f"PRAGMA cache_size=-{_CACHE_KIBIBYTES}")
        cursor.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # A writer takes its lock at once: a transaction that reads first and writes later would fail (SQLITE_BUSY,
        # whatever the timeout) if another one wrote in between.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes(connection) else "BEGIN DEFERRED")


def _write_ahead(cursor: Any, patience_seconds: float) -> None:
    """Turns the write-ahead log on. If several do so at once, SQLite may refuse one, whatever the timeout."""
    give_up = time.monotonic() + patience_seconds
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return
