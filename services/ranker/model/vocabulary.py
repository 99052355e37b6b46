from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The numbers that the model has vectors for, ascending; and how often each item was met, for the sampling."""

    item_nos: NDArray[np.int64]
    item_counts: NDArray[np.int64]
    category_nos: NDArray[np.int64]
    brand_nos: NDArray[np.int64]

    @classmethod
    def of(
        cls, item_nos: NDArray[Any], category_nos: NDArray[Any], brand_nos: NDArray[Any], minimum_item_events: int
    ) -> "Vocabulary":
        """Returns the vocabulary of a log: `item_nos` of its events, categories and brands of the items in them."""
        items, counts = np.unique(item_nos[item_nos > 0], return_counts=True)
        often = counts >= minimum_item_events
        return cls(
            item_nos=items[often].astype(np.int64),
            item_counts=counts[often].astype(np.int64),
            category_nos=np.unique(category_nos[category_nos > 0]).astype(np.int64),
            brand_nos=np.unique(brand_nos[brand_nos > 0]).astype(np.int64),
        )
