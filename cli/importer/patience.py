import asyncio
from collections.abc import Iterator
from typing import Final

import grpc

from cli.errors import CommandError, ExitCode

DELAYS: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
# What gRPC says of a write to a stream that has just been ended, before it knows with what status.
BROKEN_STREAM: Final = "Internal error from Core"


class Patience:
    """Waits longer each time a service does not answer, and then no more. An answer makes it patient again.

    Args:
        service: the service's name.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._delays: Iterator[float] = iter(DELAYS)

    def answered(self) -> None:
        """The service answered."""
        self._delays = iter(DELAYS)

    async def wait(self, error: grpc.aio.AioRpcError) -> None:
        """Waits before another attempt.

        Raises:
            AioRpcError: another attempt will not help.
            CommandError: there were enough.
        """
        if error.code() is not grpc.StatusCode.UNAVAILABLE and error.details() != BROKEN_STREAM:
            raise error
        delay = next(self._delays, None)
        if delay is None:
            raise CommandError(
                f"the {self._service} service does not answer ({error.details()}): `vitrine status` says what is down, "
                "`vitrine up` starts it. Then run the same import again: what is in already stays as it is.",
                ExitCode.NOT_RUNNING,
            ) from error
        await asyncio.sleep(delay)
