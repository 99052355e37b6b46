"""The head rows: who holds one gives the next offsets of its partition."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from itertools import chain

from sqlalchemy import ColumnElement, Connection, Dialect, bindparam, case, select, update

from services.events.storage.tables import heads


def hold_heads(connection: Connection, partitions: Collection[int]) -> dict[int, int]:
    """Locks the head rows of `partitions` to the transaction's end; returns the offset that is next in each.

    Rows are locked in the order of the partitions, so that two writers cannot block each other.
    """
    if not partitions:
        return {}
    rows = connection.exec_driver_sql(_hold(connection.dialect, len(partitions)), tuple(sorted(partitions)))
    return {partition: offset for partition, offset in rows}  # noqa: C416  # rows are no pairs to the type checker


def advance_heads(connection: Connection, offsets: Mapping[int, int]) -> None:
    """Sets the next offsets of held partitions."""
    if offsets:
        values = (*chain.from_iterable(offsets.items()), *offsets)
        connection.exec_driver_sql(_advance(connection.dialect, len(offsets)), values)


@lru_cache(maxsize=64)
def _hold(dialect: Dialect, count: int) -> str:
    statement = (
        select(heads.c.partition_no, heads.c.next_offset)
        .where(heads.c.partition_no.in_([bindparam(f"partition_{each}") for each in range(count)]))
        .order_by(heads.c.partition_no)
        .with_for_update()
    )
    return str(statement.compile(dialect=dialect))


@lru_cache(maxsize=64)
def _advance(dialect: Dialect, count: int) -> str:
    moves: list[tuple[ColumnElement[bool], ColumnElement[int]]] = [
        (heads.c.partition_no == bindparam(f"when_{each}"), bindparam(f"then_{each}")) for each in range(count)
    ]
    statement = (
        update(heads)
        .values(next_offset=case(*moves))
        .where(heads.c.partition_no.in_([bindparam(f"partition_{each}") for each in range(count)]))
    )
    return str(statement.compile(dialect=dialect))
