"""What the hot paths say to each engine."""

import pytest
from sqlalchemy import Dialect
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.schema import CreateTable

from services.events.storage import bulk, partition_heads
from services.events.storage.tables import events, metadata

MYSQL, SQLITE = mysql.dialect(), sqlite.dialect()


@pytest.mark.parametrize(("dialect", "locks"), [(MYSQL, True), (SQLITE, False)], ids=["mysql", "sqlite"])
def test_heads_are_locked_by_row_where_the_engine_has_row_locks(dialect: Dialect, locks: bool) -> None:
    assert partition_heads._hold(dialect, 2).endswith(" FOR UPDATE") is locks


@pytest.mark.parametrize(("dialect", "mark"), [(MYSQL, "%s"), (SQLITE, "?")], ids=["mysql", "sqlite"])
def test_values_are_always_parameters(dialect: Dialect, mark: str) -> None:
    columns = len(events.columns)
    assert bulk._insert(dialect, events, 3).count(mark) == 3 * columns
    assert bulk._select(dialect, events.c.event_key, 8).count(mark) == 8
    assert partition_heads._hold(dialect, 5).count(mark) == 5
    assert partition_heads._advance(dialect, 4).count(mark) == 3 * 4


def test_no_key_can_be_folded_by_a_collation() -> None:
    for table in metadata.sorted_tables:
        for column in table.columns:
            if column.name.endswith("_key"):
                assert "BINARY(16)" in str(column.type.compile(MYSQL)), f"{table.name}.{column.name}"


def test_payloads_have_room_for_more_than_64_kib() -> None:
    assert "payload MEDIUMBLOB" in str(CreateTable(events).compile(dialect=MYSQL))
