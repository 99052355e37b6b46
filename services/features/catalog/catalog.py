import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

import numpy as np
from cachetools import LRUCache
from sqlalchemy import Connection

from services.common.background import ChangeSignal
from services.features.catalog import queries
from services.features.catalog.change_plan import ChangePlan
from services.features.catalog.columns import Columns
from services.features.catalog.commit import Batch, CatalogDelta, Position, commit, read_delta
from services.features.catalog.item_row import parse_item
from services.features.catalog.numbers import NumberCounts, Numbers, read_given
from services.features.definitions.item_columns import ItemColumns
from services.features.store.heads import CATALOG, read_head
from services.features.store.store import Store
from services.features.store.times import moment_to_micros
from vitrine.features.v1 import catalog_service_pb2 as pb
from vitrine.features.v1.item_pb2 import Item

T = TypeVar("T")

MAXIMUM_DELTA_ROWS: Final = 1_000
"""Items that are read at once when others changed many."""

SLICE: Final = 100
"""Items that are taken into memory, or made into answers, before other calls get their turn: about a millisecond."""


class Catalog:
    """The items: whole in the database, which several processes may write, their states and numbers in memory too.

    A batch is decided and committed on the store's writer thread, under the catalog's head, and then taken into
    memory on the event loop, which alone reads it. What others committed is taken in with a batch of one's own, and by
    `follow`. So a reader sees what is committed, and whole items.
    """

    def __init__(self, store: Store, cached_items: int) -> None:
        self._store = store
        self._changing = asyncio.Lock()
        self._item_nos: dict[str, int] = {}
        self._item_ids: list[str] = [""]
        self._payloads: LRUCache[int, bytes] = LRUCache(cached_items)
        self._create_millis: dict[int, int] = {}
        self._cached_items = cached_items
        self.numbers = Numbers()
        self.columns = Columns()
        self.changes = ChangeSignal()
        self.version = 0

    async def load(self) -> None:
        """Reads numbers, states and the first items into memory."""
        self.version, given, columns, payloads = await self._store.read(self._read_all)
        self.numbers.add(given)
        self.columns.fill(np.array(columns["item_no"], np.int64), columns)
        self._item_nos = dict(zip(columns["item_id"], columns["item_no"], strict=True))
        self._item_ids += columns["item_id"]
        self._create_millis = dict(zip(columns["item_no"], columns["create_millis"], strict=True))
        for item_no, payload in payloads:
            self._payloads[item_no] = payload

    def _read_all(self, connection: Connection) -> Any:
        return (
            read_head(connection, CATALOG),
            read_given(connection, NumberCounts()),
            queries.read_columns(connection),
            queries.read_payloads(connection, self._cached_items),
        )

    async def follow(self) -> None:
        """Takes in what other processes committed."""
        if await self._store.read(lambda connection: read_head(connection, CATALOG)) > self.version:
            async with self._changing:
                await self._catch_up()

    async def upsert(self, updates: Sequence[pb.ItemUpdate], now: datetime) -> list[pb.ItemResult]:
        """Adds or changes items; a result for each, in order."""
        ids = {update.item.item_id for update in updates}

        def decide(plan: ChangePlan) -> list[pb.ItemResult]:
            return [plan.upsert(place, update) for place, update in enumerate(updates)]

        return await self._change(ids, len(updates), now, decide)

    async def delete(self, item_ids: Sequence[str], now: datetime, micros: int | None = None) -> list[pb.ItemResult]:
        """Deletes items, as of `micros` or now; a result for each, in order. The ids are valid."""

        def decide(plan: ChangePlan) -> list[pb.ItemResult]:
            return [plan.delete(item_id, micros) for item_id in item_ids]

        return await self._change(set(item_ids), 1, now, decide)

    async def reserve(self, item_ids: Iterable[str], now: datetime) -> None:
        """Gives ids that have none a number, under which they will stand when they are upserted."""
        ids = set(item_ids)

        def decide(plan: ChangePlan) -> None:
            for item_id in sorted(ids):
                plan.reserve(item_id)

        await self._change(ids, 1, now, decide)

    def item_no(self, item_id: str) -> int | None:
        """Returns the number of an id; None: it has none."""
        return self._item_nos.get(item_id)

    def item_id(self, item_no: int) -> str | None:
        """Returns the id of a number; None: nobody has it."""
        return self._item_ids[item_no] if 0 < item_no < len(self._item_ids) else None

    def is_live(self, item_no: int) -> bool:
        """Returns whether the item is in the catalog."""
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

    async def read_items(self, item_nos: Sequence[int], *, vectors: bool) -> dict[int, Item]:
        """Returns those of the items that are in the catalog, by number."""
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
        changes = []
        for start in range(0, len(rows), SLICE):
            changes += [self._change_of(row, vectors=vectors) for row in rows[start : start + SLICE]]
            await asyncio.sleep(0)
        return changes

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

    async def _change(
        self, item_ids: Collection[str], size: int, now: datetime, decide: Callable[[ChangePlan], T]
    ) -> T:
        # To its end even if the caller gives up: memory must follow what was committed.
        return await asyncio.shield(self._change_whole(Batch(item_ids, size, moment_to_micros(now), decide)))

    async def _change_whole(self, batch: Batch[T]) -> T:
        async with self._changing:
            known = self.version
            done = await self._store.write(lambda connection: commit(connection, batch, self.numbers, known))
            if done.found_version == known:
                await self._take(done.delta)
            else:
                await self._catch_up()
        return done.result

    async def _catch_up(self) -> None:
        more = True
        while more:
            known = Position(self.version, len(self._item_ids) - 1, self.numbers.counts)
            delta, more = await self._store.read(partial(read_delta, known=known, limit=MAXIMUM_DELTA_ROWS))
            await self._take(delta)

    async def _take(self, delta: CatalogDelta) -> None:
        self.numbers.add(delta.given)
        self.columns.number(len(self._item_ids), len(delta.item_ids))
        for item_id in delta.item_ids:
            self._item_nos[item_id] = len(self._item_ids)
            self._item_ids.append(item_id)
        for start in range(0, len(delta.rows), SLICE):
            self._put(delta.rows[start : start + SLICE])
            await asyncio.sleep(0)
        if delta.version > self.version:
            self.version = delta.version
            self.changes.notify()

    def _put(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.columns.put(rows)
        for row in rows:
            item_no, payload = row["item_no"], row["payload"]
            self._create_millis[item_no] = row["create_millis"]
            if payload is None:
                self._payloads.pop(item_no, None)
            else:
                self._payloads[item_no] = payload
