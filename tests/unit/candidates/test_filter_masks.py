import numpy as np
import pytest

from services.candidates.catalog.filter_masks import FilterMasks
from tests.support.candidates_shop import Shop
from vitrine.common.v1.attribute_pb2 import AttributeValue, TextList
from vitrine.common.v1.category_pb2 import CategoryPath
from vitrine.common.v1.item_filter_pb2 import AttributeFilter, ItemFilter
from vitrine.features.v1.item_pb2 import ItemKind


def path(*names: str) -> CategoryPath:
    return CategoryPath(names=names)


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.put(1, path=("food", "bread"), price=2.0, brand="Hill", attributes={"size": AttributeValue(text="1")})
    shop.put(2, path=("food", "fish"), price=9.99, brand="hill", attributes={"size": AttributeValue(number=1)})
    shop.put(3, path=("toys",), price=5.0, attributes={"color": AttributeValue(texts=TextList(values=["red", "blue"]))})
    shop.put(4, path=("toys", "food"), price=None, kind=ItemKind.ITEM_KIND_VIDEO, creator_id="é")
    shop.put(5, path=("food", "bread"), price=2.0, hidden=True)
    return shop


@pytest.mark.parametrize(
    ("item_filter", "expected"),
    [
        (ItemFilter(), {1, 2, 3, 4}),
        (ItemFilter(categories=[path("food")]), {1, 2}),
        (ItemFilter(categories=[path("food", "bread"), path("toys", "food")]), {1, 4}),
        (ItemFilter(categories=[path("fo")]), set()),
        (ItemFilter(minimum_price=5.0), {2, 3}),
        (ItemFilter(maximum_price=9.99), {1, 2, 3}),
        (ItemFilter(minimum_price=2.0, maximum_price=2.0), {1}),
        (ItemFilter(brands=["Hill"]), {1}),
        (ItemFilter(brands=["Hill", "hill", "none"]), {1, 2}),
        (ItemFilter(kinds=["VIDEO"]), {4}),
        (ItemFilter(kinds=["PRODUCT"]), {1, 2, 3}),
        (ItemFilter(kinds=["nonsense"]), set()),
        (ItemFilter(creators=["é"]), {4}),
        (ItemFilter(creators=["e\u0301"]), set()),
        (ItemFilter(attributes=[AttributeFilter(name="size", any_of=[AttributeValue(text="1")])]), {1}),
        (ItemFilter(attributes=[AttributeFilter(name="size", any_of=[AttributeValue(number=1)])]), {2}),
        (ItemFilter(attributes=[AttributeFilter(name="color", any_of=[AttributeValue(text="blue")])]), {3}),
        (ItemFilter(attributes=[AttributeFilter(name="color")]), {1, 2, 3, 4}),
        (ItemFilter(attributes=[AttributeFilter(name="weight", any_of=[AttributeValue(flag=True)])]), set()),
        (ItemFilter(categories=[path("food")], maximum_price=3.0), {1}),
    ],
)
def test_a_filter_passes_what_it_says(shop: Shop, item_filter: ItemFilter, expected: set[int]) -> None:
    assert set(np.flatnonzero(FilterMasks(shop.inputs.columns).mask(item_filter).allowed).tolist()) == expected


def test_a_kept_mask_follows_the_catalog(shop: Shop) -> None:
    masks, food = FilterMasks(shop.inputs.columns), ItemFilter(categories=[path("food")])
    assert masks.mask(food) is masks.mask(food)
    shop.put(1, path=("bakery",))
    assert np.flatnonzero(masks.mask(food).allowed).tolist() == [2]
    shop.put(6, path=("food", "nuts"))
    shop.delete(2)
    assert np.flatnonzero(masks.mask(food).allowed).tolist() == [6]


def test_a_renamed_category_answers_to_its_new_name_alone(shop: Shop) -> None:
    for item_no in (1, 2):
        shop.put(item_no, path=("grocery", "bread"))
    masks = FilterMasks(shop.inputs.columns)
    assert not masks.mask(ItemFilter(categories=[path("food")])).allowed.any()
    assert np.flatnonzero(masks.mask(ItemFilter(categories=[path("grocery")])).allowed).tolist() == [1, 2]


def test_an_item_in_two_categories_is_found_in_both() -> None:
    shop = Shop()
    shop.put(1, path=("a",))
    change = shop.change(2, shop.change(1).item)
    change.item.price = 1.0
    change.item.category_paths.extend([path("a", "b"), path("c")])
    shop.inputs.columns.apply(change)
    masks = FilterMasks(shop.inputs.columns)
    assert np.flatnonzero(masks.mask(ItemFilter(categories=[path("c")])).allowed).tolist() == [2]
    assert np.flatnonzero(masks.mask(ItemFilter(categories=[path("a")])).allowed).tolist() == [1, 2]


def test_attributes_go_when_the_item_loses_them(shop: Shop) -> None:
    sized = ItemFilter(attributes=[AttributeFilter(name="size", any_of=[AttributeValue(text="1")])])
    shop.put(1, path=("food",))
    assert not FilterMasks(shop.inputs.columns).mask(sized).allowed.any()
