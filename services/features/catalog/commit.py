"""How a batch is committed, and what others learn of it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

from services.features.catalog import queries
from services.features.catalog.change_plan import ChangePlan
from services.features.catalog.item_row import to_row
from services.features.catalog.numbers import GivenNumbers, NumberCounts, NumberDraft, Numbers, read_given
from services.features.store.heads import CATALOG, CATALOG_ARRIVALS, lock_head, move_head, read_head
from services.features.store.tables import ITEMS
from services.features.store.times import next_arrival
from services.features.store.upsert import upsert

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Position:
    """How much of the catalog a process holds in memory."""

    version: int
    last_item_no: int
    numbers: NumberCounts


@dataclass(frozen=True, slots=True)
class CatalogDelta:
    """What was committed after a position: applied to memory as a whole, in this order."""

    given: GivenNumbers
    item_ids: Sequence[str]
    """Those that were given the next numbers."""

    rows: Sequence[Mapping[str, Any]]
    """Of the items that changed, what memory holds of them."""

    version: int
    """The version that the catalog is at with all this."""


def read_delta(connection: Connection, known: Position, limit: int) -> tuple[CatalogDelta, bool]:
    """Returns the next delta and whether there is more; with at most `limit` changed items."""
    head = read_head(connection, CATALOG)
    rows = queries.read_rows(connection, known.version, head, limit)
    more = len(rows) == limit
    given = read_given(connection, known.numbers)
    ids = queries.read_new_ids(connection, known.last_item_no)
    return CatalogDelta(given, ids, rows, rows[-1]["version"] if more else head), more


@dataclass(frozen=True, slots=True)
class Batch(Generic[T]):
    """A change that is to be decided on what is stored, whoever stored it."""

    item_ids: Collection[str]
    """Whom it may concern."""

    size: int
    """How many updates it has: each without a time gets one of its own."""

    now_micros: int
    decide: Callable[[ChangePlan], T]


@dataclass(frozen=True, slots=True)
class Commit(Generic[T]):
    """What a batch did."""

    result: T
    found_version: int
    """The catalog's version that it found."""

    delta: CatalogDelta
    """What it changed from there."""


def commit(connection: Connection, batch: Batch[T], numbers: Numbers, known_version: int) -> Commit[T]:
    """Decides a batch and writes what it changes; may be done again if the transaction was given up.

    All writers of the catalog stand in line for its head. `numbers` are those of `known_version`: what others gave
    out after that is read first, so that a number is given once.
    """
    version = lock_head(connection, CATALOG)
    missed = GivenNumbers() if version == known_version else read_given(connection, numbers.counts)
    draft = NumberDraft(numbers, missed)
    stored = queries.read_stored(connection, batch.item_ids)
    last_item_no = queries.read_last_item_no(connection)
    arrival = next_arrival(batch.now_micros, read_head(connection, CATALOG_ARRIVALS))
    plan = ChangePlan(stored, last_item_no + 1, version, arrival, draft)
    result = batch.decide(plan)
    rows: list[dict[str, Any]] = [to_row(item, draft) for item in plan.changed.values()]
    if rows:
        draft.new.save(connection)
        upsert(connection, ITEMS, rows)
        move_head(connection, CATALOG_ARRIVALS, arrival + batch.size - 1)
        if plan.version > version:
            move_head(connection, CATALOG, plan.version)
    return Commit(result, version, CatalogDelta(draft.new, plan.new_ids, rows, plan.version))
