"""Services as processes of their own, with ways to look at what they use."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Served:
    """A running service."""

    address: str
    pid: int

    def memory_bytes(self) -> int:
        """Returns its resident memory."""
        return int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def serving(service: str, folder: Path, settings: Mapping[str, str]) -> AsyncIterator[Served]:
    """Runs a service on a free port while the block runs.

    Args:
        service: its name, such as "events".
        folder: its state directory.
        settings: further variables of its environment; those of whoever measures are kept from it.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
    environment |= {"VITRINE_STATE_DIRECTORY": str(folder), f"VITRINE_{service.upper()}_PORT": "0", **settings}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"services.{service}", "--exit-with-parent", stderr=subprocess.PIPE, env=environment
    )
    draining = None
    try:
        address = await _address(process, service)
        draining = asyncio.create_task(_drain(process))
        yield Served(address, process.pid)
    finally:
        process.terminate()
        await process.wait()
        if draining is not None:
            await draining


async def _address(process: asyncio.subprocess.Process, service: str) -> str:
    assert process.stderr is not None  # noqa: S101  # asked for above
    async for line in process.stderr:
        if line.startswith(b"{") and (fields := json.loads(line))["event"] == "serving":
            return str(fields["address"])
    raise RuntimeError(f"{service} did not start")


async def _drain(process: asyncio.subprocess.Process) -> None:
    """Reads what the service logs, so that it never waits for a reader."""
    assert process.stderr is not None  # noqa: S101  # asked for above
    while await process.stderr.read(65_536):
        pass
