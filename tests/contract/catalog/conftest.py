from collections.abc import AsyncIterator

import pytest

from tests.contract.catalog.processes import Processes
from tests.support.migrated_stores import lay_features_store


@pytest.fixture
async def processes(database_url: str) -> AsyncIterator[Processes]:
    """Processes that share one store, on each engine."""
    opened = Processes(lay_features_store(database_url))
    yield opened
    await opened.close()
