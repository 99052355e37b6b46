"""The service with a real Elasticsearch that fails now and then, as clusters do."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import grpc
import pytest
from aiohttp import web
from elasticsearch import AsyncElasticsearch

from services.candidates.content.synonyms import Synonyms
from services.candidates.elastic import schema
from services.candidates.elastic.engine import Engine
from services.candidates.settings import CandidatesSettings
from services.common.clock import Clock, SystemClock
from tests.integration.candidates.test_candidates_service import change, service, until
from tests.integration.candidates.test_elasticsearch import answers, outcomes, searching
from tests.integration.candidates.test_search_items import search
from tests.support.candidates_shop import Shop, viewed
from tests.support.elasticsearch import own_indexes
from tests.support.elasticsearch_proxy import Asked, ElasticsearchProxy, answered
from tests.support.fake_shop_services import fake_catalog, serving
from vitrine.candidates.v1 import candidate_service_pb2 as pb
from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceStub
from vitrine.features.v1.user_features_pb2 import UserFeatures

pytestmark = pytest.mark.real

TEAS = [change(number, f"green tea {number}", "tea") for number in range(1, 31)]
SHOPPER = viewed(UserFeatures(known=True, search_texts=["tea"]), 1)


class AheadClock:
    """The system's clock, so much ahead."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return SystemClock().now() + self._ahead


@pytest.fixture
async def proxy(elasticsearch_address: str) -> AsyncIterator[ElasticsearchProxy]:
    async with ElasticsearchProxy(elasticsearch_address).open() as proxy:
        yield proxy


@pytest.fixture
async def alias(elasticsearch_address: str) -> AsyncIterator[str]:
    async with own_indexes(elasticsearch_address) as alias:
        yield alias


def bulks(proxy: ElasticsearchProxy) -> list[Asked]:
    return [asked for asked in proxy.asked if asked.path.endswith("/_bulk")]


async def test_a_refused_item_is_named_and_the_others_go_on(
    tmp_path: Path, elasticsearch_address: str, alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(schema._PROPERTIES, "brand", {"type": "integer"})
    bad = change(31, "green tea with a brand", brand="Hill")
    async with searching(tmp_path, elasticsearch_address, alias, *TEAS[:15], bad, *TEAS[15:]) as shop:
        await answers(shop)
        assert sorted((await search(shop, "tea", page_size=50)).item_nos) == list(range(1, 31))
        (refusal,) = (await shop.status()).refused_items
        assert refusal.startswith("item 31: ")
        assert "brand" in refusal
        await shop.catalog.put(change(31, "green tea without one"))

        async def found() -> bool:
            return 31 in (await search(shop, "tea", page_size=50)).item_nos

        await until(found)


@pytest.mark.parametrize("status", [429, 503, 403])
async def test_items_that_are_not_taken_at_the_moment_are_tried_again(
    tmp_path: Path, proxy: ElasticsearchProxy, alias: str, status: int
) -> None:
    async def every_other_twice(asked: Asked) -> web.Response | None:
        if not asked.path.endswith("/_bulk") or len(bulks(proxy)) > 2:
            return None
        actions = [json.loads(line) for line in asked.body.splitlines() if '"_id"' in line]
        return answered(
            {"items": [{"index": {"status": status if place % 2 else 200}} for place in range(len(actions))]}
        )

    proxy.fault = every_other_twice
    async with searching(tmp_path, proxy.address, alias, *TEAS) as shop:
        await answers(shop)
        tried = [body.count('"_id"') for body in (asked.body for asked in bulks(proxy))]
        assert tried[:3] == [30, 15, 7]
        assert not (await shop.status()).refused_items


async def test_an_overloaded_cluster_gets_the_whole_batch_again(
    tmp_path: Path, proxy: ElasticsearchProxy, alias: str
) -> None:
    async def overloaded(asked: Asked) -> web.Response | None:
        return answered({"error": "busy"}, 429) if asked.path.endswith("/_bulk") and len(bulks(proxy)) < 4 else None

    proxy.fault = overloaded
    async with searching(tmp_path, proxy.address, alias, *TEAS) as shop:
        await answers(shop)
        assert len((await search(shop, "tea", page_size=50)).item_nos) == 30


async def test_a_killed_process_leaves_index_and_lease_to_another(
    tmp_path: Path, elasticsearch_address: str, alias: str, proxy: ElasticsearchProxy
) -> None:
    catalog = fake_catalog()
    await catalog.put(*(change(number, f"green tea {number}", "tea") for number in range(1, 5_001)))
    stuck = asyncio.Event()

    async def stop_after_two_batches(asked: Asked) -> web.Response | None:
        if asked.path.endswith("/_bulk") and '"_id":"2001"' in asked.body:
            stuck.set()
            await asyncio.Event().wait()
        return None

    proxy.fault = stop_after_two_batches
    async with (
        serving(catalog) as features,
        AsyncElasticsearch(elasticsearch_address) as client,
        grpc.aio.insecure_channel(features) as channel,
    ):
        environment = os.environ | {
            "VITRINE_STATE_DIRECTORY": str(tmp_path),
            "VITRINE_CANDIDATES_PORT": "0",
            "VITRINE_FEATURES_ADDRESS": features,
            "VITRINE_CANDIDATES_ELASTICSEARCH_URL": proxy.address,
            "VITRINE_CANDIDATES_ELASTICSEARCH_INDEX": alias,
            "VITRINE_CANDIDATES_ELASTICSEARCH_REPLICAS": "0",
        }
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.candidates", env=environment)
        try:
            await asyncio.wait_for(stuck.wait(), 60)
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()
        (half,) = await client.indices.get(index=f"{alias}-v*")
        assert not await client.indices.exists_alias(name=alias)

        def engine(clock: Clock) -> Engine:
            settings = CandidatesSettings(
                elasticsearch_url=elasticsearch_address, elasticsearch_index=alias, elasticsearch_replicas=0
            )
            return Engine.of(settings, Shop().inputs, CatalogServiceStub(channel), clock, Synonyms(""))

        # The dead one still has the lease.
        early = engine(SystemClock())
        await asyncio.wait_for(early.keeper.keep(), 5)
        await early.cluster.close()
        later = engine(AheadClock(timedelta(seconds=25)))
        keeping = asyncio.create_task(later.keeper.keep())

        async def answering() -> bool:
            await later.index.look()
            return later.index.version == f"{half}@5000"

        try:
            await until(answering, 30)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await later.cluster.close()
        assert [
            request.after_version for request in catalog.requests if not request.brief or request.after_version
        ] == [2_000]
        await client.indices.refresh(index=alias)
        assert (await client.count(index=alias, query={"exists": {"field": "item_no"}}))["count"] == 5_000


async def test_a_failing_cluster_is_named_spared_and_asked_again(
    tmp_path: Path, proxy: ElasticsearchProxy, alias: str
) -> None:
    async with service(
        tmp_path,
        *TEAS,
        elasticsearch_url=proxy.address,
        elasticsearch_index=alias,
        elasticsearch_replicas=0,
        elasticsearch_timeout_seconds=0.5,
    ) as shop:
        await answers(shop)

        async def well() -> bool:
            return outcomes(await shop.retrieve(SHOPPER))["content"] == pb.SOURCE_STATUS_OK

        await until(well, 10)

        async def red(asked: Asked) -> web.Response | None:
            return answered({"error": {"type": "no_shard_available_action_exception"}}, 503)

        async def slow(asked: Asked) -> web.Response | None:
            await asyncio.sleep(20)
            return None

        # The source's time and the call's are the same: either may end first.
        late = {"ELASTICSEARCH_LATE", "no answer within 500 ms"}
        for fault, reasons in ((red, {"ELASTICSEARCH_503"}), (slow, late)):
            proxy.fault = fault
            first = await shop.retrieve(SHOPPER)
            for outcome in first.outcomes:
                if outcome.source in {"content", "search_history"}:
                    assert outcome.status in {pb.SOURCE_STATUS_FAILED, pb.SOURCE_STATUS_LATE}
                    assert outcome.reason in reasons
            assert outcomes(first)["popular"] == pb.SOURCE_STATUS_OK
            assert len(first.item_nos) == 30

            async def rested() -> bool:
                return outcomes(await shop.retrieve(SHOPPER))["content"] == pb.SOURCE_STATUS_NOT_READY

            await until(rested, 10)
            asked = len(proxy.searches())
            assert outcomes(await shop.retrieve(SHOPPER))["content"] == pb.SOURCE_STATUS_NOT_READY
            assert len(proxy.searches()) == asked
            assert (await shop.status()).content_fault
            proxy.fault = None
            await until(well, 20)


async def test_a_node_that_goes_away_in_the_middle_of_an_answer(
    tmp_path: Path, proxy: ElasticsearchProxy, alias: str
) -> None:
    async with searching(tmp_path, proxy.address, alias, *TEAS) as shop:
        await answers(shop)

        async def cut(asked: Asked) -> web.Response | None:
            return (
                web.Response(body=b'{"hits": {"hi', content_type="application/json")
                if "_search" in asked.path
                else None
            )

        proxy.fault = cut
        response = await shop.retrieve(SHOPPER)
        assert outcomes(response)["search_history"] == pb.SOURCE_STATUS_FAILED
        assert outcomes(response)["popular"] == pb.SOURCE_STATUS_OK


async def test_another_analysis_is_indexed_anew_while_the_old_one_answers(
    tmp_path: Path, elasticsearch_address: str, alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [change(number, f"crème {number}") for number in range(1, 2_501)]
    async with searching(tmp_path, elasticsearch_address, alias, *items) as shop:
        await answers(shop)
        old = (await shop.status()).versions.content_version.partition("@")[0]
    shops_filter = schema._ANALYSIS["analyzer"]["shop"]
    without_folding = [name for name in shops_filter["filter"] if name != "asciifolding"]
    monkeypatch.setitem(shops_filter, "filter", without_folding)
    async with searching(tmp_path, elasticsearch_address, alias, *items) as shop:
        served = set()

        async def moved() -> bool:
            page = await search(shop, "crème", page_size=200)
            assert page.total_count == 2_500
            served.add(page.version.partition("@")[0])
            return served > {old}

        await answers(shop)
        await until(moved, 60)
        assert len(served) == 2
        assert not (await search(shop, "creme")).item_nos


async def test_a_new_item_is_found_while_the_index_is_made_anew(
    tmp_path: Path, proxy: ElasticsearchProxy, alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with searching(tmp_path, proxy.address, alias, *TEAS) as shop:
        await answers(shop)
        old = (await shop.status()).versions.content_version.partition("@")[0]
    monkeypatch.setattr(schema, "_DOCUMENTS", 99)
    held = asyncio.Event()

    async def hold_the_new_one(asked: Asked) -> web.Response | None:
        if asked.path.endswith("/_bulk") and old not in asked.path:
            await held.wait()
        return None

    proxy.fault = hold_the_new_one
    async with searching(tmp_path, proxy.address, alias, *TEAS) as shop:
        await answers(shop)
        await shop.catalog.put(change(40, "black tea", "tea"))

        async def found() -> bool:
            page = await search(shop, "black")
            return list(page.item_nos) == [40] and page.version.startswith(old)

        await until(found, 10)
        held.set()

        async def moved() -> bool:
            page = await search(shop, "black")
            assert list(page.item_nos) == [40]
            return not page.version.startswith(old)

        await until(moved, 30)
