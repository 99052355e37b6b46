"""The schema of each store, brought up and taken down, on each engine."""

import threading
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from sqlalchemy import MetaData, inspect, text

from services.common.database import Database, create_engine
from services.common.errors import FailedPreconditionError
from services.common.migrations import Migrations
from services.events.storage import schema as events_schema
from services.events.storage import tables as events_tables
from services.features.store import store as features_store
from services.features.store import tables as features_tables


class Store(NamedTuple):
    migrations: Migrations
    metadata: MetaData


STORES = {
    "events": Store(events_schema.MIGRATIONS, events_tables.metadata),
    "features": Store(features_store.MIGRATIONS, features_tables.METADATA),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Store:
    return STORES[request.param]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(create_engine(database_url))
    yield database
    database.dispose()


def tables(database: Database) -> set[str]:
    with database.connect() as connection:
        return set(inspect(connection).get_table_names()) - {"alembic_version"}


def test_the_newest_revision_is_what_the_program_expects(store: Store, database: Database) -> None:
    store.migrations.upgrade(database)
    assert store.migrations.differences(database, store.metadata) == []
    assert tables(database) == set(store.metadata.tables)


def test_a_schema_that_differs_is_seen(store: Store, database: Database) -> None:
    store.migrations.upgrade(database)
    name = min(store.metadata.tables)
    with database.begin() as connection:
        connection.execute(text(f"ALTER TABLE {name} ADD COLUMN forgotten INTEGER"))
    assert store.migrations.differences(database, store.metadata) != []


def test_every_revision_goes_up_and_down_again(store: Store, database: Database) -> None:
    revisions = [f"{number:04}" for number in range(1, int(store.migrations.head) + 1)]
    for revision in revisions:
        store.migrations.upgrade(database, revision)
    for revision in [*reversed(revisions[:-1]), "base"]:
        store.migrations.downgrade(database, revision)
    assert tables(database) == set()
    store.migrations.upgrade(database)
    assert store.migrations.differences(database, store.metadata) == []


def test_a_second_start_changes_nothing(store: Store, database: Database) -> None:
    store.migrations.upgrade(database)
    store.migrations.upgrade(database)
    assert store.migrations.differences(database, store.metadata) == []


def test_processes_that_start_together_take_turns(store: Store, database_url: str) -> None:
    failures: list[BaseException] = []

    def start() -> None:
        database = Database(create_engine(database_url))
        try:
            store.migrations.upgrade(database)
        except Exception as error:  # noqa: BLE001  # told below
            failures.append(error)
        finally:
            database.dispose()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_store_of_a_newer_program_is_refused(store: Store, database: Database) -> None:
    store.migrations.upgrade(database)
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(FailedPreconditionError, match=r"revision 9999.*run the newer program") as refused:
        store.migrations.upgrade(database)
    assert refused.value.reason == "SCHEMA_TOO_NEW"
