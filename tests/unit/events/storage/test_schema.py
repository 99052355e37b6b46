from collections.abc import Iterator
from pathlib import Path

import pytest

from services.common.database import Database, create_engine, sqlite_url
from services.common.errors import FailedPreconditionError
from services.events.storage.log_reader import LogReader
from services.events.storage.schema import prepare


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(create_engine(sqlite_url(tmp_path / "events.db")))
    yield database
    database.dispose()


def test_a_new_log_is_empty_in_every_partition(database: Database) -> None:
    prepare(database, 3)
    assert LogReader(database).end_offsets() == [0, 0, 0]


def test_a_second_start_changes_nothing(database: Database) -> None:
    prepare(database, 3)
    prepare(database, 3)
    assert LogReader(database).end_offsets() == [0, 0, 0]


def test_another_number_of_partitions_is_refused_with_the_remedy(database: Database) -> None:
    prepare(database, 3)
    with pytest.raises(FailedPreconditionError, match="VITRINE_EVENTS_PARTITIONS says 4; set it to 3") as refused:
        prepare(database, 4)
    assert refused.value.reason == "PARTITIONS_CHANGED"
