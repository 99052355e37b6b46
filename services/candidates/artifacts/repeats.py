from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from services.candidates.artifacts.checked_arrays import ArtifactRefusedError, check_fit, read_array
from services.candidates.catalog.item_columns import ItemColumns


@dataclass(frozen=True, slots=True)
class Repeats:
    """How each item is bought again, in columns; `item_nos` is ascending.

    `intervals` are the usual days between two purchases of one user, `rates` the part of the buyers who bought it more
    than once, both smoothed towards the shop's; `supports` the buyers.
    """

    ARTIFACT: ClassVar[str] = "repeats"

    item_nos: NDArray[np.uint32]
    digests: NDArray[np.uint32]
    intervals: NDArray[np.float32]
    rates: NDArray[np.float32]
    supports: NDArray[np.uint32]
    usual_interval: float = field(init=False)
    usual_rate: float = field(init=False)

    def __post_init__(self) -> None:
        # Of all items, so once and not for every request.
        object.__setattr__(self, "usual_interval", float(np.median(self.intervals)))
        object.__setattr__(self, "usual_rate", float(np.median(self.rates)))

    def save(self, folder: Path) -> None:
        """Writes one .npy file per column."""
        for name in ("item_nos", "digests", "intervals", "rates", "supports"):
            np.save(folder / f"{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, folder: Path, columns: ItemColumns) -> "Repeats":
        """Reads and checks them; raises ArtifactRefusedError."""
        loaded = cls(
            item_nos=read_array(folder, "item_nos", np.uint32, 1),
            digests=read_array(folder, "digests", np.uint32, 1),
            intervals=read_array(folder, "intervals", np.float32, 1),
            rates=read_array(folder, "rates", np.float32, 1),
            supports=read_array(folder, "supports", np.uint32, 1),
        )
        check_fit(columns, loaded.item_nos, loaded.digests)
        if not len(loaded.item_nos) == len(loaded.intervals) == len(loaded.rates) == len(loaded.supports):
            raise ArtifactRefusedError("its columns are of different lengths")
        if (np.diff(loaded.item_nos.astype(np.int64)) <= 0).any() or (loaded.intervals <= 0).any():
            raise ArtifactRefusedError("its items are not in order, or it has intervals that are not above 0")
        return loaded

    def of(self, item_nos: NDArray[np.uint32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns interval in days and rate of each item; those of the middle item where one is not known."""
        places = np.minimum(np.searchsorted(self.item_nos, item_nos), len(self.item_nos) - 1)
        known = self.item_nos[places] == item_nos
        intervals = np.where(known, self.intervals[places], self.usual_interval)
        rates = np.where(known, self.rates[places], self.usual_rate)
        return intervals.astype(np.float64), rates.astype(np.float64)
