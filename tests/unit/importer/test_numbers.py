import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.importer.number_text import NotANumberError, Separator, read_number, separator_in
from cli.importer.numbers import clean_money, clean_numbers, separator_of
from cli.importer.units import fraction_factor, quantity_factor, unit_factor


def texts(*values: str | None) -> pd.Series:
    return pd.Series(values, dtype="str", name="price")


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("1.299,00 €", 1299.0, "€"),
        ("1,299.00", 1299.0, ""),
        ("$5", 5.0, "$"),
        ("5 USD", 5.0, "USD"),
        ("EUR 5,50", 5.5, "EUR"),
        ("-$1,234.5", -1234.5, "$"),
        ("$-3", -3.0, "$"),
        ("\u22127", -7.0, ""),
        ("1'299.50", 1299.5, ""),
        ("1\u202f299,5", 1299.5, ""),
        ("1 234 567", 1234567.0, ""),
        ("1.234.567", 1234567.0, ""),
        ("12,34,567.5", 1234567.5, ""),
        ("1e-3", 0.001, ""),
        (".5", 0.5, ""),
        ("5.", 5.0, ""),
        ("5,- €", 5.0, "€"),
        ("0,125", 0.125, ""),
        ("12345.678", 12345.678, ""),
        ("500 g", 500.0, "g"),
    ],
)
def test_a_number_that_speaks_for_itself(text: str, value: float, unit: str) -> None:
    number = read_number(text, Separator.UNKNOWN)
    assert number.value == pytest.approx(value)
    assert number.unit == unit


@pytest.mark.parametrize(
    "text", ["", "x", "1.2.3,4,5", "1,29.50", "--5", "5 6 7 8", "1..2", "$5 USD", "0x10", "1_000", "five"]
)
def test_a_text_that_is_no_number(text: str) -> None:
    with pytest.raises(NotANumberError) as caught:
        read_number(text, Separator.POINT)
    assert caught.value.reason == "NUMBER_UNREADABLE"


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_every_float_as_a_program_writes_it_is_read_back(value: float) -> None:
    assert read_number(repr(value), Separator.POINT).value == value


@given(st.decimals(min_value=0, max_value=10**9, places=2))
def test_german_and_english_forms_are_the_same_number(value: object) -> None:
    english = f"{value:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert read_number(english, Separator.UNKNOWN).value == read_number(german, Separator.UNKNOWN).value


@pytest.mark.parametrize("text", ["1.299", "1,299", "12.000"])
def test_three_digits_behind_a_separator_are_either(text: str) -> None:
    assert separator_in(text) is Separator.UNKNOWN


def test_the_column_decides_what_a_number_alone_does_not() -> None:
    german = texts("1.299", "5,50", None)
    assert separator_of(german) is Separator.COMMA
    assert clean_numbers(german, Separator.COMMA).values == [1299.0, 5.5, None]
    english = texts("1,299", "5.50")
    assert separator_of(english) is Separator.POINT
    assert clean_numbers(english, Separator.POINT).values == [1299.0, 5.5]


def test_a_column_that_contradicts_itself_rejects_what_is_not_clear() -> None:
    column = texts("1.299", "5,50", "5.50")
    assert separator_of(column) is Separator.UNKNOWN
    cleaned = clean_numbers(column, Separator.UNKNOWN)
    assert cleaned.values == [None, 5.5, 5.5]
    assert [(fault.row, fault.reason) for fault in cleaned.faults] == [(0, "NUMBER_AMBIGUOUS")]


def test_a_separator_that_was_said_is_kept_to() -> None:
    cleaned = clean_numbers(texts("5,50", "5.50"), Separator.COMMA)
    assert cleaned.values == [5.5, None]


@pytest.mark.parametrize("word", ["NaN", "nan", "N/A", "null", "None", "-", " "])
def test_words_for_nothing_are_missing_numbers(word: str) -> None:
    cleaned = clean_numbers(texts(word), Separator.POINT)
    assert cleaned.values == [None]
    assert not cleaned.faults


def test_infinity_is_rejected() -> None:
    for column in (texts("inf", "1"), pd.Series([math.inf, 1.0])):
        cleaned = clean_numbers(column, Separator.POINT)
        assert cleaned.values == [None, 1.0]
        assert [fault.reason for fault in cleaned.faults] == ["NOT_FINITE"]


def test_typed_columns_pass_and_nan_is_missing() -> None:
    assert clean_numbers(pd.Series([1.5, math.nan]), Separator.POINT).values == [1.5, None]
    assert clean_numbers(pd.Series([1, None, "2,5"], dtype="object"), Separator.COMMA).values == [1.0, None, 2.5]
    assert clean_numbers(pd.Series([[1]], dtype="object"), Separator.POINT).faults[0].reason == "NUMBER_UNREADABLE"


def test_whole_numbers_are_whole() -> None:
    cleaned = clean_numbers(texts("3", "4.0", "1.5"), Separator.POINT, whole=True)
    assert cleaned.values == [3, 4, None]
    assert [fault.reason for fault in cleaned.faults] == ["NOT_WHOLE"]
    assert isinstance(cleaned.values[1], int)


def test_currencies_are_told_apart_from_amounts() -> None:
    money = clean_money(texts("5 €", "$5", "5 chf", "5", "5 apples"), Separator.POINT)
    assert money.amounts.values == [5.0, 5.0, 5.0, 5.0, None]
    assert money.currencies == ["EUR", "USD", "CHF", "", ""]
    assert [fault.reason for fault in money.amounts.faults] == ["CURRENCY_UNKNOWN"]


def test_units_are_brought_to_one() -> None:
    assert clean_numbers(texts("500 g", "0.5 kg", "3 pcs", "2x"), Separator.POINT, quantity_factor).values == [
        0.5,
        0.5,
        3.0,
        2.0,
    ]
    grams = clean_numbers(texts("1.5 kg", "20", "3 l"), Separator.POINT, lambda unit: unit_factor(unit, "g"))
    assert grams.values == [1500.0, 20.0, None]
    assert [fault.reason for fault in grams.faults] == ["UNIT_UNKNOWN"]
    assert clean_numbers(texts("85 %", "0.5"), Separator.POINT, fraction_factor).values == [0.85, 0.5]
