from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, select

from services.common.clock import Clock
from services.common.timestamps import to_millis
from services.features.definitions.user_state import UserState
from services.features.materializer.ledger import Ledger, delete_states
from services.features.materializer.user_states import join_states, read_states, state_row
from services.features.store.store import Store
from services.features.store.tables import MERGES, USER_STATES, USERS
from services.features.store.upsert import upsert
from services.features.users import queries, user_changes
from services.features.users.lifecycle import REVERSIBLE
from services.features.users.user_plan import join_records
from services.features.users.users import Users

AT_ONCE: Final = 200


class MergeSweeper:
    """Joins the histories and records of merges that can't be taken back any more, so that reading them stays cheap.

    What a merged visitor's browser does later comes into a history of its own again, and is swept up in its turn.
    """

    def __init__(self, store: Store, users: Users, ledger: Ledger, clock: Clock) -> None:
        self._store = store
        self._users = users
        self._ledger = ledger
        self._clock = clock

    async def sweep(self) -> None:
        """Joins all that is due, some users at a time."""
        now = self._clock.now()
        while due := await self._store.read(lambda connection: _due(connection, now)):
            await self._join(due, now)

    async def _join(self, merges: dict[str, str], now: datetime) -> None:
        keys = {*merges, *merges.values()}
        async with self._users.changing:
            versions = await self._ledger.rewrite(
                keys, lambda connection: _join_rows(connection, merges, to_millis(now))
            )
            await self._users.read_again(keys, versions)


def _due(connection: Connection, now: datetime) -> dict[str, str]:
    """Returns visitors and their users if the merge is old and the visitor still has rows."""
    due = select(MERGES.c.anonymous_key, MERGES.c.user_key)
    due = due.where(MERGES.c.merge_millis < to_millis(now) - REVERSIBLE // timedelta(milliseconds=1))
    found: dict[str, str] = {}
    for table in (USER_STATES, USERS):
        having = due.join(table, table.c.visitor_key == MERGES.c.anonymous_key).limit(AT_ONCE)
        found |= {row.anonymous_key: row.user_key for row in connection.execute(having)}
    return found


def _join_rows(connection: Connection, merges: dict[str, str], millis: int) -> tuple[int, int]:
    version = user_changes.begin(connection)
    # As they are by now: one may have been erased since they were found to be due.
    current = queries.read_aliases(connection, list(merges))
    groups: dict[str, list[str]] = {}
    for anonymous, user in current.items():
        groups.setdefault(user, [user]).append(anonymous)
    visitors = list(current)
    members = [*groups, *visitors]
    states = {key: UserState.from_bytes(data) for key, data in read_states(connection, members).items()}
    records = queries.read_users(connection, members)
    joined_states = _joined(groups, states)
    delete_states(connection, visitors)
    upsert(connection, USER_STATES, joined_states)
    connection.execute(delete(USERS).where(USERS.c.visitor_key.in_(visitors)))
    joined = {
        user: join_records(user, {key: records[key] for key in group if key in records})
        for user, group in groups.items()
    }
    upsert(connection, USERS, [queries.user_row(user, known) for user, known in joined.items() if known is not None])
    return version, user_changes.note(connection, version, members, millis)


def _joined(groups: dict[str, list[str]], states: dict[str, UserState]) -> Sequence[dict[str, Any]]:
    joined = {user: join_states([states[key] for key in group if key in states]) for user, group in groups.items()}
    return [state_row(user, state) for user, state in joined.items() if state is not None]
