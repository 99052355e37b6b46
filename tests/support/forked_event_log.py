"""The event log as processes that are cheap to start, so that they can be killed by the hundred.

`python -m tests.support.forked_event_log` imports the service once. For each line that it reads it forks a process that
serves the log of its settings, and writes a line when that serves: process number and address, as JSON.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import alembic.command  # noqa: F401  # what a start may need is loaded before the fork
import pymysql  # type: ignore[import-untyped]  # noqa: F401  # the same

from services.common.process import exit_with_parent
from services.common.server import running
from services.common.telemetry.logging import configure_logging
from services.events.app import build
from services.events.settings import EventsSettings


@dataclass(frozen=True, slots=True)
class Forked:
    """One serving process."""

    pid: int
    address: str

    def kill(self) -> None:
        """`kill -9`."""
        os.kill(self.pid, signal.SIGKILL)


class ForkingEventLog:
    """Starts processes of the event log on one store."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def start(self) -> Forked:
        """Returns a process once it serves; AssertionError where it did not come up."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(b"\n")
        line = await asyncio.wait_for(self._process.stdout.readline(), 30)
        assert line, "the event log did not start"
        return Forked(**json.loads(line))


@contextlib.asynccontextmanager
async def forking_event_log(folder: Path, database_url: str) -> AsyncIterator[ForkingEventLog]:
    """A log in `database_url`; all its processes end with the block."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
    environment |= {"VITRINE_STATE_DIRECTORY": str(folder), "VITRINE_EVENTS_DATABASE_URL": database_url}
    with (folder / "event_log.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", __name__, stdin=PIPE, stdout=PIPE, stderr=log, env=environment
        )
    try:
        yield ForkingEventLog(process)
    finally:
        process.kill()
        await process.communicate()


def _main() -> None:
    configure_logging("events", "INFO", stream=sys.stderr)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the killed need no burial
    parent = os.getpid()
    for _ in sys.stdin:
        if os.fork() == 0:
            exit_with_parent(parent)
            asyncio.run(_serve())
            os._exit(0)


async def _serve() -> None:
    settings = EventsSettings(port=0)
    async with running(settings, build(settings)) as server:
        print(json.dumps({"pid": os.getpid(), "address": server.address}), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    _main()
