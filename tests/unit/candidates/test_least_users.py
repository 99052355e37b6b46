"""What the candidates service makes for everybody has at least k users behind it."""

from pathlib import Path

import numpy as np
import pytest

from services.candidates.artifacts.group_tastes import GroupTastes
from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.artifacts.user_ratings import UserRatings
from services.candidates.jobs.build import compute, item_tables
from services.candidates.jobs.events import Events
from services.candidates.settings import CandidatesSettings
from services.candidates.statistics.item_statistics import ItemStatistics
from services.common.progress import NoProgress
from tests.support.shop_events import events_of
from vitrine.features.v1.feature_service_pb2 import ListItemStatisticsResponse

K = 5
HOUR = 3_600_000
DAY = 24 * HOUR
TEA, CUP, CAKE = 1, 2, 3
SETTINGS = CandidatesSettings()
WITHOUT_HELD_OUT = SETTINGS.model_copy(update={"jobs": SETTINGS.jobs.model_copy(update={"held_out_hours": 0.0})})


def history(users: int) -> Events:
    """So many users bought tea and a cup in one basket, again and again, and cake a day later; others other things."""
    rows, orders = [], []
    for user in range(users):
        for week in range(3):
            for item, millis in ((TEA, 0), (CUP, 0), (CAKE, DAY)):
                rows.append((user, item, 7 * DAY * week + millis))
                orders.append(100 * user + 10 * week + (item == CAKE) + 1)
    for user in range(100, 160):
        for number in range(3):
            rows.append((user, 10 + (user + number) % 9, number * DAY))
            orders.append(100 * user + number)
    return events_of(rows, orders=orders, bought=True)


def pairs(events: Events, name: str, settings: CandidatesSettings) -> set[tuple[int, int]]:
    rows, item_nos = item_tables(events, settings, NoProgress())[name]
    owners = np.repeat(item_nos, np.diff(rows.starts))
    return set(zip(owners.tolist(), item_nos[rows.columns].tolist(), strict=True))


def saved(events: Events, name: str, folder: Path) -> Path:
    """An artefact's files, of a shop where everybody is of the north."""
    groups = {int(user): [("region", "north")] for user in np.unique(events.users)}
    digests = {int(item): int(item) for item in np.unique(events.items)}
    made = {one.name: one for one in compute(events, groups, digests, WITHOUT_HELD_OUT, NoProgress())}
    made[name].save(folder)
    return folder


def test_the_least_number_is_five() -> None:
    assert SETTINGS.minimum_users == K


@pytest.mark.parametrize("users", [K - 1, K])
@pytest.mark.parametrize(
    ("name", "pair"),
    [(Neighbors.ARTIFACT, (TEA, CUP)), (Neighbors.COMPANIONS, (TEA, CUP)), (Neighbors.FOLLOWERS, (TEA, CAKE))],
)
def test_a_pair_is_shown_from_k_users_on(name: str, pair: tuple[int, int], users: int) -> None:
    events = history(users)
    assert (pair in pairs(events, name, SETTINGS)) == (users >= K)
    assert pair in pairs(events, name, SETTINGS.model_copy(update={"minimum_users": 2}))


@pytest.mark.parametrize("users", [K - 1, K])
def test_what_fewer_than_k_took_to_is_no_taste_of_a_group(users: int, tmp_path: Path) -> None:
    folder = saved(history(users), GroupTastes.ARTIFACT, tmp_path)
    items = np.load(folder / "item_nos.npy")[np.load(folder / "items.npy")]
    assert (TEA in items) == (users >= K)
    assert 10 in items
    assert np.load(folder / "supports.npy").min() >= K


def test_what_fewer_than_k_of_a_group_took_to_is_not_its_taste(tmp_path: Path) -> None:
    events = history(K)
    groups = {int(user): [("region", "north" if user else "south")] for user in np.unique(events.users)}
    groups |= {user: [("region", "south")] for user in range(100, 130)}
    digests = {int(item): int(item) for item in np.unique(events.items)}
    made = {one.name: one for one in compute(events, groups, digests, WITHOUT_HELD_OUT, NoProgress())}
    made[GroupTastes.ARTIFACT].save(tmp_path)
    items = np.load(tmp_path / "item_nos.npy")[np.load(tmp_path / "items.npy")]
    assert TEA not in items  # five took to it, but one of the south and four of the north


@pytest.mark.parametrize("users", [K - 1, K])
def test_an_item_of_fewer_than_k_users_reaches_nobody_by_their_likeness(users: int, tmp_path: Path) -> None:
    folder = saved(history(users), UserRatings.ARTIFACT, tmp_path)
    assert (TEA in np.load(folder / "item_nos.npy")) == (users >= K)


@pytest.mark.parametrize(("counts", "shown"), [([K - 1, K], [False, True]), ([], [False, False])])
def test_popularity_counts_from_k_users_on(counts: list[int], shown: list[bool]) -> None:
    statistics = ItemStatistics(K)
    answer = ListItemStatisticsResponse(item_nos=[1, 2], as_of_millis=DAY, user_counts=counts)
    for column in (answer.decayed_1d, answer.decayed_7d, answer.decayed_30d):
        column.extend([9.0, 9.0])
    statistics.apply(answer)
    assert np.isfinite(statistics.log_popularity(3)[1:]).tolist() == shown
    daily, monthly = statistics.daily_and_monthly(3)
    assert (daily[1:] > 0).tolist() == (monthly[1:] > 0).tolist() == shown


def test_an_item_that_loses_its_users_is_popular_no_longer() -> None:
    statistics = ItemStatistics(K)
    for users in (K, K - 1):
        statistics.apply(
            ListItemStatisticsResponse(item_nos=[1], as_of_millis=DAY, user_counts=[users], decayed_7d=[9.0])
        )
    assert not np.isfinite(statistics.log_popularity(2)[1])
