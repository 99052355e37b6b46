from functools import partial
from typing import Final

from services.features.event_log import EventLog
from services.features.store.store import Store
from services.features.users import consent_notices
from vitrine.common.v1.visitor_pb2 import CONSENT_UNSPECIFIED

AT_ONCE: Final = 100


class ConsentOutbox:
    """Tells the event log what visitors allow, so that it keeps nothing of those who refuse."""

    def __init__(self, store: Store, log: EventLog) -> None:
        self._store = store
        self._log = log

    async def tell(self) -> None:
        """Tells all that is to be told. Raises as the log does; what it was not told stays for the next time."""
        while notices := await self._store.read(lambda connection: consent_notices.read(connection, AT_ONCE)):
            for notice in notices:
                await self._log.set_consent(notice.visitor_key, notice.consent)
                # Nothing said any more: the visitor was erased, and the notice is the last that named them.
                write = self._store.erase if notice.consent == CONSENT_UNSPECIFIED else self._store.write
                await write(partial(consent_notices.told, notice=notice))
