from collections.abc import Sequence

import numpy as np

from services.homepage.pipeline.candidates import Candidates, Removal
from services.homepage.pipeline.stages import Filter
from services.homepage.query import Query


class DuplicateGroupFilter(Filter):
    """Keeps the best variant of each group, so that no product is on the page twice. It needs the values."""

    def filter(self, query: Query, candidates: Candidates) -> Sequence[Removal]:
        kept = np.flatnonzero(candidates.kept & (candidates.item_states.group_nos != 0))
        best_first = kept[np.argsort(-candidates.values[kept], kind="stable")]
        groups = candidates.item_states.group_nos[best_first]
        _, first = np.unique(groups, return_index=True)
        mask = np.zeros(len(candidates), np.bool_)
        mask[kept] = True
        mask[best_first[first]] = False
        return [Removal(mask, "VARIANT_OF_A_BETTER_ONE")]
