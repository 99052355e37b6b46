from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.candidates.artifacts.checked_arrays import ArtifactRefusedError, check_fit, read_array
from services.candidates.catalog.item_columns import ItemColumns


@dataclass(frozen=True, slots=True)
class UserRatings:
    """What many users interacted with, without saying who they are: user v has the stretch starts[v] to starts[v + 1]
    of `items` (places in `item_nos`, ascending) and `ratings` (above 0). `item_nos` is ascending; `means` are the
    users'.
    """

    ARTIFACT: ClassVar[str] = "user_ratings"

    item_nos: NDArray[np.uint32]
    digests: NDArray[np.uint32]
    starts: NDArray[np.int64]
    items: NDArray[np.uint32]
    ratings: NDArray[np.float32]
    means: NDArray[np.float64] = field(init=False)
    user_starts: NDArray[np.int64] = field(init=False)
    """By place of an item: where its users begin in `users`."""
    users: NDArray[np.int32] = field(init=False)

    def __post_init__(self) -> None:
        shape = (len(self.starts) - 1, len(self.item_nos))
        by_user = sparse.csr_array((self.ratings, self.items, self.starts), shape)
        by_item = by_user.tocsc()
        counts = np.maximum(np.diff(self.starts), 1)
        object.__setattr__(self, "means", np.asarray(by_user.sum(axis=1), np.float64) / counts)
        object.__setattr__(self, "user_starts", by_item.indptr.astype(np.int64))
        object.__setattr__(self, "users", by_item.indices.astype(np.int32))

    def save(self, folder: Path) -> None:
        """Writes one .npy file per column."""
        for name in ("item_nos", "digests", "starts", "items", "ratings"):
            np.save(folder / f"{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, folder: Path, columns: ItemColumns) -> "UserRatings":
        """Reads and checks them; raises ArtifactRefusedError."""
        item_nos = read_array(folder, "item_nos", np.uint32, 1)
        digests = read_array(folder, "digests", np.uint32, 1)
        starts = read_array(folder, "starts", np.int64, 1)
        items = read_array(folder, "items", np.uint32, 1)
        ratings = read_array(folder, "ratings", np.float32, 1)
        check_fit(columns, item_nos, digests)
        if len(items) != len(ratings) or not len(items):
            raise ArtifactRefusedError(f"it has {len(ratings)} ratings for {len(items)} items of users")
        if len(starts) < 2 or starts[0] != 0 or starts[-1] != len(items) or (np.diff(starts) < 0).any():
            raise ArtifactRefusedError("its users and their items do not belong together")
        if int(items.max()) >= len(item_nos) or (ratings <= 0).any():
            raise ArtifactRefusedError("it has items that it does not name, or ratings that are not above 0")
        return cls(item_nos, digests, starts, items, ratings)
