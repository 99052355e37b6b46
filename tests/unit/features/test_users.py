import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.common.database import Database, create_engine
from services.features.store.store import Store
from services.features.users.users import Users
from tests.support.migrated_stores import lay_features_store
from vitrine.common.v1.visitor_pb2 import CONSENT_NONE, Visitor
from vitrine.features.v1.user_pb2 import User
from vitrine.features.v1.user_service_pb2 import UserUpdate

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
REFUSAL = UserUpdate(user=User(visitor=Visitor(user_id="ada"), consent=CONSENT_NONE))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    url = lay_features_store(f"sqlite:///{tmp_path / 'features.db'}")
    store = Store(Database(create_engine(url)), read_threads=2)
    await store.start()
    yield store
    await store.close()


async def test_readers_do_not_wait_for_whoever_changes_users(store: Store) -> None:
    users = Users(store, cached_users=100)
    await users.load()
    async with users.changing, asyncio.timeout(5.0):
        assert await users.find(["u:new"]) == {}


async def test_a_read_that_a_change_overtakes_is_not_kept(store: Store) -> None:
    users = Users(store, cached_users=100)
    await users.load()
    reading = asyncio.create_task(users.find(["u:ada"]))
    await asyncio.sleep(0)  # it has asked the store
    async with users.changing:
        await users.write([REFUSAL], ["u:ada"], NOW)
    await reading
    assert (await users.find(["u:ada"]))["u:ada"].message.consent == CONSENT_NONE
