from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from services.common.channels import open_channel
from services.common.server import Server, running
from tests.support.probe_service import ProbeApplication, ProbeSettings


@pytest.fixture
def settings(tmp_path: Path) -> ProbeSettings:
    return ProbeSettings(
        port=0,
        state_directory=tmp_path,
        max_message_bytes=64 * 1024,
        default_deadline_seconds=0.3,
        grace_seconds=5.0,
    )


@pytest.fixture
def application() -> ProbeApplication:
    return ProbeApplication()


@pytest.fixture
async def server(settings: ProbeSettings, application: ProbeApplication) -> AsyncIterator[Server]:
    async with running(settings, application) as server:
        yield server


@pytest.fixture
async def channel(server: Server) -> AsyncIterator[grpc.aio.Channel]:
    async with open_channel(server.address) as channel:
        yield channel
