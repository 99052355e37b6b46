"""SQLAlchemy, set up once for SQLite, MySQL and MariaDB: engines, naming of constraints, transactions."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine, MetaData
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase

from services.common.engines.mysql import BACKENDS, mysql_engine
from services.common.engines.sqlite import sqlite_engine, sqlite_url
from services.common.engines.sqlite_traces import erase_traces, erase_traces_left
from services.common.engines.transactions import RETRY_SECONDS, WRITES, is_duplicate, is_transient, jittered

__all__ = ["Base", "Database", "create_engine", "new_metadata", "sqlite_url"]

T = TypeVar("T")

_NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The base of mapped classes. A service derives its own, with `metadata = new_metadata()`, to own its tables."""

    metadata = MetaData(naming_convention=_NAMING)


def new_metadata() -> MetaData:
    """Returns an empty MetaData with the naming convention, for the tables of one service."""
    return MetaData(naming_convention=_NAMING)


def create_engine(
    url: str | URL,
    *,
    durable: bool = True,
    busy_timeout_seconds: float = 10.0,
    pool_size: int = 8,
    statement_seconds: float | None = 30.0,
) -> Engine:
    """Returns an engine for `url`, with at most `pool_size` connections on MySQL and MariaDB.

    On SQLite: write-ahead log, foreign keys, waits up to `busy_timeout_seconds` for other writers, creates the parent
    folder. `durable` makes commits wait for the disk (synchronous=FULL), so that they survive power loss; without it, a
    crash of the machine (not of the process) may lose the last commits, and the file stays consistent.
    On MySQL and MariaDB: InnoDB's own durability, utf8mb4, strict mode. If all connections are in use, callers wait up
    to `busy_timeout_seconds`; a statement that returns nothing for `statement_seconds` (None: no limit) fails.
    Statement parameters never appear in errors and logs: they hold users' ids.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() in BACKENDS:
        return mysql_engine(
            parsed,
            pool_size=pool_size,
            pool_timeout_seconds=busy_timeout_seconds,
            statement_seconds=statement_seconds,
        )
    return sqlite_engine(parsed, durable=durable, busy_timeout_seconds=busy_timeout_seconds, pool_size=pool_size)


class Database:
    """An engine and the ways to use it. Calls block: run them off the event loop."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def dialect(self) -> str:
        """The kind of database: sqlite, or mysql for MySQL and MariaDB."""
        return self.engine.dialect.name

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A write transaction: committed at the end, rolled back on an exception."""
        with self.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
            yield connection

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A read transaction: one snapshot of the store; writes in it are rolled back."""
        with self.engine.connect() as connection:
            yield connection

    def write(self, work: Callable[[Connection], T]) -> T:
        """Returns what `work` returns, committed. Repeats it from the start if the engine gave the transaction up (a
        deadlock, a lock waited for too long), if the connection was lost, or if another process inserted the same key
        between a look and the insert: the second look finds it.

        It's unknown whether a connection lost during a commit committed: `work` must be harmless when repeated.
        """
        return _repeated(self.begin, work, lambda error: is_transient(error) or is_duplicate(error))

    def read(self, work: Callable[[Connection], T]) -> T:
        """Returns what `work` returns of one snapshot; reads again if the connection was lost."""
        return _repeated(self.connect, work, is_transient)

    def erase_traces(self) -> bool:
        """Removes what committed transactions deleted from the disk, as far as that's up to us; call it after an
        erasure.

        Returns False if traces are left for `erase_traces_left`, such as in a large SQLite file. MySQL and MariaDB
        purge deleted rows by themselves.
        """
        return self.dialect != "sqlite" or erase_traces(self.engine)

    def erase_traces_left(self) -> bool:
        """Removes what `erase_traces` left, which may take a while; call it periodically."""
        return self.dialect != "sqlite" or erase_traces_left(self.engine)

    @contextmanager
    def maintenance(self) -> Iterator[Connection]:
        """A connection for schema migrations, without a time limit and without a transaction."""
        if self.dialect == "sqlite":
            with self.engine.connect().execution_options(**{WRITES: True}) as connection:
                yield connection
            return
        patient = create_engine(self.engine.url, pool_size=1, statement_seconds=None)
        try:
            with patient.connect() as connection:
                yield connection
        finally:
            patient.dispose()

    def create_tables(self, metadata: MetaData) -> None:
        """Creates the tables that don't exist yet."""
        with self.begin() as connection:
            metadata.create_all(connection)

    def dispose(self) -> None:
        """Closes the pool's connections; blocks while SQLite empties its write-ahead log."""
        self.engine.dispose()


def _repeated(
    transaction: Callable[[], AbstractContextManager[Connection]],
    work: Callable[[Connection], T],
    passes: Callable[[DBAPIError], bool],
) -> T:
    for seconds in RETRY_SECONDS:
        try:
            with transaction() as connection:
                return work(connection)
        except DBAPIError as error:
            if not passes(error):
                raise
        time.sleep(jittered(seconds))
    with transaction() as connection:
        return work(connection)
