import numpy as np
import pytest

from services.candidates.similar import similar_items
from tests.support.candidates_shop import Shop


async def test_the_greater_similarity_counts_and_variants_stay_out() -> None:
    shop = Shop()
    shop.put(1, "red cup large", ("kitchen",), group_no=50)
    shop.put(2, "red cup small", ("kitchen",), group_no=50)
    shop.put(3, "red cup", ("kitchen",))
    shop.put(4, "hose", ("garden",), price=50.0)
    shop.put(5, "red cup hidden", ("kitchen",), hidden=True)
    shop.put(6, "blue cup", ("kitchen",))
    shop.neighbors({(1, 4): 0.9, (1, 3): 0.01, (1, 5): 0.9, (1, 1): 1.0})
    shop.open()
    similar = await similar_items(shop.inputs, 1, shop.query(excluded=[6]).eligibility, 10)
    assert similar.item_nos.tolist() == [4, 3]
    assert similar.by_content.tolist() == [False, True]
    assert similar.scores[0] == pytest.approx(0.9)
    assert (similar.scores > 0).all()
    assert (similar.scores <= 1).all()


async def test_an_item_alone_is_like_nothing() -> None:
    shop = Shop()
    shop.put(1, "cup")
    shop.open()
    similar = await similar_items(shop.inputs, 1, shop.query().eligibility, 10)
    assert len(similar.item_nos) == 0
    assert np.asarray(similar.scores).dtype == np.float32
