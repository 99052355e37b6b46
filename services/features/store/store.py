import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from services.common.database import Database
from services.common.errors import UnavailableError
from services.common.migrations import Migrations

MIGRATIONS: Final = Migrations(Path(__file__).parents[1] / "migrations")

T = TypeVar("T")


class Store:
    """The database, off the event loop: one thread writes, since SQLite has one writer; some read."""

    def __init__(self, database: Database, read_threads: int) -> None:
        self._database = database
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="features-writer")
        self._readers = ThreadPoolExecutor(read_threads, thread_name_prefix="features-reader")

    async def start(self) -> None:
        """Brings the tables up to date."""
        await asyncio.get_running_loop().run_in_executor(self._writer, MIGRATIONS.upgrade, self._database)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in one transaction of the writer; commits if it returns, rolls back if it raises.

        If the engine gave the transaction up, or the connection was lost, possibly just after the commit, `work` is
        run again: it must do no harm the second time. Raises UnavailableError if the database cannot be reached or
        is locked.
        """
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._write, work)

    async def erase(self, work: Callable[[Connection], T]) -> T:
        """Runs `work`, which erases, like `write`; then removes what it deleted from the disk too."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._erase, work)

    async def erase_traces_left(self) -> None:
        """Removes from the disk what `erase` had no time for."""
        await asyncio.get_running_loop().run_in_executor(self._writer, self._database.erase_traces_left)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` on a snapshot. Raises UnavailableError if the database cannot be reached."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def close(self) -> None:
        """Finishes what is under way and closes all connections, off the event loop."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        self._database.dispose()

    def _write(self, work: Callable[[Connection], T]) -> T:
        try:
            return self._database.write(work)
        except DBAPIError as error:
            raise _unavailable(error) from error

    def _erase(self, work: Callable[[Connection], T]) -> T:
        result = self._write(work)
        try:
            self._database.erase_traces()
        except DBAPIError as error:
            raise _unavailable(error) from error
        return result

    def _read(self, work: Callable[[Connection], T]) -> T:
        try:
            return self._database.read(work)
        except DBAPIError as error:
            raise _unavailable(error) from error


def _unavailable(error: DBAPIError) -> UnavailableError:
    return UnavailableError(
        f"the feature store's database cannot be used ({type(error.orig).__name__}); try again",
        reason="STORE_UNAVAILABLE",
    )
