import asyncio
import json
import time
import uuid
from typing import Any

import pytest

from cli.shop import Shop
from tests.e2e.conftest import RunningShop
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_service_pb2 import ListUserPagesRequest, LogPagesRequest, PageRecord
from vitrine.events.v1.event_service_pb2_grpc import EventServiceStub

pytestmark = pytest.mark.slow

LOGGED_SECONDS = 10.0


def compared_of(shop: RunningShop, *options: str, code: int = 0) -> list[dict[str, Any]]:
    pages: list[dict[str, Any]] = json.loads(shop.run("features", "verify", "--json", *options).stdout)["pages"]
    assert shop.run("features", "verify", *options).returncode == code
    return pages


def logged(shop: RunningShop, anonymous_id: str, count: int) -> list[PageRecord]:
    """A visitor's pages in the page log, once there are so many."""

    async def pages() -> list[PageRecord]:
        async with Shop(shop.state_directory, shop.environment).channel("events") as channel:
            request = ListUserPagesRequest(visitor=Visitor(anonymous_id=anonymous_id))
            return list((await EventServiceStub(channel).ListUserPages(request)).pages)

    give_up = time.monotonic() + LOGGED_SECONDS
    while len(found := asyncio.run(pages())) < count:
        assert time.monotonic() < give_up, "the pages are not logged"
        time.sleep(0.2)
    return found


def test_pages_are_made_from_the_features_that_the_log_gives(shop: RunningShop) -> None:
    anonymous_id = f"browser-{uuid.uuid4()}"
    visitor = ("--anonymous", anonymous_id)
    page = json.loads(shop.vitrine("page", "--json", *visitor))["page"]
    item = page["shelves"][0]["cards"][0]["item"]["item_id"]
    for kind in ("view", "add_to_cart", "purchase", "favorite", "unfavorite", "refund"):
        shop.vitrine("event", kind, *visitor, "--item", item)
        shop.vitrine("page", "--json", *visitor)
    logged(shop, anonymous_id, 7)
    own = compared_of(shop, *visitor)
    assert len(own) == 7
    assert not [page for page in own if page["differing"]]
    for user_id in shop.files.user_ids[:3]:
        shop.vitrine("page", "--json", "--user", user_id)
    everyone = compared_of(shop)
    assert len(everyone) >= 7
    assert not [page for page in everyone if page["differing"]]


def test_a_page_that_was_made_from_something_else_is_found(shop: RunningShop) -> None:
    anonymous_id = f"browser-{uuid.uuid4()}"
    shop.vitrine("page", "--json", "--anonymous", anonymous_id)
    [record] = logged(shop, anonymous_id, 1)

    async def forge() -> None:
        record.page_id = f"forged-{uuid.uuid4()}"
        record.features.digests["counters"] ^= 1
        async with Shop(shop.state_directory, shop.environment).channel("events") as channel:
            await EventServiceStub(channel).LogPages(LogPagesRequest(pages=[record]))

    asyncio.run(forge())
    found = {page["page_id"]: page["differing"] for page in compared_of(shop, "--anonymous", anonymous_id, code=1)}
    assert found.pop(record.page_id) == ["counters"]
    assert list(found.values()) == [[]]


def test_a_rebuild_leaves_pages_as_they_were(shop: RunningShop) -> None:
    user = shop.files.user_ids[2]
    lines = [json.loads(line) for line in shop.vitrine("privacy", "export", "--user", user).splitlines()]
    counted = [line["features"]["event_count"] for line in lines if line["kind"] == "user_state"]
    assert "features rebuilt from" in shop.vitrine("rebuild")
    shop.recover()
    lines = [json.loads(line) for line in shop.vitrine("privacy", "export", "--user", user).splitlines()]
    assert [line["features"]["event_count"] for line in lines if line["kind"] == "user_state"] == counted != []
