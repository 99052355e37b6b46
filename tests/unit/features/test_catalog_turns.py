"""A large change of the catalog leaves the event loop to others between its slices."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.features.catalog.catalog import SLICE, Catalog
from tests.contract.catalog.processes import Processes, item, upsert
from tests.support.migrated_stores import lay_features_store
from vitrine.features.v1.catalog_service_pb2 import CatalogChange
from vitrine.features.v1.item_pb2 import Item

ITEMS = 5 * SLICE


@pytest.fixture
async def processes(tmp_path: Path) -> AsyncIterator[Processes]:
    opened = Processes(lay_features_store(f"sqlite:///{tmp_path / 'store.db'}"))
    yield opened
    await opened.close()


def updates(stock: int) -> list[Item]:
    return [item(str(number), stock=stock) for number in range(ITEMS)]


def in_stock(catalog: Catalog) -> int:
    """Readers find so many items in stock."""
    return int((catalog.columns["flags"] & 4 != 0).sum())


async def test_readers_get_their_turns_while_stocks_are_taken_in(processes: Processes) -> None:
    here, there = await processes.open(), await processes.open()
    await upsert(here, *updates(1))
    await there.follow()
    changing = asyncio.create_task(upsert(here, *updates(0), mask=["stock"]))
    assert len(await _seen(here, changing)) >= ITEMS // SLICE, "each slice was seen on its own"
    following = asyncio.create_task(there.follow())
    assert len(await _seen(there, following)) >= ITEMS // SLICE
    assert in_stock(here) == in_stock(there) == 0


async def test_a_tail_is_made_in_slices(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = await processes.open()
    await upsert(catalog, *updates(1))
    made = []
    change_of = catalog._change_of  # where the time goes

    def counted(row: Any, *, vectors: bool) -> CatalogChange:
        made.append(row.item_no)
        return change_of(row, vectors=vectors)

    monkeypatch.setattr(catalog, "_change_of", counted)
    reading = asyncio.create_task(catalog.read_changes(0, ITEMS, vectors=True))
    seen = set()
    while not reading.done():
        await asyncio.sleep(0)
        seen.add(len(made))
    assert len(await reading) == ITEMS
    assert seen >= set(range(SLICE, ITEMS + 1, SLICE)), "others had a turn after each slice"


async def _seen(catalog: Catalog, work: "asyncio.Task[object]") -> set[int]:
    """Returns what a reader finds that looks whenever it gets its turn."""
    seen = set()
    while not work.done():
        await asyncio.sleep(0)
        seen.add(in_stock(catalog))
    await work
    return seen
