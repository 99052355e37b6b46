"""The probe service as a process of its own."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "tests.support.probe_service")


@asynccontextmanager
async def started(folder: Path, *arguments: str, **variables: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Starts the service with its state in `folder`/state; kills it at the end of the block if it still runs."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
    environment |= {"VITRINE_STATE_DIRECTORY": str(folder / "state")} | variables
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def log_line(process: asyncio.subprocess.Process, event: str) -> dict[str, Any]:
    """Reads the log up to the line of `event`; returns that."""
    assert process.stderr
    while line := await asyncio.wait_for(process.stderr.readline(), 20):
        if line.startswith(b"{") and (fields := json.loads(line))["event"] == event:
            return dict(fields)
    raise AssertionError(f"the log ended before {event!r}")
