from collections.abc import Sequence

import numpy as np

from services.homepage.pipeline.candidates import Candidates, Removal
from services.homepage.pipeline.stages import Filter
from services.homepage.query import Query


class ExcludedItemFilter(Filter):
    """Removes items that the request leaves out."""

    def enable(self, query: Query) -> bool:
        return bool(query.excluded_item_nos)

    def filter(self, query: Query, candidates: Candidates) -> Sequence[Removal]:
        excluded = np.fromiter(query.excluded_item_nos, np.uint32, len(query.excluded_item_nos))
        return [Removal(np.isin(candidates.item_nos, excluded), "EXCLUDED_BY_REQUEST")]
