"""Every bound that vitrine/features/v1/item.proto states, checked on an item as it would be stored."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from services.common.errors import FieldViolation
from services.common.iso_4217 import currency_codes
from services.common.timestamps import in_range
from services.common.validation import identifier_fault, is_visible
from services.features.store.attributes import attributes_fault
from vitrine.features.v1.item_pb2 import Item, ItemKind

MAXIMUM_PRICE: Final = 1e12
MAXIMUM_STOCK: Final = 10**15
MAXIMUM_PATHS: Final = 16
MAXIMUM_DEPTH: Final = 16
MAXIMUM_VECTORS: Final = 8
MAXIMUM_DIMENSIONS: Final = 4_096
MAXIMUM_BADGES: Final = 8
MAXIMUM_AGE: Final = 150

MAXIMUM_BYTES: Final = {"description": 65_536, "url": 4_096, "image_url": 4_096}
AMOUNTS: Final = (("price", 0.0), ("list_price", 0.0), ("margin", -MAXIMUM_PRICE))
"""What is in the currency of the shop, and its least value."""

OPTIONAL_IDS: Final = ("group_id", "creator_id", "brand")


def item_fault(item: Item, prefix: str) -> FieldViolation | None:
    """Returns the first thing that makes an item unfit for the catalog, or None; `prefix` is its path, with a dot."""
    for check in _CHECKS:
        if fault := check(item):
            return FieldViolation(prefix + fault.field, fault.description, fault.reason)
    return None


def settle_zeros(item: Item) -> None:
    """Makes 0 of -0, which reads as a negative price wherever it is printed."""
    for name, _ in AMOUNTS:
        if getattr(item, name) == 0.0 and item.HasField(name):  # type: ignore[arg-type]  # the stubs want literal names
            setattr(item, name, 0.0)


def _texts(item: Item) -> FieldViolation | None:
    if not item.title:
        return FieldViolation("title", "is missing; a new item needs a title of 1 to 1,024 bytes", "TITLE_REQUIRED")
    if not is_visible(item.title):
        return FieldViolation("title", "has nothing that can be seen; send a name as it is shown", "TITLE_INVISIBLE")
    if len(item.title) > 256 and len(item.title.encode()) > 1_024:
        return FieldViolation("title", "is longer than 1,024 bytes; shorten it", "TITLE_TOO_LONG")
    for name in OPTIONAL_IDS:
        if (value := getattr(item, name)) and (fault := identifier_fault(value)):
            return FieldViolation(name, fault[1], f"{name.upper()}_INVALID")
    for name, limit in MAXIMUM_BYTES.items():
        value = getattr(item, name)
        if len(value) > limit // 4 and len(value.encode()) > limit:
            return FieldViolation(name, f"is longer than {limit:,} bytes; shorten it", f"{name.upper()}_TOO_LONG")
    if len(item.badges) > MAXIMUM_BADGES or any(identifier_fault(badge) for badge in item.badges):
        return FieldViolation("badges", "has over 8 marks, or one that is not 1 to 256 bytes", "BADGES_INVALID")
    return None


def _kind(item: Item) -> FieldViolation | None:
    if item.kind not in ItemKind.values():
        return FieldViolation("kind", f"is {item.kind}, which is no kind; see ItemKind", "KIND_UNKNOWN")
    return None


def _categories(item: Item) -> FieldViolation | None:
    paths = item.category_paths
    if not paths:
        return FieldViolation("category_paths", "is empty; a new item needs at least one category", "CATEGORY_REQUIRED")
    if len(paths) > MAXIMUM_PATHS:
        return FieldViolation("category_paths", f"has {len(paths)} paths; send at most 16", "TOO_MANY_CATEGORIES")
    for place, path in enumerate(paths):
        if not 1 <= len(path.names) <= MAXIMUM_DEPTH:
            return FieldViolation(
                f"category_paths[{place}]", f"is {len(path.names)} deep; send 1 to 16 names", "CATEGORY_DEPTH"
            )
        for depth, name in enumerate(path.names):
            if fault := identifier_fault(name):
                return FieldViolation(f"category_paths[{place}].names[{depth}]", fault[1], "CATEGORY_NAME_INVALID")
            if not is_visible(name):
                return FieldViolation(
                    f"category_paths[{place}].names[{depth}]",
                    "has nothing that can be seen; send the name as it is shown",
                    "CATEGORY_NAME_INVALID",
                )
        if step := _repeated_step(path.names):
            return FieldViolation(
                f"category_paths[{place}]",
                f"goes round in a circle: it steps from {step!r} to the same name twice; mend the category's parents",
                "CATEGORY_CYCLE",
            )
    return None


def _repeated_step(names: Sequence[str]) -> str | None:
    """Returns where a path takes the same step, from one name to the next, a second time; None: nowhere.

    A tree of paths has no circles; a shop's tree of parents that has one comes as such a path. A name below itself is
    none: shops fill up levels that way.
    """
    taken = set()
    for step in pairwise(names):
        if step in taken and step[0] != step[1]:
            return step[0]
        taken.add(step)
    return None


def _prices(item: Item) -> FieldViolation | None:
    for name, lowest in AMOUNTS:
        if not item.HasField(name):  # type: ignore[arg-type]  # the stubs want literal names
            continue
        value: float = getattr(item, name)
        if not math.isfinite(value):
            return FieldViolation(
                name, f"is {value}; send a finite number, or leave it out", f"{name.upper()}_NOT_FINITE"
            )
        if not lowest <= value <= MAXIMUM_PRICE:
            return FieldViolation(name, f"is {value:g}; send {lowest:g} to 1e12", f"{name.upper()}_OUT_OF_RANGE")
    code = item.currency_code
    if code and code not in currency_codes():
        return FieldViolation(
            "currency_code",
            f"is {code[:8]!r}, which isn't an ISO 4217 code; send one, such as EUR",
            "CURRENCY_INVALID",
        )
    return None


def _limits(item: Item) -> FieldViolation | None:
    if not 0 <= item.stock <= MAXIMUM_STOCK:
        return FieldViolation("stock", f"is {item.stock}; send 0 to 1e15, or leave it out", "STOCK_OUT_OF_RANGE")
    if not 0 <= item.minimum_age <= MAXIMUM_AGE:
        return FieldViolation("minimum_age", f"is {item.minimum_age}; send 0 to 150 years", "MINIMUM_AGE_OUT_OF_RANGE")
    return None


def _window(item: Item) -> FieldViolation | None:
    begins, ends = item.available_from_time, item.available_until_time
    for name, time in (("available_from_time", begins), ("available_until_time", ends)):
        if not in_range(time):
            return FieldViolation(name, "is not a time between the years 1 and 9999; send UTC", "TIME_OUT_OF_RANGE")
    bounded = item.HasField("available_from_time") and item.HasField("available_until_time")
    if bounded and (ends.seconds, ends.nanos) <= (begins.seconds, begins.nanos):
        return FieldViolation(
            "available_until_time", "is not after available_from_time; swap or correct them", "WINDOW_EMPTY"
        )
    return None


def _vectors(item: Item) -> FieldViolation | None:
    if len(item.vectors) > MAXIMUM_VECTORS:
        return FieldViolation("vectors", f"has {len(item.vectors)} vectors; send at most 8", "TOO_MANY_VECTORS")
    for name, vector in item.vectors.items():
        if fault := identifier_fault(name):
            return FieldViolation("vectors", f"has a name that {fault[1]}", "VECTOR_NAME_INVALID")
        if not 1 <= len(vector.values) <= MAXIMUM_DIMENSIONS:
            return FieldViolation(
                f"vectors.{name}", f"has {len(vector.values)} numbers; send 1 to 4,096", "VECTOR_LENGTH"
            )
        if not all(map(math.isfinite, vector.values)):
            return FieldViolation(f"vectors.{name}", "holds NaN or infinity; send finite numbers", "VECTOR_NOT_FINITE")
    return None


def _attributes(item: Item) -> FieldViolation | None:
    return attributes_fault("attributes", item.attributes) if item.attributes else None


_CHECKS: Final[tuple[Callable[[Item], FieldViolation | None], ...]] = (
    _texts,
    _kind,
    _categories,
    _prices,
    _limits,
    _window,
    _vectors,
    _attributes,
)
