import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import numpy as np
from sqlalchemy import Connection

from services.features.catalog import queries
from services.features.catalog.change_notice import ChangeNotice
from services.features.catalog.change_plan import ChangePlan
from services.features.catalog.columns import Columns
from services.features.catalog.item_row import parse_item, to_row
from services.features.catalog.numbers import NumberDraft, Numbers
from services.features.definitions.item_columns import ItemColumns
from services.features.store.lru import LruCache
from services.features.store.store import Store
from services.features.store.tables import ITEMS
from services.features.store.times import Arrivals
from services.features.store.upsert import upsert
from vitrine.features.v1 import catalog_service_pb2 as pb
from vitrine.features.v1.item_pb2 import Item

T = TypeVar("T")


class Catalog:
    """The items: whole in the database, their states and numbers in memory too.

    Changes are made one batch at a time: decided and committed on the store's writer thread, then published to memory
    on the event loop, which alone reads it. So a reader sees what is committed, and whole items.
    """

    def __init__(self, store: Store, cached_items: int) -> None:
        self._store = store
        self._changing = asyncio.Lock()
        self._item_nos: dict[str, int] = {}
        self._item_ids: list[str] = [""]
        self._payloads: LruCache[int, bytes] = LruCache(cached_items)
        self._create_millis: dict[int, int] = {}
        self._cached_items = cached_items
        self._arrivals = Arrivals()
        self.numbers = Numbers()
        self.columns = Columns()
        self.changes = ChangeNotice()
        self.version = 0

    async def load(self) -> None:
        """Reads numbers, states and the first items into memory."""
        await self._store.read(self.numbers.load)
        columns = await self._store.read(queries.read_columns)
        item_nos = np.array(columns["item_no"], np.int64)
        self.columns.fill(item_nos, columns)
        self._item_nos = dict(zip(columns["item_id"], columns["item_no"], strict=True))
        self._item_ids += columns["item_id"]
        self._create_millis = dict(zip(columns["item_no"], columns["create_millis"], strict=True))
        self.version = max(columns["version"], default=0)
        for item_no, payload in await self._store.read(lambda c: queries.read_payloads(c, self._cached_items)):
            self._payloads.put(item_no, payload)

    async def upsert(self, updates: Sequence[pb.ItemUpdate], now: datetime) -> list[pb.ItemResult]:
        """Adds or changes items; a result for each, in order."""
        ids = {update.item.item_id for update in updates}

        def decide(plan: ChangePlan) -> list[pb.ItemResult]:
            return [plan.upsert(place, update) for place, update in enumerate(updates)]

        return await self._change(ids, self._arrivals.take(now, len(updates)), decide)

    async def delete(self, item_ids: Sequence[str], now: datetime, micros: int | None = None) -> list[pb.ItemResult]:
        """Deletes items, as of `micros` or now; a result for each, in order. The ids are valid."""
        arrival = self._arrivals.take(now, 1)
        as_of = arrival if micros is None else micros

        def decide(plan: ChangePlan) -> list[pb.ItemResult]:
            return [plan.delete(item_id, as_of) for item_id in item_ids]

        return await self._change(set(item_ids), arrival, decide)

    def item_no(self, item_id: str) -> int | None:
        """Returns the number of an id; None: it has none."""
        return self._item_nos.get(item_id)

    def item_id(self, item_no: int) -> str | None:
        """Returns the id of a number; None: nobody has it."""
        return self._item_ids[item_no] if 0 < item_no < len(self._item_ids) else None

    def is_live(self, item_no: int) -> bool:
        """Returns whether the item is in the catalogue."""
        return 0 < item_no < len(self._item_ids) and bool(self.columns["flags"][item_no])

    def create_millis(self, item_no: int) -> int:
        """Returns when the item was first upserted."""
        return self._create_millis[item_no]

    def item_columns(self) -> ItemColumns:
        """Returns what affinities are derived from."""
        return ItemColumns(
            category_nos=self.columns["category_no"],
            brand_nos=self.columns["brand_no"],
            parent_category_nos=self.numbers.parents,
        )

    async def reserve(self, item_ids: Iterable[str], now: datetime) -> None:
        """Gives ids that have none a number, under which they will stand when they are upserted."""
        ids = set(item_ids)

        def decide(plan: ChangePlan) -> None:
            for item_id in sorted(ids):
                plan.reserve(item_id)

        await self._change(ids, self._arrivals.take(now, 1), decide)

    async def read_items(self, item_nos: Sequence[int], *, vectors: bool) -> dict[int, Item]:
        """Returns those of the items that are in the catalogue, by number."""
        live = [item_no for item_no in item_nos if self.is_live(item_no)]
        cached = {} if vectors else {no: data for no in live if (data := self._payloads.get(no)) is not None}
        items = {item_no: Item.FromString(payload) for item_no, payload in cached.items()}
        if missing := [item_no for item_no in live if item_no not in cached]:
            for item_no, payload, stored_vectors in await self._store.read(lambda c: queries.read_parts(c, missing)):
                items[item_no] = parse_item(payload, stored_vectors if vectors else None)
        return items

    async def read_changes(self, after_version: int, limit: int, *, vectors: bool) -> list[pb.CatalogChange]:
        """Returns the next changes after a version, by version, up to the present one."""
        until = self.version
        rows = await self._store.read(lambda c: queries.read_changes(c, after_version, until, limit, vectors=vectors))
        return [self._change_of(row, vectors=vectors) for row in rows]

    def _change_of(self, row: Any, *, vectors: bool) -> pb.CatalogChange:
        change = pb.CatalogChange(version=row.version, item_no=row.item_no, item_id=row.item_id)
        change.create_time.FromMilliseconds(row.create_millis)
        if row.payload is not None:
            change.item.MergeFromString(row.payload)
            if vectors and row.vectors:
                change.item.MergeFromString(row.vectors)
            change.group_no, change.brand_no = row.group_no, row.brand_no
            change.category_nos.extend(self.numbers.path_nos(row.category_no))
        return change

    async def _change(self, item_ids: set[str], arrival: int, decide: Callable[[ChangePlan], T]) -> T:
        # To its end even where the caller gives up: memory must follow what was committed.
        return await asyncio.shield(self._change_whole(item_ids, arrival, decide))

    async def _change_whole(self, item_ids: set[str], arrival: int, decide: Callable[[ChangePlan], T]) -> T:
        async with self._changing:
            commit = await self._store.write(lambda connection: self._commit(connection, item_ids, arrival, decide))
            self._publish(commit)
        return commit.result

    def _commit(
        self, connection: Connection, item_ids: set[str], arrival: int, decide: Callable[[ChangePlan], T]
    ) -> "_Commit[T]":
        known_nos = [item_no for item_id in item_ids if (item_no := self._item_nos.get(item_id)) is not None]
        stored = queries.read_stored(connection, known_nos)
        plan = ChangePlan(stored, len(self._item_ids), self.version, arrival)
        result = decide(plan)
        numbers = NumberDraft(self.numbers)
        rows = [to_row(item, numbers) for item in plan.changed.values()]
        numbers.save(connection)
        upsert(connection, ITEMS, rows)
        return _Commit(result, rows, numbers, plan.version)

    def _publish(self, commit: "_Commit[T]") -> None:
        commit.numbers.publish()
        self.columns.put(commit.rows)
        for row in commit.rows:
            item_no = row["item_no"]
            if item_no == len(self._item_ids):
                self._item_ids.append(row["item_id"])
                self._item_nos[row["item_id"]] = item_no
            self._create_millis[item_no] = row["create_millis"]
            if row["payload"] is None:
                self._payloads.drop(item_no)
            else:
                self._payloads.put(item_no, row["payload"])
        self.version = commit.version
        self.changes.notify()


@dataclass(frozen=True, slots=True)
class _Commit(Generic[T]):
    """What a batch wrote: to be published."""

    result: T
    rows: list[dict[str, Any]]
    numbers: NumberDraft
    version: int
