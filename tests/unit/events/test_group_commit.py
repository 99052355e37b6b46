import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from services.common.errors import ResourceExhaustedError, UnavailableError
from services.events.group_commit import GroupCommitter
from services.events.storage.operations import Operation


@dataclass(frozen=True, slots=True)
class Write(Operation[str]):
    name: str
    rows: int = 1
    new: int = 1

    @property
    def weight(self) -> int:
        return self.rows

    def appended(self, result: str) -> int:
        assert result == self.name
        return self.new


class FakeStore:
    """Answers each operation with its name; waits for `gate` first."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.groups: list[list[str]] = []
        self.fails: dict[str, Exception] = {}
        self.committed: list[int] = []

    def apply(self, operations: Sequence[Operation[Any]]) -> list[Any]:
        assert self.gate.wait(5)
        names = [operation.name for operation in operations if isinstance(operation, Write)]
        for name in names:
            if name in self.fails:
                raise self.fails[name]
        self.groups.append(names)
        return names


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
async def committer(store: FakeStore) -> AsyncIterator[GroupCommitter]:
    committer = GroupCommitter(store.apply, max_waiting=10, max_group=4, committed=store.committed.append)
    committer.start()
    yield committer
    store.gate.set()
    await committer.close()


async def writes_behind_a_busy_store(
    committer: GroupCommitter, store: FakeStore, names: Sequence[str]
) -> list[asyncio.Future[str]]:
    """Submits "first", waits until the writer is busy with it, then submits `names`."""
    store.gate.clear()
    first = committer.submit(Write("first"))
    await asyncio.sleep(0.02)
    return [first, *(committer.submit(Write(name)) for name in names)]


async def test_what_waits_is_committed_together_in_order(committer: GroupCommitter, store: FakeStore) -> None:
    results = await writes_behind_a_busy_store(committer, store, ["a", "b", "c"])
    store.gate.set()
    assert await asyncio.gather(*results) == ["first", "a", "b", "c"]
    assert store.groups == [["first"], ["a", "b", "c"]]
    assert store.committed == [1, 3]


async def test_only_what_is_new_counts_as_committed(committer: GroupCommitter, store: FakeStore) -> None:
    store.gate.clear()
    results = [committer.submit(Write(name, rows=3, new=new)) for name, new in (("a", 0), ("b", 2), ("c", 0))]
    await asyncio.sleep(0.02)
    store.gate.set()
    await asyncio.gather(*results)
    assert store.committed == [2]


async def test_a_group_is_bounded_by_rows(committer: GroupCommitter, store: FakeStore) -> None:
    results = await writes_behind_a_busy_store(committer, store, ["a", "b", "c", "d", "e"])
    store.gate.set()
    await asyncio.gather(*results)
    assert store.groups == [["first"], ["a", "b", "c", "d"], ["e"]]


async def test_a_full_queue_refuses_with_advice(committer: GroupCommitter, store: FakeStore) -> None:
    results = await writes_behind_a_busy_store(committer, store, [str(each) for each in range(9)])
    with pytest.raises(ResourceExhaustedError, match="try again in a second") as refused:
        committer.submit(Write("too many"))
    assert refused.value.reason == "LOG_BUSY"
    store.gate.set()
    await asyncio.gather(*results)
    assert await committer.submit(Write("later")) == "later"


async def test_a_batch_larger_than_the_queue_passes_when_nothing_waits(committer: GroupCommitter) -> None:
    assert await committer.submit(Write("large", rows=100)) == "large"


async def test_who_has_time_waits_for_room(committer: GroupCommitter, store: FakeStore) -> None:
    results = await writes_behind_a_busy_store(committer, store, [str(each) for each in range(9)])
    room = asyncio.create_task(committer.room())
    await asyncio.sleep(0.02)
    assert not room.done()
    store.gate.set()
    await asyncio.wait_for(room, 5)
    await asyncio.gather(*results)


async def test_a_bad_operation_harms_no_neighbor(committer: GroupCommitter, store: FakeStore) -> None:
    store.fails["bad"] = ValueError("does not fit")
    results = await writes_behind_a_busy_store(committer, store, ["a", "bad", "c"])
    store.gate.set()
    outcomes = await asyncio.gather(*results, return_exceptions=True)
    assert outcomes == ["first", "a", store.fails["bad"], "c"]
    assert sum(store.committed) == 3


async def test_a_store_that_cannot_be_reached_is_unavailable_for_all(
    committer: GroupCommitter, store: FakeStore
) -> None:
    store.fails["b"] = OperationalError("COMMIT", {}, Exception("disk full"))
    results = await writes_behind_a_busy_store(committer, store, ["a", "b"])
    store.gate.set()
    assert await results[0] == "first"
    for result in results[1:]:
        with pytest.raises(UnavailableError) as failed:
            await result
        assert failed.value.reason == "STORE_UNAVAILABLE"
    assert await committer.submit(Write("after")) == "after"


async def test_a_caller_who_left_does_not_disturb_the_others(committer: GroupCommitter, store: FakeStore) -> None:
    results = await writes_behind_a_busy_store(committer, store, ["a", "b"])
    results.pop(1).cancel()
    store.gate.set()
    assert await asyncio.gather(*results) == ["first", "b"]


async def test_closing_writes_what_was_submitted(store: FakeStore) -> None:
    committer = GroupCommitter(store.apply, max_waiting=10, max_group=4, committed=store.committed.append)
    committer.start()
    results = await writes_behind_a_busy_store(committer, store, ["a", "b"])
    closing = asyncio.create_task(committer.close())
    await asyncio.sleep(0.02)
    store.gate.set()
    await closing
    assert await asyncio.gather(*results) == ["first", "a", "b"]
    with pytest.raises(UnavailableError) as refused:
        committer.submit(Write("late"))
    assert refused.value.reason == "LOG_NOT_OPEN"
