"""A catalog of before it had a head."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import insert

from services.common.database import Database, create_engine
from services.features.catalog.change_plan import ChangePlan
from services.features.catalog.item_row import to_row
from services.features.catalog.numbers import GivenNumbers, NumberDraft, Numbers
from services.features.store.store import MIGRATIONS
from services.features.store.tables import ITEMS
from tests.contract.catalog.processes import Processes, item, upsert
from vitrine.features.v1.catalog_service_pb2 import ItemUpdate


@pytest.fixture
async def processes(database_url: str) -> AsyncIterator[Processes]:
    """They share a store that isn't migrated yet."""
    opened = Processes(database_url)
    yield opened
    await opened.close()


async def test_its_versions_run_on(processes: Processes) -> None:
    database = Database(create_engine(processes.url))
    MIGRATIONS.upgrade(database, "0004")
    draft = NumberDraft(Numbers(), GivenNumbers())
    plan = ChangePlan({}, 1, 6, 0, draft)
    plan.upsert(0, ItemUpdate(item=item("old", path=["Food"])))
    with database.begin() as connection:
        rows = [to_row(each, draft) for each in plan.changed.values()]
        connection.execute(insert(ITEMS), rows)
        draft.new.save(connection)
    database.dispose()
    catalog = await processes.open()
    assert catalog.version == 7
    await upsert(catalog, item("new", path=["Food"]))
    changes = await catalog.read_changes(0, 10, vectors=True)
    assert [(change.item_id, change.item_no, change.version) for change in changes] == [("old", 1, 7), ("new", 2, 8)]
