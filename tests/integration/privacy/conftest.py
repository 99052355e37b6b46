from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from services.common.channels import open_channel
from services.common.server import running
from services.events.app import build as build_events
from services.events.settings import EventsSettings
from services.features.app import build as build_features
from services.features.settings import FeaturesSettings
from tests.integration.features.shop import Shop
from tests.support.events import EventLog
from tests.support.migrated_stores import lay_stores


@dataclass(frozen=True, slots=True)
class Stores:
    """Event log and feature store, as they run in a shop, and where they keep what they know."""

    folder: Path
    log: EventLog
    features: Shop
    log_channel: grpc.aio.Channel
    features_channel: grpc.aio.Channel
    log_address: str
    features_address: str


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    """Both stores on SQLite, empty."""
    lay_stores(tmp_path)
    async with AsyncExitStack() as stack:
        # Tests are quicker than people: nobody is taken for a robot.
        events = EventsSettings(
            state_directory=tmp_path, port=0, grace_seconds=0, burst_repeats=1_000, bot_events_per_minute=100_000
        )
        log = await stack.enter_async_context(running(events, build_events(events)))
        settings = FeaturesSettings(state_directory=tmp_path, port=0, grace_seconds=0, events_address=log.address)
        features = await stack.enter_async_context(running(settings, build_features(settings)))
        log_channel = await stack.enter_async_context(open_channel(log.address))
        channel = await stack.enter_async_context(open_channel(features.address))
        yield Stores(
            folder=tmp_path,
            log=EventLog(log_channel),
            features=Shop(channel, features.address),
            log_channel=log_channel,
            features_channel=channel,
            log_address=log.address,
            features_address=features.address,
        )
