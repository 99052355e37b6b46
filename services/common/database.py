"""SQLAlchemy, set up once: SQLite that survives a crash, naming of constraints, transactions that cannot deadlock."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy
from sqlalchemy import Connection, Engine, MetaData, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool, StaticPool

_NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
_WRITE: Final = "vitrine_write"


class Base(DeclarativeBase):
    """The base of mapped classes. A service derives its own, with `metadata = new_metadata()`, to own its tables."""

    metadata = MetaData(naming_convention=_NAMING)


def new_metadata() -> MetaData:
    """Returns an empty MetaData with the naming convention, for the tables of one service."""
    return MetaData(naming_convention=_NAMING)


def sqlite_url(path: Path) -> URL:
    """Returns the URL of an SQLite file, whatever characters its path holds."""
    return URL.create("sqlite", database=str(path))


def create_engine(
    url: str | URL, *, durable: bool = True, busy_timeout_seconds: float = 10.0, pool_size: int = 8
) -> Engine:
    """Returns an engine for `url`.

    On SQLite: write-ahead log, foreign keys on, `busy_timeout_seconds` of patience with other writers, parent folder
    made. `durable` makes a commit wait for the disk (synchronous=FULL), so that what is committed survives power loss;
    without it, a crash of the machine (not of the process) may take the last commits, and the file stays consistent.
    Statements' parameters never appear in errors and logs: they hold users' ids.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sqlalchemy.create_engine(parsed, pool_pre_ping=True, pool_size=pool_size, hide_parameters=True)
    in_memory = parsed.database in {None, "", ":memory:"}
    pool: dict[str, Any] = {"poolclass": StaticPool} if in_memory else {"poolclass": QueuePool, "pool_size": pool_size}
    if not in_memory:
        Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = sqlalchemy.create_engine(
        parsed,
        hide_parameters=True,
        connect_args={"timeout": busy_timeout_seconds, "check_same_thread": False},
        **pool,
    )
    _tune_sqlite(engine, durable=durable)
    return engine


def _tune_sqlite(engine: Engine, *, durable: bool) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # sqlite3's own transaction handling begins late and only for some statements; on_begin says it instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # A writer takes its lock at once: a transaction that read first and wants to write later would be refused
        # (SQLITE_BUSY, whatever the timeout) if another one wrote between.
        write = connection.get_execution_options().get(_WRITE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN DEFERRED")


class Database:
    """An engine with the two ways to use it. Calls block: run them off the event loop."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def dialect(self) -> str:
        """The kind of database: sqlite, mysql or mariadb."""
        return self.engine.dialect.name

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A writing transaction: committed at the end, rolled back on an exception."""
        with self.engine.connect().execution_options(**{_WRITE: True}) as connection, connection.begin():
            yield connection

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A reading transaction: one snapshot of the store; writes in it are rolled back."""
        with self.engine.connect() as connection:
            yield connection

    def create_tables(self, metadata: MetaData) -> None:
        """Creates the tables that are not there yet."""
        with self.begin() as connection:
            metadata.create_all(connection)

    def dispose(self) -> None:
        """Closes the pool's connections."""
        self.engine.dispose()
