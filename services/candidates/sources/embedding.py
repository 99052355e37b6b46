import asyncio
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from services.candidates.proposals import Proposals, best, nothing
from services.candidates.query import Query
from services.candidates.sources.inputs import Inputs
from services.candidates.vectors.item_vectors import ItemVectors

_HISTORY_ITEMS = 100


class Embedding:
    """Items whose vectors, as the behavior model gives them, point where the visitor's points. A new item has one from
    its content, soon after it came.

    The visitor's vector is the request's where it fits the loaded item vectors; else the mean of the vectors of the
    visitor's items by their weights. The model sees the history as a whole: no item of it is the evidence.
    """

    name: ClassVar[str] = "embedding"
    quota: ClassVar[int] = 150
    weight: ClassVar[float] = 1.2

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def unready(self) -> str:
        return "" if self._inputs.embeddings.value is not None else "no item vectors are loaded; run the training"

    def applies(self, query: Query) -> bool:
        return len(query.user_vector) > 0 or len(query.history.item_nos) > 0

    async def propose(self, query: Query, quota: int) -> Proposals:
        vectors = self._inputs.vectors
        if vectors is None:
            return nothing()
        misfit = _misfit(query, vectors) if len(query.user_vector) else ""
        given = len(query.user_vector) > 0 and not misfit
        vector = query.user_vector if given else self._mean(query, vectors)
        if vector is None:
            return nothing(misfit)
        # Most items may be proposed: twice the quota nearly always holds enough, and is found without a filter.
        item_nos, scores = (
            (np.zeros(0, np.uint32), np.zeros(0, np.float32))
            if query.eligibility.filtered
            else await asyncio.to_thread(vectors.nearest, vector, 2 * quota)
        )
        fit = query.eligibility.admits(item_nos)
        if np.count_nonzero(fit) < min(quota, vectors.most_items):
            item_nos, scores = await asyncio.to_thread(vectors.nearest, vector, 2 * quota, query.eligibility)
            fit = query.eligibility.admits(item_nos)
        made = best(item_nos[fit], scores[fit], quota)
        return Proposals(made.item_nos, made.scores, note=misfit)

    @staticmethod
    def _mean(query: Query, vectors: ItemVectors) -> NDArray[np.float32] | None:
        item_nos, weights = query.history.strongest(_HISTORY_ITEMS)
        places, own = vectors.of(item_nos)
        if not len(places):
            return None
        mean: NDArray[np.float32] = (weights[places] @ own / weights[places].sum()).astype(np.float32)
        return mean


def _misfit(query: Query, vectors: ItemVectors) -> str:
    """Returns why the request's vector cannot be used; empty: it can."""
    if query.user_vector_version != vectors.model_version:
        return (
            f"the user vector is of model {query.user_vector_version!r}, the item vectors of {vectors.model_version!r}"
        )
    if len(query.user_vector) != vectors.dimensions:
        return f"the user vector has {len(query.user_vector)} numbers, the item vectors {vectors.dimensions}"
    if not np.isfinite(query.user_vector).all() or not query.user_vector.any():
        return "the user vector is zero or not finite"
    return ""
