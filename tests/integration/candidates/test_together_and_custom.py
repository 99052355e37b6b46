"""Over real gRPC: what is bought together, the shop's own source, weights by request, and tables swapped in."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from services.candidates.app import build
from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.catalog.item_columns import item_digest
from services.candidates.settings import CandidatesSettings
from services.common.artifacts import ArtifactStore
from services.common.clock import SystemClock
from services.common.rpc_status import from_rpc_error
from services.common.server import running
from tests.support.candidates_shop import NOW, Shop, viewed
from tests.support.fake_shop_services import fake_catalog, fake_statistics, serving
from vitrine.candidates.v1 import candidate_service_pb2 as pb
from vitrine.candidates.v1 import source_service_pb2
from vitrine.candidates.v1.candidate_service_pb2_grpc import CandidateServiceStub
from vitrine.candidates.v1.source_service_pb2_grpc import SourceServiceServicer, add_SourceServiceServicer_to_server
from vitrine.features.v1.item_pb2 import Item
from vitrine.features.v1.user_features_pb2 import UserFeatures

ITEMS = 12


class FakeSource(SourceServiceServicer):
    """A shop's own source that takes its time."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.calls = 0
        self.time_left: list[float] = []

    async def ProposeItems(
        self, request: source_service_pb2.ProposeItemsRequest, context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> source_service_pb2.ProposeItemsResponse:
        self.calls += 1
        self.time_left.append(context.time_remaining() or 0.0)
        await asyncio.sleep(self.seconds)
        return source_service_pb2.ProposeItemsResponse(item_ids=["item-3", "item-4"])


@contextlib.asynccontextmanager
async def own_source() -> AsyncIterator[tuple[FakeSource, str]]:
    server, source = grpc.aio.server(), FakeSource()
    add_SourceServiceServicer_to_server(source, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield source, f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


@contextlib.asynccontextmanager
async def service(tmp_path: Path, **fields: Any) -> AsyncIterator[Any]:
    catalog = fake_catalog()
    for item_no in range(1, ITEMS + 1):
        await catalog.put(Shop().change(item_no, Item(title=f"thing {item_no}", price=1.0)))
    async with serving(catalog, fake_statistics()) as address:
        settings = CandidatesSettings(
            port=0,
            features_address=address,
            state_directory=tmp_path,
            poll_seconds=0.02,
            source_deadline_seconds=5,
            **fields,
        )
        async with (
            running(settings, build(settings)) as server,
            grpc.aio.insecure_channel(server.address) as channel,
        ):
            yield CandidateServiceStub(channel)


def request(user: UserFeatures | None = None, **quotas: tuple[int, float]) -> pb.RetrieveCandidatesRequest:
    made = pb.RetrieveCandidatesRequest(user=user)
    made.query_time.FromMilliseconds(NOW)
    for source, (quota, weight) in quotas.items():
        made.quotas.add(source=source, quota=quota, weight=weight)
    return made


def outcome(response: pb.RetrieveCandidatesResponse, source: str) -> pb.SourceOutcome:
    return next(one for one in response.outcomes if one.source == source)


def pair_table(score: float) -> Neighbors:
    numbers = np.arange(1, ITEMS + 1, dtype=np.uint32)
    return Neighbors(
        item_nos=numbers,
        digests=np.array([item_digest(f"item-{number}") for number in numbers], np.uint32),
        starts=np.array([0, 2] + [2] * (ITEMS - 1), np.int64),
        neighbors=np.array([2, 3], np.uint32),
        similarities=np.array([score, score / 2], np.float32),
        supports=np.array([7, 5], np.uint32),
    )


async def test_what_is_bought_together_is_listed_for_the_cart(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    table = pair_table(2.0)
    version = store.publish(Neighbors.BOUGHT_TOGETHER, table.save, {}, SystemClock().now()).version
    async with service(tmp_path) as stub:
        asked = pb.ListBoughtTogetherRequest(item_ids=["item-1", "unknown"], limit=5)
        asked.query_time.FromMilliseconds(NOW)
        answer = await stub.ListBoughtTogether(asked, timeout=5)
        assert list(answer.item_nos) == [2, 3]
        assert list(answer.lifts) == pytest.approx([np.exp(2), np.exp(1)], rel=1e-5)
        assert list(answer.buyer_counts) == [7, 5]
        assert list(answer.with_item_nos) == [1, 1]
        assert answer.version == version
        by_number = pb.ListBoughtTogetherRequest(item_nos=[1], excluded_item_nos=[2], query_time=asked.query_time)
        assert list((await stub.ListBoughtTogether(by_number, timeout=5)).item_nos) == [3]


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({}, grpc.StatusCode.INVALID_ARGUMENT, "item_ids"),
        ({"item_ids": ["item-1", "a\nb"]}, grpc.StatusCode.INVALID_ARGUMENT, "item_ids[1]"),
        ({"item_nos": range(101)}, grpc.StatusCode.INVALID_ARGUMENT, "item_nos"),
        ({"item_nos": [1], "limit": -1}, grpc.StatusCode.INVALID_ARGUMENT, "limit"),
        ({"item_ids": ["nobody knows it"]}, grpc.StatusCode.NOT_FOUND, ""),
        ({"item_nos": [4_000_000_000]}, grpc.StatusCode.NOT_FOUND, ""),
    ],
)
async def test_bad_baskets_are_answered_clearly(
    tmp_path: Path, fields: dict[str, Any], code: grpc.StatusCode, field: str
) -> None:
    async with service(tmp_path) as stub:
        asked = pb.ListBoughtTogetherRequest(**fields)
        asked.query_time.FromMilliseconds(NOW)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.ListBoughtTogether(asked, timeout=5)
        error = from_rpc_error(raised.value)
        assert error.code == code
        assert [violation.field for violation in error.violations] == ([field] if field else [])


async def test_the_shops_own_source_is_asked_within_its_deadline(tmp_path: Path) -> None:
    async with own_source() as (source, address):
        deadlines = {"custom": 0.2}
        async with service(tmp_path, custom_source_address=address, source_deadlines=deadlines) as stub:
            response = await stub.RetrieveCandidates(request(viewed(UserFeatures(), 1)), timeout=5)
            assert outcome(response, "custom").status == pb.SOURCE_STATUS_OK
            assert outcome(response, "custom").proposed_count == 2
            assert source.time_left[0] < 0.25  # gRPC rounds it
            source.seconds = 3.0
            for _ in range(3):
                response = await stub.RetrieveCandidates(request(), timeout=5)
                late = outcome(response, "custom")
                assert late.status in {pb.SOURCE_STATUS_LATE, pb.SOURCE_STATUS_FAILED}
                assert late.duration.ToMilliseconds() < 1000
                assert len(response.item_nos) > 0
            response = await stub.RetrieveCandidates(request(), timeout=5)
            assert outcome(response, "custom").status == pb.SOURCE_STATUS_NOT_READY
            assert source.calls == 4


async def test_a_requests_weights_go_before_the_configured_ones(tmp_path: Path) -> None:
    async with own_source() as (_, address), service(tmp_path, custom_source_address=address) as stub:
        heavy = await stub.RetrieveCandidates(request(custom=(10, 100.0)), timeout=5)
        assert list(heavy.item_nos[:2]) == [3, 4]
        light = await stub.RetrieveCandidates(request(custom=(10, 0.0)), timeout=5)
        assert set(light.item_nos[:2]) != {3, 4}
        with pytest.raises(grpc.aio.AioRpcError, match="weight"):
            await stub.RetrieveCandidates(request(custom=(10, float("nan"))), timeout=5)


async def test_tables_are_swapped_under_load_without_a_failed_call(tmp_path: Path) -> None:
    store, moment = ArtifactStore(tmp_path / "artifacts"), SystemClock().now()
    store.publish(Neighbors.BOUGHT_TOGETHER, pair_table(1.0).save, {}, moment)
    async with service(tmp_path) as stub:
        asked = pb.ListBoughtTogetherRequest(item_nos=[1])
        asked.query_time.FromMilliseconds(NOW)
        seen: set[str] = set()
        stop = asyncio.Event()

        async def call() -> None:
            while not stop.is_set():
                answer = await stub.ListBoughtTogether(asked, timeout=5)
                assert list(answer.item_nos) == [2, 3]
                seen.add(answer.version)

        callers = [asyncio.create_task(call()) for _ in range(4)]
        versions = set(store.versions(Neighbors.BOUGHT_TOGETHER))
        for score in (2.0, 3.0):
            table = pair_table(score)
            versions.add(
                (await asyncio.to_thread(store.publish, Neighbors.BOUGHT_TOGETHER, table.save, {}, moment)).version
            )
            for _ in range(500):
                await asyncio.sleep(0.01)
                if versions <= seen:
                    break
            assert versions <= seen
        stop.set()
        await asyncio.gather(*callers)
        status = await stub.GetIndexStatus(pb.GetIndexStatusRequest(), timeout=5)
        assert {one.name: one.version for one in status.artifacts} == {Neighbors.BOUGHT_TOGETHER: max(versions)}
