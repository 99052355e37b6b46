"""Several processes on one store."""

import subprocess
import sys
import threading
from collections import Counter

import pytest

from services.common.database import Database, create_engine
from services.events.storage.log_reader import LogReader
from services.events.storage.log_writer import LogWriter
from services.events.storage.operations import AppendEvents, AppendPages
from tests.contract.events.rows import offsets, page, rejection

ROUNDS = 40
EVENTS = 30


@pytest.mark.slow
def test_writers_in_two_processes_leave_no_gap_and_no_double(database_url: str, database: Database) -> None:
    """Both send the same events, in other groups and orders: each is stored by one of them."""
    program = [sys.executable, "-m", "tests.contract.events.writing_process", database_url]
    processes = [
        subprocess.Popen([*program, str(seed), str(ROUNDS), str(EVENTS)], stdout=subprocess.PIPE) for seed in (1, 2)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sum(int(output) for output in outputs) == ROUNDS * EVENTS, "each was new to one of the two"
    reader = LogReader(database)
    stored: Counter[bytes | None] = Counter()
    for partition, end in enumerate(reader.end_offsets()):
        assert offsets(database, partition) == list(range(end))
        stored.update(each.payload for each in reader.read(partition, 0, end))
    assert len(stored) == ROUNDS * EVENTS
    assert set(stored.values()) == {1}


def test_the_same_page_and_rejection_at_once_are_one(database_url: str, database: Database) -> None:
    failures: list[Exception] = []
    new: list[int] = []

    def write() -> None:
        other = Database(create_engine(database_url))
        try:
            for each in range(25):
                pages, _ = LogWriter(other).apply(
                    [AppendPages([page(str(each))]), AppendEvents([], [rejection(str(each))])]
                )
                new.append(pages)
        except Exception as error:  # noqa: BLE001  # told below
            failures.append(error)
        finally:
            other.dispose()

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(new) == 25
    assert LogReader(database).quarantined_count() == 25
