"""MySQL 8 and MariaDB 10.11: bounded pools, strict mode, timeouts, isolation by purpose."""

from typing import Any, Final

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from services.common.engines.transactions import writes

BACKENDS: Final = frozenset({"mysql", "mariadb"})
# For every table: transactions, and comparison by code point for columns that aren't binary.
TABLE_OPTIONS: Final[dict[str, Any]] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}

_CONNECT_SECONDS: Final = 5
_LOCK_WAIT_SECONDS: Final = 5
# Below the server's wait_timeout (8 h) and what proxies and firewalls allow.
_RECYCLE_SECONDS: Final = 1800
# Strict: a value that doesn't fit is an error, never truncated.
_SQL_MODE: Final = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION"


def mysql_url(url: URL) -> URL:
    """Returns `url` for the driver and dialect that serve both MySQL and MariaDB."""
    driver = url.drivername.partition("+")[2] or "pymysql"
    return url.set(drivername=f"mysql+{driver}")


def mysql_engine(url: URL, *, pool_size: int, pool_timeout_seconds: float, statement_seconds: float | None) -> Engine:
    """Returns an engine with up to `pool_size` connections; callers wait up to `pool_timeout_seconds` for a free one.

    A connection is tested before it's used. A statement that returns nothing for `statement_seconds` loses its
    connection; None waits forever.
    """
    engine = sqlalchemy.create_engine(
        mysql_url(url),
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_timeout_seconds,
        pool_recycle=_RECYCLE_SECONDS,
        # A read transaction is one snapshot, whatever the server's default.
        isolation_level="REPEATABLE READ",
        connect_args={
            "charset": "utf8mb4",
            "connect_timeout": _CONNECT_SECONDS,
            "read_timeout": statement_seconds,
            "write_timeout": statement_seconds,
        },
    )
    _tune(engine)
    return engine


def _tune(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET SESSION sql_mode = '{_SQL_MODE}', innodb_lock_wait_timeout = {_LOCK_WAIT_SECONDS}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # A writer locks the rows it touches and not the gaps between them, so that writers of different rows don't
        # block each other, and each of its statements sees what is committed by then. For this transaction only.
        if writes(connection):
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
