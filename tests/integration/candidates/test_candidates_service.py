import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.candidates.app import build
from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.catalog.item_columns import item_digest
from services.candidates.settings import CandidatesSettings
from services.candidates.sources.registry import SOURCES
from services.common.artifacts import ArtifactStore
from services.common.clock import SystemClock
from services.common.rpc_status import from_rpc_error
from services.common.server import Server, running
from tests.support.candidates_shop import NOW, Shop, bought, viewed
from tests.support.fake_shop_services import FakeCatalog, FakeStatistics, fake_catalog, fake_statistics, serving
from vitrine.candidates.v1 import candidate_service_pb2 as pb
from vitrine.candidates.v1.candidate_service_pb2_grpc import CandidateServiceStub
from vitrine.common.v1.category_pb2 import CategoryPath
from vitrine.common.v1.item_filter_pb2 import ItemFilter
from vitrine.features.v1.catalog_service_pb2 import CatalogChange
from vitrine.features.v1.feature_service_pb2 import ListItemStatisticsResponse
from vitrine.features.v1.item_pb2 import Item
from vitrine.features.v1.user_features_pb2 import UserFeatures

AWKWARD = "päck/🧀;|" + "x" * 200


def change(item_no: int, title: str, *path: str, item_id: str = "", **fields: object) -> CatalogChange:
    item = Item(item_id=item_id, title=title, price=1.0, **fields)  # type: ignore[arg-type]  # whatever a test wants to set
    item.category_paths.add(names=path or ("shop",))
    return Shop().change(item_no, item, days_old=1)


class Service:
    """The service under test and what it reads from."""

    def __init__(
        self, server: Server, channel: grpc.aio.Channel, catalog: FakeCatalog, statistics: FakeStatistics
    ) -> None:
        self.server = server
        self.channel = channel
        self.catalog = catalog
        self.statistics = statistics
        self.stub: Any = CandidateServiceStub(channel)

    async def retrieve(self, user: UserFeatures | None = None, **fields: object) -> pb.RetrieveCandidatesResponse:
        request = pb.RetrieveCandidatesRequest(user=user, **fields)  # type: ignore[arg-type]
        if not request.HasField("query_time"):
            request.query_time.FromMilliseconds(NOW)
        response: pb.RetrieveCandidatesResponse = await self.stub.RetrieveCandidates(request, timeout=5)
        return response

    async def status(self) -> pb.GetIndexStatusResponse:
        status: pb.GetIndexStatusResponse = await self.stub.GetIndexStatus(pb.GetIndexStatusRequest(), timeout=5)
        return status


def settings(tmp_path: Path, address: str, **fields: Any) -> CandidatesSettings:
    given = {"poll_seconds": 0.05, "source_deadline_seconds": 5, "ranker_address": "", **fields}
    return CandidatesSettings(port=0, features_address=address, state_directory=tmp_path, **given)


@contextlib.asynccontextmanager
async def service(tmp_path: Path, *changes: CatalogChange, **fields: Any) -> AsyncIterator[Service]:
    catalog, statistics = fake_catalog(), fake_statistics()
    await catalog.put(*changes)
    async with serving(catalog, statistics) as address:
        configured = settings(tmp_path, address, **fields)
        async with (
            running(configured, build(configured)) as server,
            grpc.aio.insecure_channel(server.address) as channel,
        ):
            yield Service(server, channel, catalog, statistics)


async def until(condition: Callable[[], Any], seconds: float = 5.0) -> float:
    """Waits until an asynchronous condition holds; returns how long it took."""
    began = time.perf_counter()
    while not await condition():
        assert time.perf_counter() - began < seconds, "it did not come true in time"
        await asyncio.sleep(0.01)
    return time.perf_counter() - began


async def test_a_shop_is_read_and_unknown_visitors_are_served(tmp_path: Path) -> None:
    changes = [change(item_no, f"cup {item_no}") for item_no in range(1, 51)]
    async with service(tmp_path, *changes, change(51, "hidden", hidden=True)) as shop:
        response = await shop.retrieve(limit=20)
        assert len(set(response.item_nos)) == 20
        assert response.versions.catalog_version == 51
        statuses = {outcome.source: outcome.status for outcome in response.outcomes}
        assert statuses["popular"] == statuses["new_arrivals"] == pb.SOURCE_STATUS_OK
        assert statuses["item_cf"] == pb.SOURCE_STATUS_NOT_READY
        assert statuses["content"] == pb.SOURCE_STATUS_NOT_APPLICABLE
        status = await shop.status()
        assert (status.item_count, status.eligible_item_count) == (51, 50)
        assert status.sources[:2] == ["item_cf", "then_bought"]
        assert shop.catalog.requests[0].brief
        health: Any = health_pb2_grpc.HealthStub(shop.channel)
        name = "vitrine.candidates.v1.CandidateService"
        assert (await health.Check(health_pb2.HealthCheckRequest(service=name))).status == 1


async def test_an_empty_shop_counts_as_read(tmp_path: Path) -> None:
    async with service(tmp_path) as shop:
        response = await shop.retrieve(viewed(UserFeatures(), 5))
        assert list(response.item_nos) == []
        assert len(response.outcomes) == 16


async def test_a_new_item_is_in_answers_within_a_second_and_a_deleted_one_at_once(tmp_path: Path) -> None:
    async with service(tmp_path, change(1, "green tea", "tea"), change(2, "hose", "garden")) as shop:
        user = viewed(UserFeatures(), 1)
        await shop.catalog.put(change(3, "green tea leaf", "tea"))

        async def content_has_it() -> bool:
            response = await shop.retrieve(
                user, quotas=[pb.SourceQuota(source=s, quota=0) for s in ("popular", "new_arrivals")]
            )
            return 3 in response.item_nos

        assert await until(content_has_it) < 1.0
        await shop.catalog.put(Shop().change(3))

        async def it_is_gone() -> bool:
            return 3 not in (await shop.retrieve(user)).item_nos

        assert await until(it_is_gone) < 1.0


async def test_statistics_order_what_is_popular(tmp_path: Path) -> None:
    async with service(tmp_path, *(change(item_no, "cup") for item_no in range(1, 6))) as shop:
        shop.statistics.pages = [
            ListItemStatisticsResponse(
                item_nos=[1, 2], decayed_7d=[1, 9], user_counts=[5, 7], as_of_millis=NOW, version=1
            ),
            ListItemStatisticsResponse(item_nos=[4], decayed_7d=[20], user_counts=[5], as_of_millis=NOW, version=2),
        ]

        async def ordered() -> bool:
            response = await shop.retrieve()
            popular = next(columns for columns in response.sources if columns.source == "popular")
            return [response.item_nos[place] for place in popular.positions][:3] == [4, 2, 1]

        await until(ordered)


async def test_filters_quotas_and_exclusions_hold(tmp_path: Path) -> None:
    changes = [change(item_no, "cup", "kitchen" if item_no % 2 else "garden") for item_no in range(1, 101)]
    async with service(tmp_path, *changes) as shop:
        response = await shop.retrieve(
            filter=ItemFilter(categories=[CategoryPath(names=["kitchen"])]),
            excluded_item_nos=[*range(1, 91), *range(100_000, 109_910)],
            quotas=[pb.SourceQuota(source="popular", quota=3), pb.SourceQuota(source="new_arrivals", quota=0)],
        )
        assert set(response.item_nos) == {91, 93, 95}
        assert not (await shop.retrieve(filter=ItemFilter(maximum_price=0.5))).item_nos


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"limit": -1}, "limit"),
        ({"excluded_item_nos": range(10_001)}, "excluded_item_nos"),
        ({"quotas": [pb.SourceQuota(source="popular", quota=-5)]}, "quotas[0].quota"),
        ({"filter": ItemFilter(minimum_price=float("nan"))}, "filter.minimum_price"),
        ({"query_time": {"seconds": 10**12}}, "query_time"),
    ],
)
async def test_bad_requests_name_the_field(tmp_path: Path, fields: dict[str, Any], field: str) -> None:
    async with service(tmp_path, change(1, "cup")) as shop:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await shop.retrieve(**fields)
        error = from_rpc_error(raised.value)
        assert error.code == grpc.StatusCode.INVALID_ARGUMENT
        assert [violation.field for violation in error.violations] == [field]


async def test_query_time_is_required(tmp_path: Path) -> None:
    async with service(tmp_path) as shop:
        for call, request in (
            (shop.stub.RetrieveCandidates, pb.RetrieveCandidatesRequest()),
            (shop.stub.ListSimilarItems, pb.ListSimilarItemsRequest(item_no=1)),
        ):
            with pytest.raises(grpc.aio.AioRpcError, match="query_time is missing"):
                await call(request, timeout=5)


async def test_similar_items_by_id_and_by_number(tmp_path: Path) -> None:
    changes = [change(1, "red cup", item_id=AWKWARD), change(2, "red cup small"), change(3, "hose", "garden")]
    async with service(tmp_path, *changes) as shop:
        request = pb.ListSimilarItemsRequest(item_id=AWKWARD)
        request.query_time.FromMilliseconds(NOW)
        response = await shop.stub.ListSimilarItems(request, timeout=5)
        assert response.item_nos[0] == 2
        assert response.sources[0] == "content"
        request.item_id, request.item_no = "", 1
        assert await shop.stub.ListSimilarItems(request, timeout=5) == response
        for item_id in ("nobody", AWKWARD.upper()):
            request.item_id = item_id
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await shop.stub.ListSimilarItems(request, timeout=5)
            assert from_rpc_error(raised.value).reason == "UNKNOWN_ITEM"
        request.item_id, request.item_no = "", 0
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await shop.stub.ListSimilarItems(request, timeout=5)
        assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_artifacts_are_loaded_while_serving_and_bad_ones_reported(tmp_path: Path) -> None:
    store, moment = ArtifactStore(tmp_path / "artifacts"), SystemClock().now()

    def vectors(value: float) -> Callable[[Path], None]:
        def write(folder: Path) -> None:
            np.save(folder / "item_nos.npy", np.array([1, 2], np.uint32))
            np.save(folder / "vectors.npy", np.array([[1, 0], [0, value]], np.float32))

        return write

    async with service(tmp_path, change(1, "cup"), change(2, "hose")) as shop:
        store.publish("embeddings", vectors(1.0), {"model_version": "m7"}, moment)

        async def loaded() -> bool:
            return (await shop.status()).versions.embeddings_version == "m7"

        await until(loaded)
        store.publish("embeddings", vectors(float("nan")), {"model_version": "m8"}, moment)

        async def reported() -> bool:
            return any("not finite" in refusal for refusal in (await shop.status()).refused_artifacts)

        await until(reported)
        response = await shop.retrieve(user_vector=[0, 1], user_vector_version="m7")
        embedding = next(columns for columns in response.sources if columns.source == "embedding")
        assert [response.item_nos[place] for place in embedding.positions] == [2, 1]
        assert await loaded()


async def test_it_waits_for_features_and_resumes_where_the_stream_broke(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    configured = settings(tmp_path, f"127.0.0.1:{port}")
    server = Server(configured, build(configured))
    catalog, statistics = fake_catalog(), fake_statistics()
    await catalog.put(change(1, "cup"))
    starting = asyncio.create_task(server.start())
    try:
        await asyncio.sleep(0.3)
        assert not starting.done()
        async with grpc.aio.insecure_channel(server.address) as channel:
            shop = Service(server, channel, catalog, statistics)
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await shop.retrieve()
            assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
            async with serving(catalog, statistics, port=port):
                await asyncio.wait_for(starting, 10)
                assert list((await shop.retrieve()).item_nos) == [1]
            assert list((await shop.retrieve()).item_nos) == [1]  # features is gone, the catalog is still known
            await catalog.put(change(2, "plate"))
            async with serving(catalog, statistics, port=port):

                async def knows_both() -> bool:
                    return set((await shop.retrieve()).item_nos) == {1, 2}

                await until(knows_both, 10)
            assert catalog.requests[-1].after_version == 1
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await server.stop()


async def test_settings_choose_and_weigh_sources(tmp_path: Path) -> None:
    changes = [change(item_no, "cup", list_price=2.0 if item_no == 30 else 0.0) for item_no in range(1, 31)]
    chosen = {"sources": ("popular", "on_sale"), "quotas": {"popular": 2}, "weights": {"on_sale": 50.0}}
    async with service(tmp_path, *changes, **chosen) as shop:
        response = await shop.retrieve(bought(UserFeatures(), 1, 3))
        assert [outcome.source for outcome in response.outcomes] == ["popular", "on_sale"]
        assert response.item_nos[0] == 30
        assert len(response.item_nos) == 3


def paired(similarity: float, *, items: int = 200) -> Neighbors:
    """Every item goes with the next one."""
    numbers = np.arange(1, items + 1, dtype=np.uint32)
    return Neighbors(
        item_nos=numbers,
        digests=np.array([item_digest(f"item-{number}") for number in numbers], np.uint32),
        starts=np.arange(items + 1),
        neighbors=np.roll(numbers, -1),
        similarities=np.full(items, similarity, np.float32),
        supports=np.full(items, 9, np.uint32),
    )


async def test_tables_are_swapped_under_load_and_no_call_fails(tmp_path: Path) -> None:
    store, moment = ArtifactStore(tmp_path / "artifacts"), SystemClock().now()

    def publish(similarity: float, *, quality: float = 0.5, make_current: bool = True, **metadata: object) -> str:
        save, made = paired(similarity).save, {"quality": quality, **metadata}
        return store.publish("neighbors", save, made, moment, make_current=make_current).version

    first = publish(0.5)
    only = [pb.SourceQuota(source=name, quota=0) for name in SOURCES if name != "item_cf"]
    answered: list[tuple[str, float]] = []
    failed: list[BaseException] = []
    over = asyncio.Event()
    async with service(tmp_path, *(change(item_no, "cup") for item_no in range(1, 201))) as shop:

        async def caller(item_no: int) -> None:
            user = viewed(UserFeatures(), item_no)
            while not over.is_set():
                try:
                    answer = await shop.retrieve(user, quotas=only)
                except grpc.aio.AioRpcError as error:
                    failed.append(error)
                else:
                    (columns,) = (own for own in answer.sources if own.source == "item_cf")
                    assert list(answer.item_nos) == [item_no + 1]
                    answered.append((answer.versions.neighbors_version, columns.scores[0]))

        callers = asyncio.gather(*(caller(item_no) for item_no in range(1, 5)))
        good = [first]
        for round_no in range(1, 6):
            good.append(await asyncio.to_thread(publish, 0.5 + 0.05 * round_no))
            await until(partial(is_loaded, shop, good[-1]))
            broken = await asyncio.to_thread(publish, float("nan"))
            await until(partial(is_refused, shop, broken, "not finite"))
            poor = await asyncio.to_thread(publish, 0.1, quality=0.1)
            await until(partial(is_refused, shop, poor, "the floor is"))
        kept = await asyncio.to_thread(publish, 0.1, make_current=False, kept_back="it foresees little")
        await until(partial(is_refused, shop, kept, "it foresees little"))
        over.set()
        await callers
    assert failed == []
    assert {version for version, _ in answered} == set(good)
    # One score for each version that was served: nobody was answered from a refused one, nor from a mixture.
    assert len({score for _, score in answered}) == len(good)


async def is_loaded(shop: Service, version: str) -> bool:
    return (await shop.status()).versions.neighbors_version == version


async def is_refused(shop: Service, version: str, reason: str) -> bool:
    refused = (await shop.status()).refused_artifacts
    return any(one.startswith(f"neighbors {version}: ") and reason in one for one in refused)
