from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.item_columns import ItemColumns

_POWER: Final = 0.75
_UNIFORM_PART: Final = 0.5


class NegativeSampler:
    """Draws negatives for the retrieval head.

    One half by frequency (to the power 0.75), one half uniformly from the whole catalog: otherwise, an item without
    events would never be a negative.
    """

    def __init__(self, items: ItemColumns, past_item_nos: NDArray[np.int64], count: int, seed: int) -> None:
        self._known = items.known_item_nos().astype(np.int64)
        met = np.bincount(past_item_nos[past_item_nos > 0], minlength=items.capacity)[self._known] ** _POWER
        even = np.full(len(self._known), 1.0 / len(self._known))
        shares = _UNIFORM_PART * even + (1 - _UNIFORM_PART) * (met / met.sum() if met.any() else even)
        self._cumulative = np.cumsum(shares)
        self._count = count
        self._seed = seed
        self.begin_epoch(0)
        self.log_rates = np.full(items.capacity, np.log(shares.min() * count), np.float32)
        """ln of how often each item is expected in a sample, by item_no."""
        self.log_rates[self._known] = np.log(shares * count)

    def begin_epoch(self, epoch: int) -> None:
        """Draws from now on what belongs to this epoch."""
        self._random = np.random.default_rng((self._seed, epoch))

    def draw(self) -> NDArray[np.int64]:
        """Returns the numbers of a sample, repeats allowed."""
        places = np.searchsorted(self._cumulative, self._random.random(self._count) * self._cumulative[-1])
        drawn: NDArray[np.int64] = self._known[np.minimum(places, len(self._known) - 1)]
        return drawn
