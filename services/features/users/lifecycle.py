import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection, delete, insert, select

from services.common.consent import is_personal
from services.common.errors import FailedPreconditionError
from services.common.timestamps import to_millis
from services.common.visitors import erasure_digest
from services.features.event_log import NOTHING, ErasedRows, EventLog
from services.features.materializer.ledger import Ledger, delete_states
from services.features.store import heads
from services.features.store.store import Store
from services.features.store.tables import ERASURES, MERGES, USERS
from services.features.users import consent_outbox, user_changes
from services.features.users.users import Users
from vitrine.common.v1.visitor_pb2 import CONSENT_UNSPECIFIED, Consent
from vitrine.features.v1 import user_service_pb2 as pb

REVERSIBLE: Final = timedelta(days=1)
"""How long a merge can be taken back; then the histories become one for good."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of an erasure; says nothing of whom."""

    receipt_id: str
    deleted_row_count: int
    delete_millis: int
    log: ErasedRows = NOTHING


class UserLifecycle:
    """What concerns a user's record and history at once: consent, merges, erasure.

    Each step commits in one transaction and then updates memory; it's finished even if the caller gives up.
    """

    def __init__(self, store: Store, users: Users, ledger: Ledger, log: EventLog) -> None:
        self._store = store
        self._log = log
        self._users = users
        self._ledger = ledger

    async def upsert(self, updates: Sequence[pb.UserUpdate], keys: Sequence[str], now: datetime) -> list[pb.UserResult]:
        """Applies updates; a result for each, in order. Users who withdraw consent lose the history that was kept."""
        return await asyncio.shield(self._upsert(updates, keys, now))

    async def merge(self, anonymous: str, user: str, now: datetime) -> bool:
        """Merges an anonymous visitor into a user, both by key; returns False if they were merged before.

        Raises FailedPreconditionError (ALREADY_MERGED) if the visitor is another user by now.
        """
        return await asyncio.shield(self._merge(anonymous, user, to_millis(now)))

    async def unmerge(self, anonymous: str, user: str, now: datetime) -> None:
        """Takes a merge of the last day back: each is again who they were, with what each did before and since.

        Raises FailedPreconditionError (NOT_MERGED, MERGE_TOO_OLD).
        """
        await asyncio.shield(self._unmerge(anonymous, user, to_millis(now)))

    async def erase(self, key: str, request_id: str, now: datetime) -> Receipt:
        """Erases a user, by the key of any visitor who is the user, and all who were merged into the user: first from
        the event log, then records, states and merges. The same call, by `request_id`, gets its receipt again.

        Raises UnavailableError if the log cannot be reached: then nothing is erased here, and the call must be
        repeated.
        """
        return await asyncio.shield(self._erase(key, request_id, to_millis(now)))

    async def _upsert(
        self, updates: Sequence[pb.UserUpdate], keys: Sequence[str], now: datetime
    ) -> list[pb.UserResult]:
        async with self._users.changing:
            resolved = [self._users.resolve(key) for key in keys]
            results = await self._users.write(updates, resolved, now)
            await self._forget_restricted(set(resolved))
        return results

    async def _forget_restricted(self, users: Collection[str]) -> None:
        """Erases what was kept of those who do not allow it (any more). Hold `changing`."""
        keys = [key for user in users if self._users.is_restricted(user) for key in self._users.members_of(user)]
        if keys:
            await self._ledger.rewrite(keys, lambda connection: delete_states(connection, keys))

    async def _merge(self, anonymous: str, user: str, millis: int) -> bool:
        def work(connection: Connection) -> tuple[str | None, tuple[int, int]]:
            version = user_changes.begin(connection)
            known = _user_of(connection, anonymous)
            if known is not None:
                return known[0], (version, version)
            connection.execute(insert(MERGES), {"anonymous_key": anonymous, "user_key": user, "merge_millis": millis})
            made = user_changes.note(connection, version, [anonymous], millis)
            _post_refusals(connection, consent_outbox.consents_of(connection, [user]), made)
            return None, (version, made)

        async with self._users.changing:
            known, versions = await self._store.write(work)
            if known is not None and known != user:
                raise FailedPreconditionError(
                    "the anonymous visitor was merged into another user; a visitor can be one user only",
                    reason="ALREADY_MERGED",
                )
            self._users.publish_aliases({anonymous: user}, versions)
            await self._forget_restricted([user])
        return known is None

    async def _unmerge(self, anonymous: str, user: str, millis: int) -> None:
        def work(connection: Connection) -> tuple[int, int]:
            version = user_changes.begin(connection)
            known = _user_of(connection, anonymous)
            if known is None or known[0] != user:
                raise FailedPreconditionError(
                    "the anonymous visitor is not merged into this user; nothing is to be taken back",
                    reason="NOT_MERGED",
                )
            if known[1] < millis - REVERSIBLE // timedelta(milliseconds=1):
                raise FailedPreconditionError(
                    "the merge is more than a day old; by now the histories are one", reason="MERGE_TOO_OLD"
                )
            joined = consent_outbox.consents_of(connection, [user])
            connection.execute(delete(MERGES).where(MERGES.c.anonymous_key == anonymous))
            made = user_changes.note(connection, version, [anonymous], millis)
            if not is_personal(joined[anonymous]):  # it was the refusal of one of them, and holds for that one alone
                consent_outbox.post(connection, consent_outbox.consents_of(connection, [anonymous, user]), made)
            return version, made

        async with self._users.changing:
            self._users.publish_aliases({anonymous: None}, await self._store.write(work))

    async def _erase(self, key: str, request_id: str, millis: int) -> Receipt:
        # A receipt names nobody; the same id may name the erasures of two users.
        request = erasure_digest(key, request_id).hex() if request_id else None
        erased: dict[str, ErasedRows] = {}
        while True:
            # Another process may just have merged somebody into the user.
            head = await self._store.read(lambda connection: heads.read_head(connection, heads.USERS))
            await self._users.catch_up(head)
            # The log may take its time: nobody else waits for it. Whoever is merged into the user meanwhile comes next.
            for member in self._members(key):
                if member not in erased:
                    erased[member] = await self._log.erase(member, request_id)
            async with self._users.changing:
                members = self._members(key)
                if erased.keys() >= set(members):
                    # Whoever was unmerged meanwhile is gone from the log, and so goes here too.
                    receipt = await self._erase_stored(list(dict.fromkeys([*members, *erased])), request, millis)
                    return replace(receipt, log=ErasedRows(*map(sum, zip(*erased.values(), strict=True))))

    def _members(self, key: str) -> list[str]:
        return self._users.members_of(self._users.resolve(key))

    async def _erase_stored(self, members: Sequence[str], request: str | None, millis: int) -> Receipt:
        """Erases what the feature store itself keeps of a user's visitors. Hold `changing`."""
        receipt_id = uuid4().hex
        receipt, versions = await self._ledger.rewrite(
            members, lambda connection: _erase_rows(connection, members, receipt_id, request, millis)
        )
        await self._users.read_again(members, versions)
        return receipt


def _user_of(connection: Connection, anonymous: str) -> tuple[str, int] | None:
    """Returns the user whom a visitor was merged into, and when."""
    row = connection.execute(select(MERGES).where(MERGES.c.anonymous_key == anonymous)).one_or_none()
    return None if row is None else (row.user_key, row.merge_millis)


def _erase_rows(
    connection: Connection, members: Sequence[str], receipt_id: str, request: str | None, millis: int
) -> tuple[Receipt, tuple[int, int]]:
    version = user_changes.begin(connection)
    # The same call may come twice, and the same transaction be run twice.
    same = ERASURES.c.receipt_id == receipt_id
    if request is not None:
        same |= ERASURES.c.request_id == request
    row = connection.execute(select(ERASURES).where(same)).one_or_none()
    if row is not None:
        return Receipt(row.receipt_id, row.deleted_row_count, row.delete_millis), (version, version)
    refused = consent_outbox.consents_of(connection, members[:1])
    count = delete_states(connection, members)
    count += connection.execute(delete(USERS).where(USERS.c.visitor_key.in_(members))).rowcount
    merges = MERGES.c.anonymous_key.in_(members) | MERGES.c.user_key.in_(members)
    count += connection.execute(delete(MERGES).where(merges)).rowcount
    receipt = Receipt(receipt_id, count, millis)
    values: dict[str, Any] = {
        "receipt_id": receipt.receipt_id,
        "request_id": request,
        "deleted_row_count": count,
        "delete_millis": millis,
    }
    connection.execute(insert(ERASURES), values)
    made = user_changes.forget(connection, version, members)
    # Nothing is left of them, a refusal neither: whoever comes under this id is unknown.
    if any(not is_personal(consent) for consent in refused.values()):
        consent_outbox.post(connection, dict.fromkeys(refused, CONSENT_UNSPECIFIED), made)
    return receipt, (version, made)


def _post_refusals(connection: Connection, consents: Mapping[str, Consent.ValueType], version: int) -> None:
    refused = {key: consent for key, consent in consents.items() if not is_personal(consent)}
    consent_outbox.post(connection, refused, version)
