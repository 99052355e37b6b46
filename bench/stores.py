"""Databases for a benchmark, and what they take on the disk."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from services.common.database import create_engine, sqlite_url
from tests.support.mariadb import MariaDbServer, fresh_database, running_mariadb


@dataclass(frozen=True, slots=True)
class BenchStore:
    """An empty database.

    Args:
        url: where it is, as a service's setting.
        disk_bytes: says what it takes.
    """

    url: str
    disk_bytes: Callable[[], int]


def sqlite_stores(folder: Path, count: int) -> list[BenchStore]:
    """Files of their own."""
    paths = [folder / f"store{number}.db" for number in range(count)]
    return [BenchStore(str(sqlite_url(path)), partial(_file_bytes, path)) for path in paths]


@contextmanager
def mariadb_stores(folder: Path, count: int) -> Iterator[list[BenchStore]]:
    """Databases of one MariaDB on a folder of its own, whose commits wait for the disk, while the block runs.

    Raises NoEngineError where MariaDB is not installed.
    """
    with running_mariadb(folder, "--innodb-buffer-pool-size=1G") as server, ExitStack() as stack:
        urls = [stack.enter_context(fresh_database(server.url)) for _ in range(count)]
        yield [
            BenchStore(
                url.render_as_string(hide_password=False),
                partial(_table_bytes, server, str(url.database)),
            )
            for url in urls
        ]


def _table_bytes(server: MariaDbServer, database: str) -> int:
    """What the tables' files take; the redo log, of a fixed size, is left out."""
    return sum(path.stat().st_size for path in (server.data / database).iterdir())


def _file_bytes(path: Path) -> int:
    engine = create_engine(sqlite_url(path))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path.stat().st_size
