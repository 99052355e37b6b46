from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.arrays import grown
from services.candidates.artifacts.embeddings import Embeddings
from services.candidates.catalog.item_columns import ItemColumns
from services.candidates.vectors.item_vectors import ItemVectors
from services.common.item_state import IN_CATALOG
from services.common.sorted_lookup import contained

MOST: Final = 100_000
"""Items that can be added to those of a training: every search looks at all of them, in about a millisecond."""


class NewItems:
    """Which items came or changed after the training of the loaded vectors, and the vectors that they have by now.

    It compares what the catalog says of each item (`ItemColumns.content_marks`) with what the item was when it was
    encoded. So it needs no queue: whatever the order, and however often an item changes, what differs is wanted.
    """

    def __init__(self, trained: Embeddings, columns: ItemColumns, most: int = MOST) -> None:
        self.trained = trained
        self._columns = columns
        self._most = most
        self._newer: Embeddings | None = None
        self._encoded_marks = np.zeros(columns.capacity, np.uint32)
        # Vectors that do not say what they were made of are taken to be of the items as they are.
        marks = trained.content_marks
        self._encoded_marks[trained.item_nos] = columns.content_marks[trained.item_nos] if marks is None else marks

    @property
    def vectors(self) -> ItemVectors:
        """The training's vectors, and the newer ones."""
        return ItemVectors(self.trained, self._newer)

    @property
    def newer_item_nos(self) -> NDArray[np.uint32]:
        """The items that have a newer vector, ascending."""
        return np.zeros(0, np.uint32) if self._newer is None else self._newer.item_nos

    def wanted(self) -> NDArray[np.uint32]:
        """Returns the items to be encoded: first those without any vector, of these the newest first."""
        columns = self._columns
        if len(self._encoded_marks) < columns.capacity:
            self._encoded_marks = grown(self._encoded_marks, columns.capacity)
        known = (columns.flags & IN_CATALOG) > 0
        item_nos = np.flatnonzero(known & (columns.content_marks != self._encoded_marks))[::-1].astype(np.uint32)
        changed = contained(item_nos, self.trained.item_nos)
        return np.concatenate([item_nos[~changed], item_nos[changed]])

    def admitted(self, wanted: NDArray[np.uint32], count: int) -> NDArray[np.uint32]:
        """Returns the first `count` of those that there is room for."""
        present = contained(wanted, self.newer_item_nos)
        # Deleted ones go with the next that comes.
        room = self._most - np.count_nonzero(self._columns.flags[self.newer_item_nos] & IN_CATALOG)
        return wanted[present | (np.cumsum(~present) <= room)][:count]

    def add(
        self,
        asked: NDArray[np.uint32],
        marks: NDArray[np.uint32],
        item_nos: NDArray[np.uint32],
        vectors: NDArray[np.float32],
    ) -> None:
        """Takes over the vectors (float32[n, d]) of `item_nos` uint32[n], of all those that were asked for; `marks`
        are what these were then. What was asked for and not answered is not wanted again until it changes.

        May run beside the event loop, one at a time.
        """
        known = (self._columns.flags[self.newer_item_nos] & IN_CATALOG) > 0
        self._encoded_marks[self.newer_item_nos[~known]] = 0  # gone; should it come back, it has no vector
        self._encoded_marks[asked] = marks
        if self._newer is not None:
            stays = known & ~np.isin(self._newer.item_nos, asked)
            item_nos = np.concatenate([self._newer.item_nos[stays], item_nos])
            vectors = np.concatenate([self._newer.vectors[stays], vectors])
        self._newer = Embeddings(item_nos, vectors, self.trained.model_version) if len(item_nos) else None
