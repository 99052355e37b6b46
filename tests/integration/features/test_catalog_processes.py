"""Several feature stores on one database, behind one name: whichever answers, it is the same catalog."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.common.clock import FixedClock
from services.features.settings import FeaturesSettings
from tests.integration.features.shop import PATIENCE_SECONDS, Shop, item, refusal, shop
from vitrine.features.v1 import catalog_service_pb2 as pb


@pytest.fixture
async def other(settings: FeaturesSettings, clock: FixedClock, features: Shop) -> AsyncIterator[Shop]:
    """A second one, started after the first."""
    async with shop(settings, clock) as second:
        yield second


async def told(tail: Any, count: int) -> list[pb.CatalogChange]:
    """Reads on until so many changes were told."""
    changes: list[pb.CatalogChange] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(changes) < count:
            changes += (await tail.read()).changes
    return changes


async def version_of(features: Shop, version: int) -> None:
    """Waits until a process knows a version."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await features.states(1)).catalog_version < version:  # noqa: ASYNC110  # it is known over there only
            await asyncio.sleep(0.01)


async def test_every_process_answers_alike(features: Shop, other: Shop) -> None:
    await features.upsert(item("a", "Food", "Tea", brand="Acme"), item("b", "Books"), item("c"))
    await other.upsert(item("d", "Food", "Bread", group_id="g", stock=0), item("a", "Food", "Tea", price=9.0))
    await features.catalog.DeleteItems(pb.DeleteItemsRequest(item_ids=["b"]))
    version = (await features.states(1)).catalog_version
    await version_of(other, version)
    assert await features.lookup("a", "b", "c", "d") == await other.lookup("a", "b", "c", "d")
    assert await features.states(1, 2, 3, 4, 5) == await other.states(1, 2, 3, 4, 5)
    answers = [await each.catalog.ListCategories(pb.ListCategoriesRequest()) for each in (features, other)]
    assert answers[0] == answers[1]
    assert [("/".join(each.path.names), each.item_count) for each in answers[0].categories] == [
        ("Books", 0),
        ("Food", 3),
        ("Food/Bread", 1),
        ("Food/Tea", 2),
    ]


async def test_a_tail_is_told_what_another_process_took_in(features: Shop, other: Shop) -> None:
    tail = other.catalog.TailCatalog(pb.TailCatalogRequest(follow=True))
    await features.upsert(item("a"), item("b"))
    assert [change.item_id for change in await told(tail, 2)] == ["a", "b"]
    await features.upsert(item("b", price=3.0))
    assert [(change.item_id, change.item.price) for change in await told(tail, 1)] == [("b", 3.0)]
    tail.cancel()


async def test_a_tail_resumes_with_a_process_that_is_behind(features: Shop, other: Shop) -> None:
    """What one process answered is never unknown to the next one, which looks before it refuses."""
    await features.upsert(*(item(str(number)) for number in range(5)))
    await features.upsert(item("last"))
    tail = other.catalog.TailCatalog(pb.TailCatalogRequest(after_version=5))
    assert [change.item_id async for response in tail for change in response.changes] == ["last"]
    await refused_ahead(other, 7)


async def refused_ahead(features: Shop, version: int) -> None:
    tail = features.catalog.TailCatalog(pb.TailCatalogRequest(after_version=version))
    assert (await refusal(tail.read()))[:2] == ("OUT_OF_RANGE", "VERSION_UNKNOWN")
