import math

import pytest

from services.homepage.cards.admission import Admission
from services.homepage.cards.card_renderer import fill_card_item
from services.homepage.cards.item_matching import matches
from services.homepage.reasons.columns import ReasonFact
from services.homepage.visitor_age import known_age
from tests.support.homepage_shop.shop import make_item
from vitrine.common.v1.attribute_pb2 import AttributeValue, TextList
from vitrine.common.v1.category_pb2 import CategoryPath
from vitrine.common.v1.item_filter_pb2 import AttributeFilter, ItemFilter
from vitrine.features.v1.item_pb2 import Item, ItemKind
from vitrine.homepage.v1 import page_pb2, reason_pb2

NOW = 1_700_000_000_000


def item(**fields: object) -> Item:
    base = Item(item_id="i", title="t", price=5.0, category_paths=[CategoryPath(names=["A", "B"])], brand="X")
    base.MergeFrom(Item(**fields))  # type: ignore[arg-type]
    return base


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({}, ""),
        ({"hidden": True}, "HIDDEN"),
        ({"stock": 0}, "OUT_OF_STOCK"),
        ({"stock": 1}, ""),
        ({"available_from_time": {"seconds": NOW // 1000}}, ""),
        ({"available_from_time": {"seconds": NOW // 1000 + 1}}, "NOT_YET_AVAILABLE"),
        ({"available_until_time": {"seconds": NOW // 1000}}, "NO_LONGER_AVAILABLE"),
        ({"minimum_age": 18}, "AGE_NOT_KNOWN"),
        ({"item_id": "left out"}, "EXCLUDED_BY_REQUEST"),
        ({"group_id": "g"}, "VARIANT_OF_THE_ITEM"),
        ({"brand": "Y"}, "FILTERED_BY_REQUEST"),
    ],
)
def test_the_last_check(fields: dict[str, object], refusal: str) -> None:
    admission = Admission(
        NOW,
        item_filter=ItemFilter(brands=["X"]),
        excluded_item_ids=frozenset({"left out"}),
        excluded_group_id="g",
    )
    assert admission.refusal(item(**fields)) == refusal


def test_age_and_price_at_the_last_check() -> None:
    assert Admission(NOW, 18).refusal(item(minimum_age=18)) == ""
    assert Admission(NOW, 17).refusal(item(minimum_age=18)) == "TOO_YOUNG"
    assert Admission(NOW).refusal(Item(item_id="i")) == "NO_PRICE"
    assert Admission(NOW).refusal(Item(item_id="i", kind=ItemKind.ITEM_KIND_VIDEO)) == ""


COLORS = AttributeValue(texts=TextList(values=["red", "blue"]))


@pytest.mark.parametrize(
    ("wanted", "passes"),
    [
        (ItemFilter(), True),
        (ItemFilter(minimum_price=5, maximum_price=5), True),
        (ItemFilter(minimum_price=5.01), False),
        (ItemFilter(maximum_price=4.99), False),
        (ItemFilter(categories=[CategoryPath(names=["A"])]), True),
        (ItemFilter(categories=[CategoryPath(names=["A", "B", "C"])]), False),
        (ItemFilter(categories=[CategoryPath(names=["B"]), CategoryPath(names=["A", "B"])]), True),
        (ItemFilter(kinds=["VIDEO", "PRODUCT"]), True),
        (ItemFilter(kinds=["VIDEO"]), False),
        (ItemFilter(creators=["c"]), False),
        (ItemFilter(attributes=[AttributeFilter(name="color", any_of=[AttributeValue(text="red")])]), True),
        (ItemFilter(attributes=[AttributeFilter(name="color", any_of=[AttributeValue(text="green")])]), False),
        (ItemFilter(attributes=[AttributeFilter(name="size", any_of=[AttributeValue(number=2)])]), True),
        (ItemFilter(attributes=[AttributeFilter(name="none", any_of=[AttributeValue(flag=True)])]), False),
        (ItemFilter(brands=["X"], kinds=["VIDEO"]), False),
    ],
)
def test_matching_joins_parts_by_and_values_by_or(wanted: ItemFilter, passes: bool) -> None:
    assert matches(item(attributes={"color": COLORS, "size": AttributeValue(number=2)}), wanted) is passes


def test_an_item_without_a_price_passes_no_price_range() -> None:
    assert not matches(Item(item_id="i"), ItemFilter(minimum_price=0))


def test_what_a_card_shows() -> None:
    shown = make_item(7, list_price=99.0, group_id="g")
    shown.badges.append("organic")
    shown.available_from_time.seconds = NOW // 1000 - 86_400
    card = page_pb2.CardItem()
    fill_card_item(card, shown, NOW)
    assert (card.item_id, card.group_id, card.price, card.list_price) == ("item-7", "g", shown.price, 99.0)
    assert list(card.badges) == ["organic", "sale", "new"]
    assert card.kind == "PRODUCT"
    assert card.category_path == shown.category_paths[0]


def test_badges_are_not_claimed_lightly() -> None:
    old = make_item(7, list_price=1.0)
    old.available_from_time.seconds = NOW // 1000 - 30 * 86_400
    card = page_pb2.CardItem()
    fact = ReasonFact(reason_pb2.REASON_KIND_NEW, 0, 0, "")
    fill_card_item(card, old, NOW, [fact])
    assert list(card.badges) == []
    card = page_pb2.CardItem()
    fill_card_item(card, Item(item_id="v", kind=ItemKind.ITEM_KIND_VIDEO), NOW, [fact])
    assert list(card.badges) == ["new"]
    assert not card.HasField("price")


@pytest.mark.parametrize(
    ("name", "value", "age"),
    [
        ("age_band", AttributeValue(text="25-34"), 25),
        ("age_band", AttributeValue(text="65+"), 65),
        ("age_band", AttributeValue(text="Under 18"), 0),
        ("age_band", AttributeValue(text="<18"), 0),
        ("age_band", AttributeValue(text="unknown"), None),
        ("age_band", AttributeValue(number=40), 40),
        ("age", AttributeValue(number=17.9), 17),
        ("age", AttributeValue(number=-3), None),
        ("age", AttributeValue(number=math.nan), None),
        ("gender", AttributeValue(text="25-34"), None),
    ],
)
def test_known_age(name: str, value: AttributeValue, age: int | None) -> None:
    assert known_age({name: value}) == age
