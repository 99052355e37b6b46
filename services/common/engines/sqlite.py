"""SQLite that survives a crash, with transactions that cannot deadlock."""

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

# At the most, by each connection; and 16 MiB between checkpoints.
_CACHE_KIBIBYTES: Final = 32 * 1024
_CHECKPOINT_PAGES: Final = 4_000
_PAUSE_SECONDS: Final = 0.005


def sqlite_url(path: Path) -> URL:
    """Returns the URL of an SQLite file, whatever characters its path holds."""
    return URL.create("sqlite", database=str(path))


def sqlite_engine(url: URL, *, durable: bool, busy_timeout_seconds: float, pool_size: int) -> Engine:
    """Returns an engine: write-ahead log, foreign keys on, `busy_timeout_seconds` of patience with other writers.

    The file's folder is made. `durable` is synchronous=FULL. A database in memory has one connection for all threads.
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
        # sqlite3's own transaction handling begins late and only for some statements; on_begin says it instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        _write_ahead(cursor, busy_timeout_seconds)
        cursor.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA temp_store=MEMORY")
        # What is deleted or replaced is overwritten with zeros. Copies that rows left when they moved to another page
        # are not: see sqlite_traces.
        cursor.execute("PRAGMA secure_delete=ON")
        # Rows come in the order of random keys, and touch the indexes' pages all over: with the default of 2 MB, and a
        # checkpoint every 4 MB, the same pages are read and written over and over.
        cursor.execute(f"PRAGMA cache_size=-{_CACHE_KIBIBYTES}")
        cursor.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # A writer takes its lock at once: a transaction that read first and wants to write later would be refused
        # (SQLITE_BUSY, whatever the timeout) if another one wrote between.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes(connection) else "BEGIN DEFERRED")


def _write_ahead(cursor: Any, patience_seconds: float) -> None:
    """Turns the write-ahead log on; of several who do so together SQLite may refuse one, whatever the timeout."""
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
