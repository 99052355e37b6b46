from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.item_columns import ItemColumns


@dataclass(frozen=True, slots=True)
class ItemVectors:
    """The vectors of all items, in columns: the greater the product of an item's vector (a row of `vectors`) with a
    user's, the likelier the item.

    `digests` are checksums of the ids, which tell another catalogue's numbers; `content_marks` say what the items were
    when they were encoded (see `content_mark`).
    """

    item_nos: NDArray[np.uint32]
    vectors: NDArray[np.float32]
    digests: NDArray[np.uint32]
    content_marks: NDArray[np.uint32]

    @classmethod
    def of(cls, items: ItemColumns, item_nos: NDArray[np.uint32], vectors: NDArray[np.float32]) -> "ItemVectors":
        """Returns the vectors of `item_nos` with what the columns say of them."""
        digests = items.id_marks[item_nos].astype(np.uint32)
        return cls(item_nos, vectors, digests, items.content_marks[item_nos])

    def save(self, folder: Path) -> None:
        """Writes one .npy file per column."""
        for name in ("item_nos", "vectors", "digests", "content_marks"):
            np.save(folder / f"{name}.npy", getattr(self, name))
