from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.common.channels import open_channel
from services.common.clock import FixedClock
from services.common.server import running
from services.events.app import build
from services.events.settings import EventsSettings
from tests.support.events import EventLog
from tests.support.migrated_stores import lay_events_store

SIGNING_KEY = "k" * 32


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> EventsSettings:
    return EventsSettings(
        port=0,
        state_directory=tmp_path,
        database_url=SecretStr(lay_events_store(database_url)),
        signing_key=SecretStr(SIGNING_KEY),
        grace_seconds=2,
    )


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 25, 12, tzinfo=UTC))


@pytest.fixture
async def log(settings: EventsSettings, clock: FixedClock) -> AsyncIterator[EventLog]:
    """A stub of a running event log with an empty store."""
    async with running(settings, build(settings, clock)) as server, open_channel(server.address) as channel:
        yield EventLog(channel)
