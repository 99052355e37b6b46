from collections.abc import Sequence

import numpy as np

from services.homepage.clients.columns import column
from services.homepage.layouts.layout import ShelfDefinition
from services.homepage.pipeline.candidates import Candidates, Mask, Numbers
from services.homepage.pipeline.stages import Draft, Selector
from services.homepage.query import Query
from services.homepage.selectors.ranking import by_value
from vitrine.homepage.v1 import reason_pb2


class CategorySelector(Selector):
    """Top picks in the visitor's favorite categories or, for unknown visitors, in the most promising ones."""

    def enable(self, query: Query) -> bool:
        return bool(query.categories.categories)

    def select(
        self, query: Query, candidates: Candidates, available: Mask, definition: ShelfDefinition
    ) -> Sequence[Draft]:
        shelf_nos = query.categories.shelf_categories(candidates.item_states.category_nos)
        numbers, inverse, counts = np.unique(shelf_nos[available], return_inverse=True, return_counts=True)
        enough = (counts >= definition.minimum_cards) & (numbers > 0)
        if not enough.any():
            return []
        promise = np.bincount(inverse.ravel(), candidates.fused_scores[available], minlength=len(numbers))
        affinity = _affinities(query, numbers)
        order = [place for place in np.lexsort((-promise, -affinity)) if enough[place]]
        drafts: list[Draft] = []
        for place in order[: definition.count]:
            number = int(numbers[place])
            kind = (
                reason_pb2.REASON_KIND_YOUR_CATEGORY
                if affinity[place] > 0
                else reason_pb2.REASON_KIND_POPULAR_IN_CATEGORY
            )
            ranked = by_value(candidates, (shelf_nos == number) & available)
            drafts.append(Draft(ranked, reason_kind=kind, category_path=query.categories.path(number)))
        return drafts


def _affinities(query: Query, category_nos: Numbers) -> np.ndarray:
    """Returns the visitor's affinity to each category, shape (n,); 0 if there is none."""
    affinities = query.user.category_affinities if query.personal else None
    if affinities is None or not affinities.nos:
        return np.zeros(len(category_nos), np.float32)
    known = dict(zip(affinities.nos, affinities.weights, strict=True))
    return column([known.get(number, 0.0) for number in category_nos.tolist()], np.float32)
