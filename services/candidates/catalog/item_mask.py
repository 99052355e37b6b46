import numpy as np
from numpy.typing import NDArray

from services.candidates.arrays import grown


class ItemMask:
    """Which items pass, by item_no: as `allowed` bool[capacity], and packed as `bits` uint8[capacity / 8], the lowest
    bit first, which is what a vector index reads.

    It's kept up to date in place: a search in another thread may see a change halfway through, never a torn value.
    """

    def __init__(self, allowed: NDArray[np.bool_]) -> None:
        self.allowed = allowed
        self.bits: NDArray[np.uint8] = np.packbits(allowed, bitorder="little")

    def set(self, item_no: int, value: bool) -> None:
        """Lets one item pass, or not."""
        if self.allowed[item_no] != value:
            self.allowed[item_no] = value
            self.bits[item_no >> 3] ^= 1 << (item_no & 7)

    def grow(self, capacity: int) -> None:
        """Makes room for `capacity` items; new ones don't pass."""
        if capacity > len(self.allowed):
            self.allowed, self.bits = grown(self.allowed, capacity), grown(self.bits, -(-capacity // 8))

    def passes(self, item_nos: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Returns for each item whether it passes; numbers beyond the capacity don't."""
        allowed = self.allowed
        inside = item_nos < len(allowed)
        return allowed[np.where(inside, item_nos, 0)] & inside
