from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from services.candidates.catalog.attribute_terms import attribute_term
from services.candidates.catalog.item_columns import ItemColumns
from vitrine.common.v1.item_filter_pb2 import AttributeFilter, ItemFilter


class FilterMasks:
    """Turns an ItemFilter into the mask of the items that pass it.

    Masks are kept by filter until the catalog changes: the pages of one category share theirs. Without a filter the
    catalog's own mask is returned and nothing is computed.
    """

    def __init__(self, columns: ItemColumns, kept: int = 64) -> None:
        self._columns = columns
        self._kept = kept
        self._masks: OrderedDict[bytes, tuple[int, NDArray[np.bool_]]] = OrderedDict()

    def mask(self, item_filter: ItemFilter) -> NDArray[np.bool_]:
        """Returns bool[capacity]: the item is eligible (but for its availability window) and passes the filter."""
        if not item_filter.ByteSize():
            return self._columns.eligible
        key = item_filter.SerializeToString(deterministic=True)
        known = self._masks.get(key)
        if known is not None and known[0] == self._columns.revision:
            self._masks.move_to_end(key)
            return known[1]
        mask = self._compute(item_filter)
        self._masks[key] = (self._columns.revision, mask)
        self._masks.move_to_end(key)
        while len(self._masks) > self._kept:
            self._masks.popitem(last=False)
        return mask

    def _compute(self, item_filter: ItemFilter) -> NDArray[np.bool_]:
        columns = self._columns
        mask = columns.eligible.copy()
        if item_filter.categories:
            mask &= columns.categories.holds((tuple(path.names) for path in item_filter.categories), columns.capacity)
        # A comparison with NaN, the price of an item without one, is false: such an item does not pass.
        if item_filter.HasField("minimum_price"):
            mask &= columns.prices >= item_filter.minimum_price
        if item_filter.HasField("maximum_price"):
            mask &= columns.prices <= item_filter.maximum_price
        if item_filter.brands:
            mask &= columns.brands.holds(item_filter.brands, columns.capacity)
        if item_filter.kinds:
            mask &= columns.kinds.holds(item_filter.kinds, columns.capacity)
        if item_filter.creators:
            mask &= columns.creators.holds(item_filter.creators, columns.capacity)
        for condition in item_filter.attributes:
            if condition.any_of:  # an empty part does not restrict
                mask &= self._attribute(condition)
        return mask

    def _attribute(self, condition: AttributeFilter) -> NDArray[np.bool_]:
        column = self._columns.attributes.get(condition.name)
        if column is None:
            return np.zeros(self._columns.capacity, np.bool_)
        terms = (attribute_term(value) for value in condition.any_of)
        return column.holds([term for term in terms if term is not None], self._columns.capacity)
