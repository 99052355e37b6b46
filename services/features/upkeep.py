from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from services.features.catalog.catalog import Catalog
from services.features.materializer.ledger import Ledger
from services.features.store import heads
from services.features.store.store import Store
from services.features.users.consent_outbox import ConsentOutbox
from services.features.users.merge_sweeper import MergeSweeper
from services.features.users.users import Users

SWEEP_SECONDS: Final = 3_600.0

Task: TypeAlias = tuple[str, Callable[[], Awaitable[None]], float]
"""Name, coroutine function, and the seconds between two runs."""


class Upkeep:
    """A feature store's periodic background tasks."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        users: Users,
        ledger: Ledger,
        *,
        sweeper: MergeSweeper,
        outbox: ConsentOutbox,
        poll_seconds: float,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._users = users
        self._ledger = ledger
        self._sweeper = sweeper
        self._outbox = outbox
        self._poll_seconds = poll_seconds

    def tasks(self) -> Sequence[Task]:
        """Returns the tasks; each runs for as long as the service does."""
        return (
            ("changes of other processes", self._catch_up, self._poll_seconds),
            ("consent notices", self._outbox.publish, self._poll_seconds),
            ("old merges", self._sweeper.sweep, SWEEP_SECONDS),
            ("traces of the erased", self._store.erase_traces_left, SWEEP_SECONDS),
        )

    async def _catch_up(self) -> None:
        """Reads what other processes on this store changed since the last run."""
        await self._catalog.follow()
        versions = await self._store.read(heads.read_heads)
        await self._users.catch_up(versions[heads.USERS])
        await self._ledger.catch_up(versions[heads.STATISTICS])
