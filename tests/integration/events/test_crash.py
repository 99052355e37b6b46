"""Nothing acknowledged is lost, whatever dies."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from services.common.channels import open_channel
from tests.support.events import EventLog, assert_contiguous, ingest, statuses, view, whole_log
from tests.support.probe_process import log_line

pytestmark = pytest.mark.slow

ROUNDS = 2
WRITERS = 4


@asynccontextmanager
async def started(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The event log as a process of its own, with its address; killed at the end of the block."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
    environment |= {"VITRINE_STATE_DIRECTORY": str(folder), "VITRINE_EVENTS_PORT": "0"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.events", stderr=asyncio.subprocess.PIPE, env=environment
    )
    try:
        yield process, (await log_line(process, "serving"))["address"]
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def write_until_killed(log: EventLog, writer: int, acknowledged: set[str]) -> None:
    number = 0
    while True:
        events = [view(f"{writer}.{number}.{each}", f"user-{each}") for each in range(random.randrange(1, 30))]
        number += 1
        try:
            results = await ingest(log, *events)
        except grpc.aio.AioRpcError:
            return
        assert set(statuses(results)) <= {"STORED", "DUPLICATE"}
        acknowledged.update(result.event_id for result in results)


async def test_an_acknowledged_event_survives_kill_9(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    for _ in range(ROUNDS):
        async with started(tmp_path) as (process, address), open_channel(address) as channel:
            log = EventLog(channel)
            writers = [asyncio.create_task(write_until_killed(log, writer, acknowledged)) for writer in range(WRITERS)]
            await asyncio.sleep(random.uniform(0.2, 0.5))
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
            await asyncio.wait_for(asyncio.gather(*writers), 30)
    async with started(tmp_path) as (process, address), open_channel(address) as channel:
        logged = await whole_log(EventLog(channel))
        assert_contiguous(logged)
        ids = [event.event.event_id for event in logged]
        assert len(ids) == len(set(ids))
        assert acknowledged
        assert acknowledged <= set(ids)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
