import asyncio

import numpy as np
from numpy.typing import NDArray

from services.candidates.content.content_index import SimilarItems
from services.candidates.content.feature_index import FeatureIndex
from services.candidates.eligibility import Eligibility
from services.candidates.vectors.blend import Part, blended, lengths
from services.candidates.vectors.named_vectors import NamedVectors
from services.candidates.vectors.vector_search import VectorSearch
from services.common.sorted_lookup import distinct


class EmbeddedSimilarity:
    """Finds alike items by their features and by their named vectors, each on its own, and compares them by both."""

    def __init__(self, features: FeatureIndex, vectors: NamedVectors) -> None:
        self._features = features
        self._vectors = vectors

    async def find(
        self, item_nos: NDArray[np.uint32], weights: NDArray[np.float64], count: int, eligibility: Eligibility
    ) -> SimilarItems:
        """Returns about `count` items for the features, and as many for the vectors of each name that the given items
        have; see ContentIndex.similar.
        """
        history = self._features.profiles(item_nos)
        used = [(one, rows) for one in self._vectors.used if (rows := one.block.units_of(item_nos)).any()]
        searching: asyncio.Future[NDArray[np.uint32]] | None = None
        if used:
            shares = weights / lengths(history.known, ((one.weight, rows) for one, rows in used)).clip(1e-9)
            wanted = [(one.block.search, (shares @ rows).astype(np.float32)) for one, rows in used]
            # Beside: it does without the interpreter's lock for most of its time.
            searching = asyncio.get_running_loop().run_in_executor(None, _nearest, wanted, count, eligibility)
        found = self._features.find(history, weights, count, eligibility.admits)
        if searching is not None:
            found = distinct(np.concatenate([found, await searching]))
        if not len(found):
            return SimilarItems.nothing(len(item_nos))
        cosines, known = self._features.cosines(found, history)
        parts = [Part(one.weight, one.block.units_of(found), rows) for one, rows in used]
        return SimilarItems(found, blended(cosines, known, history.known, parts))


def _nearest(
    wanted: list[tuple[VectorSearch, NDArray[np.float32]]], count: int, eligibility: Eligibility
) -> NDArray[np.uint32]:
    return np.concatenate([search.nearest(vector, count, eligibility) for search, vector in wanted])
