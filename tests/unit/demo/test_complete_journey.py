from typing import Any

import pandas as pd
import pytest

from demo.complete_journey import shop_from

NOW = pd.Timestamp("2026-11-25T12:00:00Z")


def products(**columns: list[Any]) -> pd.DataFrame:
    table = {
        "product_id": [1, 2, 3, 4],
        "manufacturer_id": [69, 69, 7, 8],
        "department": ["GROCERY", "GROCERY", "FUEL", "SPIRITS"],
        "brand": ["Private", "Private", "National", "National"],
        "product_category": ["CHEESE", "CHEESE", None, "LIQUOR"],
        "product_type": ["SHREDDED", "SHREDDED", None, "GIN"],
        "package_size": ["8 OZ", "8 OZ", None, None],
    }
    return pd.DataFrame(table | columns)


def lines(*rows: tuple[int, int, int, int, float, float, str]) -> pd.DataFrame:
    columns = ["household_id", "basket_id", "product_id", "quantity", "sales_value", "retail_disc", "time"]
    table = pd.DataFrame(list(rows), columns=columns)
    table["coupon_match_disc"] = 0.0
    table["transaction_timestamp"] = pd.to_datetime(table.pop("time"))
    return table


def households() -> pd.DataFrame:
    words = ["age", "income", "home_ownership", "marital_status", "household_size", "household_comp", "kids_count"]
    return pd.DataFrame({"household_id": [100], **{word: ["x"] for word in words}})


LINES = lines(
    (100, 10, 1, 2, 4.0, 1.0, "2017-12-01T10:00:00"),
    (100, 10, 1, 1, 2.0, 0.5, "2017-12-01T10:00:00"),
    (100, 10, 2, 1, 2.0, 0.0, "2017-12-01T10:00:00"),
    (100, 10, 3, 10, 20.0, 0.0, "2017-12-01T10:00:00"),
    (999, 11, 2, 1, 2.0, 0.0, "2017-12-02T10:00:00"),
    (100, 12, 2, 1, 3.0, 0.0, "2017-12-20T10:00:00"),
    (100, 13, 1, 0, 0.0, 0.0, "2018-01-01T04:00:00"),
    (100, 14, 1, 1, 2.0, 0.0, "2017-12-31T10:00:00"),
)


def test_what_is_held_out_begins_in_the_last_week_and_on_its_own_weekday() -> None:
    shop = shop_from(products(), LINES, households(), NOW)
    assert list(shop.held_out.order_id) == ["12", "14"]
    assert NOW - pd.Timedelta(days=7) <= shop.held_out.event_time.min() - pd.Timedelta(days=3) <= NOW
    assert shop.events.event_time.iloc[0].day_name() == pd.Timestamp("2017-12-01").day_name()


def test_lines_of_one_product_in_one_basket_are_one_purchase() -> None:
    shop = shop_from(products(), LINES, households(), NOW)
    bought = shop.events.set_index("item_id")
    assert bought.loc["1", "quantity"] == 3
    assert bought.loc["1", "unit_price"] == pytest.approx(2.0)
    assert shop.events.event_id.is_unique


def test_households_without_description_and_hidden_departments_stay_out() -> None:
    shop = shop_from(products(), LINES, households(), NOW)
    assert set(shop.events.user_id) == {"100"}
    assert "3" not in set(shop.events.item_id)
    assert list(shop.items[shop.items.hidden].item_id) == ["3"]


def test_prices_know_nothing_of_what_is_held_out() -> None:
    items = shop_from(products(), LINES, households(), NOW).items.set_index("item_id")
    assert items.loc["2", "price"] == pytest.approx(2.0)
    assert items.loc["1", "list_price"] == pytest.approx(2.5)
    assert items.price.isna().to_dict()["4"]


def test_products_that_look_the_same_are_variants_and_alcohol_has_an_age() -> None:
    items = shop_from(products(), LINES, households(), NOW).items.set_index("item_id")
    groups = items.group_id.to_dict()
    assert groups["1"] == groups["2"] != groups["4"]
    assert items.loc["4", "minimum_age"] == 21
    assert items.loc["1", "title"] == "Shredded, 8 oz"
    assert items.loc["3", "title"] == "Fuel"
