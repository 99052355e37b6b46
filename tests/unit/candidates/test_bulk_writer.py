from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.candidates.elastic import bulk_writer
from services.candidates.elastic.bulk_writer import BulkWriter, Operation
from services.common.errors import UnavailableError


class FakeClient:
    """Answers each bulk with the next of the statuses that an item has in store; the last one stays."""

    def __init__(self, statuses: dict[int, list[int]]) -> None:
        self._statuses = statuses
        self.bulks = 0

    async def bulk(self, index: str, operations: list[bytes]) -> dict[str, Any]:
        self.bulks += 1
        items = []
        for lines in operations:
            left = self._statuses[int(lines)]
            status = left.pop(0) if len(left) > 1 else left[0]
            items.append({"index": {"status": status, "error": {"reason": f"status {status}"}}})
        return {"items": items}


class FakeCluster:
    def __init__(self, client: FakeClient) -> None:
        self._client = client

    async def work(self, call: Callable[[Any], Awaitable[Any]]) -> Any:
        return await call(self._client)


class Pauses:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds: list[float] = []
        monkeypatch.setattr("asyncio.sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)


def written(statuses: dict[int, list[int]]) -> tuple[FakeClient, BulkWriter, list[Operation], list[str]]:
    client, refused = FakeClient(statuses), list[str]()
    writer = BulkWriter(FakeCluster(client), refused.append)  # type: ignore[arg-type]  # it has the one method
    return client, writer, [Operation(item_no, str(item_no).encode()) for item_no in statuses], refused


async def test_it_waits_between_its_tries_and_not_after_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = Pauses(monkeypatch)
    client, writer, operations, _ = written({1: [429], 2: [200]})
    with pytest.raises(UnavailableError, match="does not take 1 items: status 429"):
        await writer.write("items", operations)
    assert client.bulks == 5
    assert pauses.seconds == [0.5, 1.0, 2.0, 4.0]


async def test_the_cause_is_told_though_a_later_request_had_none(monkeypatch: pytest.MonkeyPatch) -> None:
    Pauses(monkeypatch)
    monkeypatch.setattr(bulk_writer, "_BYTES", 1)  # a request for each
    _, writer, operations, _ = written({1: [503], 2: [429, 200], 3: [200]})
    with pytest.raises(UnavailableError, match="status 503"):
        await writer.write("items", operations)
    monkeypatch.setattr(bulk_writer, "_TRIES", 1)
    _, writer, operations, _ = written({1: [503], 2: [200]})
    with pytest.raises(UnavailableError, match="status 503"):
        await writer.write("items", operations)


async def test_what_is_taken_at_last_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = Pauses(monkeypatch)
    client, writer, operations, refused = written({1: [503, 503, 503, 503, 200], 2: [400], 3: [409]})
    await writer.write("items", operations)
    assert client.bulks == 5
    assert len(pauses.seconds) == 4
    assert refused == ["item 2: status 400"]
