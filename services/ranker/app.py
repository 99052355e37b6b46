"""The ranker's composition root."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import Final

import grpc
import numpy as np
from numpy.typing import NDArray

from services.common.artifacts import ArtifactStore
from services.common.background import run_periodically
from services.common.channels import ChannelLimits, open_channel
from services.common.circuit_breaker import CircuitBreaker
from services.common.clock import SystemClock
from services.common.telemetry.metrics import service_metrics
from services.ranker.behavior_model_client import BehaviorModelClient
from services.ranker.encoders import ItemEncoder, UserEncoder
from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.named_vectors import with_encoder
from services.ranker.item_feed import ItemFeed
from services.ranker.known_items import KnownItemsCheck
from services.ranker.linear_weights import LinearWeights
from services.ranker.model_contract import InputSizes
from services.ranker.model_watch import ModelWatch
from services.ranker.prediction_client import PredictionClient
from services.ranker.ranker import Ranker
from services.ranker.scorers import LinearScorer, ModelScorer
from services.ranker.servicer import RankerServicer
from services.ranker.settings import RankerSettings
from services.ranker.texts.text_vectors import open_texts
from services.ranker.value import Factor, ValueModel
from vitrine.ranker.v1 import ranker_service_pb2
from vitrine.ranker.v1.ranker_service_pb2 import Action
from vitrine.ranker.v1.ranker_service_pb2_grpc import add_RankerServiceServicer_to_server

SERVICE_NAME = ranker_service_pb2.DESCRIPTOR.services_by_name["RankerService"].full_name
TEXTS_POLL_SECONDS: Final = 0.2
"""How often to look for texts to encode; looking costs nothing."""


class RankerApplication:
    """The application. It's ready without model and items: both may come and go while it answers."""

    name = "ranker"

    def __init__(self, settings: RankerSettings) -> None:
        self._settings = settings
        self._items = ItemColumns(with_encoder(settings.text_encoder, settings.vectors))
        # Opened here, so that a service whose encoder isn't installed doesn't start.
        self._texts = open_texts(settings.state_directory, self._items, SystemClock())
        self._weights = LinearWeights(ArtifactStore(settings.state_directory / "artifacts"))
        self._channels: list[grpc.aio.Channel] = []
        self._background: list[tuple[str, Callable[[], Awaitable[None]], float]] = []
        self._tasks: list[asyncio.Task[None]] = []

    def register(self, server: grpc.aio.Server) -> Sequence[str]:
        """Wires the service: not earlier, since gRPC binds channels to the running event loop."""
        settings, items, texts = self._settings, self._items, self._texts
        limits = ChannelLimits(max_message_bytes=settings.max_message_bytes)
        features = open_channel(settings.features_address, limits=limits)
        # No retry: the linear scorer answers sooner.
        models = open_channel(settings.model_server_address, limits=replace(limits, max_attempts=1))
        feed = ItemFeed(features, items)
        client = PredictionClient(models, settings.model_name)
        sizes = InputSizes(len(FEATURE_NAMES), items.named_vectors.width)
        watch = ModelWatch(client, sizes, KnownItemsCheck(client, items), default=settings.model)

        def model_of_its_own() -> BehaviorModelClient:
            breaker = CircuitBreaker(
                monotonic,
                threshold=settings.breaker_failures,
                cooldown=settings.breaker_seconds,
                longest_cooldown=settings.breaker_seconds,
            )
            return BehaviorModelClient(client, watch, breaker, timeout_seconds=settings.model_timeout_seconds)

        model = model_of_its_own()
        servicer = RankerServicer(
            Ranker(ModelScorer(model, items), LinearScorer(self._weights, items), value_model(settings, items)),
            UserEncoder(model, items),
            # EncodeItems names a version, which may be gone: its failures must not open the visitors' breaker.
            ItemEncoder(model_of_its_own(), items, texts),
            model,
            items,
            metrics=service_metrics(self.name),
            reserve_seconds=settings.linear_reserve_seconds,
        )
        add_RankerServiceServicer_to_server(servicer, server)
        self._channels = [features, models]
        self._background = [
            ("catalog", feed.follow_catalog, 1.0),
            ("statistics", feed.fetch_statistics, settings.statistics_poll_seconds),
            ("model", watch.refresh, settings.model_poll_seconds),
            ("linear_weights", self._weights.refresh, settings.weights_poll_seconds),
        ]
        if texts:
            self._background.append(("texts", texts.follow, TEXTS_POLL_SECONDS))
        return [SERVICE_NAME]

    async def start(self) -> None:
        self._tasks = [asyncio.create_task(run_periodically(*work)) for work in self._background]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._texts:
            self._texts.close()
        for channel in self._channels:
            await channel.close()


def value_model(settings: RankerSettings, items: ItemColumns) -> ValueModel:
    """Returns the value model that the settings describe."""
    columns: dict[str, Callable[[], NDArray[np.float32]]] = {
        "price": lambda: items.prices,
        "margin": lambda: items.margins,
    }
    column = columns.get(settings.value_factor)
    weights = {
        Action.ACTION_CLICK: settings.click_weight,
        Action.ACTION_FAVORITE: settings.favorite_weight,
        Action.ACTION_ADD_TO_CART: settings.add_to_cart_weight,
        Action.ACTION_PURCHASE: settings.purchase_weight,
    }
    return ValueModel(weights, column and _factor(items, column), settings.unknown_factor)


def _factor(items: ItemColumns, column: Callable[[], NDArray[np.float32]]) -> Factor:
    def factor(item_nos: NDArray[np.uint32]) -> NDArray[np.float32]:
        values = column()[items.rows(item_nos)]
        return np.where(values >= 0, values, np.float32(np.nan))

    return factor


def build(settings: RankerSettings) -> RankerApplication:
    """Wires the service."""
    return RankerApplication(settings)
