import math

import numpy as np
import pytest

from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.item_text import item_tokens
from tests.support.training_shop import catalog_change
from vitrine.common.v1.attribute_pb2 import AttributeValue
from vitrine.features.v1.catalog_service_pb2 import CatalogChange
from vitrine.features.v1.feature_service_pb2 import ListItemStatisticsResponse
from vitrine.features.v1.item_pb2 import Item

DAY = 86_400_000


def statistics(item_nos: list[int], as_of_millis: int, **columns: list[float]) -> ListItemStatisticsResponse:
    count = len(item_nos)
    response = ListItemStatisticsResponse(item_nos=item_nos, as_of_millis=as_of_millis, version=9)
    for name in ("view", "favorite", "cart", "purchase", "buyer", "impression"):
        getattr(response, f"{name}_counts").extend([0] * count)
    for name in ("decayed_1d", "decayed_7d", "decayed_30d", "mean_prices"):
        getattr(response, name).extend(columns.get(name, [0.0] * count))
    for name in ("interval_counts", "mean_interval_days"):
        getattr(response, name).extend(columns.get(name, []))
    return response


def test_columns_grow_with_the_catalog_and_keep_what_they_had() -> None:
    items = ItemColumns()
    items.apply_catalog([catalog_change(3, price=4.0)])
    items.apply_catalog([catalog_change(5_000, price=9.0)])
    assert items.capacity > 5_000
    assert items.item_count == 2
    assert items.catalog_version == 5_000
    assert items.log_prices[[3, 5_000]] == pytest.approx([math.log1p(4.0), math.log1p(9.0)])
    assert items.known_item_nos().tolist() == [3, 5_000]


def test_unknown_numbers_have_the_defaults() -> None:
    items = ItemColumns()
    items.apply_catalog([catalog_change(1)])
    rows = items.rows(np.array([2, 4_000_000_000, 1], np.uint32))
    assert rows.tolist() == [2, 0, 1]
    assert items.best_log_prices(rows).tolist()[:2] == [-1.0, -1.0]
    assert items.category_nos[rows[1]].tolist() == [0, 0, 0]
    assert items.decayed(7, rows, DAY).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("price", [math.nan, math.inf, -math.inf, -1.0])
def test_a_price_that_is_no_amount_counts_as_none(price: float) -> None:
    items = ItemColumns()
    items.apply_catalog([catalog_change(1, price=price, list_price=price)])
    assert items.log_prices[1] == -1.0
    assert items.discounts[1] == 0.0


@pytest.mark.parametrize(
    ("path", "kept"),
    [([], [0, 0, 0]), ([7], [7, 0, 0]), ([7, 8], [7, 8, 0]), ([7, 8, 9], [7, 8, 9]), ([7, 8, 9, 10, 11], [7, 8, 11])],
)
def test_a_path_is_its_root_its_second_node_and_its_leaf(path: list[int], kept: list[int]) -> None:
    items = ItemColumns()
    items.apply_catalog([CatalogChange(version=1, item_no=1, item_id="a", item=Item(), category_nos=path)])
    assert items.category_nos[1].tolist() == kept


def test_a_deleted_item_is_no_longer_known() -> None:
    items = ItemColumns()
    items.apply_catalog([catalog_change(1), catalog_change(2)])
    items.apply_catalog([CatalogChange(version=3, item_no=1, item_id="item-1")])
    assert items.known_item_nos().tolist() == [2]


def test_decayed_counts_are_brought_to_the_time_of_the_query() -> None:
    items = ItemColumns()
    items.apply_statistics(statistics([1], as_of_millis=10 * DAY, decayed_7d=[8.0]))
    items.apply_statistics(statistics([2], as_of_millis=17 * DAY, decayed_7d=[8.0]))
    decayed = items.decayed(7, np.array([1, 2]), 17 * DAY)
    assert decayed == pytest.approx([4.0, 8.0])
    assert items.statistics_version == 9


def test_statistics_that_are_not_finite_count_as_nothing() -> None:
    items = ItemColumns()
    items.apply_statistics(statistics([1, 2], 0, decayed_30d=[math.nan, math.inf], mean_prices=[math.nan, 3.0]))
    assert items.decayed_30d[[1, 2]].tolist() == [0.0, 0.0]
    assert items.best_log_prices(np.array([1, 2])) == pytest.approx([-1.0, math.log1p(3.0)])


def test_the_mean_of_purchases_stands_in_for_a_price_that_is_missing() -> None:
    items = ItemColumns()
    items.apply_catalog([catalog_change(1, price=None), catalog_change(2, price=5.0)])
    items.apply_statistics(statistics([1, 2], 0, mean_prices=[2.0, 2.0]))
    assert items.best_log_prices(np.array([1, 2])) == pytest.approx([math.log1p(2.0), math.log1p(5.0)])


def test_number_zero_is_nobodys() -> None:
    items = ItemColumns()
    items.apply_catalog([CatalogChange(version=1, item_no=0, item_id="", brand_no=4, item=Item(price=3.0))])
    items.apply_statistics(statistics([0], 0, decayed_7d=[5.0]))
    assert items.brand_nos[0] == 0
    assert items.prices[0] == -1.0
    assert items.decayed_7d[0] == 0.0


def repurchases(items: ItemColumns, *leaves: int) -> list[list[float]]:
    """Intervals and their days of each leaf."""
    _, intervals, days = items.repurchases.of(np.array(leaves))
    return [[count, sum_] for count, sum_ in zip(intervals.tolist(), days.tolist(), strict=True)]


def in_leaf(item_no: int, leaf: int) -> CatalogChange:
    return CatalogChange(version=1, item_no=item_no, item_id=f"{item_no}", item=Item(), category_nos=[1, 2, leaf])


def test_a_leaf_sums_what_its_items_are_bought_again() -> None:
    items = ItemColumns()
    items.apply_catalog([in_leaf(1, 5), in_leaf(2, 5), in_leaf(3, 6)])
    told = statistics([1, 2, 3], 0, interval_counts=[2, 1, 4], mean_interval_days=[10.0, 4.0, 1.0])
    told.buyer_counts[:] = [2, 1, 4]
    for _ in range(2):  # told again, nothing changes
        items.apply_statistics(told)
        assert repurchases(items, 5, 6, 7, 4_000_000) == [[3.0, 24.0], [4.0, 4.0], [0.0, 0.0], [0.0, 0.0]]
    items.apply_catalog([in_leaf(2, 6)])
    assert repurchases(items, 5, 6) == [[2.0, 20.0], [5.0, 8.0]]
    items.apply_catalog([CatalogChange(version=2, item_no=3, item_id="3")])
    assert repurchases(items, 0, 6) == [[0.0, 0.0], [1.0, 4.0]]
    items.forget_statistics()
    assert repurchases(items, 5, 6) == [[0.0, 0.0], [0.0, 0.0]]


def test_statistics_of_the_version_before_know_no_intervals() -> None:
    items = ItemColumns()
    items.apply_catalog([in_leaf(1, 5)])
    items.apply_statistics(statistics([1], 0))
    assert items.interval_counts[1] == 0


@pytest.mark.parametrize("days", [math.nan, math.inf, -1.0])
def test_an_interval_that_is_no_time_counts_as_none(days: float) -> None:
    items = ItemColumns()
    items.apply_catalog([in_leaf(1, 5)])
    items.apply_statistics(statistics([1], 0, interval_counts=[1], mean_interval_days=[days]))
    assert repurchases(items, 5) == [[1.0, 0.0]]


def test_title_and_attributes_are_tokens_of_the_item_as_it_is_now() -> None:
    items = ItemColumns()
    assert not items.token_nos.any()
    attributes = {"color": AttributeValue(text="Red")}
    items.apply_catalog([catalog_change(1, title="Mug", attributes=attributes), catalog_change(5_000, title="煎茶")])
    assert items.token_nos[1].tolist() == item_tokens("mug", {"color": AttributeValue(text="red")})
    assert items.token_nos[5_000].tolist() == item_tokens("煎茶", {})
    before = items.content_marks[1]
    items.apply_catalog([catalog_change(1, title="Cup", attributes=attributes)])
    assert items.token_nos[1].tolist() == item_tokens("Cup", attributes)
    assert items.content_marks[1] != before
    items.apply_catalog([CatalogChange(version=9_000, item_no=1, item_id="item-1")])
    assert not items.token_nos[1].any()


def test_a_million_items_have_tokens_in_few_bytes() -> None:
    items = ItemColumns()
    assert items.token_nos.nbytes / items.capacity * 1_000_000 <= 100e6
