"""Item statistics in the store, to which several workers add."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from services.features.definitions.item_statistics import ItemStatisticsRow
from services.features.store.heads import STATISTICS, lock_head, move_head
from services.features.store.tables import ITEM_STATISTICS
from services.features.store.upsert import upsert


@dataclass(frozen=True, slots=True)
class StoredChanges:
    """What a save found and made."""

    versions: dict[int, int]
    """Items that were stored as they were given, with the versions they got."""

    rows: list[ItemStatisticsRow]
    """Rows that others had a part in, as they are stored now."""


def read_rows(connection: Connection, after_version: int = -1) -> list[ItemStatisticsRow]:
    """Returns the rows that changed after a version; all, without one."""
    rows = connection.execute(select(ITEM_STATISTICS).where(ITEM_STATISTICS.c.version > after_version))
    return [ItemStatisticsRow._make(row) for row in rows]


def read_rows_of(connection: Connection, item_nos: Sequence[int]) -> list[ItemStatisticsRow]:
    """Returns the rows of items; zeros for those that have none."""
    stored = connection.execute(select(ITEM_STATISTICS).where(ITEM_STATISTICS.c.item_no.in_(item_nos)))
    rows = {row.item_no: ItemStatisticsRow._make(row) for row in stored}
    return [rows.get(item_no, ItemStatisticsRow(item_no)) for item_no in item_nos]


def add(
    connection: Connection,
    mine: Sequence[ItemStatisticsRow],
    bases: Mapping[int, ItemStatisticsRow],
    known_version: int,
) -> StoredChanges:
    """Stores rows, to each of which belongs a base: the row that was stored, as of `known_version`, before it changed.

    If others have stored the item since, what was counted is added to theirs.
    """
    version = lock_head(connection, STATISTICS)
    theirs = {row.item_no: row for row in read_rows(connection, known_version)} if version != known_version else {}
    versions, joined = {}, []
    written = []
    for row in sorted(mine):
        version += 1
        stored = theirs.pop(row.item_no, None)
        if stored is None:
            written.append(row._replace(version=version))
            versions[row.item_no] = version
        else:
            joined.append(stored.plus(row, bases[row.item_no])._replace(version=version))
    upsert(connection, ITEM_STATISTICS, [row._asdict() for row in [*written, *joined]])
    move_head(connection, STATISTICS, version)
    return StoredChanges(versions, [*theirs.values(), *joined])
