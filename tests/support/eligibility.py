from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.candidates.catalog.item_columns import ItemColumns
from services.candidates.catalog.item_mask import ItemMask
from services.candidates.eligibility import Eligibility


def those_of(mask: NDArray[np.bool_], excluded: Sequence[int] = (), *, filtered: bool = True) -> Eligibility:
    """Returns an eligibility that lets the items of the mask pass, except the excluded ones (ascending)."""
    columns = ItemColumns()
    columns.windowed = np.zeros(len(mask), np.bool_)
    return Eligibility(columns, ItemMask(mask), np.array(excluded, np.uint32), 0, filtered=filtered)
