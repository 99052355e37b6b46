"""The feature store as a process of its own, to be killed."""

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator

import grpc

from services.features.settings import FeaturesSettings
from tests.integration.features.shop import Shop

START_SECONDS = 30.0


@contextlib.asynccontextmanager
async def features_process(settings: FeaturesSettings, batch_size: int) -> AsyncIterator[tuple[Process, Shop]]:
    """Runs `python -m services.features` on the settings' store and log; killed at the end."""
    environment = {
        **os.environ,
        "VITRINE_STATE_DIRECTORY": str(settings.state_directory),
        "VITRINE_FEATURES_PORT": "0",
        "VITRINE_FEATURES_EVENTS_ADDRESS": settings.events_address,
        "VITRINE_FEATURES_TAIL_BATCH_SIZE": str(batch_size),
        "VITRINE_FEATURES_DATABASE_URL": settings.database_url,
        "VITRINE_FEATURES_LEASE_SECONDS": str(settings.lease_seconds),
        "VITRINE_FEATURES_POLL_SECONDS": str(settings.poll_seconds),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.features", env=environment, stdout=DEVNULL, stderr=PIPE
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            address = await _address(process)
        async with grpc.aio.insecure_channel(address) as channel:
            yield process, Shop(channel, address)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def _address(process: Process) -> str:
    if process.stderr is None:
        raise RuntimeError("the process has no stderr")
    lines = []
    async for line in process.stderr:
        lines.append(line.decode())
        if line.startswith(b"{") and json.loads(line).get("event") == "serving":
            return str(json.loads(line)["address"])
    raise RuntimeError("the feature store did not start: " + "".join(lines))
