import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.errors import InvalidArgumentError
from services.common.validation import Violations, check_batch, identifier_fault


@pytest.mark.parametrize(
    "value",
    [
        "a",
        "A",
        " ",
        "  x ",
        "a/b;c,d|e",
        "🛍️",
        "é",
        "e\u0301",
        "x" * 256,
        "ü" * 128,
        "🛍" * 64,
        "\u200b",
        "\ufeffid",
        "../..",
    ],
)
def test_ids_are_opaque(value: str) -> None:
    assert identifier_fault(value) is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "ID_EMPTY"),
        ("x" * 257, "ID_TOO_LONG"),
        ("ü" * 129, "ID_TOO_LONG"),
        ("🛍" * 65, "ID_TOO_LONG"),
        ("a\nb", "ID_CONTROL_CHARACTER"),
        ("\x00", "ID_CONTROL_CHARACTER"),
        ("a\x7f", "ID_CONTROL_CHARACTER"),
        ("a\x85", "ID_CONTROL_CHARACTER"),
        ("x" * 255 + "\t", "ID_CONTROL_CHARACTER"),
        ("\ud800", "ID_NOT_UTF8"),
    ],
)
def test_what_is_no_id_says_why_and_what_to_do(value: str, reason: str) -> None:
    fault = identifier_fault(value)
    assert fault is not None
    assert fault[0] == reason
    assert "; send " in fault[1]


@given(st.text(max_size=300))
def test_an_id_is_1_to_256_bytes_without_control_characters(value: str) -> None:
    try:
        length = len(value.encode())
    except UnicodeEncodeError:
        length = 0
    is_id = 1 <= length <= 256 and not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in value)
    assert (identifier_fault(value) is None) == is_id


def test_all_that_is_wrong_is_told_at_once_under_its_path() -> None:
    violations = Violations("events[3].")
    assert not violations.identifier("item_id", "")
    assert not violations.finite("unit_price", math.nan)
    assert violations.identifier("event_id", "e-1")
    with pytest.raises(InvalidArgumentError, match=r"events\[3\]\.item_id is empty; send .* \(and 1 more\)") as caught:
        violations.raise_if_any()
    assert [v.field for v in caught.value.violations] == ["events[3].item_id", "events[3].unit_price"]
    assert [v.reason for v in caught.value.violations] == ["ID_EMPTY", "NOT_FINITE"]
    assert caught.value.reason == "ID_EMPTY"


def test_nothing_wrong_raises_nothing() -> None:
    violations = Violations()
    violations.raise_if_any()
    assert not violations
    assert violations.found == ()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_is_finite(value: float) -> None:
    violations = Violations()
    assert not violations.finite("price", value, minimum=0)
    assert violations.found[0].reason == "NOT_FINITE"


@pytest.mark.parametrize(
    ("value", "minimum", "maximum", "advice"),
    [
        (-0.01, 0, None, "send at least 0"),
        (1.5, None, 1, "send at most 1"),
        (101, 1, 100, "send a number from 1 to 100"),
    ],
)
def test_a_number_outside_its_bounds_is_told_them(
    value: float, minimum: float | None, maximum: float | None, advice: str
) -> None:
    violations = Violations()
    assert not violations.finite("n", value, minimum, maximum)
    assert violations.found[0].description.endswith(advice)


@pytest.mark.parametrize("value", [0, -0.0, 1, 0.5])
def test_bounds_belong_to_the_range(value: float) -> None:
    assert Violations().finite("n", value, minimum=0, maximum=1)


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_what_is_required_is_missing_when_empty(value: object) -> None:
    violations = Violations()
    assert not violations.required("title", value)
    assert violations.found[0].reason == "FIELD_REQUIRED"


@pytest.mark.parametrize("value", [0, False, 0.0, "x", [None]])
def test_zero_is_not_missing(value: object) -> None:
    assert Violations().required("stock", value)


def test_a_list_over_its_limit_says_both_numbers() -> None:
    violations = Violations()
    assert violations.at_most("events", range(1000), 1000)
    assert not violations.at_most("events", range(1001), 1000, "send two requests")
    assert violations.found[0].description == "has 1001 elements, the limit is 1000; send two requests"


@pytest.mark.parametrize(("size", "reason"), [(0, "EMPTY_BATCH"), (4, "BATCH_TOO_LARGE")])
def test_batches_have_bounds(size: int, reason: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"^updates has \d elements; send 1 to 3 per call") as refused:
        check_batch("updates", range(size), 3)
    assert refused.value.reason == reason
    check_batch("updates", range(3), 3)
