import socket
from collections.abc import Iterator

import pytest

from services.common.errors import FailedPreconditionError
from services.common.server import running
from tests.support.probe_service import ProbeApplication, ProbeSettings


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


async def test_a_taken_port_names_the_variable_to_change(settings: ProbeSettings, taken_port: int) -> None:
    with pytest.raises(FailedPreconditionError, match=rf"127\.0\.0\.1:{taken_port}.*VITRINE_PROBE_PORT"):
        async with running(settings.model_copy(update={"port": taken_port}), ProbeApplication()):
            pass


async def test_a_port_that_another_server_of_ours_has_is_taken(settings: ProbeSettings) -> None:
    async with running(settings, ProbeApplication()) as first:
        with pytest.raises(FailedPreconditionError, match="the port is taken"):
            async with running(settings.model_copy(update={"port": first.port}), ProbeApplication()):
                pass


async def test_a_taken_metrics_port_names_its_variable(settings: ProbeSettings, taken_port: int) -> None:
    with pytest.raises(FailedPreconditionError, match="VITRINE_PROBE_METRICS_PORT"):
        async with running(settings.model_copy(update={"metrics_port": taken_port}), ProbeApplication()):
            pass
