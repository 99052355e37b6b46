import numpy as np
import pytest

from services.candidates.bought_with import BoughtWith, bought_with
from tests.support.candidates_shop import Shop


def asked(shop: Shop, *basket: int, limit: int = 10) -> BoughtWith:
    return bought_with(shop.inputs, np.array(basket, np.uint32), shop.query().eligibility, limit)


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    for item_no in range(1, 9):
        shop.put(item_no)
    shop.put(5, hidden=True)
    shop.put(6, group_no=1)
    shop.neighbors(
        {(1, 3): np.log(2), (2, 3): np.log(8), (1, 2): 9.0, (1, 4): np.log(4), (1, 5): 5.0, (2, 6): 5.0},
        shop.inputs.bought_together,
    )
    shop.open()
    return shop


def test_the_best_lift_with_any_item_counts(shop: Shop) -> None:
    found = asked(shop, 1, 2)
    assert found.item_nos.tolist() == [3, 4]  # 2 is in the basket, 5 is hidden, 6 is a variant of 1
    assert found.lifts == pytest.approx([8.0, 4.0])
    assert found.with_item_nos.tolist() == [2, 1]
    assert found.buyers.tolist() == [5, 5]
    assert asked(shop, 1, 2, limit=1).item_nos.tolist() == [3]


def test_what_nobody_bought_has_nothing_bought_with_it(shop: Shop) -> None:
    assert len(asked(shop, 7).item_nos) == 0
    shop.inputs.bought_together.value = None
    assert len(asked(shop, 1).item_nos) == 0
