import pytest

from services.ranker.inputs.item_text import FIRST_WORDS, TOKEN_BUCKETS, TOKEN_SLOTS, item_text, item_tokens
from vitrine.common.v1.attribute_pb2 import AttributeValue, TextList


def color(text: str) -> dict[str, AttributeValue]:
    return {"color": AttributeValue(text=text)}


def test_tokens_are_the_same_for_ever() -> None:
    # A model that was trained yesterday knows these numbers.
    assert item_tokens("Crème brûlée 45ml", color("Red"))[:7] == [10324, 23266, 17589, 1724, 31397, 17618, 11977]
    assert item_tokens("煎茶", {})[:4] == [22592, 20436, 28900, 22592]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Crème Brûlée", "CREME BRULEE"),
        ("Cr\u00e8me", "Cre\u0300me"),
        ("\uff34\uff25\uff21", "tea"),
        ("Straße", "STRASSE"),
        ("tea, green!", "tea green"),
    ],
)
def test_case_accents_and_forms_of_characters_make_no_difference(one: str, other: str) -> None:
    assert item_tokens(one, {}) == item_tokens(other, {})


@pytest.mark.parametrize(
    "title",
    ["Tea", "煎茶セット", "วันดี", "🎉", "🎉🍰", "x" * 256, "é" * 128, "a b c " * 40, "-", "1", "茶"],
)
def test_any_title_fills_all_slots_with_tokens(title: str) -> None:
    tokens = item_tokens(title, {})
    assert len(tokens) == TOKEN_SLOTS
    assert all(1 <= token < TOKEN_BUCKETS for token in tokens)


@pytest.mark.parametrize("title", ["", "   ", "\u3000", "\u0301"])
def test_no_text_is_no_token(title: str) -> None:
    assert item_tokens(title, {}) == [0] * TOKEN_SLOTS
    assert item_tokens(title, {"color": AttributeValue()}) == [0] * TOKEN_SLOTS


def test_attributes_alone_are_text_enough() -> None:
    assert set(item_tokens("", color("red"))) == {item_tokens("", color("RED"))[0]}
    assert set(item_tokens("", color("red"))).isdisjoint(item_tokens("red", {}))
    assert set(item_tokens("", color("red"))).isdisjoint(item_tokens("", {"shade": AttributeValue(text="red")}))


def test_few_tokens_repeat_from_the_first_on() -> None:
    first = item_tokens("", color("red"))[0]
    second = item_tokens("", color("blue"))[0]
    both = item_tokens("", {"color": AttributeValue(texts=TextList(values=["red", "blue"]))})
    assert both == [first, second] * (TOKEN_SLOTS // 2)


def test_a_title_of_many_words_leaves_room_for_attributes() -> None:
    title = " ".join(f"word{number}" for number in range(170))
    tokens = item_tokens(title, color("red"))
    assert tokens[FIRST_WORDS] == item_tokens("", color("red"))[0]
    assert tokens[0] == item_tokens("word0", {})[0]


def test_many_attributes_are_cut() -> None:
    values = AttributeValue(texts=TextList(values=[f"value {number}" for number in range(100)]))
    tokens = item_tokens("Mug", {f"name-{number}": values for number in range(64)})
    assert len(set(tokens)) == TOKEN_SLOTS
    assert tokens[0] == item_tokens("Mug", {})[0]


def test_words_that_are_alike_share_parts() -> None:
    shared = set(item_tokens("strawberries", {})) & set(item_tokens("strawberry", {}))
    assert len(shared) >= 6
    assert not set(item_tokens("strawberry", {})) & set(item_tokens("kimono", {}))


def test_a_title_in_a_script_without_spaces_has_pairs_and_characters() -> None:
    assert set(item_tokens("煎茶", {})) & set(item_tokens("茶煎", {}))
    assert set(item_tokens("抹茶ラテ", {})) & set(item_tokens("煎茶", {}))


def test_the_title_stands_before_the_attributes_that_are_words() -> None:
    attributes = {
        "material": AttributeValue(texts=TextList(values=["oak", "steel"])),
        "color": AttributeValue(text="grey"),
        "seats": AttributeValue(number=3),
        "new": AttributeValue(flag=True),
        "unknown": AttributeValue(),
    }
    assert item_text(" Sofa ", attributes) == "Sofa. color: grey, material: oak, steel"
    assert item_text("", attributes) == "color: grey, material: oak, steel"
    assert item_text("  ", {}) == ""
