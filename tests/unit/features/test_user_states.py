import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.common import event_types
from services.common.database import Database, create_engine
from services.features.definitions.observation import Observation
from services.features.definitions.user_state import UserState
from services.features.materializer.user_states import UserStates
from services.features.store.store import Store
from services.features.store.tables import USER_STATES
from services.features.store.upsert import upsert
from tests.support.migrated_stores import lay_features_store
from tests.unit.features.strategies import NOW


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    url = lay_features_store(f"sqlite:///{tmp_path / 'features.db'}")
    store = Store(Database(create_engine(url)), read_threads=1)
    await store.start()
    yield store
    await store.close()


def state_of(count: int) -> UserState:
    state = UserState()
    for n in range(count):
        state.apply(Observation(event_types.VIEW, 1, NOW, str(n)))
    return state


def mine(_key: str) -> bool:
    return True


async def save(store: Store, states: UserStates) -> None:
    rows = [{"visitor_key": key, "state": state.to_bytes()} for key, state in states.begin_save().items()]
    await store.write(lambda connection: upsert(connection, USER_STATES, rows))
    states.saved()


async def counts(states: UserStates, *keys: str) -> dict[str, int]:
    return {key: state.event_count for key, state in (await states.find_all(keys)).items()}


async def test_what_is_not_saved_is_never_evicted(store: Store) -> None:
    states = UserStates(store, bound=2, holds=mine)
    for n in range(5):
        states.changed(f"u:{n}", state_of(n + 1))
    keys = [f"u:{n}" for n in range(5)]
    assert await counts(states, *keys) == {key: n + 1 for n, key in enumerate(keys)}
    states.begin_save()  # and is given up half-way
    states.changed("u:9", state_of(9))
    assert (await counts(states, *keys))["u:0"] == 1
    await save(store, states)
    assert await counts(states, *keys, "u:9", "u:unknown") == {"u:9": 9} | {key: n + 1 for n, key in enumerate(keys)}


async def test_a_read_that_a_save_overtakes_is_made_again(store: Store) -> None:
    states = UserStates(store, bound=1, holds=mine)
    states.changed("u:a", state_of(1))
    await save(store, states)
    states.changed("u:b", state_of(1))
    await save(store, states)  # u:a has left the memory
    reading = asyncio.create_task(counts(states, "u:a"))
    await asyncio.sleep(0)
    states.changed("u:a", state_of(2))
    await save(store, states)
    assert await reading == {"u:a": 2}


async def test_an_erased_state_is_gone(store: Store) -> None:
    states = UserStates(store, bound=10, holds=mine)
    states.changed("u:a", state_of(1))
    await save(store, states)
    await store.write(lambda connection: connection.execute(USER_STATES.delete()))
    states.forget(["u:a"])
    assert await states.find("u:a") is None
