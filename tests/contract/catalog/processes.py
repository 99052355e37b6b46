"""The catalog as several processes have it, and updates of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from services.common.database import Database, create_engine
from services.features.catalog.catalog import Catalog
from services.features.store.store import Store
from vitrine.features.v1 import catalog_service_pb2 as pb
from vitrine.features.v1.item_pb2 import Item

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
T0 = 1_700_000_000


class Processes:
    """Opens the catalog of one database again and again, each time with connections and a memory of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._stores: list[Store] = []

    async def open(self, store_class: type[Store] = Store) -> Catalog:
        """What one more process knows when it has started."""
        store = store_class(Database(create_engine(self.url, pool_size=3)), 2)
        self._stores.append(store)
        await store.start()
        catalog = Catalog(store, 10_000)
        await catalog.load()
        return catalog

    async def close(self) -> None:
        for store in self._stores:
            await store.close()


def item(item_id: str, seconds: int | None = None, path: Sequence[str] = ("Food", "Tea"), **fields: Any) -> Item:
    """A product that is fit for the catalog, as of T0 plus `seconds`."""
    made = Item(**{"item_id": item_id, "title": f"Title of {item_id}"[:256], "price": 2.0, **fields})
    made.category_paths.add().names.extend(path)
    if seconds is not None:
        made.update_time.seconds = T0 + seconds
    return made


async def upsert(catalog: Catalog, *items: Item, mask: Sequence[str] = (), skew: float = 0.0) -> list[pb.ItemResult]:
    """Upserts at NOW plus `skew` seconds."""
    updates = [pb.ItemUpdate(item=each) for each in items]
    for update in updates:
        update.update_mask.paths.extend(mask)
    return await catalog.upsert(updates, NOW + timedelta(seconds=skew))


async def delete(catalog: Catalog, *item_ids: str, seconds: int | None = None) -> list[pb.ItemResult]:
    """Deletes as of T0 plus `seconds`, or as of now."""
    return await catalog.delete(item_ids, NOW, None if seconds is None else (T0 + seconds) * 1_000_000)


async def find(catalog: Catalog, item_id: str) -> Item | None:
    """The item as a reader of that process finds it."""
    item_no = catalog.item_no(item_id)
    return (await catalog.read_items([item_no], vectors=False)).get(item_no) if item_no else None


async def everything(catalog: Catalog) -> dict[str, Any]:
    """All that a process says of the catalog."""
    count = 0
    while catalog.item_id(count + 1) is not None:
        count += 1
    numbers = list(range(1, count + 1))
    places = catalog.columns.places(numbers)
    return {
        "version": catalog.version,
        "ids": [catalog.item_id(number) for number in numbers],
        "states": {
            name: catalog.columns[name][places].tolist() for name in ("flags", "group_no", "category_no", "price")
        },
        "categories": catalog.numbers.categories,
        "brands": catalog.numbers.brands,
        "groups": catalog.numbers.groups,
        "attributes": catalog.numbers.attribute_types,
        "items": await catalog.read_items(numbers, vectors=False),
    }
