from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cachetools import LRUCache
from sqlalchemy import Connection, select

from services.features.definitions.user_state import UserState
from services.features.store.store import Store
from services.features.store.tables import USER_STATES


class UserStates:
    """The states of visitors, in memory those used last and all that are not saved yet. Belongs to the event loop.

    Those that another worker changes (`holds` says no) are read from the store each time.
    """

    def __init__(self, store: Store, bound: int, holds: Callable[[str], bool]) -> None:
        self._store = store
        self._holds = holds
        self._cache: LRUCache[str, UserState] = LRUCache(bound)
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
                if self._holds(key):
                    self._cache[key] = state
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
            self._cache[key] = state
        self._saving = {}
        self._generation += 1

    def forget(self, keys: Iterable[str]) -> None:
        """Forgets states that were changed in the store. Only while nothing is unsaved."""
        self._generation += 1
        for key in keys:
            self._cache.pop(key, None)

    def clear(self) -> None:
        """Forgets everything, unsaved or not."""
        self._generation += 1
        self._cache.clear()
        self._unsaved, self._saving = {}, {}

    def _held(self, key: str) -> UserState | None:
        return self._unsaved.get(key) or self._saving.get(key) or self._cache.get(key)


def read_states(connection: Connection, keys: list[str]) -> dict[str, bytes]:
    """Returns the stored states of users, by key."""
    states = select(USER_STATES.c.visitor_key, USER_STATES.c.state)
    return {row.visitor_key: row.state for row in connection.execute(states.where(USER_STATES.c.visitor_key.in_(keys)))}


def state_row(key: str, state: UserState) -> dict[str, Any]:
    """Returns the row of the tables `user_states` and `rebuilt_states`."""
    return {"visitor_key": key, "state": state.to_bytes(), "uncounted_events": state.uncounted_events}


def join_states(states: Sequence[UserState]) -> UserState | None:
    """Returns histories of one person as one, None if there are none; changes none of them."""
    if len(states) <= 1:
        return states[0] if states else None
    joined = UserState.from_bytes(states[0].to_bytes())
    for state in states[1:]:
        joined.merge(state)
    return joined
