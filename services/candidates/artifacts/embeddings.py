from pathlib import Path
from typing import ClassVar

import faiss
import numpy as np
from numpy.typing import NDArray

from services.candidates.artifacts.checked_arrays import ArtifactRefusedError, check_fit, read_array
from services.candidates.catalog.item_columns import ItemColumns
from services.candidates.eligibility import Eligibility
from services.candidates.vectors.row_filter import RowFilter, RowItems
from services.candidates.vectors.vector_index import vector_index


class Embeddings:
    """The behavior model's item vectors, searched by inner product: exactly, or in parts where there are many.

    `item_nos` uint32[n] ascending, `vectors` float32[n, d]; `model_version` says which user vectors they answer,
    `content_marks` uint32[n] (see `content_mark`; None: not known) what the items were.
    """

    ARTIFACT: ClassVar[str] = "embeddings"

    def __init__(
        self,
        item_nos: NDArray[np.uint32],
        vectors: NDArray[np.float32],
        model_version: str,
        content_marks: NDArray[np.uint32] | None = None,
    ) -> None:
        order = np.argsort(item_nos, kind="stable")
        self.item_nos = item_nos[order]
        self.vectors = np.ascontiguousarray(vectors[order])
        self.model_version = model_version
        self.content_marks = None if content_marks is None else content_marks[order]
        self._index = vector_index(self.vectors)
        self._row_items = RowItems(self.item_nos)

    @classmethod
    def load(cls, folder: Path, columns: ItemColumns, model_version: str) -> "Embeddings":
        """Reads and checks them; raises ArtifactRefusedError."""
        item_nos = read_array(folder, "item_nos", np.uint32, 1)
        vectors = read_array(folder, "vectors", np.float32, 2)
        marks = _optional(folder, "content_marks")
        check_fit(columns, item_nos, _optional(folder, "digests"))
        if len(vectors) != len(item_nos) or not vectors.shape[1]:
            raise ArtifactRefusedError(f"it has vectors {list(vectors.shape)} for {len(item_nos)} items")
        if not vectors.any():
            raise ArtifactRefusedError("all its vectors are zero")
        if marks is not None and len(marks) != len(item_nos):
            raise ArtifactRefusedError(f"it has {len(marks)} content marks for {len(item_nos)} items")
        return cls(item_nos, vectors, model_version, marks)

    @property
    def dimensions(self) -> int:
        """Numbers in a vector."""
        return int(self.vectors.shape[1])

    def rows_of(self, item_nos: NDArray[np.uint32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Returns the places in `item_nos` of those that have a vector, and their rows."""
        rows = np.minimum(np.searchsorted(self.item_nos, item_nos), len(self.item_nos) - 1)
        places = np.flatnonzero(self.item_nos[rows] == item_nos)
        return places, rows[places]

    def nearest(
        self,
        vector: NDArray[np.float32],
        count: int,
        eligibility: Eligibility | None = None,
        superseded: NDArray[np.uint8] | None = None,
    ) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """Returns the `count` items of the greatest inner product, the greatest first.

        With an `eligibility` only items that it lets pass, except for their availability windows, and none of the rows
        `superseded` uint8[n / 8], one bit per row.
        """
        allowed = None
        if eligibility is not None:
            allowed = RowFilter(self._row_items, eligibility, lambda item_nos: self.rows_of(item_nos)[1], superseded)
        faiss.omp_set_num_threads(1)  # as in `vector_index`; it belongs to the calling thread
        rows, scores = self._index.search(vector, count, allowed)
        return self.item_nos[rows], scores


def _optional(folder: Path, name: str) -> NDArray[np.uint32] | None:
    """Returns a column that vectors need not have."""
    return read_array(folder, name, np.uint32, 1) if (folder / f"{name}.npy").exists() else None
