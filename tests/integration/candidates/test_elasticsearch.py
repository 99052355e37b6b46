"""The service with Elasticsearch in the embedded index's place, and with none where one should be."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from elasticsearch import AsyncElasticsearch

from services.common.rpc_status import from_rpc_error
from tests.integration.candidates.test_candidates_service import Service, change, service, until
from tests.integration.candidates.test_search_items import search
from tests.support.candidates_shop import NOW, viewed
from tests.support.elasticsearch import own_indexes
from vitrine.candidates.v1 import candidate_service_pb2 as pb
from vitrine.features.v1.catalog_service_pb2 import CatalogChange
from vitrine.features.v1.user_features_pb2 import UserFeatures

NOWHERE = "http://127.0.0.1:9"


@contextlib.asynccontextmanager
async def searching(folder: Path, url: str, alias: str, *changes: CatalogChange) -> AsyncIterator[Service]:
    async with service(
        folder,
        *changes,
        elasticsearch_url=url,
        elasticsearch_index=alias,
        elasticsearch_replicas=0,
        elasticsearch_timeout_seconds=10,
    ) as shop:
        yield shop


def outcomes(response: pb.RetrieveCandidatesResponse) -> dict[str, pb.SourceStatus.ValueType]:
    return {outcome.source: outcome.status for outcome in response.outcomes}


async def answers(shop: Service) -> None:
    async def ready() -> bool:
        return not (await shop.status()).content_fault

    await until(ready, 30)


@pytest.mark.real
async def test_a_new_item_is_found_within_a_second_and_alike_ones_are_proposed(
    tmp_path: Path, elasticsearch_address: str
) -> None:
    async with (
        own_indexes(elasticsearch_address) as alias,
        searching(tmp_path, elasticsearch_address, alias, change(1, "green tea", "tea")) as shop,
    ):
        await answers(shop)
        await shop.catalog.put(change(2, "black tea", "tea"))

        async def found() -> bool:
            return sorted((await search(shop, "tea")).item_nos) == [1, 2]

        assert await until(found) < 1
        response = await shop.retrieve(viewed(UserFeatures(search_texts=["tea"]), 1))
        assert outcomes(response)["content"] == outcomes(response)["search_history"] == pb.SOURCE_STATUS_OK
        for name in ("content", "search_history"):
            columns = next(one for one in response.sources if one.source == name)
            assert [response.item_nos[place] for place in columns.positions] == [2]
        similar = pb.ListSimilarItemsRequest(item_no=1)
        similar.query_time.FromMilliseconds(NOW)
        assert list((await shop.stub.ListSimilarItems(similar)).item_nos) == [2]


@pytest.mark.real
async def test_an_index_of_another_schema_is_made_anew(tmp_path: Path, elasticsearch_address: str) -> None:
    (tmp_path / "synonyms").write_text("sofa, couch")
    sofa = change(1, "red sofa")
    async with own_indexes(elasticsearch_address) as alias:
        async with searching(tmp_path, elasticsearch_address, alias, sofa) as shop:
            await answers(shop)
            old = (await shop.status()).versions.content_version.partition("@")[0]
            assert not (await search(shop, "couch")).item_nos
        async with service(
            tmp_path,
            sofa,
            elasticsearch_url=elasticsearch_address,
            elasticsearch_index=alias,
            elasticsearch_replicas=0,
            elasticsearch_timeout_seconds=10,
            synonyms_file=tmp_path / "synonyms",
        ) as shop:

            async def found() -> bool:
                return list((await search(shop, "couch")).item_nos) == [1]

            async with AsyncElasticsearch(elasticsearch_address) as client:
                await until(found, 30)
                # Searches that began before have an index to the end; then it goes.
                assert await client.indices.exists(index=old)

                async def gone() -> bool:
                    return not await client.indices.exists(index=old)

                await until(gone, 30)


async def test_without_the_cluster_the_others_carry_on(tmp_path: Path) -> None:
    async with searching(tmp_path, NOWHERE, "items", change(1, "tea"), change(2, "tea")) as shop:
        response = await shop.retrieve(viewed(UserFeatures(search_texts=["tea"]), 1))
        assert outcomes(response)["popular"] == pb.SOURCE_STATUS_OK
        assert outcomes(response)["content"] == pb.SOURCE_STATUS_NOT_READY
        assert 2 in response.item_nos
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await search(shop, "tea")
        assert from_rpc_error(caught.value).reason == "ELASTICSEARCH_UNREACHABLE"
        assert sorted((await search(shop)).item_nos) == [1, 2]
        similar = pb.ListSimilarItemsRequest(item_no=1)
        similar.query_time.FromMilliseconds(NOW)
        answer = await shop.stub.ListSimilarItems(similar)
        assert [fault.partition(":")[0] for fault in answer.failed_sources] == ["content"]
