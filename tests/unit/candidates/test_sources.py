import numpy as np
import pytest

from services.candidates.proposals import Proposals
from services.candidates.query import Query
from services.candidates.sources.registry import SOURCES
from tests.support.candidates_shop import DAY, NOW, Shop, bought, viewed
from vitrine.common.v1.item_filter_pb2 import ItemFilter
from vitrine.events.v1 import event_pb2
from vitrine.features.v1.feature_service_pb2 import ListItemStatisticsResponse
from vitrine.features.v1.user_features_pb2 import UserFeatures

NORTH = ("region", "north")
CART = event_pb2.EVENT_TYPE_ADD_TO_CART


def northerner(user: UserFeatures) -> UserFeatures:
    """A visitor from the north who follows the brand Hill."""
    user.attributes["region"].text = "north"
    user.follows.add(kind=event_pb2.SUBJECT_KIND_BRAND, subject_id="Hill")
    return user


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def ask(shop: Shop, source: str, query: Query, quota: int = 10) -> Proposals:
    proposals = await SOURCES[source](shop.inputs).propose(query, quota)
    assert len(set(proposals.item_nos.tolist())) == len(proposals) <= quota
    assert np.isfinite(proposals.scores).all()
    assert (np.diff(proposals.scores) <= 0).all()
    return proposals


async def test_item_cf_sums_the_neighbors_of_the_history_and_names_the_leading_item(shop: Shop) -> None:
    for item_no in range(1, 7):
        shop.put(item_no)
    shop.neighbors({(1, 3): 0.5, (2, 3): 0.4, (1, 4): 0.8, (2, 5): 0.1, (1, 2): 0.9})
    shop.open()
    user = viewed(viewed(UserFeatures(), 2, 5), 1, 5)
    proposals = await ask(shop, "item_cf", shop.query(user))
    # 3 has 0.5 + 0.4, 4 has 0.8, 5 has 0.1; 2 is in the history itself.
    assert proposals.item_nos.tolist() == [3, 4, 5]
    assert proposals.evidence_item_nos is not None
    assert proposals.evidence_item_nos.tolist() == [1, 1, 2]


async def test_item_cf_lets_the_session_lead(shop: Shop) -> None:
    for item_no in range(1, 5):
        shop.put(item_no)
    shop.neighbors({(1, 3): 0.5, (2, 4): 0.5})
    shop.open()
    user = viewed(viewed(UserFeatures(), 1, 100), 2, 0.1)
    assert (await ask(shop, "item_cf", shop.query(user))).item_nos.tolist() == [4, 3]


async def test_disliked_items_neither_lead_nor_appear(shop: Shop) -> None:
    for item_no in range(1, 5):
        shop.put(item_no)
    shop.neighbors({(1, 3): 0.9, (2, 4): 0.2, (2, 1): 0.9})
    shop.open()
    user = viewed(viewed(UserFeatures(disliked_item_nos=[1]), 1), 2)
    assert (await ask(shop, "item_cf", shop.query(user))).item_nos.tolist() == [4]


async def test_content_finds_the_likest_first_and_says_of_which(shop: Shop) -> None:
    shop.put(1, "organic whole milk", ("dairy", "milk"), brand="Hill")
    shop.put(2, "organic skimmed milk", ("dairy", "milk"), brand="Hill")
    shop.put(3, "cheddar", ("dairy", "cheese"), brand="Dale")
    shop.put(4, "garden hose", ("garden", "water"), price=30.0)
    shop.open()
    proposals = await ask(shop, "content", shop.query(viewed(UserFeatures(), 1)))
    assert proposals.item_nos.tolist()[:2] == [2, 3]
    assert proposals.evidence_item_nos is not None
    assert set(proposals.evidence_item_nos.tolist()) == {1}
    assert 0 < proposals.scores[0] <= 1


async def test_content_finds_a_new_item_after_a_refresh(shop: Shop) -> None:
    shop.put(1, "red tea", ("tea",))
    shop.put(2, "hose", ("garden",), price=30.0)
    shop.open()
    query = shop.query(viewed(UserFeatures(), 1))
    assert 3 not in (await ask(shop, "content", query)).item_nos
    shop.put(3, "red tea blend", ("tea",))
    shop.inputs.embedded.refresh()
    assert (await ask(shop, "content", shop.query(viewed(UserFeatures(), 1)))).item_nos.tolist() == [3]


async def test_embedding_takes_the_requests_vector(shop: Shop) -> None:
    for item_no in (1, 2, 3):
        shop.put(item_no)
    shop.vectors({1: (1, 0), 2: (0, 1), 3: (0.6, 0.6)})
    shop.open()
    proposals = await ask(shop, "embedding", shop.query(vector=(0, 2)))
    assert proposals.item_nos.tolist() == [2, 3, 1]
    assert proposals.evidence_item_nos is None
    assert proposals.note == ""


@pytest.mark.parametrize(
    ("vector", "version", "note"),
    [
        ((0.0, 1.0), "m2", "model 'm2'"),
        ((0.0, 1.0, 0.0), "m1", "3 numbers"),
        ((0.0, 0.0), "m1", "zero or not finite"),
        ((float("nan"), 1.0), "m1", "zero or not finite"),
    ],
)
async def test_embedding_takes_the_history_where_the_vector_does_not_fit(
    shop: Shop, vector: tuple[float, ...], version: str, note: str
) -> None:
    for item_no in (1, 2):
        shop.put(item_no)
    shop.vectors({1: (1, 0), 2: (0, 1)})
    shop.open()
    query = shop.query(viewed(UserFeatures(), 1), vector=vector, vector_version=version)
    proposals = await ask(shop, "embedding", query)
    assert proposals.item_nos.tolist() == [1, 2]
    assert note in proposals.note


async def test_embedding_searches_on_where_most_may_not_be_shown(shop: Shop) -> None:
    for item_no in range(1, 101):
        shop.put(item_no, hidden=item_no > 3)
    shop.vectors({item_no: (float(item_no), 0.0) for item_no in range(1, 101)})
    shop.open()
    assert (await ask(shop, "embedding", shop.query(vector=(1, 0)), 3)).item_nos.tolist() == [3, 2, 1]
    assert (await ask(shop, "embedding", shop.query(vector=(1, 0), excluded=[3]), 3)).item_nos.tolist() == [2, 1]


async def test_embedding_keeps_to_the_filter(shop: Shop) -> None:
    for item_no in range(1, 101):
        shop.put(item_no, price=float(item_no))
    shop.vectors({item_no: (float(item_no), 0.0) for item_no in range(1, 101)})
    shop.open()
    query = shop.query(vector=(1, 0), item_filter=ItemFilter(maximum_price=2))
    assert (await ask(shop, "embedding", query, 5)).item_nos.tolist() == [2, 1]


async def test_popular_is_the_same_for_unknown_visitors_and_bends_to_taste(shop: Shop) -> None:
    shop.put(1, path=("food", "bread"))
    shop.put(2, path=("food", "fish"))
    shop.put(3, path=("toys", "cars"))
    shop.popular({1: 10.0, 2: 8.0, 3: 9.0})
    shop.open()
    assert (await ask(shop, "popular", shop.query())).item_nos.tolist() == [1, 3, 2]
    assert (await ask(shop, "popular", shop.query(shop.taste(("food", "fish"))))).item_nos.tolist() == [2, 1, 3]


async def test_popular_finds_the_best_of_a_loved_category_however_unpopular(shop: Shop) -> None:
    for item_no in range(1, 201):
        shop.put(item_no, path=("food", "bread"))
    shop.put(300, path=("toys", "kites"))
    shop.popular(dict.fromkeys(range(1, 201), 100.0) | {300: 1.0})
    shop.open()
    assert 300 in (await ask(shop, "popular", shop.query(shop.taste(("toys", "kites"))), 20)).item_nos


async def test_popular_without_any_event_shows_the_newest(shop: Shop) -> None:
    for item_no, days in ((1, 50), (2, 3), (3, 20)):
        shop.put(item_no, days_old=days)
    shop.open()
    assert (await ask(shop, "popular", shop.query())).item_nos.tolist() == [2, 3, 1]


async def test_statistics_of_different_times_are_compared_at_one(shop: Shop) -> None:
    shop.put(1)
    shop.put(2)
    shop.popular({1: 5.0})
    # 8 a week before now are 4 now.
    shop.inputs.statistics.apply(
        ListItemStatisticsResponse(
            item_nos=[2], decayed_7d=[8.0], user_counts=[9], as_of_millis=NOW - 7 * DAY, version=2
        )
    )
    shop.open()
    proposals = await ask(shop, "popular", shop.query())
    assert proposals.item_nos.tolist() == [1, 2]
    assert proposals.scores.tolist() == pytest.approx([6.0, 5.0], rel=1e-4)


async def test_new_arrivals_are_the_last_days_newest_first(shop: Shop) -> None:
    for item_no, days in ((1, 2), (2, 0.5), (3, 45), (4, 10)):
        shop.put(item_no, days_old=days)
    shop.open()
    assert (await ask(shop, "new_arrivals", shop.query())).item_nos.tolist() == [2, 1, 4]


async def test_an_availability_date_makes_an_old_item_new_and_a_future_one_invisible(shop: Shop) -> None:
    shop.put(1, days_old=100, available_from_time={"seconds": (NOW - DAY) // 1000})
    shop.put(2, days_old=1, available_from_time={"seconds": (NOW + DAY) // 1000})
    shop.put(3, days_old=1, available_until_time={"seconds": (NOW - 1000) // 1000})
    shop.open()
    assert (await ask(shop, "new_arrivals", shop.query())).item_nos.tolist() == [1]
    assert set((await ask(shop, "new_arrivals", shop.query(at=NOW + 2 * DAY))).item_nos.tolist()) == {1, 2}
    assert (await ask(shop, "popular", shop.query())).item_nos.tolist() == [1]


async def test_buy_again_goes_by_how_often_and_by_what_is_due(shop: Shop) -> None:
    for item_no in (1, 2, 3, 4):
        shop.put(item_no)
    shop.open()
    user = bought(UserFeatures(), 1, 30, 23, 16, 9)  # weekly, due
    user = bought(user, 2, 30)  # once
    user = bought(user, 3, 21, 14, 7, 0.01)  # weekly, bought a moment ago
    assert (await ask(shop, "buy_again", shop.query(user))).item_nos.tolist() == [1, 3, 2]
    refunded = viewed(UserFeatures(), 4)
    assert not SOURCES["buy_again"](shop.inputs).applies(shop.query(refunded))


async def test_recently_viewed_is_newest_first_without_what_was_bought_since(shop: Shop) -> None:
    for item_no in (1, 2, 3):
        shop.put(item_no)
    shop.open()
    user = viewed(viewed(bought(UserFeatures(), 3, 0.01), 1, 9), 2, 8)
    user = viewed(viewed(user, 3, 5), 1, 1)
    assert (await ask(shop, "recently_viewed", shop.query(user))).item_nos.tolist() == [1, 2]


async def test_on_sale_needs_a_list_price_above_the_price(shop: Shop) -> None:
    shop.put(1, price=10.0, list_price=20.0)
    shop.put(2, price=10.0, list_price=10.0)
    shop.put(3, price=10.0, list_price=12.0)
    shop.put(4, price=10.0)
    shop.open()
    assert (await ask(shop, "on_sale", shop.query())).item_nos.tolist() == [1, 3]
    shop.put(1, price=20.0, list_price=20.0)  # reduced no more, though the lists do not know yet
    assert (await ask(shop, "on_sale", shop.query())).item_nos.tolist() == [3]


async def test_one_event_is_enough_for_content_and_item_cf(shop: Shop) -> None:
    shop.put(1, "blue cup", ("kitchen",))
    shop.put(2, "blue plate", ("kitchen",))
    shop.neighbors({(1, 2): 0.3})
    shop.open()
    query = shop.query(viewed(UserFeatures(), 1, 0.001))
    for name in ("content", "item_cf"):
        source = SOURCES[name](shop.inputs)
        assert source.applies(query)
        assert (await ask(shop, name, query)).item_nos.tolist() == [2]


async def test_an_unknown_visitor_has_the_sources_that_need_no_history(shop: Shop) -> None:
    shop.put(1)
    shop.open()
    applying = {name for name, make in SOURCES.items() if make(shop.inputs).applies(shop.query())}
    assert applying == {"popular", "trending", "new_arrivals", "on_sale", "custom"}


@pytest.mark.parametrize("source", list(SOURCES))
async def test_no_source_proposes_what_may_not_be_shown(shop: Shop, source: str) -> None:
    sides: dict[int, dict[str, object]] = {2: {"hidden": True}, 3: {"stock": 0}, 4: {"price": None}}
    for item_no in range(1, 9):
        shop.put(item_no, "red cup", list_price=9.0, days_old=1, brand="Hill", **sides.get(item_no, {}))  # type: ignore[arg-type]
    shop.together({(7, item_no): 0.5 for item_no in range(1, 7)})
    shop.vectors({item_no: (1.0, float(item_no)) for item_no in range(1, 9)})
    shop.ratings({item_no: 3.0 if item_no == 7 else 1.0 if item_no == 8 else 2.0 for item_no in range(1, 9)})
    shop.tastes({NORTH: dict.fromkeys(range(1, 9), (0.1, 2.0))})
    shop.rising(dict.fromkeys(range(1, 9), (9.0, 10.0)))
    shop.own_source(*range(1, 9))
    shop.open()
    # Sources of discovery are to find the items from a look at the 7th, the others know them from the history.
    user = northerner(viewed(viewed(bought(UserFeatures(), 7, 30, 20), 8), 7, event_type=CART))
    user.search_texts.append("red cup")
    for item_no in range(1, 7) if source in {"buy_again", "recently_viewed"} else ():
        viewed(bought(user, item_no, 30, 20), item_no)
    shop.delete(5)
    found = set((await ask(shop, source, shop.query(user, excluded=[6]))).item_nos.tolist())
    assert 1 in found
    assert not {2, 3, 4, 5, 6} & found


@pytest.mark.parametrize("source", list(SOURCES))
async def test_every_source_bears_an_empty_shop_and_a_filter_that_leaves_nothing(shop: Shop, source: str) -> None:
    shop.open()
    user = northerner(viewed(bought(UserFeatures(), 4_000_000, 3), 9, event_type=CART))
    user.search_texts.append("thing")
    assert not len(await ask(shop, source, shop.query(user, vector=(1.0,))))
    shop.put(9)
    shop.put(10, list_price=3.0, days_old=1)
    shop.together({(9, 10): 0.5})
    shop.vectors({9: (1.0,), 10: (2.0,)})
    shop.ratings({9: 1.0, 10: 2.0})
    shop.tastes({NORTH: {9: (0.1, 2.0), 10: (0.1, 2.0)}})
    shop.own_source(9, 10)
    shop.open()
    nothing_left = shop.query(user, vector=(1.0,), item_filter=ItemFilter(brands=["none has it"]))
    assert not len(await ask(shop, source, nothing_left))


@pytest.fixture(scope="module")
def large_shop() -> Shop:
    shop = Shop()
    for item_no in range(1, 12_001):
        shop.put(item_no, list_price=2.0, days_old=1, brand="Hill")
    shop.together({(12_000, item_no): 0.5 for item_no in range(9_990, 10_011)})
    shop.vectors({item_no: (1.0, 1.0 / item_no) for item_no in range(1, 12_001)})
    shop.ratings({item_no: 1.0 + (item_no == 12_000) for item_no in range(9_900, 12_001)})
    shop.tastes({NORTH: dict.fromkeys(range(9990, 10011), (0.1, 2.0))})
    shop.rising(dict.fromkeys(range(9990, 10011), (9.0, 10.0)))
    shop.own_source(*range(9_990, 10_011))
    shop.open()
    return shop


@pytest.mark.parametrize("source", list(SOURCES))
async def test_every_source_bears_ten_thousand_exclusions(large_shop: Shop, source: str) -> None:
    user = northerner(viewed(viewed(bought(UserFeatures(), 10_500, 3), 12_000, 2), 12_000, event_type=CART))
    user.search_texts.append("thing")
    query = large_shop.query(user, excluded=range(1, 10_001), vector=(1.0, 1.0))
    found = (await ask(large_shop, source, query, quota=20)).item_nos
    assert len(found) > 0
    assert found.min() > 10_000


async def test_items_without_a_category_stand_in_lists_too(shop: Shop) -> None:
    shop.put(1, path=(), list_price=2.0, days_old=1)
    shop.open()
    for source in ("popular", "new_arrivals", "on_sale"):
        assert (await ask(shop, source, shop.query())).item_nos.tolist() == [1]
