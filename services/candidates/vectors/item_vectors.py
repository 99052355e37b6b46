import numpy as np
from numpy.typing import NDArray

from services.candidates.artifacts.embeddings import Embeddings
from services.candidates.eligibility import Eligibility
from services.common.sorted_lookup import contained


class ItemVectors:
    """The item vectors of one model: those of the training and, with precedence, those of items that came or changed
    since.
    """

    def __init__(self, trained: Embeddings, newer: Embeddings | None = None) -> None:
        self.trained = trained
        self.newer = newer
        self._superseded: NDArray[np.uint8] | None = None
        if newer is not None:
            older = np.zeros(len(trained.item_nos), np.bool_)
            older[trained.rows_of(newer.item_nos)[1]] = True
            self._superseded = np.packbits(older, bitorder="little")

    @property
    def model_version(self) -> str:
        """Which user vectors they answer."""
        return self.trained.model_version

    @property
    def dimensions(self) -> int:
        """Numbers in a vector."""
        return self.trained.dimensions

    @property
    def most_items(self) -> int:
        """Items that have a vector, at the most."""
        return len(self.trained.item_nos) + (0 if self.newer is None else len(self.newer.item_nos))

    def of(self, item_nos: NDArray[np.uint32]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Returns the places in `item_nos` of those that have a vector, ascending, and their vectors."""
        vectors = np.zeros((len(item_nos), self.dimensions), np.float32)
        found = np.zeros(len(item_nos), np.bool_)
        for part in (self.trained, self.newer):
            if part is not None:
                places, rows = part.rows_of(item_nos)
                vectors[places], found[places] = part.vectors[rows], True
        return np.flatnonzero(found), vectors[found]

    def nearest(
        self, vector: NDArray[np.float32], count: int, eligibility: Eligibility | None = None
    ) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """Returns the `count` items of the greatest inner product, the greatest first.

        With an `eligibility` only items that it lets pass, except for their availability windows. Without one a few
        less may be found: those with a newer vector are dropped from the trained ones.
        """
        newer = self.newer
        if newer is None:
            return self.trained.nearest(vector, count, eligibility)
        item_nos, scores = self.trained.nearest(vector, count, eligibility, self._superseded)
        stays = ~contained(item_nos, newer.item_nos)
        new_item_nos, new_scores = newer.nearest(vector, count, eligibility)
        item_nos, scores = np.concatenate([item_nos[stays], new_item_nos]), np.concatenate([scores[stays], new_scores])
        order = np.argsort(-scores, kind="stable")[:count]
        return item_nos[order], scores[order]
