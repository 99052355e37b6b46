"""What a service hands to the kit."""

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
        """Opens stores and channels, loads, warms up, starts background tasks. Ready once it returns.

        The server answers health checks meanwhile; other calls that come so early meet servicers that have not started.
        """
        ...

    async def stop(self) -> None:
        """Undoes `start`, after the last call. Also called where `start` failed half-way."""
        ...
