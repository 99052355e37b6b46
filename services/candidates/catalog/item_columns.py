import zlib
from collections import deque
from collections.abc import Iterable, Mapping
from itertools import chain, islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.arrays import capacity_for, grown
from services.candidates.catalog.attribute_terms import AttributeTerm, attribute_term, attribute_terms
from services.candidates.catalog.item_mask import ItemMask
from services.candidates.catalog.term_column import TermColumn
from services.common.content_mark import content_mark
from services.common.item_state import HAS_PRICE, HIDDEN, IN_CATALOG, IN_STOCK, REDUCED
from vitrine.features.v1.catalog_service_pb2 import CatalogChange
from vitrine.features.v1.item_pb2 import Item, ItemKind

_SHOWABLE: Final = IN_CATALOG | IN_STOCK | HAS_PRICE

# Read once: looking at an enum's members takes longer than what is asked of them.
_PRODUCT: Final = int(ItemKind.ITEM_KIND_PRODUCT)
_KIND_NAMES: Final[Mapping[int, str]] = {number: name.removeprefix("ITEM_KIND_") for name, number in ItemKind.items()}

# Changes whose items are remembered, for what keeps up with the catalog item by item.
_REMEMBERED_CHANGES: Final = 10_000

# Levels of the main category that are kept as numbers: the root and the deepest ones.
CATEGORY_LEVELS: Final = 4

CategoryTerm = tuple[str, ...]


class ItemColumns:
    """What candidates knows of every item, in columns by item_no, kept up to date by `apply`.

    All arrays have `capacity` rows; rows of unknown numbers are zero and hence not eligible. Times are Unix
    milliseconds, 0 for none. `revision` counts changes: what was computed from an older revision is stale;
    `content_revision` counts those of `content_marks` (see `content_mark`) and of which items there are.
    """

    def __init__(self) -> None:
        capacity = capacity_for(0)
        self.version = 0
        self.revision = 0
        self.content_revision = 0
        self.item_count = 0
        self.eligible_count = 0
        self.highest_item_no = 0
        self.eligible = ItemMask(np.zeros(capacity, np.bool_))
        self.flags: NDArray[np.uint8] = np.zeros(capacity, np.uint8)
        self.available_from: NDArray[np.int64] = np.zeros(capacity, np.int64)
        self.available_until: NDArray[np.int64] = np.zeros(capacity, np.int64)
        self.windowed: NDArray[np.bool_] = np.zeros(capacity, np.bool_)
        self.new_since: NDArray[np.int64] = np.zeros(capacity, np.int64)
        self.prices: NDArray[np.float64] = np.zeros(capacity, np.float64)
        self.discounts: NDArray[np.float32] = np.zeros(capacity, np.float32)
        self.group_nos: NDArray[np.uint32] = np.zeros(capacity, np.uint32)
        self.category_nos: NDArray[np.uint32] = np.zeros((capacity, CATEGORY_LEVELS), np.uint32)
        self.digests: NDArray[np.uint32] = np.zeros(capacity, np.uint32)
        self.content_marks: NDArray[np.uint32] = np.zeros(capacity, np.uint32)
        self.categories: TermColumn[tuple[CategoryTerm, ...]] = TermColumn(_prefixes)
        self.brands: TermColumn[str] = TermColumn(_itself)
        self.kinds: TermColumn[str] = TermColumn(_itself)
        self.creators: TermColumn[str] = TermColumn(_itself)
        self.topics: TermColumn[tuple[str, ...]] = TermColumn(tuple)
        self.attributes: dict[str, TermColumn[AttributeTerm]] = {}
        self._attribute_names: dict[int, tuple[str, ...]] = {}
        self._item_no_of: dict[str, int] = {}
        self._changed: deque[int] = deque(maxlen=_REMEMBERED_CHANGES)

    @property
    def capacity(self) -> int:
        """Rows of every column."""
        return len(self.flags)

    def item_no_of(self, item_id: str) -> int:
        """Returns the number of an item that is in the catalog; 0: there is none of that id."""
        item_no = self._item_no_of.get(item_id, 0)
        return item_no if self.knows(item_no) else 0

    def knows(self, item_no: int) -> bool:
        """Returns whether the item is in the catalog: upserted, and not deleted since."""
        return 0 < item_no < self.capacity and bool(self.flags[item_no] & IN_CATALOG)

    def apply(self, change: CatalogChange) -> None:
        """Takes one change over. The same change again changes nothing."""
        item_no = change.item_no
        if item_no >= self.capacity:
            self._grow(capacity_for(item_no))
        self.highest_item_no = max(self.highest_item_no, item_no)
        self._item_no_of[change.item_id] = item_no
        self.digests[item_no] = item_digest(change.item_id)
        known, eligible = bool(self.flags[item_no] & IN_CATALOG), bool(self.eligible.allowed[item_no])
        mark = int(self.content_marks[item_no])
        if change.HasField("item"):
            self._fill(item_no, change)
        else:
            self.flags[item_no] = 0
        flags = int(self.flags[item_no])
        self.eligible.set(item_no, is_eligible(flags))
        self.item_count += bool(flags & IN_CATALOG) - known
        self.eligible_count += int(self.eligible.allowed[item_no]) - eligible
        self.revision += 1
        self._changed.append(item_no)
        self.content_revision += bool(flags & IN_CATALOG) != known or int(self.content_marks[item_no]) != mark
        self.version = max(self.version, change.version)

    def changed_since(self, revision: int) -> NDArray[np.int64] | None:
        """Returns the items that changed after `revision`; None if that is too long ago to know."""
        count = self.revision - revision
        if count > len(self._changed):
            return None
        return np.unique(np.fromiter(islice(reversed(self._changed), count), np.int64, count))

    def _fill(self, item_no: int, change: CatalogChange) -> None:
        item = change.item
        flags = item_flags(item)
        self.flags[item_no] = flags
        self.content_marks[item_no] = content_mark(change)
        begin = item.available_from_time.ToMilliseconds() if item.HasField("available_from_time") else 0
        end = item.available_until_time.ToMilliseconds() if item.HasField("available_until_time") else 0
        self.available_from[item_no], self.available_until[item_no] = begin, end
        self.windowed[item_no] = begin or end
        self.new_since[item_no] = begin or change.create_time.ToMilliseconds()
        self.prices[item_no] = item.price if item.HasField("price") else np.nan
        self.discounts[item_no] = 1 - item.price / item.list_price if flags & REDUCED else 0
        self.group_nos[item_no] = change.group_no
        self.category_nos[item_no] = _levels(change.category_nos)
        paths = tuple([tuple(path.names) for path in item.category_paths])
        self.categories.set(item_no, paths or None)
        self.brands.set(item_no, item.brand or None)
        self.kinds.set(item_no, _KIND_NAMES[item.kind or _PRODUCT])
        self.creators.set(item_no, item.creator_id or None)
        self.topics.set(item_no, item_topics(item, paths) or None)
        self._set_attributes(item_no, item)

    def _set_attributes(self, item_no: int, item: Item) -> None:
        names = tuple(sorted(item.attributes)) if item.attributes else ()
        for name in set(self._attribute_names.get(item_no, ())).difference(names):
            self.attributes[name].set(item_no, None)
        for name in names:
            column = self.attributes.setdefault(name, TermColumn(attribute_terms))
            column.set(item_no, attribute_term(item.attributes[name]))
        if names:
            self._attribute_names[item_no] = names
        else:
            self._attribute_names.pop(item_no, None)

    def _grow(self, capacity: int) -> None:
        self.eligible.grow(capacity)
        self.flags = grown(self.flags, capacity)
        self.available_from = grown(self.available_from, capacity)
        self.available_until = grown(self.available_until, capacity)
        self.windowed = grown(self.windowed, capacity)
        self.new_since = grown(self.new_since, capacity)
        self.prices = grown(self.prices, capacity)
        self.discounts = grown(self.discounts, capacity)
        self.group_nos = grown(self.group_nos, capacity)
        self.category_nos = grown(self.category_nos, capacity)
        self.digests = grown(self.digests, capacity)
        self.content_marks = grown(self.content_marks, capacity)


def item_digest(item_id: str) -> int:
    """Returns a checksum (CRC-32) of an item's id: number and checksum together tell one catalog from another."""
    return zlib.crc32(item_id.encode())


def is_eligible(flags: int) -> bool:
    """Returns whether an item of these flags may be shown, but for its availability window."""
    return flags & (_SHOWABLE | HIDDEN) == _SHOWABLE


def item_flags(item: Item) -> int:
    """Returns the flags of an item that is in the catalog."""
    priced, flags = item.HasField("price"), IN_CATALOG
    if item.hidden:
        flags |= HIDDEN
    if not item.HasField("stock") or item.stock > 0:
        flags |= IN_STOCK
    if priced or (item.kind or _PRODUCT) != _PRODUCT:
        flags |= HAS_PRICE
    if priced and item.list_price > item.price:
        flags |= REDUCED
    return flags


def _levels(numbers: Iterable[int]) -> list[int]:
    path = list(numbers)
    kept = path if len(path) <= CATEGORY_LEVELS else [path[0], *path[1 - CATEGORY_LEVELS :]]
    return kept + [0] * (CATEGORY_LEVELS - len(kept))


def _prefixes(paths: tuple[CategoryTerm, ...]) -> set[CategoryTerm]:
    return {path[:depth] for path in paths for depth in range(1, len(path) + 1)}


def _itself(value: str) -> tuple[str]:
    return (value,)


_ATTRIBUTES: Final = ("tag", "tags", "topic", "topics")


def item_topics(item: Item, paths: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """Returns what a follower of topics finds the item by: names of its category `paths`, its tags and its topics."""
    topics = set(chain.from_iterable(paths))
    if attributes := item.attributes:
        for name in _ATTRIBUTES:
            if name in attributes:
                value = attributes[name]
                topics.update(value.texts.values)
                if value.text:
                    topics.add(value.text)
    return tuple(sorted(topics))
