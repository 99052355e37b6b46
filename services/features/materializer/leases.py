"""Which worker applies which partitions of the log.

Each worker holds an equal share of them for some seconds at a time and renews that; what a dead one held is free when
its time is over. Time alone would not be safe (a worker may stop in its tracks and go on later): each lease has an
epoch, and a save under an epoch that has passed is refused. Times are the database's own, one clock for all.
"""

import math
import socket
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from sqlalchemy import Connection, Row, delete, func, select, text, update

from services.features.store.tables import PARTITIONS, WORKERS
from services.features.store.upsert import upsert

PartitionRow: TypeAlias = "Row[tuple[int, int, str | None, int, int]]"

_SQLITE_NOW: Final = text("SELECT (julianday('now') - 2440587.5) * 86400000")
_MYSQL_NOW: Final = text("SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000")


class LeaseLostError(Exception):
    """Another worker may be applying what this one was: what is not saved is to be dropped, and the log read again."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A partition that a worker may apply."""

    epoch: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class Share:
    """What a worker holds after a renewal."""

    leases: dict[int, Lease]
    """By partition; offsets as they are saved."""

    surplus: list[int]
    """Partitions of these that others lack: to be saved and given back."""


def renew(
    connection: Connection, worker: str, held: Mapping[int, int], *, partitions: int, millis: int, before: str = ""
) -> Share:
    """Renews a worker's leases for `millis` from now, and takes free ones up to its share.

    `held` are the epochs under which it has applied, by partition. `before` begins the names that the worker had in
    earlier lives, whose leases need not run out. Raises LeaseLostError if one that it held is not its own any more.
    """
    rows = _lock(connection, partitions)
    now = _now(connection)
    _enlist(connection, worker, now, millis, before)
    lost = [no for no, epoch in held.items() if rows[no].worker != worker or rows[no].epoch != epoch]
    if lost:
        raise LeaseLostError
    mine = {no: Lease(row.epoch, row.next_offset) for no, row in rows.items() if row.worker == worker}
    others = {no: row for no, row in rows.items() if row.worker != worker}
    free = [
        no for no, row in others.items() if row.worker is None or _is_over(row.worker, row.until_millis, now, before)
    ]
    workers = connection.execute(select(func.count()).select_from(WORKERS)).scalar_one()
    fair = math.ceil(len(rows) / workers)
    for no in free[: max(fair - len(mine), 0)]:
        mine[no] = Lease(rows[no].epoch + 1, rows[no].next_offset)
    for no, lease in mine.items():
        _set(connection, no, worker=worker, epoch=lease.epoch, until_millis=now + millis)
    return Share(mine, sorted(mine)[fair:])


def release(connection: Connection, worker: str, partitions: Iterable[int]) -> None:
    """Gives leases back, to be taken at once."""
    for no in sorted(partitions):
        connection.execute(
            update(PARTITIONS)
            .where(PARTITIONS.c.partition == no, PARTITIONS.c.worker == worker)
            .values(worker=None, until_millis=0)
        )


def leave(connection: Connection, worker: str) -> None:
    """Gives all back and counts as a worker no more."""
    connection.execute(update(PARTITIONS).where(PARTITIONS.c.worker == worker).values(worker=None, until_millis=0))
    connection.execute(delete(WORKERS).where(WORKERS.c.worker == worker))


def check(connection: Connection, worker: str, held: Mapping[int, int]) -> dict[int, int]:
    """Locks the partitions that a transaction is about to save; returns their saved offsets.

    Raises LeaseLostError if one is not the worker's.
    """
    rows = _lock_some(connection, held)
    if len(rows) != len(held) or any(row.worker != worker or row.epoch != held[row.partition] for row in rows):
        raise LeaseLostError
    return {row.partition: row.next_offset for row in rows}


def fence(connection: Connection, partitions: Collection[int]) -> dict[int, int]:
    """Takes the right to save these partitions from whoever holds it, until that one has read them again.

    For who changes stored states from outside: its change cannot be overwritten from another one's memory. Returns the
    new epochs.
    """
    rows = _lock_some(connection, partitions)
    for row in rows:
        _set(connection, row.partition, epoch=row.epoch + 1)
    return {row.partition: row.epoch + 1 for row in rows}


def read_offsets(connection: Connection) -> dict[int, int]:
    """Returns for each partition the offset of the next event that is not in the stored states."""
    rows = connection.execute(select(PARTITIONS.c.partition, PARTITIONS.c.next_offset))
    return {row.partition: row.next_offset for row in rows}


def write_offsets(connection: Connection, offsets: Mapping[int, int]) -> None:
    """Writes offsets of partitions that `check` has locked."""
    for no, offset in sorted(offsets.items()):
        _set(connection, no, next_offset=offset)


def _lock_some(connection: Connection, partitions: Collection[int]) -> Sequence[PartitionRow]:
    """Returns the rows of some partitions, in their order, locked: whoever locks several does it in this order."""
    query = select(PARTITIONS).where(PARTITIONS.c.partition.in_(partitions)).order_by(PARTITIONS.c.partition)
    return connection.execute(query.with_for_update()).all() if partitions else ()


def lock_all(connection: Connection) -> dict[int, PartitionRow]:
    """Returns the rows of all partitions, which nobody else can lock before this transaction ends."""
    query = select(PARTITIONS).order_by(PARTITIONS.c.partition).with_for_update()
    return {row.partition: row for row in connection.execute(query)}


def _lock(connection: Connection, partitions: int) -> dict[int, PartitionRow]:
    """Returns the rows of all partitions, locked; makes new ones."""
    rows = lock_all(connection)
    if missing := [no for no in range(partitions) if no not in rows]:
        new = {"next_offset": 0, "worker": None, "epoch": 0, "until_millis": 0}
        upsert(connection, PARTITIONS, [{"partition": no, **new} for no in missing], keep=True)
        rows = lock_all(connection)
    return rows


def _enlist(connection: Connection, worker: str, now: int, millis: int, before: str) -> None:
    for row in connection.execute(select(WORKERS)).all():
        if row.worker != worker and _is_over(row.worker, row.until_millis, now, before):
            connection.execute(delete(WORKERS).where(WORKERS.c.worker == row.worker))
    upsert(connection, WORKERS, [{"worker": worker, "until_millis": now + millis}])


def _is_over(worker: str, until_millis: int, now: int, before: str) -> bool:
    return until_millis <= now or bool(before and worker.startswith(before))


def _set(connection: Connection, partition: int, **values: object) -> None:
    connection.execute(update(PARTITIONS).where(PARTITIONS.c.partition == partition).values(**values))


def _now(connection: Connection) -> int:
    """Returns the database's time, milliseconds since 1970."""
    sqlite = connection.dialect.name == "sqlite"
    return int(connection.execute(_SQLITE_NOW if sqlite else _MYSQL_NOW).scalar_one())


class WorkerName(NamedTuple):
    """What a worker is called among those who share a store."""

    own: str
    """Never used before."""

    earlier: str
    """What the names of its earlier lives begin with; empty: nobody knows them."""


def worker_name(host: str, port: int) -> WorkerName:
    """Returns the name of the process that listens on an address.

    Who listens there before was the same worker and is gone: two cannot listen on one port. So its leases need not run
    out. On port 0, which is any free one, nothing can be said.
    """
    place = f"{socket.gethostname()[:100]}/{host[:100]}:{port}/" if port else ""
    return WorkerName(f"{place or 'any/'}{uuid.uuid4().hex}", place)
