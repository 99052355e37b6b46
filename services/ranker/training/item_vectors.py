from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.tensors import encode_item_inputs

if TYPE_CHECKING:
    from services.ranker.model.behavior_model import BehaviorModel


@dataclass(frozen=True, slots=True)
class ItemVectors:
    """The vectors of all items, in columns: the greater the product of an item's vector (a row of `vectors`) with a
    user's, the likelier the item.

    `digests` are checksums of the ids, which tell another catalog's numbers; `content_marks` say what the items were
    when they were encoded (see `content_mark`).
    """

    item_nos: NDArray[np.uint32]
    vectors: NDArray[np.float32]
    digests: NDArray[np.uint32]
    content_marks: NDArray[np.uint32]

    @classmethod
    def of(cls, model: "BehaviorModel", items: ItemColumns) -> "ItemVectors":
        """Returns the model's vectors of all items that the columns know."""
        from services.ranker.model.export import encode_items

        item_nos = items.known_item_nos()
        vectors = encode_items(model, encode_item_inputs(items, item_nos))
        return cls(item_nos, vectors, items.id_marks[item_nos].astype(np.uint32), items.content_marks[item_nos])

    def save(self, folder: Path) -> None:
        """Writes one .npy file per column."""
        for name in ("item_nos", "vectors", "digests", "content_marks"):
            np.save(folder / f"{name}.npy", getattr(self, name))
