import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import Connection, delete, insert, select

from services.common.errors import FailedPreconditionError
from services.common.timestamps import to_millis
from services.features.definitions.user_state import UserState
from services.features.materializer.ledger import Ledger, delete_states
from services.features.store.knowledge import Knowledge, copy_field
from services.features.store.store import Store
from services.features.store.tables import ERASURES, MERGES, USER_STATES, USERS
from services.features.store.upsert import upsert
from services.features.users import queries
from services.features.users.consent import is_personal, stricter
from services.features.users.user_plan import KnownUser
from services.features.users.users import Users
from vitrine.common.v1.visitor_pb2 import CONSENT_UNSPECIFIED
from vitrine.features.v1 import user_service_pb2 as pb
from vitrine.features.v1.user_pb2 import User

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of an erasure; says nothing of whom."""

    receipt_id: str
    deleted_row_count: int
    delete_millis: int


class UserLifecycle:
    """What concerns a user's words and history at once: consent, merges, erasure.

    Each step commits in one transaction and is then made known in memory, to its end even where the caller gives up.
    """

    def __init__(self, store: Store, users: Users, ledger: Ledger) -> None:
        self._store = store
        self._users = users
        self._ledger = ledger

    async def upsert(self, updates: Sequence[pb.UserUpdate], keys: Sequence[str], now: datetime) -> list[pb.UserResult]:
        """Takes words in; a result for each, in order. Who withdraws consent loses the history that was kept."""
        return await asyncio.shield(self._upsert(updates, keys, now))

    async def merge(self, anonymous: str, user: str, now: datetime) -> bool:
        """Joins an anonymous visitor into a user, both by key; returns False where they were joined before.

        Raises FailedPreconditionError (ALREADY_MERGED) where the visitor is another user by now.
        """
        return await asyncio.shield(self._merge(anonymous, user, to_millis(now)))

    async def erase(self, key: str, request_id: str, now: datetime) -> Receipt:
        """Erases a user, by resolved key: words, state, merges. A `request_id` that was used gets its receipt again."""
        return await asyncio.shield(self._erase(key, request_id, to_millis(now)))

    async def _upsert(
        self, updates: Sequence[pb.UserUpdate], keys: Sequence[str], now: datetime
    ) -> list[pb.UserResult]:
        async with self._users.changing:
            resolved = [self._users.resolve(key) for key in keys]
            results = await self._users.write(updates, resolved, now)
            if restricted := [key for key in set(resolved) if self._users.is_restricted(key)]:
                await self._ledger.erase(restricted)
        return results

    async def _merge(self, anonymous: str, user: str, millis: int) -> bool:
        async with self._users.changing, self._ledger.settled():
            known = self._users.resolve(anonymous)
            if known == user:
                return False
            if known != anonymous:
                raise FailedPreconditionError(
                    "the anonymous visitor was merged into another user; a visitor can be one user only",
                    reason="ALREADY_MERGED",
                )
            states = await self._ledger.states.find_all([anonymous, user])
            words = await self._store.read(lambda connection: queries.read_users(connection, [anonymous, user]))
            joined = join_words(words.get(user), words.get(anonymous), user)
            state = None
            if joined is None or is_personal(joined.message.consent):
                state = join_states(states.get(user), states.get(anonymous))

            def work(connection: Connection) -> None:
                delete_states(connection, [anonymous, user])
                if state is not None:
                    upsert(connection, USER_STATES, [{"visitor_key": user, "state": state.to_bytes()}])
                connection.execute(delete(USERS).where(USERS.c.visitor_key == anonymous))
                if joined is not None:
                    upsert(connection, USERS, [queries.user_row(user, joined)])
                row = {"anonymous_key": anonymous, "user_key": user, "merge_millis": millis}
                connection.execute(insert(MERGES), row)

            await self._store.write(work)
            self._ledger.states.put(anonymous, None)
            self._ledger.states.put(user, state)
            self._users.publish({anonymous: None, user: joined})
            self._users.publish_merge(anonymous, user)
            return True

    async def _erase(self, key: str, request_id: str, millis: int) -> Receipt:
        async with self._users.changing, self._ledger.settled():
            receipt, erased = await self._store.write(lambda c: _erase_rows(c, key, request_id, millis))
            if erased:
                self._ledger.states.put(key, None)
                self._users.publish_erasure(key)
            return receipt


def join_words(user: KnownUser | None, anonymous: KnownUser | None, key: str) -> KnownUser | None:
    """Returns what is known of a user once an anonymous visitor turned out to be the same.

    The user's own words hold; attributes that only the visitor had join them, and the stricter consent holds.
    """
    if anonymous is None:
        return user
    if user is None:
        user = Knowledge(User(), anonymous.micros)
        user.message.update_time.CopyFrom(anonymous.message.update_time)
    message = User()
    message.CopyFrom(user.message)
    message.visitor.user_id = key.removeprefix("u:")
    for name in anonymous.message.attributes:
        if name not in message.attributes:
            copy_field(anonymous.message, message, f"attributes.{name}")
    consents = [message.consent, anonymous.message.consent]
    if any(consent != CONSENT_UNSPECIFIED for consent in consents):
        message.consent = stricter(*consents)
    return Knowledge(message, user.micros, user.field_times)


def join_states(user: UserState | None, anonymous: UserState | None) -> UserState | None:
    """Returns the two histories as one; changes neither."""
    if user is None or anonymous is None:
        return user or anonymous
    joined = UserState.from_bytes(user.to_bytes())
    joined.merge(anonymous)
    return joined


def _erase_rows(connection: Connection, key: str, request_id: str, millis: int) -> tuple[Receipt, bool]:
    if request_id:
        row = connection.execute(select(ERASURES).where(ERASURES.c.request_id == request_id)).one_or_none()
        if row is not None:
            return Receipt(row.receipt_id, row.deleted_row_count, row.delete_millis), False
    count = delete_states(connection, [key])
    count += connection.execute(delete(USERS).where(USERS.c.visitor_key == key)).rowcount
    count += connection.execute(delete(MERGES).where(MERGES.c.user_key == key)).rowcount
    receipt = Receipt(uuid4().hex, count, millis)
    values: dict[str, Any] = {
        "receipt_id": receipt.receipt_id,
        "request_id": request_id or None,
        "deleted_row_count": count,
        "delete_millis": millis,
    }
    connection.execute(insert(ERASURES), values)
    return receipt, True
