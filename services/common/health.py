"""What a server says about itself: that it lives, and whether it is ready."""

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

    Ready is asked for under each service's full name, or under "" for all of them: SERVING from the end of start-up to
    the beginning of the shutdown. Alive is asked for under "liveness": SERVING as long as the process answers, while it
    loads and while it drains, so that a probe does not kill a server that is merely busy with either.
    """

    def __init__(self) -> None:
        self._servicer = health.aio.HealthServicer()
        self._names: list[str] = [OVERALL]

    async def register(self, server: grpc.aio.Server, names: Sequence[str]) -> None:
        """Adds the health service to `server`; nothing is ready yet."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)
        self._names += names
        await self._servicer.set(LIVENESS, _SERVING)
        await self.set_ready(ready=False)

    async def set_ready(self, *, ready: bool) -> None:
        """Tells everyone who asks or watches whether calls are welcome."""
        for name in self._names:
            await self._servicer.set(name, _SERVING if ready else _NOT_SERVING)
