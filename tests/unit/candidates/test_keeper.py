"""How long the old index is kept once another answers."""

import asyncio
from typing import Any

import pytest

from services.candidates.elastic.indexes import Index
from services.candidates.elastic.keeper import Keeper
from services.candidates.elastic.schema import Schema
from services.common.clock import SystemClock


class FakeIndexes:
    """One index that answers and fits; notes what is removed."""

    def __init__(self, schema: str) -> None:
        self._index = Index("items-v2", schema, serving=True)
        self.kept: list[str] = []

    async def current(self) -> Index:
        return self._index

    async def remove_others(self, index: Index) -> None:
        self.kept.append(index.name)
        raise ConnectionError  # the test has seen enough


class FakeFeeder:
    async def feed(self, name: str, caught_up: asyncio.Event) -> None:
        await asyncio.Event().wait()


class FakeLease:
    async def take(self) -> bool:
        return True

    async def give_back(self) -> None:
        """Nobody else wants it."""


@pytest.mark.parametrize("search_seconds", [0.2, 60.0])
async def test_the_old_index_stays_as_long_as_a_search_may_take(
    monkeypatch: pytest.MonkeyPatch, search_seconds: float
) -> None:
    waited: list[float] = []
    wait = asyncio.wait

    async def at_once(tasks: Any, *, timeout: float | None = None, **how: Any) -> Any:  # noqa: ASYNC109  # as asyncio.wait
        if timeout is None:
            return await wait(tasks, **how)
        waited.append(timeout)
        return await wait(tasks, timeout=0, **how)

    monkeypatch.setattr("asyncio.wait", at_once)
    schema = Schema("", {})
    indexes = FakeIndexes(schema.digest)
    feeder: Any = FakeFeeder()
    lease: Any = FakeLease()
    keeper = Keeper(indexes, feeder, lease, schema, SystemClock(), search_seconds=search_seconds)  # type: ignore[arg-type]  # what it calls
    with pytest.raises(ConnectionError):
        await keeper.keep()
    assert indexes.kept == ["items-v2"]
    (seconds,) = waited
    assert seconds > search_seconds


def test_which_vectors_are_left_out_makes_another_index_and_what_they_weigh_does_not() -> None:
    plain = Schema("", {}).digest
    assert Schema("", {"text": 0.5}).digest == plain
    assert Schema("", {"text": 0.0}).digest != plain
    assert Schema("other synonyms", {}).digest != plain
