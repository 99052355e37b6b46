"""The health of a server: liveness and readiness."""

from collections.abc import Sequence
from typing import Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

LIVENESS: Final = "liveness"
OVERALL: Final = health.OVERALL_HEALTH

_SERVING: Final = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING


class Health:
    """The standard health service.

    Readiness has each service's full name, or "" for all of them: SERVING from the end of the startup to the beginning
    of the shutdown. "liveness" is SERVING as long as the process answers, even while it loads or drains, so that a
    probe doesn't kill a server that is busy with either.
    """

    def __init__(self) -> None:
        self._servicer = health.aio.HealthServicer()
        self._names: list[str] = [OVERALL]

    async def register(self, server: grpc.aio.Server, names: Sequence[str]) -> None:
        """Adds the health service to `server`, not ready yet."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)
        self._names += names
        await self._servicer.set(LIVENESS, _SERVING)
        await self.set_ready(ready=False)

    async def set_ready(self, *, ready: bool) -> None:
        """Reports to everyone who asks or watches whether the server is ready for calls."""
        for name in self._names:
            await self._servicer.set(name, _SERVING if ready else _NOT_SERVING)
