import uuid
from datetime import timedelta
from typing import Any, Final

from elasticsearch import ConflictError

from services.candidates.elastic.cluster import Cluster
from services.common.clock import Clock
from services.common.errors import UnavailableError
from services.common.timestamps import to_millis

_LEASE: Final = "lease"
_TERM: Final = timedelta(seconds=20)
RENEW_SECONDS: Final = 5.0


class Lease:
    """The right to keep the index: of several processes one has it, for 20 s at a time. A document with optimistic
    concurrency; its clocks may differ by a few seconds, since documents carry versions and two writers do no harm.
    """

    def __init__(self, cluster: Cluster, alias: str, clock: Clock) -> None:
        self._cluster = cluster
        self._index = f"{alias}-writer"
        self._clock = clock
        self._owner = uuid.uuid4().hex

    async def take(self) -> bool:
        """Takes or renews it; returns whether this process has it now."""
        held = await self._cluster.work(
            lambda client: client.options(ignore_status=404).get(index=self._index, id=_LEASE)
        )
        now = to_millis(self._clock.now())
        condition: dict[str, Any] = {"op_type": "create"}
        if held.get("found"):
            if held["_source"]["owner"] != self._owner and held["_source"]["until_millis"] > now:
                return False
            condition = {"if_seq_no": held["_seq_no"], "if_primary_term": held["_primary_term"]}
        return await self._write(now + _TERM // timedelta(milliseconds=1), condition)

    async def give_back(self) -> None:
        """Lets another have it at once; nothing where it is another's."""
        if await self.take():
            await self._write(0, {})

    async def _write(self, until_millis: int, condition: dict[str, Any]) -> bool:
        lease = {"owner": self._owner, "until_millis": until_millis}
        try:
            await self._cluster.work(
                lambda client: client.index(index=self._index, id=_LEASE, document=lease, **condition)
            )
        except UnavailableError as error:
            if isinstance(error.__cause__, ConflictError):
                return False
            raise
        return True
