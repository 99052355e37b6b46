"""A real Elasticsearch server for the tests marked `real`, by address."""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

VARIABLE = "VITRINE_TEST_ELASTICSEARCH_URL"


class NoElasticsearchError(Exception):
    """There is no server to test on."""


def elasticsearch_url() -> str:
    """Returns where the server is; raises NoElasticsearchError if nobody said."""
    if url := os.environ.get(VARIABLE, ""):
        return url
    raise NoElasticsearchError(
        f"there is no Elasticsearch to test on: set {VARIABLE} to the address of a server of version 8.19, "
        "such as http://127.0.0.1:19200 of deploy/compose/engines.yaml"
    )


@asynccontextmanager
async def own_indexes(url: str) -> AsyncIterator[str]:
    """Gives an alias of one's own, and removes its indexes in the end."""
    from elasticsearch import AsyncElasticsearch  # a second that most tests don't need

    alias = f"test-{uuid.uuid4().hex[:12]}"
    try:
        yield alias
    finally:
        async with AsyncElasticsearch(url) as client:
            for name in await client.indices.get(index=f"{alias}-*", allow_no_indices=True):
                await client.indices.delete(index=name)
