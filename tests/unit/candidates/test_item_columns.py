import numpy as np
import pytest

from services.candidates.catalog.term_column import TermColumn
from services.common.item_state import HAS_PRICE, HIDDEN, IN_CATALOG, IN_STOCK, REDUCED
from tests.support.candidates_shop import Shop
from vitrine.features.v1.item_pb2 import ItemKind


@pytest.mark.parametrize(
    ("fields", "flags", "eligible"),
    [
        ({}, IN_CATALOG | IN_STOCK | HAS_PRICE, True),
        ({"price": None}, IN_CATALOG | IN_STOCK, False),
        ({"price": 0.0}, IN_CATALOG | IN_STOCK | HAS_PRICE, True),
        ({"price": None, "kind": ItemKind.ITEM_KIND_POST}, IN_CATALOG | IN_STOCK | HAS_PRICE, True),
        ({"hidden": True}, IN_CATALOG | IN_STOCK | HAS_PRICE | HIDDEN, False),
        ({"stock": 0}, IN_CATALOG | HAS_PRICE, False),
        ({"stock": 3}, IN_CATALOG | IN_STOCK | HAS_PRICE, True),
        ({"list_price": 2.0}, IN_CATALOG | IN_STOCK | HAS_PRICE | REDUCED, True),
        ({"list_price": 1.0}, IN_CATALOG | IN_STOCK | HAS_PRICE, True),
    ],
)
def test_flags_say_what_may_be_shown(fields: dict[str, object], flags: int, eligible: bool) -> None:
    shop = Shop()
    shop.put(1, **fields)  # type: ignore[arg-type]
    columns = shop.inputs.columns
    assert columns.flags[1] == flags
    assert bool(columns.eligible.allowed[1]) is eligible
    assert columns.eligible_count == int(eligible)


def test_counts_follow_changes_and_deletions() -> None:
    shop = Shop()
    columns = shop.inputs.columns
    shop.put(1)
    shop.put(5_000)  # beyond the first capacity
    shop.put(1, hidden=True)
    assert (columns.item_count, columns.eligible_count) == (2, 1)
    assert columns.item_no_of("item-5000") == 5_000
    shop.delete(5_000)
    shop.delete(5_000)
    assert (columns.item_count, columns.eligible_count) == (1, 0)
    assert columns.item_no_of("item-5000") == 0
    shop.put(5_000)
    assert (columns.item_count, columns.eligible_count) == (2, 1)
    assert columns.item_no_of("nobody") == 0


def test_a_deep_category_keeps_its_root_and_its_end() -> None:
    shop = Shop()
    shop.put(1, path=("a", "b", "c", "d", "e", "f"))
    shop.put(2, path=("a",))
    assert shop.inputs.columns.category_nos[1].tolist() == [1, 4, 5, 6]
    assert shop.inputs.columns.category_nos[2].tolist() == [1, 0, 0, 0]


def test_a_property_that_keeps_changing_does_not_leak() -> None:
    column: TermColumn[str] = TermColumn(lambda value: (value,))
    for number in range(1_000):
        column.set(7, str(number))
    assert column.any_of(["999"], np.arange(8)).tolist() == [False] * 7 + [True]
    assert not column.any_of([str(number) for number in range(999)], np.arange(8)).any()
    assert column.distinct_count == 1
    column.set(7, None)
    assert column.distinct_count == 0
