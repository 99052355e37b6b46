import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import event

from services.common.database import Database
from services.common.errors import FailedPreconditionError
from services.events.storage.log_reader import LogReader
from services.events.storage.schema import MIGRATIONS, prepare


def test_a_new_log_is_empty_in_every_partition(empty_database: Database) -> None:
    prepare(empty_database, 3)
    assert LogReader(empty_database).end_offsets() == [0, 0, 0]


def test_a_second_start_changes_nothing(empty_database: Database) -> None:
    prepare(empty_database, 3)
    prepare(empty_database, 3)
    assert LogReader(empty_database).end_offsets() == [0, 0, 0]


def test_two_first_starts_at_once_make_one_log(empty_database: Database) -> None:
    """Both have seen that there are no partitions before either makes them, where the engine lets them."""
    MIGRATIONS.upgrade(empty_database)
    both_looked = threading.Barrier(2)

    def meet(_connection: Any, _cursor: Any, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO log_settings"):
            with contextlib.suppress(threading.BrokenBarrierError):  # on SQLite the first writer keeps the other out
                both_looked.wait(0.3)

    event.listen(empty_database.engine, "before_cursor_execute", meet)
    with ThreadPoolExecutor(2) as starts:
        for start in [starts.submit(prepare, empty_database, 3) for _ in range(2)]:
            start.result()
    assert LogReader(empty_database).end_offsets() == [0, 0, 0]


def test_another_number_of_partitions_is_refused_with_the_remedy(empty_database: Database) -> None:
    prepare(empty_database, 3)
    with pytest.raises(FailedPreconditionError, match="VITRINE_EVENTS_PARTITIONS says 4; set it to 3") as refused:
        prepare(empty_database, 4)
    assert refused.value.reason == "PARTITIONS_CHANGED"
