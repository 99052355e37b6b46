from collections.abc import Iterator

import pytest

from services.common.database import Database, create_engine
from services.features.store.store import MIGRATIONS
from tests.support.migrated_stores import lay_features_store


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty feature store, on each engine."""
    database = Database(create_engine(lay_features_store(database_url)))
    MIGRATIONS.upgrade(database)
    yield database
    database.dispose()
