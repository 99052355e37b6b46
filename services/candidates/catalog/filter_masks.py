from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from services.candidates.catalog.attribute_terms import attribute_term
from services.candidates.catalog.item_columns import ItemColumns
from services.candidates.catalog.item_mask import ItemMask
from vitrine.common.v1.item_filter_pb2 import ItemFilter

# Items that are tested at a time: what is made for them stays in the processor's cache.
_CHUNK: Final = 65_536

Test: TypeAlias = Callable[[NDArray[np.integer]], NDArray[np.bool_]]


@dataclass(slots=True)
class _Kept:
    mask: ItemMask
    revision: int


class FilterMasks:
    """Turns an ItemFilter into the mask of the items that pass it.

    A mask is made once per filter, and kept: the pages of one category share theirs. When the catalog changes, only the
    changed items are tested again, so a request costs what changed, not what there is.
    """

    def __init__(self, columns: ItemColumns, kept: int = 64) -> None:
        self._columns = columns
        self._kept: LRUCache[bytes, _Kept] = LRUCache(kept)

    def mask(self, item_filter: ItemFilter) -> ItemMask:
        """Returns which items are eligible (except for their availability window) and pass the filter."""
        columns = self._columns
        if not item_filter.ByteSize():
            return columns.eligible
        key = item_filter.SerializeToString(deterministic=True)
        kept = self._kept.get(key)
        changed = None if kept is None else columns.changed_since(kept.revision)
        if kept is None or changed is None:
            kept = self._kept[key] = _Kept(self._made(item_filter), columns.revision)
        elif len(changed):
            kept.mask.grow(columns.capacity)
            passing = set(self._passing(item_filter, changed).tolist())
            for item_no in changed.tolist():
                kept.mask.set(item_no, item_no in passing)
            kept.revision = columns.revision
        return kept.mask

    def _made(self, item_filter: ItemFilter) -> ItemMask:
        allowed = np.zeros(self._columns.capacity, np.bool_)
        for start in range(0, len(allowed), _CHUNK):
            allowed[self._passing(item_filter, np.arange(start, min(start + _CHUNK, len(allowed))))] = True
        return ItemMask(allowed)

    def _passing(self, item_filter: ItemFilter, item_nos: NDArray[np.integer]) -> NDArray[np.integer]:
        item_nos = item_nos[self._columns.eligible.allowed[item_nos]]
        for passes in self._tests(item_filter):
            item_nos = item_nos[passes(item_nos)]
        return item_nos

    def _tests(self, item_filter: ItemFilter) -> Iterator[Test]:
        """Yields one test per part of the filter; an empty part doesn't restrict."""
        columns = self._columns
        if item_filter.categories:
            yield partial(columns.categories.any_of, [tuple(path.names) for path in item_filter.categories])
        # A comparison with NaN, the price of an item without one, is false: such an item doesn't pass.
        if item_filter.HasField("minimum_price"):
            yield lambda item_nos: columns.prices[item_nos] >= item_filter.minimum_price
        if item_filter.HasField("maximum_price"):
            yield lambda item_nos: columns.prices[item_nos] <= item_filter.maximum_price
        if item_filter.brands:
            yield partial(columns.brands.any_of, item_filter.brands)
        if item_filter.kinds:
            yield partial(columns.kinds.any_of, item_filter.kinds)
        if item_filter.creators:
            yield partial(columns.creators.any_of, item_filter.creators)
        for condition in item_filter.attributes:
            if condition.any_of:
                terms = [term for value in condition.any_of if (term := attribute_term(value)) is not None]
                column = columns.attributes.get(condition.name)
                yield _nothing_passes if column is None else partial(column.any_of, terms)


def _nothing_passes(item_nos: NDArray[np.integer]) -> NDArray[np.bool_]:
    return np.zeros(len(item_nos), np.bool_)
