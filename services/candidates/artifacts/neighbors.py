from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from services.candidates.arrays import gather
from services.candidates.artifacts.checked_arrays import ArtifactRefusedError, check_fit, read_array
from services.candidates.catalog.item_columns import ItemColumns


@dataclass(frozen=True, slots=True)
class Neighbors:
    """What goes with each item, as users' doings show: row i of `item_nos` has the stretch starts[i] to starts[i + 1]
    of `neighbors` (item numbers) and `similarities` (above 0), the best first, with the distinct users behind each in
    `supports`. `item_nos` is ascending.

    One form for three artifacts: what users take as well ("neighbors", at most 1), what they turn to next
    ("next_items"), and what they buy in one basket ("bought_together", logarithms of lifts).
    """

    ARTIFACT: ClassVar[str] = "neighbors"
    NEXT_ITEMS: ClassVar[str] = "next_items"
    BOUGHT_TOGETHER: ClassVar[str] = "bought_together"

    item_nos: NDArray[np.uint32]
    digests: NDArray[np.uint32]
    starts: NDArray[np.int64]
    neighbors: NDArray[np.uint32]
    similarities: NDArray[np.float32]
    supports: NDArray[np.uint32]

    def save(self, folder: Path) -> None:
        """Writes one .npy file per column."""
        for name in ("item_nos", "digests", "starts", "neighbors", "similarities", "supports"):
            np.save(folder / f"{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, folder: Path, columns: ItemColumns) -> "Neighbors":
        """Reads and checks them; raises ArtifactRefusedError."""
        loaded = cls.read(folder)
        check_fit(columns, loaded.item_nos, loaded.digests)
        loaded.check_shape()
        return loaded

    @classmethod
    def read(cls, folder: Path) -> "Neighbors":
        """Reads them; raises ArtifactRefusedError where that cannot be done. Whether they fit is not looked at."""
        return cls(
            item_nos=read_array(folder, "item_nos", np.uint32, 1),
            digests=read_array(folder, "digests", np.uint32, 1),
            starts=read_array(folder, "starts", np.int64, 1),
            neighbors=read_array(folder, "neighbors", np.uint32, 1),
            similarities=read_array(folder, "similarities", np.float32, 1),
            supports=read_array(folder, "supports", np.uint32, 1),
        )

    def check_shape(self) -> None:
        """Refuses columns that do not belong together."""
        starts, count = self.starts, len(self.neighbors)
        if (
            len(starts) != len(self.item_nos) + 1
            or starts[0] != 0
            or starts[-1] != count
            or (np.diff(starts) < 0).any()
        ):
            raise ArtifactRefusedError("its rows and its neighbors do not belong together")
        if len(self.similarities) != count or len(self.supports) != count or not count:
            raise ArtifactRefusedError(
                f"it has {len(self.similarities)} similarities and {len(self.supports)} supports for {count} neighbors"
            )
        if (np.diff(self.item_nos.astype(np.int64)) <= 0).any() or not np.isin(self.neighbors, self.item_nos).all():
            raise ArtifactRefusedError("its items are not in order, or it has neighbors that are not among them")

    def positions_of(
        self, item_nos: NDArray[np.uint32], minimum_users: int = 1
    ) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Returns where the neighbors of `item_nos` stand: of each its owner's place in `item_nos`, and its own.

        Only pairs with at least `minimum_users` users behind them: what is shown as going together needs more than what
        only adds to a sum.
        """
        places = np.minimum(np.searchsorted(self.item_nos, item_nos), len(self.item_nos) - 1)
        known = np.flatnonzero(self.item_nos[places] == item_nos)
        positions, lengths = gather(self.starts, places[known])
        owners = np.repeat(known, lengths)
        enough = self.supports[positions] >= minimum_users
        return owners[enough], positions[enough]
