from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.common.clock import FixedClock
from services.features.settings import FeaturesSettings
from tests.integration.features.shop import Shop, shop
from tests.support.fake_event_service import FakeEventService, serve_fake
from tests.support.migrated_stores import lay_features_store


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 5, 4, 12, 0, tzinfo=UTC))


@pytest.fixture
async def log() -> FakeEventService:
    return FakeEventService()  # type: ignore[abstract]  # what the store calls


@pytest.fixture
async def log_port(log: FakeEventService) -> AsyncIterator[int]:
    server, port = await serve_fake(log)
    yield port
    await server.stop(None)


@pytest.fixture
def settings(tmp_path: Path, log_port: int, database_url: str) -> FeaturesSettings:
    return FeaturesSettings(
        state_directory=tmp_path,
        port=0,
        database_url=lay_features_store(database_url),
        events_address=f"127.0.0.1:{log_port}",
        grace_seconds=0,
        minimum_users=1,
    )


@pytest.fixture
async def features(settings: FeaturesSettings, clock: FixedClock) -> AsyncIterator[Shop]:
    async with shop(settings, clock) as running_shop:
        yield running_shop
