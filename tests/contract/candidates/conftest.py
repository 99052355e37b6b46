from collections.abc import AsyncIterator

import pytest

from tests.contract.candidates.indexed_shop import ElasticShop, EmbeddedShop, IndexedShop
from tests.support.elasticsearch import own_indexes

SYNONYMS = "sofa, couch"


@pytest.fixture(params=["embedded", pytest.param("elasticsearch", marks=pytest.mark.real)])
async def shop(request: pytest.FixtureRequest) -> AsyncIterator[IndexedShop]:
    """A shop whose content index is each engine in turn."""
    if request.param == "embedded":
        embedded = EmbeddedShop(SYNONYMS)
        yield embedded
        return
    address: str = request.getfixturevalue("elasticsearch_address")
    async with own_indexes(address) as alias, ElasticShop.on(address, alias, SYNONYMS) as elastic:
        yield elastic


@pytest.fixture
def embedded_twin() -> EmbeddedShop:
    """The same on the embedded engine, to compare with."""
    return EmbeddedShop(SYNONYMS)
