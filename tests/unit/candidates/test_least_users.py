"""What the candidates service makes for everybody has at least k users behind it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.candidates.artifacts.group_tastes import GroupTastes
from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.artifacts.user_ratings import UserRatings
from services.candidates.bought_with import bought_with
from services.candidates.jobs.compute import compute
from services.candidates.jobs.events import Events
from services.candidates.jobs.item_tables import item_tables
from services.candidates.settings import CandidatesSettings
from services.candidates.similar import similar_items
from services.candidates.sources.bought_together import BoughtTogether
from services.candidates.sources.item_cf import ItemCf
from services.candidates.sources.then_bought import ThenBought
from services.candidates.statistics.item_statistics import ItemStatistics
from services.common.progress import NoProgress
from tests.support.candidates_shop import NOW, Shop, bought
from tests.support.shop_events import events_of
from vitrine.events.v1 import event_pb2
from vitrine.features.v1.feature_service_pb2 import ListItemStatisticsResponse
from vitrine.features.v1.user_features_pb2 import UserFeatures

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


def shop_of(users: int) -> Shop:
    """Tea goes with a cup, and so many users say so; nothing else is alike."""
    shop = Shop()
    for item_no, title in ((TEA, "tea"), (CUP, "porcelain"), (CAKE, "lemon")):
        shop.put(item_no, title, (title,), price=10.0**item_no)
    shop.together({(TEA, CUP): 0.5}, users=users)
    shop.open()
    return shop


def having_bought(*item_nos: int) -> UserFeatures:
    """A visitor who bought these just now."""
    user = UserFeatures(known=True)
    for item_no in item_nos:
        bought(user, item_no, 0.1)
        user.recent.item_nos.append(item_no)
        user.recent.types.append(event_pb2.EVENT_TYPE_PURCHASE)
        user.recent.event_times_millis.append(NOW - DAY // 10)
    return user


def saved(events: Events, name: str, folder: Path) -> Path:
    """An artifact's files, of a shop where everybody is of the north."""
    groups = {int(user): [("region", "north")] for user in np.unique(events.users)}
    digests = {int(item): int(item) for item in np.unique(events.items)}
    made = {one.name: one for one in compute(events, groups, digests, WITHOUT_HELD_OUT, NoProgress())}
    made[name].save(folder)
    return folder


def test_the_least_number_is_five() -> None:
    assert SETTINGS.minimum_users == K


@pytest.mark.parametrize("name", [Neighbors.ARTIFACT, Neighbors.BOUGHT_TOGETHER, Neighbors.NEXT_ITEMS])
@pytest.mark.parametrize("users", [2, K])
def test_every_pair_knows_how_many_users_are_behind_it(name: str, users: int) -> None:
    table = next(one for one in item_tables(history(users), SETTINGS, NoProgress()) if one.name == name)
    owners = np.repeat(table.owners, np.diff(table.rows.starts))
    of_tea = (owners == TEA) & (table.item_nos[table.rows.columns] < 10)
    supports = table.rows.supports[of_tea]
    assert supports.tolist() == [users] * len(supports)
    assert of_tea.any()


@pytest.mark.parametrize("users", [K - 1, K])
async def test_a_pair_of_fewer_than_k_users_proposes_but_is_not_given_as_the_reason(users: int) -> None:
    shop = shop_of(users)
    visitor = shop.query(having_bought(TEA))
    for source in (ItemCf(shop.inputs), ThenBought(shop.inputs), BoughtTogether(shop.inputs)):
        proposals = await source.propose(visitor, 10)
        assert proposals.item_nos.tolist() == [CUP]
        assert proposals.evidence_item_nos is not None
        assert proposals.evidence_item_nos.tolist() == [TEA if users >= K else 0]


async def test_the_reason_is_the_strongest_pair_that_may_be_shown() -> None:
    shop = shop_of(K)
    shop.neighbors({(TEA, CUP): 0.9, (CAKE, CUP): 0.1})
    table = shop.inputs.neighbors.value
    assert table is not None
    shop.inputs.neighbors.put("2", replace(table, supports=np.array([K - 1, K], np.uint32)))
    visitor = shop.query(having_bought(TEA, CAKE))
    proposals = await ItemCf(shop.inputs).propose(visitor, 10)
    assert proposals.evidence_item_nos is not None
    assert proposals.evidence_item_nos.tolist() == [CAKE]


@pytest.mark.parametrize("users", [K - 1, K])
async def test_a_pair_is_shown_as_going_together_from_k_users_on(users: int) -> None:
    shop = shop_of(users)
    admitted = shop.query().eligibility
    similar = await similar_items(shop.inputs, TEA, admitted, 10)
    assert (CUP in similar.item_nos) == (users >= K)
    together = bought_with(shop.inputs, np.array([TEA], np.uint32), admitted, 10)
    assert (CUP in together.item_nos) == (users >= K)


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
    assert TEA not in items  # five interacted with it, but one of the south and four of the north


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
