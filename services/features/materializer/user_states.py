from collections.abc import Iterable

from sqlalchemy import Connection, select

from services.features.definitions.user_state import UserState
from services.features.store.lru import LruCache
from services.features.store.store import Store
from services.features.store.tables import USER_STATES


class UserStates:
    """The states of users, in memory those used last and all that are not saved yet. Belongs to the event loop."""

    def __init__(self, store: Store, bound: int) -> None:
        self._store = store
        self._cache: LruCache[str, UserState] = LruCache(bound)
        self._generation = 0
        self._unsaved: dict[str, UserState] = {}
        self._saving: dict[str, UserState] = {}

    async def find(self, key: str) -> UserState | None:
        """Returns a user's state; None: nothing is known."""
        return self._held(key) or (await self.find_all([key])).get(key)

    async def find_all(self, keys: Iterable[str]) -> dict[str, UserState]:
        """Returns the states of those users who have one."""
        wanted = set(keys)
        found = {key: state for key in wanted if (state := self._held(key)) is not None}
        missing = [key for key in wanted if key not in found]
        if not missing:
            return found
        generation = self._generation
        rows = await self._store.read(lambda connection: read_states(connection, missing))
        if generation != self._generation:
            # States were saved or erased meanwhile: what was read may be older than what memory knew.
            return await self.find_all(wanted)
        for key, data in rows.items():
            state = self._held(key)
            if state is None:
                state = UserState.from_bytes(data)
                self._cache.put(key, state)
            found[key] = state
        return found

    def changed(self, key: str, state: UserState) -> None:
        """Notes that a state has what is not saved."""
        self._unsaved[key] = state

    def begin_save(self) -> dict[str, UserState]:
        """Returns what is to be saved now; it stays in memory until it is `saved`."""
        self._saving, self._unsaved = self._saving | self._unsaved, {}
        return self._saving

    def saved(self) -> None:
        """Notes that what `begin_save` returned is committed."""
        for key, state in self._saving.items():
            self._cache.put(key, state)
        self._saving = {}
        self._generation += 1

    def put(self, key: str, state: UserState | None) -> None:
        """Takes over a state as it was committed; None: it was erased. Only while nothing is unsaved."""
        self._generation += 1
        self._cache.drop(key)
        if state is not None:
            self._cache.put(key, state)

    def _held(self, key: str) -> UserState | None:
        return self._unsaved.get(key) or self._saving.get(key) or self._cache.get(key)


def read_states(connection: Connection, keys: list[str]) -> dict[str, bytes]:
    """Returns the stored states of users, by key."""
    states = select(USER_STATES.c.visitor_key, USER_STATES.c.state)
    return {row.visitor_key: row.state for row in connection.execute(states.where(USER_STATES.c.visitor_key.in_(keys)))}
