import numpy as np
import pytest

from services.candidates.proposals import Proposals
from services.candidates.query import Query
from services.candidates.sources.registry import SOURCES
from services.candidates.statistics.trend_scores import trend_scores
from tests.support.candidates_shop import Shop, bought, viewed
from vitrine.common.v1.attribute_pb2 import AttributeValue, TextList
from vitrine.events.v1 import event_pb2
from vitrine.features.v1.user_features_pb2 import UserFeatures

CART = event_pb2.EVENT_TYPE_ADD_TO_CART
NORTH = ("region", "north")
OLD = ("age_band", "65+")


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    for item_no in range(1, 11):
        shop.put(item_no)
    return shop


async def ask(shop: Shop, source: str, query: Query, quota: int = 10) -> Proposals:
    return await SOURCES[source](shop.inputs).propose(query, quota)


def evidence(proposals: Proposals) -> list[int]:
    assert proposals.evidence_item_nos is not None
    numbers: list[int] = proposals.evidence_item_nos.tolist()
    return numbers


def group_member(*groups: tuple[str, str]) -> UserFeatures:
    user = UserFeatures()
    for name, value in groups:
        user.attributes[name].text = value
    return user


async def test_then_bought_goes_by_the_direction(shop: Shop) -> None:
    shop.neighbors({(1, 3): 0.5, (4, 1): 0.9}, shop.inputs.next_items)
    shop.open()
    proposals = await ask(shop, "then_bought", shop.query(viewed(UserFeatures(), 1)))
    assert (proposals.item_nos.tolist(), evidence(proposals)) == ([3], [1])


async def test_bought_together_goes_by_the_cart(shop: Shop) -> None:
    shop.neighbors({(1, 5): 1.0, (2, 6): 2.0, (3, 7): 3.0, (4, 8): 4.0}, shop.inputs.bought_together)
    shop.open()
    user = viewed(UserFeatures(), 1, 5, CART)
    viewed(user, 2, 4, CART)
    viewed(user, 3, 3, CART)
    viewed(user, 3, 2, event_pb2.EVENT_TYPE_REMOVE_FROM_CART)
    viewed(user, 4, 1)
    proposals = await ask(shop, "bought_together", shop.query(user))
    assert (proposals.item_nos.tolist(), evidence(proposals)) == ([6, 5], [2, 1])


async def test_bought_together_goes_by_the_last_purchase_when_the_cart_is_empty(shop: Shop) -> None:
    shop.neighbors({(1, 5): 1.0, (2, 6): 2.0}, shop.inputs.bought_together)
    shop.open()
    user = viewed(viewed(UserFeatures(), 1, 5, CART), 1, 4, event_pb2.EVENT_TYPE_PURCHASE)
    assert (await ask(shop, "bought_together", shop.query(user))).item_nos.tolist() == [5]
    assert not SOURCES["bought_together"](shop.inputs).applies(shop.query(viewed(UserFeatures(), 2)))


def test_a_rise_is_measured_against_the_items_own_past() -> None:
    daily = np.array([10.0, 10.0, 10.0, 2.0, 0.0, 100.0])
    monthly = np.array([300.0, 10.0, 155.0, 2.0, 50.0, 2900.0 + 100.0])
    risen = trend_scores(daily, monthly)
    assert risen[0] == 0  # as ever
    assert risen[1] == pytest.approx(10.0)  # never sold before
    assert risen[2] == pytest.approx((10 - 5) / np.sqrt(6))  # twice as much as ever
    assert risen[3] == 0  # a first sale or two
    assert risen[4] == 0
    assert risen[5] == 0  # popular, but as ever


async def test_trending_is_not_what_is_popular(shop: Shop) -> None:
    shop.rising({1: (100.0, 3000.0), 2: (9.0, 30.0), 3: (9.0, 100.0)})
    shop.put(4, path=("garden",))
    shop.rising({4: (7.0, 20.0)})
    shop.open()
    assert (await ask(shop, "trending", shop.query())).item_nos.tolist() == [2, 4, 3]
    assert (await ask(shop, "trending", shop.query(shop.taste(("garden",))))).item_nos.tolist() == [4, 2, 3]


async def test_demographic_is_what_the_groups_take_more_than_all(shop: Shop) -> None:
    shop.tastes({NORTH: {1: (0.5, 1.0), 2: (0.1, 4.0), 3: (0.2, 0.5)}, OLD: {2: (0.1, 2.0), 4: (0.1, 3.0)}})
    shop.open()
    both = await ask(shop, "demographic", shop.query(group_member(NORTH, OLD)))
    # 1 is taken as by all and 3 less: neither says anything of the group.
    assert both.item_nos.tolist() == [2, 4]
    assert both.scores == pytest.approx([0.1 * (np.log(4) + np.log(2)) / 2, 0.1 * np.log(3) / 2])
    one = await ask(shop, "demographic", shop.query(group_member(OLD)))
    assert one.item_nos.tolist() == [4, 2]
    assert not len(await ask(shop, "demographic", shop.query(group_member(("region", "nowhere")))))


async def test_popular_in_the_region_comes_before_popular(shop: Shop) -> None:
    shop.popular({1: 10.0, 2: 9.0, 3: 5.0})
    shop.tastes({NORTH: {3: (0.2, 3.0)}})
    shop.open()
    assert (await ask(shop, "popular", shop.query(), 3)).item_nos.tolist() == [1, 2, 3]
    assert (await ask(shop, "popular", shop.query(group_member(NORTH)), 3)).item_nos.tolist() == [3, 1, 2]


async def test_followed_has_the_newest_of_creators_brands_and_topics(shop: Shop) -> None:
    shop.put(1, creator_id="ann", days_old=5)
    shop.put(2, brand="Hill", days_old=1)
    shop.put(3, path=("food", "cheese"), days_old=3)
    tags = {"tags": AttributeValue(texts=TextList(values=["vegan"]))}
    shop.put(4, attributes=tags, days_old=2)
    shop.put(5, brand="hill", days_old=0)
    shop.put(6, brand="Hill", days_old=9)
    shop.open()
    user = viewed(UserFeatures(), 6)
    for kind, subject in (
        (event_pb2.SUBJECT_KIND_CREATOR, "ann"),
        (event_pb2.SUBJECT_KIND_BRAND, "Hill"),
        (event_pb2.SUBJECT_KIND_TOPIC, "cheese"),
        (event_pb2.SUBJECT_KIND_TOPIC, "vegan"),
        (event_pb2.SUBJECT_KIND_TOPIC, "nobody knows it"),
    ):
        user.follows.add(kind=kind, subject_id=subject)
    assert (await ask(shop, "followed", shop.query(user))).item_nos.tolist() == [2, 4, 3, 1]


async def test_a_followed_items_new_brand_is_seen_before_the_lists_are_made_anew(shop: Shop) -> None:
    shop.put(1, brand="Hill", days_old=1)
    shop.open()
    shop.put(1, brand="Dale", days_old=1)
    user = UserFeatures()
    user.follows.add(kind=event_pb2.SUBJECT_KIND_BRAND, subject_id="Hill")
    assert not len(await ask(shop, "followed", shop.query(user)))


async def test_popularity_of_groups_does_not_reach_beyond_the_lists(shop: Shop) -> None:
    shop.put(5000)
    shop.tastes({NORTH: {5000: (0.2, 3.0)}})
    shop.delete(5000)
    shop.open()
    found = await ask(shop, "popular", shop.query(bought(group_member(NORTH), 1, 2)))
    assert 5000 not in found.item_nos
