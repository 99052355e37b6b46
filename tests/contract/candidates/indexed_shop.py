"""A shop whose content index is the embedded one or Elasticsearch, behind one face."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

import grpc
import numpy as np

from services.candidates.content.content_index import ContentIndex, Matches, SimilarItems
from services.candidates.content.embedded_index import EmbeddedIndex
from services.candidates.content.synonyms import Synonyms
from services.candidates.elastic.engine import Engine
from services.candidates.settings import CandidatesSettings
from services.candidates.vectors.named_vectors import NamedVectors
from services.common.clock import SystemClock
from tests.support.candidates_shop import Shop
from tests.support.fake_shop_services import FakeCatalog, fake_catalog, serving
from vitrine.common.v1.item_filter_pb2 import ItemFilter
from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceStub
from vitrine.features.v1.item_pb2 import Item


class IndexedShop(Protocol):
    """What the contract is tested through."""

    shop: Shop

    async def put(self, items: Mapping[int, Item | None], days_old: float = 100.0) -> None:
        """Adds, changes or (None) deletes items, and waits until that is in answers."""

    @property
    def index(self) -> ContentIndex:
        """The index under test."""


class _Asking:
    """Questions in the words of the tests."""

    def __init__(self) -> None:
        self.shop = Shop()

    @property
    def index(self) -> ContentIndex:
        return self.shop.inputs.content

    async def words(self, text: str, count: int = 100, **fields: Any) -> list[int]:
        matches = await self.match(text, count, **fields)
        return [int(item_no) for item_no in matches.item_nos]

    async def match(self, text: str, count: int = 100, **fields: Any) -> Matches:
        return await self.index.match(text, self.shop.query(**fields).eligibility, count)

    async def similar(self, *item_nos: int, count: int = 100, **fields: Any) -> SimilarItems:
        numbers = np.array(item_nos, np.uint32)
        return await self.index.similar(numbers, np.ones(len(numbers)), count, self.shop.query(**fields).eligibility)

    async def similarities(self, item_no: int, **fields: Any) -> dict[int, float]:
        alike = await self.similar(item_no, **fields)
        return dict(zip(alike.item_nos.tolist(), alike.similarities[:, 0].tolist(), strict=True))


class EmbeddedShop(_Asking):
    """On the embedded index."""

    def __init__(self, synonyms: str) -> None:
        super().__init__()
        self.shop.inputs.embedded = EmbeddedIndex(self.shop.inputs.columns, Synonyms(synonyms), NamedVectors({}, 100))
        self.shop.inputs.content = self.shop.inputs.embedded

    async def put(self, items: Mapping[int, Item | None], days_old: float = 100.0) -> None:
        for item_no, item in items.items():
            change = self.shop.change(item_no, item, days_old=days_old)
            self.shop.inputs.columns.apply(change)
            if item is None:
                self.shop.inputs.embedded.remove(item_no)
            else:
                self.shop.inputs.embedded.put(item_no, change.item)
        self.shop.inputs.embedded.merge()


class ElasticShop(_Asking):
    """On a real Elasticsearch, fed from a catalog over real gRPC as in production."""

    def __init__(self, engine: Engine, catalog: FakeCatalog) -> None:
        super().__init__()
        self.engine = engine
        self._catalog = catalog

    @classmethod
    @asynccontextmanager
    async def on(cls, address: str, alias: str, synonyms: str) -> AsyncIterator["ElasticShop"]:
        catalog = fake_catalog()
        async with (
            serving(catalog) as features,
            grpc.aio.insecure_channel(features) as channel,
            cls.over(address, alias, synonyms, channel, catalog) as shop,
        ):
            yield shop

    @classmethod
    @asynccontextmanager
    async def over(
        cls, address: str, alias: str, synonyms: str, channel: grpc.aio.Channel, catalog: FakeCatalog
    ) -> AsyncIterator["ElasticShop"]:
        """Runs the engine over a catalog that is served already."""
        settings = CandidatesSettings(
            elasticsearch_url=address,
            elasticsearch_index=alias,
            elasticsearch_replicas=0,
            elasticsearch_timeout_seconds=10,
        )
        stand_in = Shop()
        engine = Engine.of(settings, stand_in.inputs, CatalogServiceStub(channel), SystemClock(), Synonyms(synonyms))
        shop = cls(engine, catalog)
        shop.shop = stand_in
        stand_in.inputs.content = engine.index
        keeping = asyncio.create_task(engine.keeper.keep())
        try:
            yield shop
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await engine.cluster.close()

    async def put(self, items: Mapping[int, Item | None], days_old: float = 100.0) -> None:
        changes = [self.shop.change(item_no, item, days_old=days_old) for item_no, item in items.items()]
        await self._catalog.put(*changes)
        for change in changes:
            self.shop.inputs.columns.apply(change)
        await self.reached(len(self._catalog.changes))

    async def reached(self, version: int, seconds: float = 30.0) -> None:
        """Waits until the index that answers has this version of the catalog, and shows it."""
        async with asyncio.timeout(seconds):
            while True:
                await self.engine.index.look()
                serving, _, offset = self.engine.index.version.partition("@")
                if serving and int(offset) >= version:
                    break
                await asyncio.sleep(0.02)
        await self.engine.cluster.work(lambda client: client.indices.refresh(index=serving))
        await self.engine.index.look()


def items_of(rows: Sequence[tuple[str, Sequence[str], dict[str, Any]]]) -> dict[int, Item]:
    """Returns items numbered from 1: title, category path and other fields of each."""
    made = {}
    for item_no, (title, path, fields) in enumerate(rows, start=1):
        item = Item(title=title, **{"price": 1.0, **fields})
        if path:
            item.category_paths.add(names=path)
        made[item_no] = item
    return made


def only(**fields: Any) -> ItemFilter:
    """Returns a filter; `category` is a path."""
    category = fields.pop("category", None)
    wanted = ItemFilter(**fields)
    if category:
        wanted.categories.add(names=category)
    return wanted
