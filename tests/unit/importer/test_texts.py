import math

import numpy as np
import pandas as pd

from cli.importer.attribute_types import AttributeType
from cli.importer.attributes import AttributeMessages, clean_attribute, type_of
from cli.importer.categories import clean_categories
from cli.importer.number_text import Separator
from cli.importer.texts import clean_choices, clean_currencies, clean_flags, clean_ids, clean_lists, clean_texts
from cli.importer.units import SYMBOLS


def texts(*values: str | None) -> pd.Series:
    return pd.Series(values, dtype="str")


def things(*values: object) -> pd.Series:
    return pd.Series(values, dtype="object")


def test_ids_are_neither_trimmed_nor_folded_nor_taken_for_words() -> None:
    ids = ["007", " a ", "A", "NULL", "nan", "1e5", "cafe\u0301", "café"]
    assert clean_ids(texts(*ids, None)).values == [*ids, None]


def test_numbers_as_ids_have_no_decimal_point() -> None:
    assert clean_ids(pd.Series([7, 8])).values == ["7", "8"]
    assert clean_ids(pd.Series([7.0, math.nan])).values == ["7", None]
    assert clean_ids(things(2**53 + 1, "x", None)).values == [str(2**53 + 1), "x", None]


def test_texts_are_trimmed_and_words_for_nothing_are_missing() -> None:
    cleaned = clean_texts(texts(" Tea ", "NULL", "\\N", "NaN", " ", "None of these", None))
    assert cleaned.values == ["Tea", None, None, None, None, "None of these", None]


def test_a_list_where_a_text_belongs_is_rejected() -> None:
    cleaned = clean_texts(things("a", ["b"]))
    assert cleaned.values == ["a", None]
    assert [(fault.row, fault.reason) for fault in cleaned.faults] == [(1, "NOT_A_TEXT")]


def test_flags() -> None:
    cleaned = clean_flags(texts("Yes", "0", "TRUE", None, "perhaps"))
    assert cleaned.values == [True, False, True, None, None]
    assert [(fault.row, fault.reason) for fault in cleaned.faults] == [(4, "FLAG_UNKNOWN")]
    assert clean_flags(pd.Series([True, False])).values == [True, False]
    assert clean_flags(things(1, False, None)).values == [True, False, None]


def test_choices_are_compared_without_case_and_marks() -> None:
    cleaned = clean_choices(texts("Add to cart", "addToCart", "ADD_TO_CART", "steal"), {"add_to_cart": 5})
    assert cleaned.values == [5, 5, 5, None]
    assert "add_to_cart" in cleaned.faults[0].remedy


def test_currencies_are_in_capitals() -> None:
    cleaned = clean_currencies(texts("eur", "$", "US dollars", None), SYMBOLS)
    assert cleaned.values == ["EUR", "USD", None, None]
    assert [fault.reason for fault in cleaned.faults] == ["CURRENCY_UNKNOWN"]


def test_lists_come_as_text_or_as_they_are() -> None:
    assert clean_lists(texts("new| organic ||", None), "|").values == [["new", "organic"], None]
    assert clean_lists(things(["a", None], np.array(["b"]), []), "|").values == [["a"], ["b"], None]


def test_a_category_in_one_column() -> None:
    cleaned = clean_categories([texts("Food > Cheese>Blue", "Food|Gifts > Food", " > ", None)], " > ", "|")
    assert cleaned.values == [(("Food", "Cheese", "Blue"),), (("Food",), ("Gifts", "Food")), None, None]
    assert clean_categories([texts("a/b")], "/", "|").values == [(("a", "b"),)]


def test_a_category_in_several_columns() -> None:
    levels = [texts("Food", "Food", None), texts("Beers/Ales", None, None), texts("A > B", "x", None)]
    assert clean_categories(levels, " > ", "|").values == [(("Food", "Beers/Ales", "A > B"),), (("Food", "x"),), None]


def test_a_category_as_a_list() -> None:
    cleaned = clean_categories([things(["A", "B"], [["A"], ["B", "C"]], [1], np.array(["A"]), [])], " > ", "|")
    assert cleaned.values == [(("A", "B"),), (("A",), ("B", "C")), None, (("A",),), None]
    assert [(fault.row, fault.reason) for fault in cleaned.faults] == [(2, "CATEGORY_UNREADABLE")]


def test_what_an_attribute_is() -> None:
    assert type_of("color", texts("red"), None) is AttributeType.TEXT
    assert type_of("size", texts("42"), None) is AttributeType.TEXT
    assert type_of("weight_g", texts("42"), None) is AttributeType.NUMBER
    assert type_of("size", pd.Series([1.5]), None) is AttributeType.NUMBER
    assert type_of("organic", pd.Series([True]), None) is AttributeType.FLAG
    assert type_of("organic", things(None, True), None) is AttributeType.FLAG
    assert type_of("tags", things(None, ["a"]), None) is AttributeType.TEXTS
    assert type_of("weight_g", texts("42"), AttributeType.TEXT) is AttributeType.TEXT


def test_an_attribute_that_is_named_with_a_unit_is_in_it() -> None:
    cleaned = clean_attribute("weight_g", texts("1,5 kg", "20 g", "7"), AttributeType.NUMBER, Separator.COMMA, "|")
    assert cleaned.values == [1500.0, 20.0, 7.0]


def test_attributes_become_messages_of_their_types() -> None:
    messages = AttributeMessages()
    assert messages.of("1").text == "1"
    assert messages.of(True).flag is True
    assert messages.of(1.0).number == 1.0
    assert list(messages.of(["a"]).texts.values) == ["a"]
