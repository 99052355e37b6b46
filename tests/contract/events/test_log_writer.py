import random

import pytest
from sqlalchemy import select

from services.common.database import Database
from services.events.storage.log_reader import LogReader
from services.events.storage.log_writer import LogWriter
from services.events.storage.operations import AppendEvents, AppendPages
from services.events.storage.tables import erasures, events, pages, quarantine
from services.events.storage.user_reader import UserReader
from tests.contract.events.rows import (
    ANNA,
    BERT,
    DUPLICATE,
    PARTITIONS,
    REFUSED,
    STORED,
    count,
    erasure,
    event,
    offsets,
    page,
    refusal,
    rejection,
)


def test_offsets_of_a_partition_run_on_without_a_gap(writer: LogWriter, database: Database) -> None:
    random.seed(3)
    sizes = [0] * PARTITIONS
    for group in range(20):
        batch = [event(f"{group}.{each}", random.randrange(PARTITIONS)) for each in range(random.randrange(40))]
        for each in batch:
            sizes[each.partition] += 1
        writer.apply([AppendEvents(batch[:5]), AppendEvents(batch[5:])])
    assert LogReader(database).end_offsets() == sizes
    for partition, size in enumerate(sizes):
        assert offsets(database, partition) == list(range(size))


def test_an_event_is_stored_once_in_a_batch_a_group_and_for_ever(writer: LogWriter, database: Database) -> None:
    first, second = AppendEvents([event("a"), event("a"), event("b")]), AppendEvents([event("b"), event("c")])
    assert writer.apply([first, second]) == [[STORED, DUPLICATE, STORED], [DUPLICATE, STORED]]
    assert writer.apply([second]) == [[DUPLICATE, DUPLICATE]]
    assert offsets(database) == [0, 1, 2]
    assert first.appended([STORED, DUPLICATE, STORED]) == 2


@pytest.mark.parametrize("size", [1, 2, 3, 33, 511, 512, 513, 1500])
def test_batches_of_any_size_are_whole(writer: LogWriter, database: Database, size: int) -> None:
    batch = AppendEvents([event(str(each)) for each in range(size)])
    assert writer.apply([batch]) == [[STORED] * size]
    assert writer.apply([batch]) == [[DUPLICATE] * size]
    reader = LogReader(database)
    assert [each.payload for each in reader.read(0, 0, size)] == [str(each).encode() for each in range(size)]


def test_a_group_that_fails_leaves_nothing(writer: LogWriter, database: Database) -> None:
    broken = event("b")._replace(event_key=None)  # type: ignore[arg-type]
    with pytest.raises(Exception, match=r"NOT NULL|cannot be null"):
        writer.apply([AppendEvents([event("a")]), AppendEvents([broken], [rejection("r")])])
    assert LogReader(database).end_offsets() == [0] * PARTITIONS
    assert count(database, quarantine) == 0


def test_a_rejected_event_is_kept_once(writer: LogWriter, database: Database) -> None:
    writer.apply([AppendEvents([], [rejection("r"), rejection("r")])])
    writer.apply([AppendEvents([], [rejection("r"), rejection("s")])])
    assert LogReader(database).quarantined_count() == 2


def test_a_page_is_logged_once(writer: LogWriter) -> None:
    assert writer.apply([AppendPages([page("p"), page("p")]), AppendPages([page("p"), page("q")])]) == [1, 1]
    assert writer.apply([AppendPages([page("q")])]) == [0]


def test_erasing_leaves_places_and_nothing_else(writer: LogWriter, database: Database) -> None:
    mine = [event("a"), event("c")]
    writer.apply([AppendEvents([mine[0], event("b", visitor=BERT), mine[1]], [rejection("r"), rejection("s", BERT)])])
    writer.apply([AppendPages([page("p"), page("q", visitor=BERT)])])
    [receipt] = writer.apply([erasure()])
    assert receipt == ("r1", 2, 1, 1, 99)
    stored = list(LogReader(database).read(0, 0, 3))
    assert [each.offset for each in stored] == [0, 1, 2]
    assert [each.payload for each in stored] == [None, b"b", None]
    assert (count(database, pages), count(database, quarantine)) == (1, 1)
    assert UserReader(database).events(ANNA, 10) == []
    with database.connect() as connection:
        erased = select(events.c.event_millis, events.c.attribution).where(events.c.visitor_key.is_(None))
        assert connection.execute(erased).all() == [(0, None), (0, None)]
    assert writer.apply([AppendEvents(mine)]) == [[DUPLICATE, DUPLICATE]], "a late retry doesn't restore it"
    assert writer.apply([AppendEvents([event("d")])]) == [[STORED]]


def test_an_erasure_takes_what_came_in_the_same_group(writer: LogWriter, database: Database) -> None:
    writer.apply([erasure(), AppendEvents([event("a")])])
    assert UserReader(database).events(ANNA, 10) == []


def test_a_repeated_erasure_returns_the_first_receipt(writer: LogWriter, database: Database) -> None:
    writer.apply([AppendEvents([event("a")])])
    [first] = writer.apply([erasure("request", "r1")])
    writer.apply([AppendEvents([event("b")])])
    [again] = writer.apply([erasure("request", "r2")])
    assert again == first
    assert len(UserReader(database).events(ANNA, 10)) == 1, "what came later stays"
    results = writer.apply([erasure(None, "r3"), erasure(None, "r4")])
    assert [each.events for each in results] == [1, 0]
    assert count(database, erasures) == 3


def test_user_events_are_listed_newest_first_and_page_by_page(writer: LogWriter, database: Database) -> None:
    times = [5, 1, 5, 9, -3, 5]
    writer.apply([AppendEvents([event(str(each), millis=time) for each, time in enumerate(times)])])
    reader = UserReader(database)
    listed: list[bytes | None] = []
    after = None
    while found := reader.events(ANNA, 2, after):
        listed += [each.stored.payload for each in found]
        after = found[-1].event_millis, found[-1].stored.offset
    assert listed == [b"3", b"5", b"2", b"0", b"1", b"4"]


def test_user_pages_are_listed_newest_first_and_page_by_page(writer: LogWriter, database: Database) -> None:
    writer.apply([AppendPages([page("a", 1), page("b", 2), page("c", 2), page("d", 3), page("x", 9, BERT)])])
    reader = UserReader(database)
    listed: list[bytes] = []
    after = None
    while found := reader.pages(ANNA, 3, after):
        listed += [each.payload for each in found]
        after = found[-1].serve_millis, found[-1].page_key
    assert listed == [b"d", b"c", b"b", b"a"]


def test_flags_are_kept(writer: LogWriter, database: Database) -> None:
    writer.apply([AppendEvents([event("a")._replace(flags=5), event("b")])])
    assert [each.flags for each in LogReader(database).read(0, 0, 2)] == [5, 0]
    assert [each.stored.flags for each in UserReader(database).events(ANNA, 10)] == [0, 5]


def test_large_payloads_go_in_by_parts(writer: LogWriter, database: Database) -> None:
    """A statement of all of them would be larger than MariaDB takes."""
    large = bytes(range(256)) * 256
    batch = [event(str(each))._replace(payload=large) for each in range(600)]
    assert writer.apply([AppendEvents(batch)]) == [[STORED] * 600]
    assert all(each.payload == large for each in LogReader(database).read(0, 0, 600))


def test_a_quarantined_event_is_released_once(writer: LogWriter, database: Database) -> None:
    writer.apply([AppendEvents([], [rejection("r"), rejection("s")])])
    release = AppendEvents([event("a")], released=[rejection("r").rejection_key])
    assert writer.apply([release]) == [[STORED]]
    assert writer.apply([release]) == [[DUPLICATE]]
    assert LogReader(database).quarantined_count() == 1
    assert offsets(database) == [0]


def test_an_erased_event_is_not_released(writer: LogWriter, database: Database) -> None:
    writer.apply([AppendEvents([], [rejection("r")])])
    writer.apply([erasure()])
    assert writer.apply([AppendEvents([event("a")], released=[rejection("r").rejection_key])]) == [[DUPLICATE]]
    assert offsets(database) == []


def test_nothing_is_kept_of_a_visitor_who_refuses(writer: LogWriter, database: Database) -> None:
    writer.apply([AppendEvents([event("a"), event("b", visitor=BERT)], [rejection("r")]), AppendPages([page("p")])])
    writer.apply([refusal()])
    assert [each.payload for each in LogReader(database).read(0, 0, 2)] == [None, b"b"]
    batch = AppendEvents([event("c"), event("d", visitor=BERT)], [rejection("s"), rejection("t", BERT)])
    assert writer.apply([batch, AppendPages([page("q"), page("o", visitor=BERT)])]) == [[REFUSED, STORED], 1]
    assert offsets(database) == [0, 1, 2]
    assert (count(database, pages), count(database, quarantine)) == (1, 1)
    writer.apply([refusal(), refusal(refused=False)])
    assert writer.apply([AppendEvents([event("a"), event("c")])]) == [[DUPLICATE, STORED]], "erased events stay erased"


def test_a_refusal_in_the_same_group_comes_after_the_events(writer: LogWriter, database: Database) -> None:
    assert writer.apply([refusal(), AppendEvents([event("a")])]) == [1, [STORED]]
    assert [each.payload for each in LogReader(database).read(0, 0, 1)] == [None]


def test_a_quarantined_event_of_one_who_refused_later_is_gone(writer: LogWriter, database: Database) -> None:
    writer.apply([AppendEvents([], [rejection("r", BERT)])])
    writer.apply([refusal(visitor=BERT)])
    release = AppendEvents([event("a", visitor=BERT)], released=[rejection("r").rejection_key])
    assert writer.apply([release]) == [[REFUSED]]
    assert count(database, quarantine) == 0
