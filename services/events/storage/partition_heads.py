"""The head rows: a transaction that locks one assigns the next offsets of its partition."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from itertools import chain

from sqlalchemy import Connection, Dialect

from services.events.storage.bulk import marks


def hold_heads(connection: Connection, partitions: Collection[int]) -> dict[int, int]:
    """Locks the head rows of `partitions` until the transaction ends; returns the next offset of each.

    Rows are locked in the order of the partitions, so that two writers can't deadlock.
    """
    if not partitions:
        return {}
    rows = connection.exec_driver_sql(_hold(connection.dialect, len(partitions)), tuple(sorted(partitions)))
    return {partition: offset for partition, offset in rows}  # noqa: C416  # rows are no pairs to the type checker


def advance_heads(connection: Connection, offsets: Mapping[int, int]) -> None:
    """Sets the next offsets of locked partitions."""
    if offsets:
        values = (*chain.from_iterable(offsets.items()), *offsets)
        connection.exec_driver_sql(_advance(connection.dialect, len(offsets)), values)


@lru_cache(maxsize=64)
def _hold(dialect: Dialect, count: int) -> str:
    # SQLite locks the entire store when a writer begins.
    lock = "" if dialect.name == "sqlite" else " FOR UPDATE"
    return (
        "SELECT partition_no, next_offset FROM partition_heads "  # noqa: S608  # our own names
        f"WHERE partition_no IN ({marks(dialect, count)}) ORDER BY partition_no{lock}"
    )


@lru_cache(maxsize=64)
def _advance(dialect: Dialect, count: int) -> str:
    mark = marks(dialect, 1)
    moves = f" WHEN {mark} THEN {mark}" * count
    return (
        f"UPDATE partition_heads SET next_offset = CASE partition_no{moves} END "  # noqa: S608  # our own names
        f"WHERE partition_no IN ({marks(dialect, count)})"
    )
