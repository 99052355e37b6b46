"""The bounds of homepage_service.proto."""

import math
import unicodedata
from collections.abc import Mapping
from typing import Final

from services.common.validation import Violations
from vitrine.common.v1.item_filter_pb2 import ItemFilter
from vitrine.features.v1.item_pb2 import ItemKind

MAX_SHELVES: Final = 30
MAX_CARDS: Final = 60
MAX_EXCLUDED: Final = 1000
_MAX_CONTEXT: Final = 32
_MAX_KEY_BYTES: Final = 64
_MAX_TEXT_BYTES: Final = 1024
_MAX_FILTER_VALUES: Final = 100
_MAX_DEPTH: Final = 16
_KINDS: Final = tuple(name.removeprefix("ITEM_KIND_") for name, number in ItemKind.items() if number)


def check_context(violations: Violations, context: Mapping[str, str]) -> None:
    """Checks the visit's attributes."""
    if len(context) > _MAX_CONTEXT:
        violations.add(
            "context", f"has {len(context)} keys; send at most {_MAX_CONTEXT}, the ones that matter", reason="TOO_MANY"
        )
        return
    for key, value in context.items():
        if not 1 <= len(key.encode()) <= _MAX_KEY_BYTES:
            shown = key[:16]
            violations.add(
                f"context[{shown!r}]", f"has a key of {len(key.encode())} bytes; send 1 to 64", reason="TOO_LONG"
            )
        if len(value.encode()) > _MAX_TEXT_BYTES:
            violations.add(
                f"context[{key[:16]!r}]", f"has {len(value.encode())} bytes; send at most 1,024", reason="TOO_LONG"
            )


def check_filter(violations: Violations, wanted: ItemFilter) -> None:
    """Checks an item filter under the field `filter`."""
    _check_prices(violations, wanted)
    for name in ("categories", "attributes", "brands", "kinds", "creators"):
        violations.at_most(f"filter.{name}", getattr(wanted, name), _MAX_FILTER_VALUES, "send fewer")
    _check_categories(violations, wanted)
    _check_attributes(violations, wanted)
    for name in ("brands", "creators"):
        for index, text in enumerate(getattr(wanted, name)):
            _check_text(violations, f"filter.{name}[{index}]", text)
    for index, kind in enumerate(wanted.kinds):
        if kind not in _KINDS:
            known = ", ".join(_KINDS)
            violations.add(
                f"filter.kinds[{index}]", f"isn't a kind of item; send one of {known}", reason="UNKNOWN_KIND"
            )


def _check_categories(violations: Violations, wanted: ItemFilter) -> None:
    for index, path in enumerate(wanted.categories):
        field = f"filter.categories[{index}]"
        if not 1 <= len(path.names) <= _MAX_DEPTH:
            violations.add(
                field, f"has {len(path.names)} names; send the path from the root, 1 to 16", reason="BAD_PATH"
            )
        for place, name in enumerate(path.names):
            _check_text(violations, f"{field}.names[{place}]", name)


def _check_attributes(violations: Violations, wanted: ItemFilter) -> None:
    for index, condition in enumerate(wanted.attributes):
        field = f"filter.attributes[{index}]"
        _check_text(violations, f"{field}.name", condition.name, _MAX_KEY_BYTES)
        violations.required(f"{field}.any_of", condition.any_of, "send one value or more")
        violations.at_most(f"{field}.any_of", condition.any_of, _MAX_FILTER_VALUES, "send fewer")
        for place, value in enumerate(condition.any_of):
            if value.WhichOneof("value") is None:
                violations.add(
                    f"{field}.any_of[{place}]", "has no value; set text, number or flag", reason="FIELD_REQUIRED"
                )
            elif value.WhichOneof("value") == "number":
                violations.finite(f"{field}.any_of[{place}].number", value.number)


def _check_prices(violations: Violations, wanted: ItemFilter) -> None:
    prices = {name: getattr(wanted, name) for name in ("minimum_price", "maximum_price") if wanted.HasField(name)}
    for name, price in prices.items():
        violations.finite(f"filter.{name}", price, 0.0)
    if len(prices) == 2 and all(map(math.isfinite, prices.values())) and wanted.minimum_price > wanted.maximum_price:
        violations.add(
            "filter.minimum_price",
            f"is {wanted.minimum_price:g} above maximum_price, {wanted.maximum_price:g}; swap the two",
            reason="EMPTY_RANGE",
        )


def _check_text(violations: Violations, field: str, text: str, limit: int = _MAX_TEXT_BYTES) -> None:
    if not text:
        violations.add(field, "is empty; send a name, or omit it", reason="FIELD_REQUIRED")
    elif len(text.encode()) > limit:
        violations.add(field, f"has {len(text.encode())} bytes; send at most {limit}", reason="TOO_LONG")
    elif any(unicodedata.category(character) == "Cc" for character in text):
        violations.add(field, "contains a control character; send the name without it", reason="CONTROL_CHARACTER")
