from collections.abc import AsyncIterator

import pytest

from tests.contract.catalog.processes import Processes


@pytest.fixture
async def processes(database_url: str) -> AsyncIterator[Processes]:
    """Processes that share one store, on each engine."""
    opened = Processes(database_url)
    yield opened
    opened.close()
