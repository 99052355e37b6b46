"""Item statistics are computed when something changed, once for all who ask, and not on the event loop."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from services.common import event_types
from services.features.catalog.catalog import Catalog
from services.features.definitions import item_statistics
from services.features.definitions.item_statistics import ItemStatistics
from services.features.definitions.tally import Tally
from services.features.statistics.item_ranking import ItemRanking, RankingQuery
from services.features.statistics.statistics_reader import StatisticsReader
from tests.unit.features.strategies import DAY, NOW
from vitrine.features.v1.feature_service_pb2 import STATISTICS_WINDOW_DECAYED_1D

TOP = RankingQuery(event_types.VIEW, STATISTICS_WINDOW_DECAYED_1D, category_no=0, limit=10, catalog_version=1)


class CountingRanking(ItemRanking):
    """Counts rankings, and makes them wait for `go_on`."""

    def __init__(self) -> None:
        super().__init__(cast("Catalog", None), minimum_users=1)
        self.made = 0
        self.go_on = threading.Event()
        self.go_on.set()

    def top(self, *arguments: Any) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        assert self.go_on.wait(30.0)
        self.made += 1
        return super().top(*arguments)


@pytest.fixture
def statistics() -> ItemStatistics:
    return ItemStatistics()


@pytest.fixture
def ranking() -> CountingRanking:
    return CountingRanking()


@pytest.fixture
async def reader(statistics: ItemStatistics, ranking: CountingRanking) -> AsyncIterator[StatisticsReader]:
    reader = StatisticsReader(statistics, ranking)
    yield reader
    await reader.close()


def view(statistics: ItemStatistics, item_no: int, version: int, count: int = 1) -> None:
    """Counts views of an item now, and stores it."""
    for _ in range(count):
        statistics.apply([Tally(item_no, event_types.VIEW, NOW, 1, 1.0, users=1)])
    statistics.take_unsaved()
    statistics.stored(item_no, version)


async def test_who_polls_while_nothing_changed_costs_nothing(
    statistics: ItemStatistics, reader: StatisticsReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    view(statistics, 7, version=1)
    first = await reader.changed_after(0, 10, NOW)
    assert (list(first.item_nos), list(first.decayed_1d), first.version) == ([7], [1.0], 1)
    assert await reader.changed_after(0, 10, NOW + DAY) is first
    monkeypatch.setattr(reader, "_ask", None)
    nothing = await reader.changed_after(1, 10, NOW + DAY)
    assert (list(nothing.item_nos), nothing.version, nothing.more) == ([], 1, False)
    assert (await reader.changed_after(5, 10, NOW)).version == 5


@pytest.mark.parametrize("many", [20_000, 1])
async def test_what_changed_is_known_at_the_next_poll(
    statistics: ItemStatistics, reader: StatisticsReader, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(item_statistics, "MANY_CHANGES", many)
    view(statistics, 7, version=1)
    await reader.changed_after(0, 10, NOW)
    view(statistics, 2_000, version=2, count=3)
    view(statistics, 7, version=3)
    answer = await reader.changed_after(1, 10, NOW + DAY)
    assert (list(answer.item_nos), list(answer.view_counts)) == ([2_000, 7], [3, 2])
    assert (list(answer.decayed_1d), answer.version) == ([1.5, 1.0], 3)
    first = await reader.changed_after(0, 1, NOW)
    assert (list(first.item_nos), first.version, first.more) == ([2_000], 2, True)


async def test_one_ranking_serves_all_until_something_changes(
    statistics: ItemStatistics, reader: StatisticsReader, ranking: CountingRanking
) -> None:
    view(statistics, 1, version=1, count=2)
    view(statistics, 2, version=2)
    for days, expected in ((0, [2.0, 1.0]), (1, [1.0, 0.5]), (3, [0.25, 0.125])):
        items, values = await reader.top(TOP, NOW + days * DAY)
        assert (items.tolist(), values.tolist()) == ([1, 2], expected)
    assert ranking.made == 1
    await reader.top(TOP._replace(catalog_version=2), NOW)
    view(statistics, 2, version=3, count=2)
    items, values = await reader.top(TOP, NOW)
    assert (items.tolist(), values.tolist(), ranking.made) == ([2, 1], [3.0, 2.0], 3)
    await reader.top(TOP, NOW - DAY)  # before the events: these weigh whole
    assert ranking.made == 4


async def test_the_event_loop_goes_on_while_a_ranking_is_made(
    statistics: ItemStatistics, reader: StatisticsReader, ranking: CountingRanking
) -> None:
    view(statistics, 1, version=1)
    ranking.go_on.clear()
    asking = asyncio.create_task(reader.top(TOP, NOW))
    await asyncio.sleep(0)
    ranking.go_on.set()  # only a loop that isn't blocked by the ranking comes here
    assert (await asking)[0].tolist() == [1]
