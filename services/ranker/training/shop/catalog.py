from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.features.definitions.item_columns import ItemColumns as AffinityColumns
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.named_vectors import NO_VECTORS
from vitrine.features.v1.catalog_service_pb2 import CatalogChange
from vitrine.features.v1.item_pb2 import ItemKind

_PRODUCTS: Final = (ItemKind.ITEM_KIND_UNSPECIFIED, ItemKind.ITEM_KIND_PRODUCT)


class TrainingCatalog:
    """The catalog as it is now, as training needs it.

    It has no past: prices and categories are today's at every cut. So what changes often (reductions, stock) is no
    candidate feature, and an item counts as there from the time that it is available from.
    """

    def __init__(self, vectors: Mapping[str, int] = NO_VECTORS) -> None:
        self.items = ItemColumns(vectors)
        self.item_no_of: dict[str, int] = {}
        self._shown: set[int] = set()
        self._deepest: dict[int, int] = {}
        self._parents: dict[int, int] = {}

    def apply(self, changes: Sequence[CatalogChange]) -> None:
        """Takes changes over, in their order."""
        self.items.apply_catalog(changes)
        for change in changes:
            self.item_no_of[change.item_id] = change.item_no
            if _can_be_shown(change):
                self._shown.add(change.item_no)
            else:
                self._shown.discard(change.item_no)
            path = list(change.category_nos)
            self._deepest[change.item_no] = path[-1] if path else 0
            self._parents.update(zip(path, [0, *path], strict=False))

    def shown_item_nos(self) -> NDArray[np.int64]:
        """Returns the items that a page may show, ascending."""
        return np.array(sorted(self._shown), np.int64)

    def affinity_columns(self) -> AffinityColumns:
        """Returns the item fields that the feature definitions derive affinities from."""
        category_nos = np.zeros(self.items.capacity, np.uint32)
        parents = np.zeros(max(self._parents, default=0) + 1, np.uint32)
        category_nos[list(self._deepest)] = list(self._deepest.values())
        parents[list(self._parents)] = list(self._parents.values())
        return AffinityColumns(category_nos, self.items.brand_nos.astype(np.uint32), parents)


def _can_be_shown(change: CatalogChange) -> bool:
    item = change.item
    return change.HasField("item") and not item.hidden and (item.HasField("price") or item.kind not in _PRODUCTS)
