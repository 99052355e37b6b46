"""What a service implements for the server kit."""

from collections.abc import Sequence
from typing import Protocol

import grpc


class Application(Protocol):
    """One service, wired by its composition root (`services/<name>/app.py`, `build`)."""

    @property
    def name(self) -> str:
        """The service's short name: "events"."""
        ...

    def register(self, server: grpc.aio.Server) -> Sequence[str]:
        """Adds the servicers; returns the full names of their gRPC services ("vitrine.events.v1.EventService")."""
        ...

    async def start(self) -> None:
        """Opens stores and channels, loads, warms up, starts background tasks. The service is ready once it returns.

        Meanwhile, the server answers health checks and reflection; other calls get UNAVAILABLE.
        """
        ...

    async def stop(self) -> None:
        """Undoes `start`, after the last call. Also called if `start` failed halfway."""
        ...
