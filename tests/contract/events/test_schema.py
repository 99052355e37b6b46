import pytest

from services.common.database import Database
from services.common.errors import FailedPreconditionError
from services.events.storage.log_reader import LogReader
from services.events.storage.schema import prepare


def test_a_new_log_is_empty_in_every_partition(empty_database: Database) -> None:
    prepare(empty_database, 3)
    assert LogReader(empty_database).end_offsets() == [0, 0, 0]


def test_a_second_start_changes_nothing(empty_database: Database) -> None:
    prepare(empty_database, 3)
    prepare(empty_database, 3)
    assert LogReader(empty_database).end_offsets() == [0, 0, 0]


def test_another_number_of_partitions_is_refused_with_the_remedy(empty_database: Database) -> None:
    prepare(empty_database, 3)
    with pytest.raises(FailedPreconditionError, match="VITRINE_EVENTS_PARTITIONS says 4; set it to 3") as refused:
        prepare(empty_database, 4)
    assert refused.value.reason == "PARTITIONS_CHANGED"
