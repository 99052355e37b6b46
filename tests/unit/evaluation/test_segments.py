from datetime import UTC, datetime, timedelta

import numpy as np

from cli.evaluation.segments import SMALLEST, segments_of
from cli.evaluation.shop_view import ShopView
from services.ranker.training.shop.catalog import TrainingCatalog
from vitrine.features.v1.catalog_service_pb2 import CatalogChange
from vitrine.features.v1.user_features_pb2 import UserFeatures

BEGIN = datetime(2026, 5, 4, tzinfo=UTC)
OLD, FRESH, UNSOLD = 1, 2, 3


def a_shop(counts: list[int], attributes: dict[str, list[str]] | None = None) -> ShopView:
    """Users "0", "1", … who bought so much before, with a text for each attribute."""
    catalog = TrainingCatalog()
    for item_no, age in ((OLD, 300), (FRESH, 3), (UNSOLD, 300)):
        change = CatalogChange(version=item_no, item_no=item_no, item_id=f"item {item_no}")
        change.item.price = 1.0
        change.create_time.FromDatetime(BEGIN - timedelta(days=age))
        catalog.apply([change])
    catalog.items.set_statistics(np.array([OLD, FRESH]), 0, {"buyer_counts": [5, 1]})
    users = {}
    for number, count in enumerate(counts):
        user = users[str(number)] = UserFeatures()
        if count:
            user.counters.item_nos.append(OLD)
            user.counters.purchase_counts.append(count)
        for name, texts in (attributes or {}).items():
            user.attributes[name].text = texts[number % len(texts)]
    return ShopView(catalog, users)


def sizes(shop: ShopView, basket: frozenset[int]) -> dict[tuple[str, str], int]:
    found = segments_of(shop, dict.fromkeys(shop.users, basket), BEGIN)
    return {(segment.kind, segment.name): len(segment.baskets) for segment in found}


def test_users_are_new_light_or_heavy_by_what_they_bought_before() -> None:
    shop = a_shop([0] * 20 + [1] * 15 + [2] * 15 + [7] * 25)
    assert sizes(shop, frozenset({OLD})) == {
        ("history", "new users"): 20,
        ("history", "light users"): 30,
        ("history", "heavy users"): 25,
    }


def test_of_baskets_with_new_items_those_alone_are_looked_for() -> None:
    shop = a_shop([1] * SMALLEST)
    segments = segments_of(shop, dict.fromkeys(shop.users, frozenset({OLD, FRESH, UNSOLD, -1})), BEGIN)
    (fresh,) = [segment for segment in segments if segment.kind == "items"]
    assert set(fresh.baskets.values()) == {frozenset({FRESH, UNSOLD})}


def test_groups_come_from_the_users_attributes_and_small_ones_are_left_out() -> None:
    texts = ["18-24"] * (SMALLEST - 1) + ["65+"] * SMALLEST + [""]
    shop = a_shop([1] * len(texts), {"age_band": texts})
    assert sizes(shop, frozenset({OLD})).keys() == {("history", "light users"), ("age_band", "65+")}


def test_attributes_that_are_no_text_make_no_group() -> None:
    shop = a_shop([1] * SMALLEST)
    for user in shop.users.values():
        user.attributes["height"].number = 1.8
    assert {kind for kind, _ in sizes(shop, frozenset({OLD}))} == {"history"}
