import pytest

from services.common.database import Database
from services.events.storage.log_reader import Bounds, DroppedError, LogReader
from services.events.storage.log_sweeper import LogSweeper
from services.events.storage.log_writer import LogWriter
from services.events.storage.operations import AppendEvents, AppendPages
from services.events.storage.tables import pages, quarantine
from tests.contract.events.rows import STORED, count, event, offsets, page, rejection


def append(writer: LogWriter, *ages: int, partition: int = 0) -> None:
    events = [event(f"{partition}.{age}.{each}", partition, ingest_millis=age) for each, age in enumerate(ages)]
    writer.apply([AppendEvents(events)])


def test_the_oldest_go_and_offsets_run_on(writer: LogWriter, database: Database) -> None:
    append(writer, 1, 2, 3, 4)
    append(writer, 1, 9, partition=1)
    assert LogSweeper(database).drop_events(0, 3, 100) == 2
    assert LogReader(database).bounds()[:2] == [Bounds(2, 4), Bounds(0, 2)]
    append(writer, 5)
    assert offsets(database) == [2, 3, 4]
    assert offsets(database, 1) == [0, 1]


def test_dropping_again_changes_nothing(writer: LogWriter, database: Database) -> None:
    append(writer, 1, 2, 3)
    sweeper = LogSweeper(database)
    assert [sweeper.drop_events(0, 3, 100) for _ in range(3)] == [2, 0, 0]


def test_a_few_at_a_time(writer: LogWriter, database: Database) -> None:
    append(writer, *([1] * 25))
    assert [LogSweeper(database).drop_events(0, 3, 10) for _ in range(4)] == [10, 10, 5, 0]
    assert LogReader(database).bounds()[0] == Bounds(25, 25)
    append(writer, 5)
    assert offsets(database) == [25]


def test_what_is_kept_has_no_gap(writer: LogWriter, database: Database) -> None:
    """Servers' clocks differ: an old event may stand behind a young one. It goes with that one."""
    append(writer, 1, 8, 1, 1)
    assert LogSweeper(database).drop_events(0, 5, 100) == 1
    assert offsets(database) == [1, 2, 3]


def test_a_reader_is_told_where_the_log_begins_now(writer: LogWriter, database: Database) -> None:
    append(writer, 1, 2, 3, 4)
    LogSweeper(database).drop_events(0, 3, 100)
    reader = LogReader(database)
    with pytest.raises(DroppedError) as dropped:
        list(reader.read(0, 1, 4))
    assert (dropped.value.offset, dropped.value.oldest) == (1, 2)
    LogSweeper(database).drop_events(0, 99, 100)
    with pytest.raises(DroppedError) as dropped:
        list(reader.read(0, 2, 4))
    assert dropped.value.oldest == 4


def test_a_dropped_event_may_come_again(writer: LogWriter, database: Database) -> None:
    batch = AppendEvents([event("a", ingest_millis=1)])
    writer.apply([batch])
    LogSweeper(database).drop_events(0, 5, 100)
    assert writer.apply([batch]) == [[STORED]], "its key was kept as long as the event"
    assert offsets(database) == [1]


def test_old_pages_and_rejections_go(writer: LogWriter, database: Database) -> None:
    writer.apply([AppendPages([page("a", 1), page("b", 2), page("c", 3)])])
    writer.apply([AppendEvents([], [rejection("a", ingest_millis=1), rejection("b", ingest_millis=3)])])
    sweeper = LogSweeper(database)
    assert [sweeper.drop_pages(3, 1), sweeper.drop_pages(3, 9), sweeper.drop_pages(3, 9)] == [1, 1, 0]
    assert [sweeper.drop_rejections(3, 9), sweeper.drop_rejections(3, 9)] == [1, 0]
    assert (count(database, pages), count(database, quarantine)) == (1, 1)


def test_nothing_to_drop_in_an_empty_log(database: Database) -> None:
    sweeper = LogSweeper(database)
    assert sweeper.partitions() == [0, 1, 2, 3]
    assert (sweeper.drop_events(0, 9, 9), sweeper.drop_pages(9, 9), sweeper.drop_rejections(9, 9)) == (0, 0, 0)
