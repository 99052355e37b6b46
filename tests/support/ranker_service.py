"""The ranker as a service beside a model server and a features service that do what each test wants."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import numpy as np

from services.common.server import running
from services.ranker.app import build
from services.ranker.settings import RankerSettings
from tests.support import fake_features_server, fake_prediction_server
from tests.support.fake_features_server import FakeFeaturesServer
from tests.support.fake_prediction_server import FakePredictionServer
from vitrine.events.v1.event_pb2 import EventType
from vitrine.features.v1.user_features_pb2 import UserFeatures
from vitrine.ranker.v1.ranker_service_pb2 import (
    GetRankerStatusRequest,
    GetRankerStatusResponse,
    ScoreItemsRequest,
    ScoreItemsResponse,
)
from vitrine.ranker.v1.ranker_service_pb2_grpc import RankerServiceStub

if TYPE_CHECKING:
    from vitrine.ranker.v1.ranker_service_pb2_grpc import RankerServiceAsyncStub

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
NOW_MILLIS = int(NOW.timestamp() * 1000)


@dataclass
class Ranker:
    stub: "RankerServiceAsyncStub"
    model: FakePredictionServer
    features: FakeFeaturesServer

    async def score(self, request: ScoreItemsRequest, seconds: float = 5.0) -> ScoreItemsResponse:
        response: ScoreItemsResponse = await self.stub.ScoreItems(request, timeout=seconds)
        assert len(response.values) == len(request.item_nos)
        assert all(len(column.probabilities) == len(request.item_nos) for column in response.actions)
        assert np.isfinite(response.values).all()
        return response

    async def status(self) -> GetRankerStatusResponse:
        response: GetRankerStatusResponse = await self.stub.GetRankerStatus(GetRankerStatusRequest(), timeout=5)
        return response


@contextlib.asynccontextmanager
async def ranker(tmp_path: Path, **settings: Any) -> AsyncIterator[Ranker]:
    model, features = FakePredictionServer(), FakeFeaturesServer()  # type: ignore[abstract]  # what the ranker calls
    features.as_of_millis = NOW_MILLIS
    async with fake_prediction_server.serving(model) as model_port, fake_features_server.serving(features) as port:
        given: dict[str, Any] = {
            "port": 0,
            "state_directory": tmp_path,
            "features_address": f"127.0.0.1:{port}",
            "model_server_address": f"127.0.0.1:{model_port}",
            "model_poll_seconds": 0.05,
            "statistics_poll_seconds": 0.05,
            "weights_poll_seconds": 0.05,
            **settings,
        }
        checked = RankerSettings(**given)
        async with (
            running(checked, build(checked)) as server,
            grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
        ):
            yield Ranker(RankerServiceStub(channel), model, features)


def request(item_nos: Sequence[int], **fields: Any) -> ScoreItemsRequest:
    built = ScoreItemsRequest(item_nos=item_nos, user=shopper(), **fields)
    built.query_time.FromDatetime(NOW)
    return built


def shopper() -> UserFeatures:
    user = UserFeatures(known=True, event_count=2)
    for item_no, age in ((7, 3), (9, 1)):
        user.recent.item_nos.append(item_no)
        user.recent.types.append(EventType.EVENT_TYPE_PURCHASE)
        user.recent.event_times_millis.append(NOW_MILLIS - age * 86_400_000)
    return user


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110  # the other side is another process, as far as we know
            await asyncio.sleep(0.02)
