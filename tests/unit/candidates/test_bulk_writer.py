"""What becomes of documents that Elasticsearch doesn't take at once, over the client and its bulk helper."""

import json
from typing import Any, ClassVar

import elastic_transport
import pytest
from elastic_transport import ApiResponseMeta, BaseAsyncNode, HttpHeaders
from elastic_transport._node import NodeApiResponse  # not exported
from elasticsearch import AsyncElasticsearch

from services.candidates.elastic import bulk_writer
from services.candidates.elastic.bulk_writer import BulkWriter
from services.candidates.elastic.cluster import Cluster
from services.common.errors import UnavailableError


class FakeNode(BaseAsyncNode):
    """Answers for each item with the next of the statuses that are in store for it, and for a whole request with those
    of `requests`; the last one stays.
    """

    items: ClassVar[dict[str, list[int]]] = {}
    requests: ClassVar[list[int]] = []
    bulks: ClassVar[list[list[str]]] = []

    async def perform_request(self, *_: object, body: bytes | None = None, **__: object) -> Any:  # type: ignore[override]  # what the client passes by position
        actions = [json.loads(line) for line in (body or b"").splitlines()]
        ids = [about["_id"] for action in actions for about in action.values() if isinstance(about, dict)]
        self.bulks.append(ids)
        status, answer = _next(self.requests), dict[str, Any](error={"reason": "busy"})
        if status == 200:
            answer = {"items": [{"index": self._outcome(item_no)} for item_no in ids]}
        headers = HttpHeaders({"content-type": "application/json", "x-elastic-product": "Elasticsearch"})
        meta = ApiResponseMeta(status, "1.1", headers, 0.0, self.config)
        return NodeApiResponse(meta, json.dumps(answer).encode())

    def _outcome(self, item_no: str) -> dict[str, Any]:
        status = _next(self.items[item_no])
        return {"_id": item_no, "status": status, "error": {"reason": f"status {status}"}}

    async def close(self) -> None:  # type: ignore[override]  # as the library's own async nodes
        pass


def _next(statuses: list[int]) -> int:
    return statuses.pop(0) if len(statuses) > 1 else statuses[0]


class Written:
    """A writer, what its index is asked, and what it does between."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pauses: list[float] = []
        self.refused: list[str] = []
        monkeypatch.setattr("asyncio.sleep", self._sleep)
        monkeypatch.setattr(FakeNode, "bulks", [])
        monkeypatch.setattr(FakeNode, "requests", [200])
        self._monkeypatch = monkeypatch

    async def write(self, items: dict[int, list[int]]) -> None:
        self._monkeypatch.setattr(FakeNode, "items", {str(item_no): statuses for item_no, statuses in items.items()})
        client = AsyncElasticsearch("http://elasticsearch:9200", node_class=FakeNode, max_retries=0)
        actions = [{"_op_type": "index", "_id": str(item_no), "_source": {"n": 1}} for item_no in items]
        try:
            await BulkWriter(Cluster(client, 1.0), self.refused.append).write("items", actions)
        finally:
            await client.close()

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Written:
    return Written(monkeypatch)


async def test_it_waits_between_its_tries_and_not_after_the_last(written: Written) -> None:
    with pytest.raises(UnavailableError, match="doesn't take item 1: status 429"):
        await written.write({1: [429], 2: [200]})
    assert FakeNode.bulks == [["1", "2"], ["1"], ["1"], ["1"], ["1"]]
    assert written.pauses == [0.5, 1.0, 2.0, 4.0]


async def test_a_cause_is_told_whichever_request_had_it(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_writer, "_BYTES", 1)  # one request per item
    with pytest.raises(UnavailableError, match="item 2: status 503"):
        await written.write({1: [429, 200], 2: [503], 3: [200]})


async def test_what_is_taken_at_last_is_written(written: Written) -> None:
    await written.write({1: [503, 503, 503, 503, 200], 2: [400], 3: [409], 4: [404], 5: [403, 200]})
    assert len(FakeNode.bulks) == 5
    assert len(written.pauses) == 4
    assert written.refused == ["item 2: status 400"]


async def test_a_whole_request_that_comes_too_soon_is_sent_again(written: Written) -> None:
    FakeNode.requests[:] = [429, 503, 200]
    await written.write({1: [200], 2: [200]})
    assert FakeNode.bulks == [["1", "2"]] * 3


async def test_a_request_without_a_login_is_not_sent_again(written: Written) -> None:
    FakeNode.requests[:] = [401]
    with pytest.raises(UnavailableError) as refused:
        await written.write({1: [200]})
    assert refused.value.reason == "ELASTICSEARCH_REFUSED"
    assert len(FakeNode.bulks) == 1


async def test_without_a_connection_nothing_is_sent_again(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keeper begins anew from the offset in the index: it knows best when."""

    async def unreachable(*_: object, **__: object) -> Any:
        FakeNode.bulks.append([])
        raise elastic_transport.ConnectionError("nobody is there")

    monkeypatch.setattr(FakeNode, "perform_request", unreachable)
    with pytest.raises(UnavailableError) as lost:
        await written.write({1: [200]})
    assert lost.value.reason == "ELASTICSEARCH_UNREACHABLE"
    assert len(FakeNode.bulks) == 1


async def test_a_document_longer_than_a_request_is_sent_by_itself(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_writer, "_BYTES", 100)
    await written.write({number: [200] for number in range(1, 6)})
    assert [item_no for bulk in FakeNode.bulks for item_no in bulk] == ["1", "2", "3", "4", "5"]
    assert len(FakeNode.bulks) > 1
