from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import grpc

from cli.launcher.launcher import Launcher
from cli.launcher.process import PROCESSES
from services.common.channels import open_channel


class Shop:
    """The shop that a command speaks to: where its services are, and where its state lies.

    Args:
        state_directory: the shop's folder on this machine.
        environment: may say where a service is, as the services themselves are told (`VITRINE_HOMEPAGE_ADDRESS`, …).
    """

    def __init__(self, state_directory: Path, environment: Mapping[str, str]) -> None:
        self.state_directory = state_directory
        self.environment = environment

    def launcher(self, *, exit_with_parent: bool = False, debug: bool = False) -> Launcher:
        """Starts and stops its processes here. `debug` lets the homepage answer debug requests."""
        environment = dict(self.environment) | ({"VITRINE_HOMEPAGE_DEBUG_ALLOWED": "true"} if debug else {})
        return Launcher(self.state_directory, environment, exit_with_parent=exit_with_parent)

    def addresses(self) -> dict[str, str]:
        """Where each process is: as the environment says, else as it was started here, else the usual place."""
        ports = self.launcher().ports()
        return {
            process.name: self.environment.get(process.address_variable) or f"127.0.0.1:{ports[process.name]}"
            for process in PROCESSES
        }

    @asynccontextmanager
    async def channel(self, name: str) -> AsyncIterator[grpc.aio.Channel]:
        """A channel to one of its services, closed at the end."""
        channel = open_channel(self.addresses()[name])
        try:
            yield channel
        finally:
            await channel.close()
