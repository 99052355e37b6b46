"""A transactional outbox: a notice is written in the transaction that changes a consent, and removed once the event log
has it.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection, Row, delete, select

from services.common.consent import stricter
from services.features.event_log import EventLog
from services.features.store.store import Store
from services.features.store.tables import CONSENT_NOTICES, MERGES, USERS
from services.features.store.upsert import upsert
from vitrine.common.v1.visitor_pb2 import CONSENT_UNSPECIFIED, Consent


def consents_of(connection: Connection, users: Collection[str]) -> dict[str, Consent.ValueType]:
    """Returns what each user (by resolved key), and each visitor merged into one, allows: the strictest that was said
    of any of them.
    """
    user_of = {user: user for user in users}
    for row in connection.execute(select(MERGES).where(MERGES.c.user_key.in_(users))):
        user_of[row.anonymous_key] = row.user_key
    said: dict[str, list[Consent.ValueType]] = {user: [] for user in users}
    words = select(USERS.c.visitor_key, USERS.c.consent).where(USERS.c.visitor_key.in_(list(user_of)))
    for row in connection.execute(words):
        said[user_of[row.visitor_key]].append(row.consent)
    return {visitor: stricter(*said[user]) for visitor, user in user_of.items()}


def post(connection: Connection, consents: Mapping[str, Consent.ValueType], version: int) -> None:
    """Leaves notices; a newer one of a visitor replaces an older one. `version` is the users' head."""
    rows = [{"visitor_key": key, "consent": int(consent), "version": version} for key, consent in consents.items()]
    upsert(connection, CONSENT_NOTICES, rows)


def read(connection: Connection, limit: int) -> Sequence["Row[tuple[str, int, int]]"]:
    """Returns notices, at most `limit`, oldest first."""
    return connection.execute(select(CONSENT_NOTICES).order_by(CONSENT_NOTICES.c.version).limit(limit)).all()


def remove(connection: Connection, notice: "Row[tuple[str, int, int]]") -> None:
    """Removes a notice that the log has, unless a newer one replaced it meanwhile."""
    same = (CONSENT_NOTICES.c.visitor_key == notice.visitor_key) & (CONSENT_NOTICES.c.version == notice.version)
    connection.execute(delete(CONSENT_NOTICES).where(same))


AT_ONCE: Final = 100


class ConsentOutbox:
    """Publishes to the event log what visitors allow, so that it keeps nothing of those who refuse."""

    def __init__(self, store: Store, log: EventLog) -> None:
        self._store = store
        self._log = log

    async def publish(self) -> None:
        """Sends all notices. Raises as the log does; what it didn't take stays for the next time."""
        while notices := await self._store.read(lambda connection: read(connection, AT_ONCE)):
            for notice in notices:
                await self._log.set_consent(notice.visitor_key, notice.consent)
                # Unspecified: the visitor was erased, and the notice is the last row that names them.
                write = self._store.erase if notice.consent == CONSENT_UNSPECIFIED else self._store.write
                await write(partial(remove, notice=notice))
