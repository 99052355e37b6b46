from collections.abc import Iterator

import pytest

from services.common.database import Database, create_engine
from services.events.storage.log_writer import LogWriter
from services.events.storage.schema import prepare
from tests.contract.events.rows import PARTITIONS
from tests.support.migrated_stores import lay_events_store


@pytest.fixture
def empty_database(database_url: str) -> Iterator[Database]:
    """A store without partitions, on each engine."""
    database = Database(create_engine(lay_events_store(database_url)))
    yield database
    database.dispose()


@pytest.fixture
def database(empty_database: Database) -> Database:
    """An empty log, on each engine."""
    prepare(empty_database, PARTITIONS)
    return empty_database


@pytest.fixture
def writer(database: Database) -> LogWriter:
    return LogWriter(database)
