"""What a rebuild keeps in the store until it takes the place of what is served."""

from collections.abc import Collection, Mapping, Sequence
from enum import Enum, auto

from sqlalchemy import Connection, delete, insert, select

from services.features.definitions.item_statistics import ItemStatisticsRow
from services.features.definitions.user_state import UserState
from services.features.materializer import leases
from services.features.materializer.parked_events import Place, unpark
from services.features.materializer.user_states import state_row
from services.features.store.heads import STATISTICS, lock_head, move_head
from services.features.store.tables import ITEM_STATISTICS, PARTITIONS, REBUILT_PARTITIONS, REBUILT_STATES, USER_STATES
from services.features.store.upsert import upsert


class Outcome(Enum):
    """What became of a step."""

    DONE = auto()
    BEHIND = auto()
    """The workers are further, or stored states were changed from outside: read the log again from what is kept."""
    ELSEWHERE = auto()
    """Another rebuild has begun."""


def begin(connection: Connection, offsets: Mapping[int, int]) -> None:
    """Begins anew, from offsets; what an earlier one left is gone."""
    connection.execute(delete(REBUILT_STATES))
    connection.execute(delete(REBUILT_PARTITIONS))
    # Another one may begin at the same time, and have put its own there.
    upsert(connection, REBUILT_PARTITIONS, _places(offsets))


def read_epochs(connection: Connection) -> dict[int, int]:
    """Returns the epoch of each partition: it grows if an erasure changed stored states."""
    return {row.partition: row.epoch for row in connection.execute(select(PARTITIONS))}


def read_states(connection: Connection, keys: Sequence[str]) -> dict[str, UserState]:
    """Returns the rebuilt states of those of the visitors who have one."""
    rows = connection.execute(select(REBUILT_STATES).where(REBUILT_STATES.c.visitor_key.in_(keys)))
    return {row.visitor_key: UserState.from_bytes(row.state) for row in rows}


def keep(
    connection: Connection,
    states: Mapping[str, UserState],
    found: Mapping[int, int],
    ends: Mapping[int, int],
    epochs: Mapping[int, int],
) -> Outcome:
    """Keeps what a stretch of the log made, which began at `found` and ends at `ends`; nothing unless that is right."""
    if {no: row.epoch for no, row in leases.lock_all(connection).items()} != epochs:
        return Outcome.BEHIND
    kept = read_kept(connection)
    if kept == {**found, **ends} and kept != dict(found):
        return Outcome.DONE  # the same transaction, run again
    if kept != dict(found):
        return Outcome.ELSEWHERE
    upsert(connection, REBUILT_STATES, [state_row(key, state) for key, state in states.items()])
    upsert(connection, REBUILT_PARTITIONS, _places({**found, **ends}))
    return Outcome.DONE


def swap(
    connection: Connection,
    offsets: Mapping[int, int],
    statistics: Sequence[ItemStatisticsRow],
    epochs: Mapping[int, int],
    recovered: Collection[Place],
) -> Outcome:
    """Puts what was made in the place of what is served, unless the workers have saved more of the log. `recovered` are
    parked events that are applied now.

    Every worker loses the right to save what it has in memory, and reads again.
    """
    rows = leases.lock_all(connection)
    kept = read_kept(connection)
    if not kept:
        return Outcome.DONE  # the same transaction, run again
    if kept != dict(offsets):
        return Outcome.ELSEWHERE
    if {no: row.epoch for no, row in rows.items()} != epochs:
        return Outcome.BEHIND
    if any(row.next_offset > offsets.get(no, 0) for no, row in rows.items()):
        return Outcome.BEHIND
    connection.execute(delete(USER_STATES))
    columns = REBUILT_STATES.columns.keys()
    connection.execute(insert(USER_STATES).from_select(columns, select(*(REBUILT_STATES.c[name] for name in columns))))
    _replace_statistics(connection, statistics)
    leases.fence(connection, list(rows))
    leases.write_offsets(connection, {no: offsets[no] for no in rows})
    unpark(connection, recovered)
    connection.execute(delete(REBUILT_STATES))
    connection.execute(delete(REBUILT_PARTITIONS))
    return Outcome.DONE


def _replace_statistics(connection: Connection, statistics: Sequence[ItemStatisticsRow]) -> None:
    """Writes the rows under new versions; items of which nothing is counted any more get zeros, which readers learn."""
    version = lock_head(connection, STATISTICS)
    counted = {row.item_no: row for row in statistics}
    for item_no in connection.scalars(select(ITEM_STATISTICS.c.item_no)):
        counted.setdefault(item_no, ItemStatisticsRow(item_no))
    rows = [
        row._replace(version=version + place)._asdict() for place, (_, row) in enumerate(sorted(counted.items()), 1)
    ]
    upsert(connection, ITEM_STATISTICS, rows)
    move_head(connection, STATISTICS, version + len(rows))


def read_kept(connection: Connection) -> dict[int, int]:
    """Returns how far the rebuild is, by partition; locked if this transaction writes."""
    rows = connection.execute(select(REBUILT_PARTITIONS).with_for_update())
    return {row.partition: row.next_offset for row in rows}


def _places(offsets: Mapping[int, int]) -> list[dict[str, int]]:
    return [{"partition": no, "next_offset": offset} for no, offset in sorted(offsets.items())]
