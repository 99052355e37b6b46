"""Statistics to which several add."""

import random
import threading
from collections.abc import Sequence
from functools import partial

import pytest

from services.common import event_types
from services.common.database import Database
from services.features.definitions.item_statistics import ItemStatistics
from services.features.definitions.observation import Observation
from services.features.definitions.user_state import UserState
from services.features.statistics.stored_statistics import StoredChanges, add, read_rows

NOW = 1_700_000_000_000
DAY = 86_400_000
ITEMS = 6
COUNTS = ("views", "favorites", "carts", "purchases", "impressions", "price_count", "buyers", "users")
DECAYED = ("price_sum", "decayed_1d", "decayed_7d", "decayed_30d")


def history(seed: int, count: int = 400) -> list[Observation]:
    chance = random.Random(seed)
    kinds = (event_types.VIEW, event_types.ADD_TO_CART, event_types.PURCHASE, event_types.FAVORITE)
    return [
        Observation(
            chance.choice(kinds),
            chance.randrange(1, ITEMS + 1),
            NOW - chance.randrange(90 * DAY),
            f"{seed}/{number}",
            unit_price=chance.randrange(1, 900) / 8,
        )
        for number in range(count)
    ]


class Worker:
    """Somebody who counts and stores: the events of a user who is counted by nobody else."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._user = UserState()
        self.statistics = ItemStatistics()

    def count(self, observations: Sequence[Observation]) -> None:
        for observation in observations:
            self.statistics.apply(self._user.apply(observation))

    def store(self) -> None:
        rows = [self.statistics.row(item_no) for item_no in self.statistics.unsaved()]
        bases, version = self.statistics.take_unsaved(), self.statistics.version
        changes: StoredChanges = self._database.write(partial(add, mine=rows, bases=bases, known_version=version))
        for item_no, stored in changes.versions.items():
            self.statistics.stored(item_no, stored)
        for row in changes.rows:
            self.statistics.learn(row)


def whole(histories: Sequence[Sequence[Observation]]) -> ItemStatistics:
    """What one who counts everything has."""
    statistics = ItemStatistics()
    for observations in histories:
        user = UserState()
        for observation in observations:
            statistics.apply(user.apply(observation))
    return statistics


def assert_same(database: Database, wanted: ItemStatistics) -> None:
    stored = {row.item_no: row for row in database.read(read_rows)}
    assert set(stored) == set(range(1, ITEMS + 1))
    for item_no, row in stored.items():
        one = wanted.row(item_no)
        assert [getattr(row, name) for name in COUNTS] == [getattr(one, name) for name in COUNTS]
        assert row.anchor_millis == one.anchor_millis
        for name in DECAYED:
            assert getattr(row, name) == pytest.approx(getattr(one, name), rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_workers_in_turns_come_to_the_sums_of_one(database: Database, seed: int) -> None:
    histories = [history(10 * seed + number) for number in range(3)]
    workers = [Worker(database) for _ in histories]
    chance = random.Random(seed)
    places = [0, 0, 0]
    while any(place < len(history) for place, history in zip(places, histories, strict=True)):
        turn = chance.randrange(3)
        size = chance.randrange(60)
        workers[turn].count(histories[turn][places[turn] : places[turn] + size])
        places[turn] += size
        if chance.random() < 0.7:
            workers[turn].store()
    for worker in workers:
        worker.store()
    assert_same(database, whole(histories))


def test_workers_at_once_come_to_the_sums_of_one(database: Database) -> None:
    histories = [history(100 + number) for number in range(3)]
    failures: list[BaseException] = []

    def work(observations: Sequence[Observation]) -> None:
        worker = Worker(database)
        try:
            for start in range(0, len(observations), 25):
                worker.count(observations[start : start + 25])
                worker.store()
        except BaseException as error:  # noqa: BLE001  # told below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(observations,)) for observations in histories]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert_same(database, whole(histories))


def test_everybody_has_all_of_it_and_versions_run_on(database: Database) -> None:
    one, other = Worker(database), Worker(database)
    one.count(history(1))
    one.store()
    other.count(history(2))
    other.store()
    one.count(history(3, count=1))
    one.store()
    versions = sorted(row.version for row in database.read(read_rows))
    assert len(set(versions)) == ITEMS
    assert one.statistics.version == max(versions) == 2 * ITEMS + 1
    wanted = {row.item_no: row for row in database.read(read_rows)}
    assert [one.statistics.row(item_no) for item_no in wanted] == list(wanted.values())
    after = database.read(lambda connection: read_rows(connection, 2 * ITEMS))
    assert [row.version for row in after] == [2 * ITEMS + 1]
